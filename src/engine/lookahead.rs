//! How many intents are made durable ahead of their calls: so many that no permit ever waits for the disk, and no more,
//! for each is a call that a crash leaves in doubt. Pure.

use std::time::Duration;

/// Calls of this span are prepared together even on the fastest disk, so that they share a commit: four at 200 a second.
const SHARED: Duration = Duration::from_millis(20);
/// Slow commits are covered so many times over, since half is topped up at a time.
const COVER: f64 = 3.0;
/// However slow the disk, no more are in doubt.
const MOST: usize = 1024;
/// Weight of the newest commit in the moving average of their durations.
const WEIGHT: f64 = 0.2;

/// Learns how long a commit takes.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    commit_s: f64,
}

impl Lookahead {
    /// A commit took this long.
    pub(super) fn took(&mut self, commit: Duration) {
        self.commit_s += WEIGHT * (commit.as_secs_f64() - self.commit_s);
    }

    /// How many calls to prepare at `rate` calls a second.
    pub(super) fn calls(&self, rate: f64) -> usize {
        let span = SHARED.as_secs_f64().max(COVER * self.commit_s);
        ((rate * span).ceil() as usize).clamp(2, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_disk_needs_four_and_a_slow_one_as_many_as_its_commits_last() {
        let mut lookahead = Lookahead::default();
        assert_eq!(lookahead.calls(200.0), 4);
        for _ in 0..100 {
            lookahead.took(Duration::from_millis(50));
        }
        assert_eq!(lookahead.calls(200.0), 30);
        assert_eq!(lookahead.calls(1.0), 2);
        assert_eq!(lookahead.calls(1e9), MOST);
    }
}
