//! Is the service there at all? A circuit breaker over all answers, pure.
//!
//! Closed, calls flow. A row of answers that settle nothing, from enough different groups, opens it: nothing is sent
//! but one probe at a time, at growing intervals (half-open), until an answer shows that the service is back. One
//! group's bad luck opens nothing, for other groups' answers come in between.
//!
//! Rows are numbered. A group notes in which row it was charged an attempt; if that row turns out to be an outage, the
//! charge is void ([`Breaker::was_outage`]).

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use crate::verdict::{Action, Reach, Verdict};

/// A row of unsettling answers from so many groups is an outage...
const GROUPS: usize = 20;
/// ...and from so many, as long as no group at all has been settled in this session.
const GROUPS_AT_START: usize = 5;
/// No group can be the cause of a call that found no service: so many in a row are an outage.
const UNREACHED: usize = 5;
/// Once answers came, so many calls without any answer hold the rest back: an outage that swallows packets is noticed
/// before the first time-out. At 200 a second this is half a second of silence.
const UNANSWERED: u32 = 100;
/// The first probe's interval; it doubles...
const FIRST_PROBE: Duration = Duration::from_millis(500);
/// ...up to this (promise 5 and its issue: 30 s).
const LAST_PROBE: Duration = Duration::from_secs(30);
/// How many outages are remembered for charges that have not been looked at since.
const REMEMBERED: usize = 256;

/// What an answer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The service is gone: stop sending, and probe.
    Opened,
    /// Something in the way answers everybody with this HTTP status: a proxy, or a wrong host.
    Misdirected {
        /// The status.
        status: u16,
    },
    /// A probe failed; the next one follows later.
    StillOpen,
    /// The service is back.
    Closed {
        /// How long it was gone.
        after: Duration,
    },
}

/// Whether a call may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may.
    Granted,
    /// Not before then.
    Until(Duration),
    /// Not before an answer comes.
    AfterAnswer,
}

#[derive(Debug)]
enum State {
    Closed,
    Open {
        since: Duration,
        next_probe: Duration,
        interval: Duration,
        probing: bool,
    },
}

/// The breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    row: u64,
    groups: HashSet<u64>,
    unreached: usize,
    status: Option<Option<u16>>,
    began: Option<Duration>,
    outages: VecDeque<u64>,
    settled_any: bool,
    answered_any: bool,
    unanswered: u32,
}

