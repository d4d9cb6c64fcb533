//! Slower when told: additive increase, multiplicative decrease of the whole run's rate, pure.
//!
//! AIMD is what lets programs that know nothing of each other share a limit (Chiu and Jain, 1989). Two things are made
//! to fit a service that counts calls in a window of one second: the decrease looks at what the service took in the
//! last second, so that one step finds the share that another program leaves us; and there is one decrease a second at
//! most, because the window still remembers the calls that were too many.

use std::{collections::VecDeque, time::Duration};

/// The service's window, and ours for looking at what it took.
const WINDOW: Duration = Duration::from_secs(1);
/// The rate after a refusal, as a share of what the service took in the last second.
const SETTLE: f64 = 0.97;
/// A single step never takes more than half.
const STEEPEST: f64 = 0.5;
/// Calls a second won back each second, as a share of the full rate, right after a refusal...
const INCREASE: f64 = 0.003;
/// ...doubled for each ten seconds without another one...
const ACCELERATION: f64 = 10.0;
/// ...up to this.
const STEEPEST_INCREASE: f64 = 0.04;
/// The service's wish to wait is honoured up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The run's effective rate.
#[derive(Debug)]
pub(super) struct Throttle {
    full: f64,
    current: f64,
    refused_at: Option<Duration>,
    grown_at: Duration,
    paused_until: Duration,
    taken: VecDeque<Duration>,
}

impl Throttle {
    /// Full speed, at `rate` calls a second.
    pub(super) fn new(rate: u32) -> Self {
        let full = f64::from(rate);
        let (refused_at, grown_at, paused_until, taken) = Default::default();
        Self {
            full,
            current: full,
            refused_at,
            grown_at,
            paused_until,
            taken,
        }
    }

    /// The service took a call.
    pub(super) fn taken(&mut self, now: Duration) {
        self.forget(now);
        if self.taken.len() < self.full as usize + 1 {
            self.taken.push_back(now);
        }
    }

    /// The service refused a call as one too many. Returns whether the rate went down for it.
    pub(super) fn refused(&mut self, now: Duration, retry_after: Option<Duration>) -> bool {
        if let Some(wait) = retry_after {
            self.paused_until = self.paused_until.max(now + wait.min(LONGEST_PAUSE));
        }
        self.grow(now);
        if self.refused_at.is_some_and(|then| now < then + WINDOW) {
            return false;
        }
        self.forget(now);
        let share = SETTLE * self.taken.len() as f64;
        let floor = (self.full / 100.0).max(1.0).min(self.full);
        self.current = share
            .clamp(STEEPEST * self.current, SETTLE * self.current)
            .max(floor);
        self.refused_at = Some(now);
        self.grown_at = now;
        true
    }

    /// Calls a second that may be sent at `now`.
    pub(super) fn rate(&mut self, now: Duration) -> f64 {
        self.grow(now);
        self.current
    }

    /// Nothing may be sent before this.
    pub(super) fn paused_until(&self) -> Duration {
        self.paused_until
    }

    fn grow(&mut self, now: Duration) {
        let step = now.saturating_sub(self.grown_at);
        let Some(refused_at) = self.refused_at else {
            return;
        };
        // In steps of a tenth of a second: each new rate starts a new GCRA.
        if self.current >= self.full || step < Duration::from_millis(100) {
            return;
        }
        let quiet = now.saturating_sub(refused_at).as_secs_f64();
        let slope = (INCREASE * (quiet / ACCELERATION).floor().exp2()).min(STEEPEST_INCREASE);
        let won_back = slope * self.full * step.min(WINDOW).as_secs_f64();
        self.current = (self.current + won_back).min(self.full);
        self.grown_at = now;
    }

    fn forget(&mut self, now: Duration) {
        while self.taken.front().is_some_and(|&then| then + WINDOW <= now) {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn one_step_finds_what_the_service_takes() {
        let mut throttle = Throttle::new(200);
        for n in 0..120 {
            throttle.taken(ms(1000 + n * 8));
        }
        assert!(throttle.refused(ms(1960), None));
        assert!((throttle.rate(ms(1960)) - 116.4).abs() < 0.1);
    }

    #[test]
    fn a_step_is_never_steeper_than_half_and_there_is_one_a_second() {
        let mut throttle = Throttle::new(200);
        assert!(throttle.refused(ms(0), None));
        assert!(!throttle.refused(ms(50), None));
        assert!((throttle.rate(ms(50)) - 100.0).abs() < 0.1);
        assert!(throttle.refused(ms(1000), None));
        assert!(throttle.rate(ms(1000)) < 51.0);
    }

    #[test]
    fn it_never_stops_altogether_and_grows_back_to_full_but_not_beyond() {
        let mut throttle = Throttle::new(200);
        for second in 0..100 {
            throttle.refused(ms(second * 1000), None);
        }
        assert!(throttle.rate(ms(99_000)) >= 2.0);
        let mut last = 0.0;
        for tick in 0..2_000 {
            let rate = throttle.rate(ms(99_000 + tick * 100));
            assert!(rate >= last && rate <= 200.0);
            last = rate;
        }
        assert!((last - 200.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_services_wish_to_wait_is_honoured_up_to_a_minute() {
        let mut throttle = Throttle::new(200);
        throttle.refused(ms(0), Some(Duration::from_secs(7)));
        assert_eq!(throttle.paused_until(), Duration::from_secs(7));
        throttle.refused(ms(10), Some(Duration::from_secs(3600)));
        assert_eq!(throttle.paused_until(), ms(60_010));
    }
}
