//! Progress for log files: a line now and then.

use std::time::Duration;

use jiff::Zoned;

use super::{
    pace::{Pace, Reading},
    render::View,
};
use crate::observe::{Observer, Snapshot};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// Logs a line every ten seconds of the run's own time, and one at its end.
#[derive(Debug, Default)]
pub struct Lines {
    pace: Pace,
    last: Duration,
}

impl Lines {
    /// Whether a line is due, by the run's own time.
    fn due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed.saturating_sub(self.last) >= EVERY;
        if due {
            self.last = elapsed;
        }
        due
    }
}

fn log(snapshot: &Snapshot, reading: Reading) {
    let view = View {
        snapshot,
        reading,
        clock: &Zoned::now(),
        colour: false,
    };
    tracing::info!("{}", view.line());
}

impl Observer for Lines {
    fn tick(&mut self, snapshot: &Snapshot) {
        let reading = self.pace.note(snapshot);
        if self.due(snapshot.elapsed) {
            log(snapshot, reading);
        }
    }

    fn end(&mut self, snapshot: &Snapshot) {
        let reading = self.pace.note(snapshot);
        log(snapshot, reading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_every_ten_seconds_of_the_run() {
        let mut lines = Lines::default();
        let due: Vec<u64> = (0..=40_000)
            .step_by(300)
            .filter(|&ms| lines.due(Duration::from_millis(ms)))
            .collect();
        assert_eq!(due, [10_200, 20_400, 30_600]);
    }
}
