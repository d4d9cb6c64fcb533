//! How a run stands now: what the ledger says, and whether its process is still alive.

use std::{io, path::Path};

use crate::{
    ledger::{RunInfo, Status},
    lock::{AppLock, Holder},
};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As the ledger says: it ended, or was never confirmed.
    Recorded(Status),
    /// Its process is at it.
    Running,
    /// Its process ended without a word: killed, or its machine lost power.
    Killed,
}

impl Standing {
    /// Looks at the app's lock where the ledger says that the run is going on.
    pub(super) fn of(info: &RunInfo, state_dir: &Path) -> io::Result<Self> {
        if info.status != Status::Running {
            return Ok(Self::Recorded(info.status));
        }
        let holder = AppLock::holder(state_dir, info.sdkappid)?;
        Ok(Self::judge(info, holder.as_ref()))
    }

    fn judge(info: &RunInfo, holder: Option<&Option<Holder>>) -> Self {
        match holder {
            None => Self::Killed,
            Some(Some(holder)) if holder.run_id != info.run_id.as_str() => Self::Killed,
            // One that has not said who it is has just begun: it may be this one.
            Some(_) => Self::Running,
        }
    }

    /// A word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Recorded(status) => status.name(),
            Self::Running => Status::Running.name(),
            Self::Killed => "killed",
        }
    }
}
