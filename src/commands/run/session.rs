//! The run in the ledger: begun or gone on with, one at a time for an app.

use std::path::{Path, PathBuf};

use crate::{
    cli::ResumeTarget,
    error::Error,
    exit::ExitCode,
    figures,
    ledger::{
        self, Ledger, LedgerError, NewRun, NoSuchRun, RunEnd, RunId, RunInfo, RunLedger, Status,
    },
    lock::{AppLock, LockError},
    settings::{Mode, RunSettings},
    wall::UnixMillis,
};

use super::{super::callee::Callee, inputs::Opened};

/// A run of this process.
pub(super) struct Session {
    store: Ledger,
    run_id: RunId,
    /// The run that is resumed, as it was.
    earlier: Option<RunInfo>,
    run: Option<RunLedger>,
    _lock: Option<AppLock>,
}

impl Session {
    /// Opens the ledger and takes the app's lock; finds the run that is resumed. Enters nothing.
    pub(super) async fn open(settings: &RunSettings, callee: &Callee) -> Result<Self, Error> {
        let fresh = RunId::new(UnixMillis::now(), rand::random());
        match &settings.mode {
            Mode::Dry => {
                let store = Ledger::throwaway().map_err(unusable)?;
                Ok(Self {
                    store,
                    run_id: fresh,
                    earlier: None,
                    run: None,
                    _lock: None,
                })
            }
            Mode::Fresh { state_dir } => {
                let lock = lock(state_dir, callee, &fresh)?;
                let store = Ledger::open(state_dir).map_err(unusable)?;
                Ok(Self {
                    store,
                    run_id: fresh,
                    earlier: None,
                    run: None,
                    _lock: Some(lock),
                })
            }
            Mode::Resume {
                state_dir, target, ..
            } => {
                let store = Ledger::open(state_dir).map_err(unusable)?;
                let lock = lock(
                    state_dir,
                    callee,
                    &find(&store, target, callee).await?.run_id,
                )?;
                // Looked at again under the lock: until then another process may have gone on with it.
                let earlier = find(&store, target, callee).await?;
                fits(&earlier, callee)?;
                warn_if_old(&earlier);
                let run_id = earlier.run_id.clone();
                Ok(Self {
                    store,
                    run_id,
                    earlier: Some(earlier),
                    run: None,
                    _lock: Some(lock),
                })
            }
        }
    }

    pub(super) fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// The run that is resumed, as it was.
    pub(super) fn earlier(&self) -> Option<&RunInfo> {
        self.earlier.as_ref()
    }

    /// The protect lists of the run: those named now, and those that it began with, which hold for all of it.
    pub(super) fn protect_lists(&self, named: &[PathBuf]) -> Vec<PathBuf> {
        let recorded = self.earlier.iter().flat_map(|earlier| {
            let lists = earlier.session.options["protect"].as_array();
            lists
                .into_iter()
                .flatten()
                .filter_map(|path| path.as_str().map(PathBuf::from))
        });
        let named = named
            .iter()
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        let mut lists: Vec<PathBuf> = named.chain(recorded).collect();
        lists.sort();
        lists.dedup();
        lists
    }

    /// The reports of the run's earlier sessions, as [`super::outputs::recorded_path`] gave them.
    pub(super) fn reports(&self) -> Vec<String> {
        let Some(earlier) = &self.earlier else {
            return Vec::new();
        };
        let options = &earlier.session.options;
        let before = options["earlier_reports"].as_array().into_iter().flatten();
        let mut reports: Vec<String> = before
            .chain([&options["report"]])
            .filter_map(|path| path.as_str().map(str::to_owned))
            .collect();
        reports.sort_unstable();
        reports.dedup();
        reports
    }

    /// The run's ledger; only after [`Self::begin`].
    pub(super) fn ledger(&self) -> Result<&RunLedger, Error> {
        self.run
            .as_ref()
            .ok_or_else(|| Error::new(ExitCode::Stopped, NotBegun))
    }

    /// Enters the run, not confirmed yet, or goes on with it.
    pub(super) async fn begin(
        &mut self,
        settings: &RunSettings,
        callee: &Callee,
        inputs: &Opened,
    ) -> Result<(), Error> {
        let session = ledger::Session::here(options(settings, self));
        let run = match &self.earlier {
            Some(earlier) => self.store.resume(earlier, session).await,
            None => {
                let new = NewRun {
                    run_id: self.run_id.clone(),
                    sdkappid: callee.sdkappid(),
                    endpoint: callee.endpoint().to_owned(),
                    identifier: callee.identifier().to_owned(),
                    inputs: inputs.recorded(),
                    confirmed: false,
                    session,
                };
                self.store.begin(new).await
            }
        }
        .map_err(unusable)?;
        if let Mode::Resume {
            retry_failed: true, ..
        } = settings.mode
        {
            let again = run.retry_failed().await.map_err(unusable)?;
            let again = figures::counted(again, "group");
            tracing::info!("another try for {again} that had failed");
        }
        self.run = Some(run);
        Ok(())
    }

