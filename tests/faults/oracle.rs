//! The contract as a small machine: from what a group meets to its row. Shares no code with the program.

use disband_batch::{
    outcome::Outcome,
    simulator::{Fault, FaultKind, Reply, Stage},
};

use crate::{
    rig::ATTEMPTS,
    spec::{Word, of_code, of_fault},
};

/// What the contract demands for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) outcome: Outcome,
    /// Calls made for it.
    pub(crate) calls: u32,
    /// The code of the last answer, if it was one of the service's.
    pub(crate) code: Option<i64>,
    /// Whether the group is disbanded in truth.
    pub(crate) destroyed: bool,
    /// The code that stops the run.
    pub(crate) stops: Option<i64>,
}

/// Follows a group through its script; what is beyond it is honest.
pub(crate) fn demand(script: &[Reply]) -> Demand {
    let (mut exists, mut doubt, mut charged, mut re_signed) = (true, false, 0, false);
    for (call, reply) in (1..).zip(
        script
            .iter()
            .copied()
            .chain(std::iter::repeat(Reply::Honest)),
    ) {
        let (code, meaning, acts) = match reply {
            Reply::Fault(Fault { kind, stage }) => {
                let code = match kind {
                    FaultKind::Code(code) => Some(code),
                    FaultKind::Control => Some(10004),
                    _ => None,
                };
                (code, of_fault(kind), stage == Stage::After)
            }
            _ if exists => (Some(0), of_code(0), true),
            _ => (Some(10010), of_code(10010), false),
        };
        exists &= !acts;
        let settled = |outcome| Demand {
            outcome,
            calls: call,
            code,
            destroyed: !exists,
            stops: None,
        };
        let stopped = Demand {
            stops: code,
            ..settled(Outcome::NotAttempted)
        };
        match meaning.word {
            Word::Done => return settled(Outcome::Disbanded),
            Word::Gone if doubt => return settled(Outcome::PresumedDisbanded),
            Word::Gone => return settled(Outcome::AlreadyGone),
            Word::Fail => return settled(Outcome::Failed),
            Word::Stop => return stopped,
            Word::ReSign if re_signed => return stopped,
            Word::ReSignThenRetry if re_signed => {
                charged += 1;
                if charged >= ATTEMPTS {
                    return stopped;
                }
            }
            Word::ReSign | Word::ReSignThenRetry => re_signed = true,
            Word::Slow => {}
            // Others are answered meanwhile, so this is no outage.
            Word::Retry | Word::Unreachable => {
                charged += 1;
                if charged >= ATTEMPTS {
                    return settled(Outcome::Exhausted);
                }
            }
        }
        doubt |= meaning.may_have_acted;
    }
    unreachable!("an honest answer ends the script")
}
