//! From an answer and what came before it to what happens to the group: pure.

use crate::{
    outcome::Outcome,
    verdict::{Action, Reach, Verdict},
};

/// What came before an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// An earlier call of this group may have acted.
    pub(super) may_have_acted: bool,
    /// The credential that was refused when this group asked for a fresh one, if it did.
    pub(super) re_signed: Option<u64>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The group has its outcome.
    Settle(Outcome),
    /// Again after backoff; the attempt counts unless the call reached nobody.
    Backoff {
        /// Whether the attempt counts.
        charge: bool,
        /// What follows when the attempts are used up.
        then: UsedUp,
    },
    /// The whole run slows down, then again.
    SlowDown,
    /// A fresh credential, then again.
    ReSign {
        /// What follows where there is no key.
        or: NoKey,
    },
    /// The run stops; the group is not attempted.
    Stop,
}

/// What follows when a group's attempts are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsedUp {
    /// The group is exhausted.
    Exhausted,
    /// The run stops: the fault concerns everybody.
    Stop,
}

/// What follows a refused credential where no other can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The run stops.
    Stop,
    /// The group tries again and counts its attempts; used up, the run stops.
    Backoff,
}

/// Decides on an answer to a call that carried the credential numbered `credential`; `status` is its HTTP status.
pub(super) fn decide(
    verdict: Verdict,
    status: Option<u16>,
    credential: u64,
    history: History,
) -> Next {
    let fresh_refused = history
        .re_signed
        .is_some_and(|refused| credential > refused);
    match verdict.action {
        Action::Done => Next::Settle(Outcome::Disbanded),
        Action::Gone if history.may_have_acted => Next::Settle(Outcome::PresumedDisbanded),
        Action::Gone => Next::Settle(Outcome::AlreadyGone),
        Action::Fail => Next::Settle(Outcome::Failed),
        Action::Retry => Next::Backoff {
            // What answers in the service's place may dislike this very group, for ever.
            charge: verdict.reach != Reach::Unreached || status.is_some(),
            then: UsedUp::Exhausted,
        },
        Action::Slow => Next::SlowDown,
        Action::ReSign if fresh_refused => Next::Stop,
        Action::ReSign => Next::ReSign { or: NoKey::Stop },
        Action::ReSignThenRetry if fresh_refused => Next::Backoff {
            charge: true,
            then: UsedUp::Stop,
        },
        Action::ReSignThenRetry => Next::ReSign { or: NoKey::Backoff },
        Action::Stop => Next::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Herd;

    fn next(action: Action, reach: Reach, may_have_acted: bool, re_signed: Option<u64>) -> Next {
        next_with(None, action, reach, may_have_acted, re_signed)
    }

    fn next_with(
        status: Option<u16>,
        action: Action,
        reach: Reach,
        may_have_acted: bool,
        re_signed: Option<u64>,
    ) -> Next {
        let verdict = Verdict {
            action,
            may_have_acted: false,
            herd: Herd::Ordinary,
            reach,
        };
        decide(
            verdict,
            status,
            2,
            History {
                may_have_acted,
                re_signed,
            },
        )
    }

    #[test]
    fn each_action_with_each_history_has_its_decision() {
        use Action::*;
        use Reach::{Answered, Lost, Unreached};
        let exhausted = |charge| Next::Backoff {
            charge,
            then: UsedUp::Exhausted,
        };
        let table = [
            (
                Done,
                Answered,
                false,
                None,
                Next::Settle(Outcome::Disbanded),
            ),
            (Done, Answered, true, None, Next::Settle(Outcome::Disbanded)),
            (
                Gone,
                Answered,
                false,
                None,
                Next::Settle(Outcome::AlreadyGone),
            ),
            (
                Gone,
                Answered,
                true,
                None,
                Next::Settle(Outcome::PresumedDisbanded),
            ),
            (Fail, Answered, true, None, Next::Settle(Outcome::Failed)),
            (Retry, Answered, false, None, exhausted(true)),
            (Retry, Lost, false, None, exhausted(true)),
            (Retry, Unreached, false, None, exhausted(false)),
            (Slow, Answered, false, None, Next::SlowDown),
            (
                ReSign,
                Answered,
                false,
                None,
                Next::ReSign { or: NoKey::Stop },
            ),
            (
                ReSign,
                Answered,
                false,
                Some(2),
                Next::ReSign { or: NoKey::Stop },
            ),
            (ReSign, Answered, false, Some(1), Next::Stop),
            (
                ReSignThenRetry,
                Answered,
                false,
                None,
                Next::ReSign { or: NoKey::Backoff },
            ),
            (
                ReSignThenRetry,
                Answered,
                false,
                Some(1),
                Next::Backoff {
                    charge: true,
                    then: UsedUp::Stop,
                },
            ),
            (Stop, Answered, true, Some(1), Next::Stop),
        ];
        for (action, reach, acted, re_signed, expected) in table {
            assert_eq!(
                next(action, reach, acted, re_signed),
                expected,
                "{action:?} {acted} {re_signed:?}"
            );
        }
    }

    #[test]
    fn an_answer_in_the_services_place_counts_and_no_answer_does_not() {
        let charged = |status| {
            let next = next_with(status, Action::Retry, Reach::Unreached, false, None);
            matches!(next, Next::Backoff { charge: true, .. })
        };
        assert!(charged(Some(403)));
        assert!(!charged(None));
    }
}
