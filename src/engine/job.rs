//! A group on its way: what is known of it between its admission and its outcome.

use crate::{
    group::GroupId,
    ledger::{CallId, Pending},
    wall::UnixMillis,
};

use super::breaker::Breaker;

/// A group that has no outcome yet.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) seq: u64,
    pub(super) group: GroupId,
    pub(super) source: u32,
    pub(super) line: u64,
    /// Calls made, over all sessions.
    pub(super) attempts: u32,
    /// An earlier call may have acted without saying so.
    pub(super) may_have_acted: bool,
    /// When its first call was about to leave.
    pub(super) started_at: Option<UnixMillis>,
    /// Which credential was refused when a fresh one was asked for because of this group.
    pub(super) re_signed: Option<u64>,
    called: bool,
    /// The row of failures in which its last call left.
    pub(super) sent_in_row: u64,
    charges: Charges,
}

/// Attempts that count against the group. Those made in the row of failures that is still open count unless the row
/// turns out to be an outage.
#[derive(Clone, Copy, Debug, Default)]
struct Charges {
    certain: u32,
    in_row: u32,
    row: u64,
}

impl Job {
    /// A group that was not called in this session yet.
    pub(super) fn new(pending: Pending) -> Self {
        let Pending {
            seq,
            group,
            source,
            line,
            attempts,
            may_have_acted,
            started_at,
        } = pending;
        let (re_signed, called, sent_in_row, charges) = Default::default();
        Self {
            seq,
            group,
            source,
            line,
            attempts,
            may_have_acted,
            started_at,
            re_signed,
            called,
            sent_in_row,
            charges,
        }
    }

    /// A call leaves; says whether it is the first of this session.
    pub(super) fn first_call(&mut self) -> bool {
        !std::mem::replace(&mut self.called, true)
    }

    /// Whether a call of this session has left.
    pub(super) fn was_called(&self) -> bool {
        self.called
    }

    /// Charges one attempt; returns how many count now.
    pub(super) fn charge(&mut self, breaker: &Breaker) -> u32 {
        let charges = &mut self.charges;
        if charges.row != breaker.row() {
            if !breaker.was_outage(charges.row) {
                charges.certain += charges.in_row;
            }
            (charges.row, charges.in_row) = (breaker.row(), 0);
        }
        if !breaker.was_outage(charges.row) && !breaker.was_outage(self.sent_in_row) {
            charges.in_row += 1;
        }
        charges.certain + charges.in_row
    }
}

/// A call that the ledger knows of and that has not left.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) call: CallId,
    pub(super) job: Job,
}
