//! How many intents are made durable ahead of their calls: so many that no permit ever waits for the disk, and no more,
//! for each is a call that a crash leaves in doubt. Pure.
//!
//! A disk that somebody else keeps busy answers most syncs at once and some after a third of a second; the mean says
//! nothing of these, so the slowest is remembered, and forgotten by halves.

use std::time::Duration;

/// Calls of this span are prepared even on the fastest disk, so that they share commits: twenty at 200 a second.
const SHARED: Duration = Duration::from_millis(100);
/// The slowest commit is covered so many times over, since half is topped up at a time.
const COVER: f64 = 2.5;
/// The slowest commit counts for half after this.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// However slow the disk, no more are in doubt.
const MOST: usize = 1024;

/// Learns how long commits take.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    slowest_s: f64,
    noted_at: Duration,
}

impl Lookahead {
    /// A commit that ended at `now` took this long.
    pub(super) fn took(&mut self, commit: Duration, now: Duration) {
        let since = now.saturating_sub(self.noted_at).as_secs_f64();
        let faded = self.slowest_s * 0.5_f64.powf(since / HALF_LIFE.as_secs_f64());
        self.slowest_s = faded.max(commit.as_secs_f64());
        self.noted_at = now;
    }

    /// How many calls to prepare at `rate` calls a second.
    pub(super) fn calls(&self, rate: f64) -> usize {
        let span = SHARED.as_secs_f64().max(COVER * self.slowest_s);
        ((rate * span).ceil() as usize).clamp(2, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_fast_disk_needs_twenty_and_a_slow_one_as_many_as_its_commits_last() {
        let mut lookahead = Lookahead::default();
        assert_eq!(lookahead.calls(200.0), 20);
        lookahead.took(ms(200), ms(1000));
        assert_eq!(lookahead.calls(200.0), 100);
        assert_eq!(lookahead.calls(1.0), 2);
        assert_eq!(lookahead.calls(1e9), MOST);
    }

    #[test]
    fn a_slow_commit_is_remembered_among_fast_ones_and_forgotten_by_halves() {
        let mut lookahead = Lookahead::default();
        lookahead.took(ms(320), ms(0));
        for n in 1..=3000 {
            lookahead.took(ms(1), ms(n * 10));
        }
        assert_eq!(lookahead.calls(200.0), 80);
        lookahead.took(ms(1), ms(600_000));
        assert_eq!(lookahead.calls(200.0), 20);
    }
}
