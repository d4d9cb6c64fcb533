//! The service's rate limit, counted the strictest way: over any one second.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const SPAN: Duration = Duration::from_secs(1);

/// What arrived in the second up to now. Holds one moment for each of these arrivals, and no more.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Instant>);

impl Window {
    /// Notes an arrival, and returns how many there are in the second that ends with it. Moments must not go back.
    pub(super) fn note(&mut self, now: Instant) -> usize {
        self.0.push_back(now);
        self.count(now)
    }

    /// How many arrived in the second that ends now.
    pub(super) fn count(&mut self, now: Instant) -> usize {
        while let Some(&oldest) = self.0.front()
            && now.saturating_duration_since(oldest) >= SPAN
        {
            self.0.pop_front();
        }
        self.0.len()
    }
}

/// Refuses what goes over the limit.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// Calls a second; `None` is no limit.
    pub(super) limit: Option<u32>,
    /// Calls a second that somebody else spends of it.
    pub(super) other_load: u32,
    /// Whether refused calls count as well.
    pub(super) refused_count: bool,
    counted: Window,
}

impl RateLimit {
    pub(super) fn new(limit: Option<u32>, other_load: u32, refused_count: bool) -> Self {
        Self {
            limit,
            other_load,
            refused_count,
            counted: Window::default(),
        }
    }

    /// Whether a call that arrives now is within the limit. The other program spends its share evenly, so it has
    /// `other_load` calls in any second.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let room = limit.saturating_sub(self.other_load) as usize;
        if self.refused_count {
            return self.counted.note(now) <= room;
        }
        let admitted = self.counted.count(now) < room;
        if admitted {
            self.counted.note(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limit: &mut RateLimit, at_ms: impl IntoIterator<Item = u64>) -> usize {
        let start = Instant::now();
        at_ms
            .into_iter()
            .filter(|&ms| limit.admits(start + Duration::from_millis(ms)))
            .count()
    }

    #[test]
    fn the_limit_is_reached_and_not_passed_in_a_burst() {
        assert_eq!(
            admitted(&mut RateLimit::new(Some(200), 0, true), [0; 250]),
            200
        );
    }

    #[test]
    fn an_even_pace_at_the_limit_is_never_refused() {
        let mut limit = RateLimit::new(Some(200), 0, true);
        assert_eq!(admitted(&mut limit, (0..2_000).map(|n| n * 5)), 2_000);
    }

    #[test]
    fn the_window_slides_rather_than_starting_over_with_each_second() {
        // 150 late in one second and 100 early in the next are 250 in one second.
        let calls = std::iter::repeat_n(900, 150).chain(std::iter::repeat_n(1_100, 100));
        assert_eq!(
            admitted(&mut RateLimit::new(Some(200), 0, true), calls),
            200
        );
    }

    #[test]
    fn a_call_leaves_the_window_after_exactly_one_second() {
        let mut limit = RateLimit::new(Some(1), 0, true);
        assert_eq!(admitted(&mut limit, [0, 1_000]), 2);
        let mut limit = RateLimit::new(Some(1), 0, true);
        assert_eq!(admitted(&mut limit, [0, 999]), 1);
    }

    #[test]
    fn refused_calls_keep_the_window_full_only_if_they_count() {
        let twice_the_limit = || (0..100).map(|n| n * 50);
        let mut strict = RateLimit::new(Some(10), 0, true);
        let mut lenient = RateLimit::new(Some(10), 0, false);
        assert_eq!(admitted(&mut strict, twice_the_limit()), 10);
        assert_eq!(admitted(&mut lenient, twice_the_limit()), 50);
    }

    #[test]
    fn another_programs_calls_are_taken_off() {
        let mut limit = RateLimit::new(Some(200), 80, true);
        assert_eq!(admitted(&mut limit, [0; 250]), 120);
        let mut limit = RateLimit::new(Some(200), 300, true);
        assert_eq!(admitted(&mut limit, [0; 250]), 0);
    }

    #[test]
    fn the_window_forgets_what_is_over() {
        let mut window = Window::default();
        let start = Instant::now();
        for n in 0..10_000 {
            window.note(start + Duration::from_millis(n * 10));
        }
        assert_eq!(window.0.len(), 100);
    }
}
