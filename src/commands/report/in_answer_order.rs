//! Calls in the order of their answers, from calls in the order in which they were decided.
//!
//! No call is answered before it is decided. So once a call comes up that was decided after an answer, no earlier answer
//! can follow, and those that wait are no more than were under way at the same time.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::ledger::AnsweredCall;

/// Calls that wait at most. As many can be under way at once, unless the wall clock was set back during the run; then
/// some come a little late.
const MOST: usize = 16_384;

/// Sorts calls by their answers.
#[derive(Default)]
pub(super) struct InAnswerOrder {
    waiting: BinaryHeap<Reverse<Waiting>>,
}

/// What is kept of a call: its texts are not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    /// When it was answered, in milliseconds since the Unix epoch.
    pub(super) answered_at_ms: i64,
    /// Its number.
    pub(super) call: u64,
    /// Whether it was not the first for its group.
    pub(super) retry: bool,
    /// How long it took.
    pub(super) latency: std::time::Duration,
}

impl InAnswerOrder {
    /// Takes the next call, and hands out those whose turn it is now.
    pub(super) fn push(&mut self, call: &AnsweredCall, mut out: impl FnMut(Waiting)) {
        while let Some(Reverse(first)) = self.waiting.peek()
            && (first.answered_at_ms <= call.intended_at.0 || self.waiting.len() >= MOST)
        {
            out(*first);
            self.waiting.pop();
        }
        self.waiting.push(Reverse(Waiting {
            answered_at_ms: call.answered_at.0,
            call: call.call.0,
            retry: call.attempt > 1,
            latency: call.latency,
        }));
    }

    /// Hands out the rest.
    pub(super) fn finish(mut self, mut out: impl FnMut(Waiting)) {
        while let Some(Reverse(first)) = self.waiting.pop() {
            out(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{ledger::CallId, wall::UnixMillis};

    fn call(number: u64, intended_ms: i64, answered_ms: i64) -> AnsweredCall {
        AnsweredCall {
            call: CallId(number),
            attempt: 1,
            intended_at: UnixMillis(intended_ms),
            answered_at: UnixMillis(answered_ms),
            code: Some(0),
            info: None,
            http_status: Some(200),
            latency: Duration::ZERO,
        }
    }

    fn sorted(calls: &[AnsweredCall]) -> (Vec<i64>, usize) {
        let (mut order, mut out, mut most) = (InAnswerOrder::default(), Vec::new(), 0);
        for call in calls {
            order.push(call, |done| out.push(done.answered_at_ms));
            most = most.max(order.waiting.len());
        }
        order.finish(|done| out.push(done.answered_at_ms));
        (out, most)
    }

    #[test]
    fn only_calls_under_way_are_kept() {
        let calls: Vec<_> = (0..1_000)
            .map(|n| call(n, n as i64 * 5, n as i64 * 5 + 52))
            .collect();
        let (_, most) = sorted(&calls);
        assert!(most <= 12, "{most}");
    }

    #[test]
    fn a_clock_that_was_set_back_costs_no_more_memory_than_a_herd_of_calls() {
        let calls: Vec<_> = (0..3 * MOST as u64)
            .map(|n| call(n, -(n as i64), 100))
            .collect();
        let (out, most) = sorted(&calls);
        assert_eq!((out.len(), most), (3 * MOST, MOST));
    }

    proptest! {
        #[test]
        fn answers_come_in_their_order_and_none_is_lost(
            gaps in prop::collection::vec((0_i64..50, 0_i64..2_000), 0..300)
        ) {
            let mut now = 0;
            let calls: Vec<_> = gaps.iter().zip(1..).map(|(&(gap, takes), number)| {
                now += gap;
                call(number, now, now + takes)
            }).collect();
            let mut expected: Vec<_> = calls.iter().map(|call| call.answered_at.0).collect();
            expected.sort();
            prop_assert_eq!(sorted(&calls).0, expected);
        }
    }
}
