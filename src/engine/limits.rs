//! When a run stops by itself: too many failures, too long without a settled group, time up, enough groups. Pure.

use std::time::Duration;

use super::stop::StopReason;

/// A percentage of failures counts from so many finished groups on.
const FINISHED_FOR_PERCENT: u64 = 100;

/// How long a run that has called enough groups waits to learn whether its input has more: then it stops with work
/// left, else it is finished.
const UNTIL_MORE: Duration = Duration::from_secs(5);

/// How many groups may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailures {
    /// So many.
    Count(u64),
    /// So many of a hundred finished ones, once a hundred are finished.
    Percent(f64),
}

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How many groups may fail.
    pub max_failures: Option<MaxFailures>,
    /// How long the run may want to call without any group being settled.
    pub max_outage: Duration,
    /// How long the run may send.
    pub max_duration: Option<Duration>,
    /// How many groups are called at most.
    pub max_called: Option<u64>,
}

impl Default for Limits {
    /// Half an hour of patience, and no other limit.
    fn default() -> Self {
        Self {
            max_failures: None,
            max_outage: Duration::from_secs(30 * 60),
            max_duration: None,
            max_called: None,
        }
    }
}

/// What counts towards the limits.
#[derive(Debug)]
pub(super) struct Watch {
    limits: Limits,
    called: u64,
    finished: u64,
    failed: u64,
    wanting_since: Option<Duration>,
    /// Since when enough groups were called and all of them are settled.
    enough_since: Option<Duration>,
}

impl Watch {
    /// Nothing happened yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            called: 0,
            finished: 0,
            failed: 0,
            wanting_since: None,
            enough_since: None,
        }
    }

    /// A group is called for the first time in this session.
    pub(super) fn group_called(&mut self) {
        self.called += 1;
    }

    /// It was not called after all.
    pub(super) fn group_recalled(&mut self) {
        self.called = self.called.saturating_sub(1);
    }

    /// Whether another group may be begun.
    pub(super) fn may_begin(&self) -> bool {
        self.limits.max_called.is_none_or(|most| self.called < most)
    }

    /// A group was settled by an answer.
    pub(super) fn settled(&mut self, failure: bool, now: Duration) {
        self.finished += 1;
        self.failed += u64::from(failure);
        self.wanting_since = Some(now);
    }

    /// Whether the run holds groups that it wants to call, or waits for their answers.
    pub(super) fn wants(&mut self, wanting: bool, now: Duration) {
        match wanting {
            true => _ = self.wanting_since.get_or_insert(now),
            false => self.wanting_since = None,
        }
        match wanting || self.may_begin() {
            true => self.enough_since = None,
            false => _ = self.enough_since.get_or_insert(now),
        }
    }

    /// The reason to stop at `now`, if there is one.
    pub(super) fn reached(&self, now: Duration) -> Option<StopReason> {
        let failed = self.failed;
        let too_many = match self.limits.max_failures {
            None => false,
            Some(MaxFailures::Count(most)) => failed >= most,
            Some(MaxFailures::Percent(most)) => {
                self.finished >= FINISHED_FOR_PERCENT
                    && failed as f64 * 100.0 >= most * self.finished as f64
            }
        };
        if too_many && failed > 0 {
            return Some(StopReason::MaxFailures { failed });
        }
        if self.outage_ends().is_some_and(|end| now >= end) {
            return Some(StopReason::MaxOutage);
        }
        if self.more_is_due().is_some_and(|end| now >= end) {
            return Some(StopReason::Limit);
        }
        self.limits
            .max_duration
            .is_some_and(|end| now >= end)
            .then_some(StopReason::MaxDuration)
    }

    /// When time alone may be a reason.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        [
            self.outage_ends(),
            self.more_is_due(),
            self.limits.max_duration,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn more_is_due(&self) -> Option<Duration> {
        self.enough_since.map(|since| since + UNTIL_MORE)
    }

    fn outage_ends(&self) -> Option<Duration> {
        self.wanting_since
            .map(|since| since.saturating_add(self.limits.max_outage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits {
        max_failures: None,
        max_outage: Duration::from_secs(1800),
        max_duration: None,
        max_called: None,
    };

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_count_of_failures_stops_at_that_count() {
        let mut watch = Watch::new(Limits {
            max_failures: Some(MaxFailures::Count(2)),
            ..NONE
        });
        watch.settled(true, s(1));
        assert_eq!(watch.reached(s(1)), None);
        watch.settled(true, s(1));
        assert_eq!(
            watch.reached(s(1)),
            Some(StopReason::MaxFailures { failed: 2 })
        );
    }

    #[test]
    fn a_percentage_counts_from_a_hundred_finished_groups_on() {
        let mut watch = Watch::new(Limits {
            max_failures: Some(MaxFailures::Percent(5.0)),
            ..NONE
        });
        for n in 0..99 {
            watch.settled(n < 5, s(1));
            assert_eq!(watch.reached(s(1)), None);
        }
        watch.settled(false, s(1));
        assert_eq!(
            watch.reached(s(1)),
            Some(StopReason::MaxFailures { failed: 5 })
        );
    }

    #[test]
    fn enough_groups_stop_a_run_whose_input_says_nothing_for_five_seconds() {
        let mut watch = Watch::new(Limits {
            max_called: Some(1),
            ..NONE
        });
        watch.wants(false, s(1));
        watch.group_called();
        watch.wants(true, s(2));
        assert_eq!(watch.reached(s(60)), None);
        watch.wants(false, s(60));
        watch.wants(false, s(64));
        assert_eq!(watch.reached(s(64)), None);
        assert_eq!(watch.next_deadline(), Some(s(65)));
        assert_eq!(watch.reached(s(65)), Some(StopReason::Limit));
    }

    #[test]
    fn an_outage_counts_only_while_there_is_something_to_call() {
        let mut watch = Watch::new(NONE);
        assert_eq!(watch.reached(s(9999)), None);
        watch.wants(true, s(10_000));
        watch.wants(true, s(11_000));
        assert_eq!(watch.reached(s(11_799)), None);
        assert_eq!(watch.reached(s(11_800)), Some(StopReason::MaxOutage));
        watch.settled(false, s(11_800));
        assert_eq!(watch.reached(s(11_801)), None);
        watch.wants(false, s(11_801));
        assert_eq!(watch.next_deadline(), None);
    }

    #[test]
    fn time_and_number_of_groups_are_limited() {
        let mut watch = Watch::new(Limits {
            max_duration: Some(s(5)),
            max_called: Some(1),
            ..NONE
        });
        assert!(watch.may_begin());
        watch.group_called();
        assert!(!watch.may_begin());
        assert_eq!(watch.next_deadline(), Some(s(5)));
        assert_eq!(watch.reached(s(5)), Some(StopReason::MaxDuration));
    }
}
