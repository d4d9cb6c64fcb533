//! The exact guard: how many calls left within the last second.

use std::{collections::VecDeque, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

/// Departures of the last span, oldest first.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    span: Duration,
    departed: VecDeque<Duration>,
    most: usize,
}

impl Window {
    /// A guard that lets `limit` calls leave in any `span`, where some may have left just now, by another's hand.
    pub(super) fn new(limit: usize, span: Duration, (now, others): (Duration, u32)) -> Self {
        Self {
            limit,
            span,
            departed: std::iter::repeat_n(now, limit.min(others as usize)).collect(),
            most: 0,
        }
    }

    /// A call left; `at` never runs backwards.
    pub(super) fn departed(&mut self, at: Duration) {
        self.departed.push_back(at);
        self.forget(at);
        let older = self.departed.partition_point(|&then| then + SECOND <= at);
        self.most = self.most.max(self.departed.len() - older);
    }

    /// Whether one more call would be too many at `now`, with `outstanding` permits that may be used at any moment:
    /// `Some` of the time when it will not be, or of nothing where that depends on those permits.
    pub(super) fn refuses(
        &mut self,
        now: Duration,
        outstanding: usize,
    ) -> Option<Option<Duration>> {
        self.forget(now);
        let over = (self.departed.len() + outstanding + 1).saturating_sub(self.limit);
        let last_too_many = over.checked_sub(1)?;
        Some(
            self.departed
                .get(last_too_many)
                .map(|&then| then + self.span),
        )
    }

    /// The most calls that left within one second.
    pub(super) fn max_in_one_second(&self) -> usize {
        self.most
    }

    fn forget(&mut self, now: Duration) {
        while self
            .departed
            .front()
            .is_some_and(|&then| then + self.span <= now)
        {
            self.departed.pop_front();
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
    fn it_refuses_the_call_that_would_be_one_too_many_until_the_oldest_is_out_of_the_span() {
        let mut window = Window::new(2, ms(1000), (ms(0), 0));
        assert_eq!(window.refuses(ms(0), 0), None);
        window.departed(ms(0));
        window.departed(ms(10));
        assert_eq!(window.refuses(ms(10), 0), Some(Some(ms(1000))));
        assert_eq!(window.refuses(ms(999), 0), Some(Some(ms(1000))));
        assert_eq!(window.refuses(ms(1000), 0), None);
    }

    #[test]
    fn a_permit_that_is_out_counts_as_if_it_left_at_any_moment() {
        let mut window = Window::new(2, ms(1000), (ms(0), 0));
        assert_eq!(window.refuses(ms(0), 2), Some(None));
        window.departed(ms(5));
        assert_eq!(window.refuses(ms(5), 1), Some(Some(ms(1005))));
        assert_eq!(window.refuses(ms(5), 2), Some(None));
    }

    #[test]
    fn what_another_sent_just_before_counts_for_a_span() {
        let mut window = Window::new(3, ms(1000), (ms(0), 2));
        assert_eq!(window.refuses(ms(0), 0), None);
        window.departed(ms(5));
        assert_eq!(window.refuses(ms(5), 0), Some(Some(ms(1000))));
        assert_eq!(window.max_in_one_second(), 3);
        let mut window = Window::new(3, ms(1000), (ms(0), 1000));
        assert_eq!(window.refuses(ms(0), 0), Some(Some(ms(1000))));
    }

    #[test]
    fn it_counts_the_most_that_left_within_one_second() {
        let mut window = Window::new(3, ms(1000), (ms(0), 0));
        for at in [0, 600, 1000, 1200, 1599] {
            window.departed(ms(at));
        }
        assert_eq!(window.max_in_one_second(), 4);
    }
}