impl Breaker {
    /// Closed.
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed,
            row: 0,
            groups: HashSet::new(),
            unreached: 0,
            status: None,
            began: None,
            outages: VecDeque::new(),
            settled_any: false,
            answered_any: false,
            unanswered: 0,
        }
    }

    /// Whether a call may leave at `now`.
    pub(super) fn leave(&self, now: Duration) -> Leave {
        match self.state {
            State::Closed if self.answered_any && self.unanswered >= UNANSWERED => {
                Leave::AfterAnswer
            }
            State::Closed => Leave::Granted,
            State::Open { probing: true, .. } => Leave::AfterAnswer,
            State::Open { next_probe, .. } if now < next_probe => Leave::Until(next_probe),
            State::Open { .. } => Leave::Granted,
        }
    }

    /// A call leaves.
    pub(super) fn sent(&mut self, now: Duration) {
        self.unanswered = self.unanswered.saturating_add(1);
        if let State::Open {
            probing,
            next_probe,
            ..
        } = &mut self.state
        {
            (*probing, *next_probe) = (true, now);
        }
    }

    /// An answer came for the record `seq`, whose call left in the row `sent_in`. `jitter` is uniform in 0 to 1.
    pub(super) fn answer(
        &mut self,
        (seq, sent_in): (u64, u64),
        verdict: Verdict,
        status: Option<u16>,
        now: Duration,
        jitter: f64,
    ) -> Option<Change> {
        match verdict.reach {
            Reach::Answered => (self.unanswered, self.answered_any) = (0, true),
            // One slot for one call that is over, so that a hold never waits for an answer that nobody owes.
            Reach::Lost | Reach::Unreached => self.unanswered = self.unanswered.saturating_sub(1),
        }
        if verdict.action != Action::Retry {
            self.settled_any |= verdict.settles();
            return self.service_is_there(verdict.settles(), now);
        }
        if matches!(self.state, State::Closed) && self.was_outage(sent_in) {
            return None; // lost in an outage that is over: says nothing of now
        }
        self.note(seq, verdict, status, now);
        match &mut self.state {
            State::Closed => self.judge(now),
            State::Open {
                next_probe,
                interval,
                probing,
                ..
            } => {
                if !*probing {
                    return None; // a straggler from before
                }
                *probing = false;
                *interval = (*interval * 2).min(LAST_PROBE);
                // Up to a tenth earlier, so that hosts that lost the service together don't probe together.
                let early = interval.mul_f64(jitter.clamp(0.0, 1.0) / 10.0);
                // Counted from when the last one left: one that ends in a time-out has waited already.
                *next_probe = now.max(*next_probe + *interval - early);
                Some(Change::StillOpen)
            }
        }
    }

    /// The number of the row that unsettling answers are part of now.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Whether the row with this number was, or is, an outage.
    pub(super) fn was_outage(&self, row: u64) -> bool {
        self.outages.contains(&row)
    }

    /// Since when the service is gone and when it is asked next, if it is gone.
    pub(super) fn open(&self) -> Option<(Duration, Duration)> {
        match self.state {
            State::Closed => None,
            State::Open {
                since, next_probe, ..
            } => Some((since, next_probe)),
        }
    }

    fn service_is_there(&mut self, settles: bool, now: Duration) -> Option<Change> {
        let change = match self.state {
            State::Open { since, .. } => Some(Change::Closed {
                after: now.saturating_sub(since),
            }),
            State::Closed => None,
        };
        if change.is_some() || (settles && self.began.is_some()) {
            self.state = State::Closed;
            self.row += 1;
            self.groups.clear();
            self.unreached = 0;
            self.status = None;
            self.began = None;
        }
        change
    }

    fn note(&mut self, seq: u64, verdict: Verdict, status: Option<u16>, now: Duration) {
        self.began.get_or_insert(now);
        if self.groups.len() < GROUPS {
            self.groups.insert(seq);
        }
        // A connection that fails is no group's doing; what answers in the service's place may dislike some of them.
        let everybodys = status.is_none() || !self.settled_any;
        self.unreached += usize::from(verdict.reach == Reach::Unreached && everybodys);
        let refusal = status
            .filter(|status| (400..500).contains(status) && verdict.reach == Reach::Unreached);
        match self.status {
            None => self.status = Some(refusal),
            Some(earlier) if earlier != refusal => self.status = Some(None),
            Some(_) => {}
        }
    }

    fn judge(&mut self, now: Duration) -> Option<Change> {
        let enough = if self.settled_any {
            GROUPS
        } else {
            GROUPS_AT_START
        };
        if self.unreached < UNREACHED && self.groups.len() < enough {
            return None;
        }
        self.outages.push_back(self.row);
        if self.outages.len() > REMEMBERED {
            self.outages.pop_front();
        }
        let since = self.began.unwrap_or(now);
        self.state = State::Open {
            since,
            next_probe: now + FIRST_PROBE,
            interval: FIRST_PROBE,
            probing: false,
        };
        match self.status {
            Some(Some(status)) => Some(Change::Misdirected { status }),
            _ => Some(Change::Opened),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Herd;

    const DONE: Verdict = verdict(Action::Done, Reach::Answered);
    const AGAIN: Verdict = verdict(Action::Retry, Reach::Answered);
    const UNREACHED: Verdict = verdict(Action::Retry, Reach::Unreached);

    const fn verdict(action: Action, reach: Reach) -> Verdict {
        Verdict {
            action,
            may_have_acted: false,
            herd: Herd::Ordinary,
            reach,
        }
    }

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn tell(
        breaker: &mut Breaker,
        seqs: std::ops::Range<u64>,
        verdict: Verdict,
        now: Duration,
    ) -> Vec<Change> {
        seqs.filter_map(|seq| {
            breaker.sent(now);
            breaker.answer((seq, breaker.row()), verdict, None, now, 0.0)
        })
        .collect()
    }

    #[test]
    fn twenty_different_groups_in_a_row_are_an_outage_and_one_group_never_is() {
        let mut breaker = Breaker::new();
        tell(&mut breaker, 0..1, DONE, s(0));
        for _ in 0..1000 {
            assert_eq!(tell(&mut breaker, 1..2, AGAIN, s(1)), []);
        }
        assert_eq!(tell(&mut breaker, 2..20, AGAIN, s(1)), []);
        assert_eq!(tell(&mut breaker, 20..21, AGAIN, s(1)), [Change::Opened]);
        assert!(breaker.was_outage(breaker.row()));
    }

    #[test]
    fn where_nobody_was_ever_settled_five_groups_are_enough() {
        let mut breaker = Breaker::new();
        assert_eq!(tell(&mut breaker, 0..5, AGAIN, s(1)), [Change::Opened]);
    }

    #[test]
    fn five_calls_that_never_reached_the_service_are_an_outage_even_of_one_group() {
        let mut breaker = Breaker::new();
        tell(&mut breaker, 0..1, DONE, s(0));
        let changes: Vec<_> = (0..5)
            .flat_map(|_| tell(&mut breaker, 1..2, UNREACHED, s(1)))
            .collect();
        assert_eq!(changes, [Change::Opened]);
    }

    #[test]
    fn an_answer_that_settles_ends_the_row() {
        let mut breaker = Breaker::new();
        for round in 0..10 {
            assert_eq!(tell(&mut breaker, 0..1, DONE, s(round)), []);
            assert_eq!(tell(&mut breaker, 1..20, AGAIN, s(round)), []);
        }
        assert!(!breaker.was_outage(breaker.row()));
    }

    #[test]
    fn probes_go_out_one_at_a_time_at_growing_intervals() {
        let mut breaker = Breaker::new();
        tell(&mut breaker, 0..5, UNREACHED, s(0));
        let (mut now, mut waits) = (s(0), vec![]);
        for _ in 0..9 {
            let Leave::Until(probe) = breaker.leave(now) else {
                panic!("it sends at {now:?}")
            };
            waits.push((probe - now).as_millis());
            now = probe;
            assert_eq!(breaker.leave(now), Leave::Granted);
            breaker.sent(now);
            assert_eq!(breaker.leave(now + s(100)), Leave::AfterAnswer);
            assert_eq!(
                breaker.answer((1, breaker.row()), UNREACHED, None, now, 0.0),
                Some(Change::StillOpen)
            );
        }
        assert_eq!(
            waits,
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
        breaker.sent(s(1));
        assert_eq!(
            breaker.answer((1, breaker.row()), DONE, None, now, 0.0),
            Some(Change::Closed { after: now })
        );
        assert_eq!(breaker.leave(now), Leave::Granted);
    }

    #[test]
    fn a_throttled_probe_shows_that_the_service_is_back() {
        let mut breaker = Breaker::new();
        tell(&mut breaker, 0..5, UNREACHED, s(0));
        breaker.sent(s(1));
        let slow = verdict(Action::Slow, Reach::Answered);
        assert_eq!(
            breaker.answer((9, breaker.row()), slow, None, s(9), 0.0),
            Some(Change::Closed { after: s(9) })
        );
    }

    #[test]
    fn the_same_refusal_by_something_in_the_way_is_told_apart_from_an_outage() {
        let mut breaker = Breaker::new();
        let changes: Vec<_> = (0..5)
            .filter_map(|n| breaker.answer((n, breaker.row()), UNREACHED, Some(403), s(0), 0.0))
            .collect();
        assert_eq!(changes, [Change::Misdirected { status: 403 }]);
        let mut breaker = Breaker::new();
        breaker.answer((0, breaker.row()), UNREACHED, None, s(0), 0.0);
        let changes: Vec<_> = (1..5)
            .filter_map(|n| breaker.answer((n, breaker.row()), UNREACHED, Some(403), s(0), 0.0))
            .collect();
        assert_eq!(changes, [Change::Opened]);
    }

    #[test]
    fn a_cluster_of_groups_that_something_in_the_way_dislikes_is_no_refusal_of_everybody() {
        let mut breaker = Breaker::new();
        breaker.answer((0, 0), DONE, Some(200), s(0), 0.0);
        let mut disliked = |n| breaker.answer((n, breaker.row()), UNREACHED, Some(403), s(0), 0.0);
        for round in 0..5 {
            for n in 1..20 {
                assert_eq!(disliked(n), None, "round {round}");
            }
        }
        assert_eq!(disliked(20), Some(Change::Misdirected { status: 403 }));
    }

    #[test]
    fn silence_holds_the_rest_back_until_any_answer_comes() {
        let mut breaker = Breaker::new();
        tell(&mut breaker, 0..1, DONE, s(0));
        for _ in 0..super::UNANSWERED {
            assert_eq!(breaker.leave(s(1)), Leave::Granted);
            breaker.sent(s(1));
        }
        assert_eq!(breaker.leave(s(1)), Leave::AfterAnswer);
        breaker.answer(
            (2, breaker.row()),
            verdict(Action::Retry, Reach::Lost),
            None,
            s(2),
            0.0,
        );
        assert_eq!(breaker.leave(s(2)), Leave::Granted);
    }
}
