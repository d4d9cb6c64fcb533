//! Trouble that a test makes while the simulator runs: for one group, or for everybody.

use std::time::Duration;

use super::fault::{Fault, FaultKind};

/// What a script has in store for one call of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The service does what is asked.
    Honest,
    /// As [`Reply::Honest`], with this latency: the service acts at once and answers that much later.
    Late(Duration),
    /// This fault.
    Fault(Fault),
}

/// A trouble that everybody meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// The service is well.
    #[default]
    None,
    /// Calls arrive and wait; when the outage ends or changes, they meet what is then.
    Stall,
    /// Every call is answered with a TCP reset.
    Reset,
    /// No call is answered.
    Hang,
    /// Every call is answered with this HTTP status.
    Status(u16),
    /// Every call that asks properly is answered with this `ErrorCode`.
    Code(i64),
    /// Nobody listens: connections are reset, new ones refused.
    RefuseConnections,
}

impl Outage {
    pub(super) fn fault(self) -> Option<Fault> {
        match self {
            Self::None | Self::Stall => None,
            Self::Reset | Self::RefuseConnections => Some(Fault::before(FaultKind::Reset)),
            Self::Hang => Some(Fault::before(FaultKind::Hang)),
            Self::Status(status) => Some(Fault::status(status)),
            Self::Code(code) => Some(Fault::code(code)),
        }
    }
}
