//! How fast the run goes: now, on average, and until when.

use std::{collections::VecDeque, time::Duration};

use crate::observe::Snapshot;

/// "Now" is the last few seconds: long enough to stand still, short enough to follow.
const NOW: Duration = Duration::from_secs(5);

/// The arrival is reckoned from the last minute: a pause of the service moves it, a hiccup does not.
const MINUTE: Duration = Duration::from_secs(60);

/// Samples closer than this are not kept apart, which bounds how many there are.
const APART: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    calls: u64,
    done: u64,
}

/// Remembers the last minute of a run.
#[derive(Debug, Default)]
pub struct Pace {
    samples: VecDeque<Sample>,
}

/// What the pace comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Calls a second over the last five seconds.
    pub now: f64,
    /// Calls a second over this session.
    pub mean: f64,
    /// How long the rest will take, if that can be told.
    pub left: Option<Duration>,
}

impl Pace {
    /// Takes a snapshot in, and says what the pace is with it.
    pub fn note(&mut self, snapshot: &Snapshot) -> Reading {
        let latest = Sample {
            at: snapshot.elapsed,
            calls: snapshot.calls,
            done: snapshot.outcomes.total(),
        };
        let reading = Reading {
            now: self.rate(latest, NOW, |sample| sample.calls),
            mean: per_second(latest.calls, latest.at),
            left: self.left(latest, snapshot.total),
        };
        if self
            .samples
            .back()
            .is_none_or(|last| latest.at.saturating_sub(last.at) >= APART)
        {
            self.samples.push_back(latest);
        }
        while self
            .samples
            .front()
            .is_some_and(|first| latest.at.saturating_sub(first.at) > MINUTE)
        {
            self.samples.pop_front();
        }
        reading
    }

    fn rate(&self, latest: Sample, window: Duration, figure: fn(&Sample) -> u64) -> f64 {
        let oldest = self
            .samples
            .iter()
            .find(|sample| latest.at.saturating_sub(sample.at) <= window);
        oldest.map_or(0.0, |oldest| {
            let more = figure(&latest).saturating_sub(figure(oldest));
            per_second(more, latest.at.saturating_sub(oldest.at))
        })
    }

    fn left(&self, latest: Sample, total: Option<u64>) -> Option<Duration> {
        let left = total?.saturating_sub(latest.done);
        let rate = self.rate(latest, MINUTE, |sample| sample.done);
        if left == 0 || rate <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        Duration::try_from_secs_f64(left as f64 / rate).ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn per_second(n: u64, span: Duration) -> f64 {
    if span < Duration::from_millis(100) {
        return 0.0;
    }
    n as f64 / span.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::{super::render::tests::snapshot, *};
    use crate::outcome::{Outcome, Tally};

    fn at(ms: u64, calls: u64, done: u64, total: Option<u64>) -> Snapshot {
        let mut outcomes = Tally::default();
        outcomes.add_many(Outcome::Disbanded, done);
        Snapshot {
            elapsed: Duration::from_millis(ms),
            calls,
            outcomes,
            total,
            ..snapshot()
        }
    }

    #[test]
    fn a_steady_run_has_one_pace() {
        let mut pace = Pace::default();
        let mut reading = Reading::default();
        for tick in 0..=1_000 {
            // A resumed run: 50,000 were done before.
            reading = pace.note(&at(
                tick * 250,
                tick * 50,
                50_000 + tick * 50,
                Some(200_000),
            ));
        }
        assert!((reading.now - 200.0).abs() < 0.1, "{reading:?}");
        assert!((reading.mean - 200.0).abs() < 0.1, "{reading:?}");
        assert_eq!(reading.left.unwrap().as_secs(), 500);
    }

    #[test]
    fn now_forgets_after_five_seconds_and_the_mean_never() {
        let mut pace = Pace::default();
        let mut reading = Reading::default();
        for tick in 0..=80 {
            let calls = tick.min(40) * 50;
            reading = pace.note(&at(tick * 250, calls, calls, Some(10_000)));
        }
        assert!(reading.now.abs() < f64::EPSILON, "{reading:?}");
        assert!((reading.mean - 100.0).abs() < 0.1, "{reading:?}");
        assert_eq!(reading.left.unwrap().as_secs(), 80);
    }

    #[test]
    fn nothing_is_foretold_without_a_total_or_a_pace() {
        let mut pace = Pace::default();
        assert_eq!(pace.note(&at(0, 0, 0, Some(10))), Reading::default());
        pace.note(&at(1_000, 5, 5, Some(10)));
        assert_eq!(pace.note(&at(2_000, 10, 10, Some(10))).left, None);
        assert_eq!(pace.note(&at(2_000, 10, 10, None)).left, None);
    }

    #[test]
    fn a_long_run_with_many_ticks_is_remembered_in_little() {
        let mut pace = Pace::default();
        for ms in 0..200_000 {
            pace.note(&at(ms, ms, ms, None));
        }
        assert!(pace.samples.len() <= 242, "{}", pace.samples.len());
    }
}
