//! How long a group waits for its next try: exponential backoff with full jitter, pure.
//!
//! "Full jitter" is a delay drawn uniformly from nothing to the exponential ceiling, which spreads the tries of many
//! groups that failed at one moment best (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

use std::{num::NonZeroU32, time::Duration};

/// When to give up on a group, and how long to wait before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls that count, for one group, before it is `exhausted`.
    pub max_attempts: NonZeroU32,
    /// The ceiling of the first wait.
    pub base: Duration,
    /// The ceiling of all waits.
    pub cap: Duration,
}

impl RetryPolicy {
    /// 500 ms doubling to 30 s: with five attempts a group waits 3.75 s on average and 7.5 s at most, which outlives the
    /// hiccup that 10002 tells of, and less than the call's own time-out.
    pub const fn new(max_attempts: NonZeroU32) -> Self {
        Self {
            max_attempts,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
        }
    }

    /// The wait after `failed` failed attempts (from 1); `draw` is uniform in 0 to 1.
    pub fn delay(&self, failed: u32, draw: f64) -> Duration {
        self.ceiling(failed).mul_f64(draw.clamp(0.0, 1.0))
    }

    /// The longest wait after `failed` failed attempts.
    pub fn ceiling(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy() -> RetryPolicy {
        RetryPolicy::new(NonZeroU32::new(5).unwrap())
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let ceilings: Vec<_> = (1..=8).map(|n| policy().ceiling(n).as_millis()).collect();
        assert_eq!(ceilings, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }

    proptest! {
        #[test]
        fn a_wait_lies_between_nothing_and_its_ceiling(failed in 0..u32::MAX, draw in 0.0..=1.0) {
            prop_assert!(policy().delay(failed, draw) <= policy().ceiling(failed));
            prop_assert!(policy().ceiling(failed) <= policy().cap);
        }

        #[test]
        fn the_jitter_is_full(failed in 1..8_u32) {
            prop_assert_eq!(policy().delay(failed, 0.0), Duration::ZERO);
            prop_assert_eq!(policy().delay(failed, 1.0), policy().ceiling(failed));
        }
    }
}