    /// The user agreed, or had nothing to agree to: calls may follow.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        self.ledger()?.confirm().await.map_err(unusable)
    }

    /// The run ends before its first call. Gives `why` back, or what happened on the way.
    pub(super) async fn refuse(&self, why: Error) -> Error {
        let Ok(run) = self.ledger() else { return why };
        let ended = match &self.earlier {
            // As it was before: nothing happened to it.
            Some(earlier) => run.finish(as_before(earlier)).await,
            None => run.discard(why.to_string()).await,
        };
        ended.map_or_else(unusable, |()| why)
    }
}

/// How a resumed run stood before.
fn as_before(earlier: &RunInfo) -> RunEnd {
    RunEnd {
        status: if earlier.status == Status::Running {
            Status::Interrupted
        } else {
            earlier.status
        },
        stop_reason: earlier.stop_reason.clone(),
        exit_code: earlier
            .exit_code
            .unwrap_or_else(|| ExitCode::Stopped.number()),
        input_complete: earlier.input_complete,
        finished_at: earlier.finished_at.unwrap_or_else(UnixMillis::now),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the run was not begun: a bug, please report it")]
struct NotBegun;

/// Why a run can't be resumed.
#[derive(Debug, thiserror::Error)]
enum CannotResume {
    #[error("app {0} has no unfinished run to go on with; `disband-batch runs` lists its runs")]
    NothingUnfinished(u64),
    #[error(transparent)]
    NoSuchRun(#[from] NoSuchRun),
    #[error("run {run} is one of app {its}, not of app {ours}: a resume goes on with the same app")]
    OtherApp { run: RunId, its: u64, ours: u64 },
    #[error("run {run} went to {its}, not to {ours}: a resume goes on with the same endpoint")]
    OtherEndpoint {
        run: RunId,
        its: String,
        ours: String,
    },
    #[error("run {0} was never confirmed, and called nobody: begin it anew")]
    NeverConfirmed(RunId),
}

async fn find(store: &Ledger, target: &ResumeTarget, callee: &Callee) -> Result<RunInfo, Error> {
    let found = match target {
        ResumeTarget::Newest => {
            let newest = store
                .newest_unfinished(callee.sdkappid())
                .await
                .map_err(unusable)?;
            newest.ok_or_else(|| CannotResume::NothingUnfinished(callee.sdkappid()))
        }
        ResumeTarget::Run(wanted) => store
            .find_run(wanted)
            .await
            .map_err(unusable)?
            .map_err(CannotResume::from),
    };
    found.map_err(|error| Error::new(ExitCode::Usage, error))
}

fn fits(earlier: &RunInfo, callee: &Callee) -> Result<(), Error> {
    let run = earlier.run_id.clone();
    let error = if earlier.sdkappid != callee.sdkappid() {
        CannotResume::OtherApp {
            run,
            its: earlier.sdkappid,
            ours: callee.sdkappid(),
        }
    } else if earlier.endpoint != callee.endpoint() {
        CannotResume::OtherEndpoint {
            run,
            its: earlier.endpoint.clone(),
            ours: callee.endpoint().to_owned(),
        }
    } else if earlier.status == Status::Unconfirmed {
        CannotResume::NeverConfirmed(run)
    } else {
        return Ok(());
    };
    Err(Error::new(ExitCode::Usage, error))
}

/// A custom ID is free again after disbanding, so an old list may hit a new group (spec section 8).
fn warn_if_old(earlier: &RunInfo) {
    const OLD_MS: i64 = 24 * 3600 * 1000;
    let age_ms = UnixMillis::now().0 - earlier.started_at.0;
    if age_ms > OLD_MS {
        let days = age_ms / OLD_MS;
        tracing::warn!(
            "run {} began {days} days ago: a group made since then under an ID that was free again would be disbanded too",
            earlier.run_id
        );
    }
}

fn lock(state_dir: &Path, callee: &Callee, run_id: &RunId) -> Result<AppLock, Error> {
    AppLock::acquire(state_dir, callee.sdkappid(), run_id).map_err(|error| {
        let exit = match error {
            LockError::Held { .. } => ExitCode::Busy,
            LockError::Io { .. } => ExitCode::Usage,
        };
        Error::new(exit, error)
    })
}

/// The ledger can't be used, and nobody was called yet.
pub(super) fn unusable(error: LedgerError) -> Error {
    Error::new(ExitCode::Usage, error)
}

fn options(settings: &RunSettings, session: &Session) -> serde_json::Value {
    let (pace, safety) = (&settings.pace, &settings.safety);
    serde_json::json!({
        "rate": pace.rate,
        "concurrency": pace.concurrency,
        "max_attempts": pace.max_attempts,
        "max_outage_s": pace.max_outage.as_secs(),
        "timeout_ms": u64::try_from(settings.calls.timeout.as_millis()).unwrap_or(u64::MAX),
        "connect_timeout_ms": u64::try_from(settings.calls.connect_timeout.as_millis()).unwrap_or(u64::MAX),
        "max_failures": safety.max_failures.map(|most| most.to_string()),
        "limit": safety.limit,
        "max_groups": safety.max_groups,
        "max_duration_s": safety.max_duration.map(|d| d.as_secs()),
        "protect": session.protect_lists(&safety.protect),
        "report": super::outputs::recorded_path(settings, session.run_id()),
        "earlier_reports": session.reports(),
    })
}
