//! The run's last word for scripts: one JSON object.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};

use super::{
    ReportError,
    file::{Existing, create_error, with_run},
    statistics::LatencyMs,
};
use crate::{figures, outcome::Tally, replace, wall::UnixMillis};

const WHAT: &str = "the summary";
const OPTION: &str = "--summary";
/// No summary is longer; what is, is none.
const LONGEST: u64 = 1 << 20;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every record has its outcome.
    Finished,
    /// It stopped by itself, through trouble or as asked, with work left.
    Stopped,
    /// A signal stopped it.
    Interrupted,
}

impl Status {
    /// The name in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The summary. Fields are keys, in this order: an interface.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The run.
    pub run_id: String,
    /// How it ended.
    pub status: Status,
    /// Why it stopped early, as a sentence; `null` if it finished.
    pub stop_reason: Option<String>,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The app.
    pub sdkappid: u64,
    /// Where the calls went: scheme and host, nothing secret.
    pub endpoint: String,
    /// Records read, those of earlier sessions included.
    pub input_records: u64,
    /// Records by outcome, those of earlier sessions included; every outcome is there, 0 too.
    #[serde(serialize_with = "by_name")]
    pub outcomes: Tally,
    /// What somebody should know, each a sentence.
    pub warnings: Vec<String>,
    /// Calls made in this session, retries included.
    pub calls: u64,
    /// Calls that were not the first for their group, in this session.
    pub retries: u64,
    /// When this session began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub finished_at: UnixMillis,
    /// How long it took, in seconds, by the monotonic clock.
    #[serde(serialize_with = "to_three_decimals")]
    pub duration_s: f64,
    /// `calls` by `duration_s`.
    #[serde(serialize_with = "to_three_decimals")]
    pub mean_calls_per_s: f64,
    /// The most calls in any window of one second, as the pacer counted them.
    pub max_calls_in_one_second: u64,
    /// Latency of this session's calls.
    pub latency_ms: LatencyMs,
}

fn by_name<S: Serializer>(outcomes: &Tally, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (outcome, n) in outcomes.iter() {
        map.serialize_entry(outcome.name(), &n)?;
    }
    map.end()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn to_three_decimals<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(figures::rounded(*x))
}

impl Summary {
    /// Calls a second on average; 0 for a session without length.
    pub fn mean(calls: u64, duration_s: f64) -> f64 {
        if duration_s > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "exact to 2^53 calls")]
            let calls = calls as f64;
            calls / duration_s
        } else {
            0.0
        }
    }

    /// The JSON object, with a line end behind it.
    ///
    /// # Errors
    /// None in practice: every part has a JSON form.
    pub fn to_json(&self) -> io::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Where the summary goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryTarget {
    path: PathBuf,
    existing: Existing,
}

