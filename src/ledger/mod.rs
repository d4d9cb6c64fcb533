//! The ledger: what is intended, what was answered and what became of each record, durably.
//!
//! One SQLite file in the state directory, written by one thread that commits whatever has gathered (group commit).
//! Everything else speaks to it through [`RunLedger`], a handle for one run. A method's future resolves when the batch
//! is durable.
//!
//! [`schema`] says what the file holds; [`Archive`] reads it beside the writer.

mod answers;
mod archive;
mod codes;
mod error;
mod file;
mod handle;
mod history;
mod query;
mod run;
pub mod schema;
mod store;
mod tally;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    answers::AnsweredCall,
    archive::{Archive, RunReport},
    error::LedgerError,
    handle::{Ledger, RunLedger},
    query::RowFilter,
    run::{Input, NewRun, NoSuchRun, NotARunId, RunEnd, RunId, RunInfo, Session, Status},
    tally::{Before, Counts, RunTally},
};
pub(crate) use file::{create_private_dir, open_private_file};

use crate::{group::GroupId, outcome::Outcome, wall::UnixMillis};

/// Number of a call within its run, from 1; the engine hands them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// How a record enters the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A group ID; the ledger says whether it is the first of its kind in the run.
    Candidate(GroupId),
    /// Not a group ID, and why.
    Invalid {
        /// The text as it stood in the input.
        shown: Box<str>,
        /// Why it is none.
        reason: Box<str>,
    },
    /// On a protect list.
    Protected(GroupId),
}

/// A record on its way into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Its number in the input, from 1, without gaps.
    pub seq: u64,
    /// Index into the run's inputs.
    pub source: u32,
    /// Line in the source, from 1.
    pub line: u64,
    /// What it is.
    pub admission: Admission,
}

/// What the ledger says of an admitted record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The first of its ID: to be called.
    First,
    /// Seen before in this run: settled as `duplicate`.
    Duplicate,
    /// Settled as `invalid` or `protected`.
    Settled,
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The call.
    pub call: CallId,
    /// The record whose group is called.
    pub seq: u64,
    /// Which try this is for the group, over all sessions, from 1.
    pub attempt: u32,
    /// When it was decided.
    pub at: UnixMillis,
}

/// What came back from a call, and what it settles.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The call.
    pub call: CallId,
    /// The record whose group was called.
    pub seq: u64,
    /// When the answer came.
    pub at: UnixMillis,
    /// `ErrorCode`, if the service itself answered.
    pub code: Option<i64>,
    /// `ErrorInfo`, or the transport's fault.
    pub info: Box<str>,
    /// HTTP status, if an HTTP answer came.
    pub http_status: Option<u16>,
    /// How long it took.
    pub latency: std::time::Duration,
    /// Whether the service may have disbanded the group without saying so.
    pub may_have_acted: bool,
    /// The record's outcome, if this answer settles it.
    pub settles: Option<Settlement>,
}

/// The end of a record's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What became of it.
    pub outcome: Outcome,
    /// Calls made for it, over all sessions.
    pub attempts: u32,
    /// When its first call was about to leave.
    pub started_at: UnixMillis,
}

/// A record that has no definite outcome yet, as a resumed or preloaded run takes it from the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the input.
    pub seq: u64,
    /// Its group.
    pub group: GroupId,
    /// Index into the run's inputs.
    pub source: u32,
    /// Line in the source.
    pub line: u64,
    /// Calls made for it so far.
    pub attempts: u32,
    /// Whether one of them may have acted: its answer was lost, or never came.
    pub may_have_acted: bool,
    /// When its first call was about to leave, if there was one.
    pub started_at: Option<UnixMillis>,
}
