//! What an answer asks of the run, in words that hold for any service.
//!
//! `tencent::codes` turns the vendor's codes and the transport's faults into these; the engine acts on them and knows
//! no code.

/// What to do about an answer (spec section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The group was disbanded.
    Done,
    /// There is no such group (any more).
    Gone,
    /// This group again, after backoff; counts against the attempts.
    Retry,
    /// The whole run slower, then this group again; costs no attempt.
    Slow,
    /// A fresh credential, once for all workers, then this group again; costs no attempt. The same answer to the fresh
    /// credential is [`Action::Stop`].
    ReSign,
    /// As [`Action::ReSign`], but the same answer to the fresh credential is [`Action::Retry`], and [`Action::Stop`]
    /// once the attempts are used up (60004, 60005).
    ReSignThenRetry,
    /// Nothing new is sent: every other group would get the same answer.
    Stop,
    /// A definite refusal for this group only.
    Fail,
}

/// What it means when everybody gets the same answer (spec section 4, rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Herd {
    /// Nothing beyond the answer itself.
    Ordinary,
    /// Likely a refusal of the caller in disguise: a row of them stops the run.
    Stop,
    /// A whole list may be like that: a row of them is worth a loud warning.
    Warn,
}

/// How far the call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The service itself answered.
    Answered,
    /// No answer of the service's came, though the request left, at least in part.
    Lost,
    /// The request never left, or something in the way answered: no group can be the cause.
    Unreached,
}

/// What one answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Whether the service may have disbanded the group without saying so.
    pub may_have_acted: bool,
    /// What a row of the same answer would mean.
    pub herd: Herd,
    /// How far the call got.
    pub reach: Reach,
}

impl Verdict {
    /// Whether the answer settles its group: nothing more will be asked about it.
    pub const fn settles(self) -> bool {
        matches!(self.action, Action::Done | Action::Gone | Action::Fail)
    }
}