impl SummaryTarget {
    /// Reads `--summary`, `{run}` standing for the run's ID, and proves that it can be written there.
    ///
    /// With [`Existing::Replace`], what is there may be replaced if it is a summary of this very run.
    ///
    /// # Errors
    /// [`ReportError::Exists`] where something is that may not be replaced; otherwise what the system says.
    pub fn claim(path: &Path, run: &str, existing: Existing) -> Result<Self, ReportError> {
        let path = with_run(path, run);
        let failed = |error: io::Error| create_error(WHAT, OPTION, &path, error);
        let ours = existing == Existing::Replace && path.is_file() && is_of_run(&path, run);
        match fs::metadata(&path) {
            Ok(there) if there.is_dir() || (there.is_file() && !ours) => {
                return Err(failed(io::ErrorKind::AlreadyExists.into()));
            }
            // It is written to as it is.
            Ok(there) if !there.is_file() => {}
            // The file itself appears only when there is something in it.
            _ => drop(replace::beside(&path).map_err(failed)?),
        }
        let existing = if ours {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        Ok(Self { path, existing })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the summary, whole and to the disk.
    ///
    /// # Errors
    /// [`ReportError::Exists`] where somebody else made such a file meanwhile; otherwise what the system says.
    pub fn write(&self, summary: &Summary) -> Result<(), ReportError> {
        let over = self.existing == Existing::Replace;
        summary
            .to_json()
            .and_then(|json| replace::publish(&self.path, &json, over))
            .map_err(|error| create_error(WHAT, OPTION, &self.path, error))
    }
}

/// Whether the file is a summary of this run.
fn is_of_run(path: &Path, run: &str) -> bool {
    #[derive(Deserialize)]
    struct Head {
        run_id: String,
    }
    let read = || {
        let mut json = Vec::new();
        File::open(path)?.take(LONGEST).read_to_end(&mut json)?;
        io::Result::Ok(serde_json::from_slice::<Head>(&json)?)
    };
    read().is_ok_and(|head| head.run_id == run)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::outcome::Outcome;

    pub(crate) fn sample() -> Summary {
        let mut outcomes = Tally::default();
        outcomes.add_many(Outcome::Disbanded, 1_950);
        outcomes.add_many(Outcome::AlreadyGone, 30);
        outcomes.add_many(Outcome::Failed, 12);
        outcomes.add_many(Outcome::Invalid, 8);
        Summary {
            run_id: "r1".to_owned(),
            status: Status::Finished,
            stop_reason: None,
            exit_code: 1,
            sdkappid: 1_400_000_000,
            endpoint: "https://adminapisgp.im.qcloud.com".to_owned(),
            input_records: 2_000,
            outcomes,
            warnings: vec!["stdin ended without a newline".to_owned()],
            calls: 2_050,
            retries: 58,
            started_at: UnixMillis(1_700_000_000_000),
            finished_at: UnixMillis(1_700_000_010_250),
            duration_s: 10.25,
            mean_calls_per_s: Summary::mean(2_050, 10.251_6),
            max_calls_in_one_second: 200,
            latency_ms: LatencyMs {
                p50: Some(41.5),
                p90: Some(60.25),
                p99: Some(120.0),
                max: Some(301.007),
            },
        }
    }

    #[test]
    fn the_summary_has_the_contracts_keys_in_its_order() {
        let json = String::from_utf8(sample().to_json().unwrap()).unwrap();
        insta::assert_snapshot!(json, @r#"
        {
          "run_id": "r1",
          "status": "finished",
          "stop_reason": null,
          "exit_code": 1,
          "sdkappid": 1400000000,
          "endpoint": "https://adminapisgp.im.qcloud.com",
          "input_records": 2000,
          "outcomes": {
            "disbanded": 1950,
            "already_gone": 30,
            "presumed_disbanded": 0,
            "failed": 12,
            "exhausted": 0,
            "invalid": 8,
            "duplicate": 0,
            "protected": 0,
            "not_attempted": 0,
            "would_disband": 0
          },
          "warnings": [
            "stdin ended without a newline"
          ],
          "calls": 2050,
          "retries": 58,
          "started_at": "2023-11-14T22:13:20.000Z",
          "finished_at": "2023-11-14T22:13:30.250Z",
          "duration_s": 10.25,
          "mean_calls_per_s": 199.969,
          "max_calls_in_one_second": 200,
          "latency_ms": {
            "p50": 41.5,
            "p90": 60.25,
            "p99": 120.0,
            "max": 301.007
          }
        }
        "#);
    }

    #[test]
    fn every_status_is_named_as_it_is_written() {
        for status in [Status::Finished, Status::Stopped, Status::Interrupted] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }

    #[test]
    fn the_file_appears_only_at_the_end_and_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("{run}.json");
        let target = SummaryTarget::claim(&path, "r1", Existing::Refuse).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        target.write(&sample()).unwrap();
        assert_eq!(target.path(), home.path().join("r1.json"));
        assert!(fs::read_to_string(target.path()).unwrap().ends_with("}\n"));

        let error = SummaryTarget::claim(&path, "r1", Existing::Refuse).unwrap_err();
        assert!(matches!(error, ReportError::Exists { .. }), "{error:?}");
        let error = target.write(&sample()).unwrap_err();
        assert!(matches!(error, ReportError::Exists { .. }), "{error:?}");
        let resumed = SummaryTarget::claim(&path, "r1", Existing::Replace).unwrap();
        resumed.write(&sample()).unwrap();

        for foreign in ["precious", r#"{"run_id": "r2"}"#] {
            fs::write(target.path(), foreign).unwrap();
            let error = SummaryTarget::claim(&path, "r1", Existing::Replace).unwrap_err();
            assert!(matches!(error, ReportError::Exists { .. }), "{error:?}");
        }
    }

    #[test]
    fn a_missing_directory_is_found_before_the_first_call() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("missing/summary.json");
        let error = SummaryTarget::claim(&path, "r1", Existing::Refuse).unwrap_err();
        assert!(error.to_string().contains("--summary"), "{error}");
    }
}
