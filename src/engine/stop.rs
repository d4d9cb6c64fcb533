//! Why a run stops before its input is done, and how the stages are told.

use tokio::{sync::watch, time::Instant};

/// Why a run stopped before everything was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The service refused everybody, or seems to.
    Refused {
        /// A sentence: code, the service's text.
        text: String,
        /// `ErrorCode`, if it was one.
        code: Option<i64>,
    },
    /// `--max-failures` was reached.
    MaxFailures {
        /// Groups that failed.
        failed: u64,
    },
    /// `--max-outage` went by without an answer that settled a group.
    MaxOutage,
    /// `--max-duration` went by.
    MaxDuration,
    /// `--limit` groups were called.
    Limit,
    /// A signal, by its name.
    Signal(Signal),
    /// Nobody reads the report on stdout any more.
    ReaderGone,
    /// The ledger, the report or the input failed: a sentence.
    Trouble(String),
}

/// The signals that end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A service manager's request.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { text, .. } | Self::Trouble(text) => f.write_str(text),
            Self::MaxFailures { failed } => write!(f, "--max-failures: {failed} groups failed"),
            Self::MaxOutage => {
                f.write_str("--max-outage: no group got an answer that settles it for so long")
            }
            Self::MaxDuration => f.write_str("--max-duration: the time is up"),
            Self::Limit => f.write_str("--limit: as many groups were called as asked for"),
            Self::Signal(Signal::Interrupt) => f.write_str("interrupted (SIGINT)"),
            Self::Signal(Signal::Terminate) => f.write_str("terminated (SIGTERM)"),
            Self::Signal(Signal::HangUp) => f.write_str("the terminal was closed (SIGHUP)"),
            Self::ReaderGone => f.write_str("nobody reads the report on stdout any more"),
        }
    }
}

/// How urgent a stop is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    reason: Option<StopReason>,
    at: Option<Instant>,
    at_once: bool,
}

/// Asks a run to stop, and tells its stages of it. The first reason stands.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Asked>);

impl Default for Stopper {
    fn default() -> Self {
        Self(watch::Sender::new(Asked::default()))
    }
}

impl Stopper {
    /// Asks to stop: nothing new is sent, calls under way are waited for.
    pub fn stop(&self, reason: StopReason) {
        self.0.send_if_modified(|asked| {
            let first = asked.reason.is_none();
            if first {
                asked.reason = Some(reason);
                asked.at = Some(Instant::now());
            }
            first
        });
    }

    /// Insists: calls under way are not waited for, the rest of the input is not read.
    pub fn insist(&self) {
        self.0.send_modify(|asked| asked.at_once = true);
    }

    /// Why the run was asked to stop, if it was.
    pub fn reason(&self) -> Option<StopReason> {
        self.0.borrow().reason.clone()
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.0.borrow().reason.is_some()
    }

    /// When the run was asked to stop; now, if it was not.
    pub fn asked_at(&self) -> Instant {
        self.0.borrow().at.unwrap_or_else(Instant::now)
    }

    /// Whether somebody insists.
    pub fn is_at_once(&self) -> bool {
        self.0.borrow().at_once
    }

    /// Resolves when the run is asked to stop.
    pub async fn asked(&self) {
        self.until(|asked| asked.reason.is_some() || asked.at_once)
            .await;
    }

    /// Resolves when somebody insists.
    pub async fn at_once(&self) {
        self.until(|asked| asked.at_once).await;
    }

    async fn until(&self, ready: impl FnMut(&Asked) -> bool) {
        // An error means that the sender is gone; but this is one.
        let _unused = self.0.subscribe().wait_for(ready).await.is_ok();
    }
}
