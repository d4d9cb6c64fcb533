//! Runs: how one begins, is found again, goes on and ends.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{input::PROGRAM, wall::UnixMillis};

use super::tally::Counts;

/// Names a run: `20261123-101500-k3f9`, UTC and four random characters. Sorts by time and is fit for a file name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunId(Box<str>);

impl RunId {
    /// Without `0`, `1`, `l` and `o`, which look like each other.
    const ALPHABET: &'static [u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

    /// Names a run that begins now; 20 bits of `random` tell runs of one second apart.
    pub fn new(now: UnixMillis, random: u32) -> Self {
        let moment = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
        let mut name = moment.strftime("%Y%m%d-%H%M%S-").to_string();
        for place in 0..4 {
            let index = (random >> (5 * place)) & 31;
            name.push(char::from(Self::ALPHABET[index as usize]));
        }
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that cannot be (the beginning of) a run's ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no run ID: those are made of lower-case letters, digits and hyphens, such as 20261123-101500-k3f9"
)]
pub struct NotARunId(Box<str>);

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(fit) {
            return Err(NotARunId(text.chars().take(64).collect()));
        }
        Ok(Self(text.into()))
    }
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Entered, and its user not asked yet, or not willing: it called nobody and can't be resumed.
    Unconfirmed,
    /// Under way; or its process was killed, which only the app's lock can tell.
    Running,
    /// Every record has its outcome.
    Finished,
    /// Stopped by trouble, or as asked, with work left.
    Stopped,
    /// Stopped by a signal.
    Interrupted,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Unconfirmed,
        Self::Running,
        Self::Finished,
        Self::Stopped,
        Self::Interrupted,
    ];

    /// The name in summaries and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One of a run's inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As reports show it: the file's name, or `stdin`.
    pub name: Arc<str>,
    /// Where a resume reads it again, absolute; none for stdin.
    pub path: Option<PathBuf>,
}

/// The process that works on a run, and how it was told to.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// When it began.
    pub started_at: UnixMillis,
    /// Its options, without secrets, as a JSON object.
    pub options: serde_json::Value,
    /// The program's version.
    pub version: String,
    /// The host's name.
    pub host: String,
    /// Its process ID.
    pub pid: u32,
}

impl Session {
    /// This process, from now on.
    pub fn here(options: serde_json::Value) -> Self {
        Self {
            started_at: UnixMillis::now(),
            options,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host_name(),
            pid: std::process::id(),
        }
    }
}

/// The host's name, for those who look at the ledger later.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// A run that is about to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its name.
    pub run_id: RunId,
    /// The app.
    pub sdkappid: u64,
    /// Where the app lives: scheme and host.
    pub endpoint: String,
    /// The admin account.
    pub identifier: String,
    /// What it reads, in order.
    pub inputs: Vec<Input>,
    /// Whether calls may follow at once; else after [`RunLedger::confirm`](super::RunLedger::confirm).
    pub confirmed: bool,
    /// The process.
    pub session: Session,
}

impl NewRun {
    /// A run of a program that hands over its IDs itself, agreed to already: calls may follow at once.
    pub fn of_program(sdkappid: u64, endpoint: &str, identifier: &str) -> Self {
        Self {
            run_id: RunId::new(UnixMillis::now(), rand::random()),
            sdkappid,
            endpoint: endpoint.to_owned(),
            identifier: identifier.to_owned(),
            inputs: vec![Input {
                name: PROGRAM.into(),
                path: None,
            }],
            confirmed: true,
            session: Session::here(serde_json::Value::Object(serde_json::Map::default())),
        }
    }
}

/// A run as the ledger knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// Its number in the file.
    pub(super) key: i64,
    /// Its name.
    pub run_id: RunId,
    /// The app.
    pub sdkappid: u64,
    /// Where the app lives.
    pub endpoint: String,
    /// The admin account.
    pub identifier: String,
    /// What it read, in order.
    pub inputs: Vec<Input>,
    /// When the run began.
    pub started_at: UnixMillis,
    /// The newest process that worked on it.
    pub session: Session,
    /// When it ended; none while it runs, or if its process was killed.
    pub finished_at: Option<UnixMillis>,
    /// How far it got.
    pub status: Status,
    /// Why it stopped.
    pub stop_reason: Option<String>,
    /// How its last process ended.
    pub exit_code: Option<u8>,
    /// Whether every record of the input is in the ledger.
    pub input_complete: bool,
    /// What it came to.
    pub counts: Counts,
}

/// How a run ends, for now or for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// How far it got.
    pub status: Status,
    /// Why it stopped, if it did.
    pub stop_reason: Option<String>,
    /// What the process will exit with.
    pub exit_code: u8,
    /// Whether every record of the input is in the ledger.
    pub input_complete: bool,
    /// When.
    pub finished_at: UnixMillis,
}

/// There is no one run of a given name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchRun {
    /// None begins like that.
    #[error("the ledger knows no run {wanted:?}; `disband-batch runs` lists those it knows")]
    Unknown {
        /// What was asked for.
        wanted: Box<str>,
    },
    /// Several do.
    #[error("{wanted:?} may be {first} or {second}, and perhaps others: give more of the run's ID")]
    Ambiguous {
        /// What was asked for.
        wanted: Box<str>,
        /// The newest of them.
        first: RunId,
        /// The next.
        second: RunId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_tells_time_and_chance() {
        let id = RunId::new(UnixMillis(1_795_428_900_123), 0b00010_00001_00000_11111);
        assert_eq!(id.as_str(), "20261123-101500-z234");
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn run_ids_sort_by_time() {
        let id = |ms| RunId::new(UnixMillis(ms), 0);
        assert!(id(999) < id(1_000));
        assert!(id(1_795_428_900_000) < id(1_795_432_500_000));
    }

    #[test]
    fn what_no_file_may_be_called_is_no_run_id() {
        for text in ["", "../x", "a b", "A", "%", "a/b", &"a".repeat(65)] {
            assert!(text.parse::<RunId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_status_is_found_by_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::of_name(status.name()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
