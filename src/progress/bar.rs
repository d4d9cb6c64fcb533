//! Progress on a terminal: a bar with two lines below it.

use std::{
    borrow::Cow,
    io,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Zoned;

use super::{DEFAULT_WIDTH, pace::Pace, render::View};
use crate::observe::{Observer, Snapshot};

/// More would only make the terminal work.
pub(super) const REDRAWS_PER_SECOND: u8 = 10;

/// Columns that the bar itself takes at least, with its brackets and the blank behind it.
const BAR: usize = 14;

/// The spinner with the blank behind it.
const SPINNER: usize = 2;

/// Draws the bar, in a thread of its own: a terminal that takes nothing (a paused one, a stuck connection) must not
/// hold up the engine. Snapshots that come while it draws are skipped.
#[derive(Debug)]
pub struct Bar {
    snapshots: Option<SyncSender<Snapshot>>,
    painter: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's refusal to start one.
    pub fn start(bars: MultiProgress, colour: bool) -> io::Result<Self> {
        let (snapshots, waiting) = sync_channel(1);
        let painter = thread::Builder::new()
            .name("bar".to_owned())
            .spawn(move || paint(&bars, colour, &waiting))?;
        Ok(Self {
            snapshots: Some(snapshots),
            painter: Some(painter),
        })
    }
}

impl Observer for Bar {
    fn tick(&mut self, snapshot: &Snapshot) {
        if let Some(snapshots) = &self.snapshots {
            match snapshots.try_send(snapshot.clone()) {
                // Another will come.
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => self.snapshots = None,
            }
        }
    }

    /// Takes the bar away, for the closing words tell more.
    fn end(&mut self, _: &Snapshot) {
        self.snapshots = None;
        if let Some(painter) = self.painter.take() {
            // If it panicked, the bar is gone too.
            let _ = painter.join();
        }
    }
}

impl Drop for Bar {
    /// The bar goes even if the run ends in an error; nobody waits for it then.
    fn drop(&mut self) {
        self.snapshots = None;
    }
}

fn paint(bars: &MultiProgress, colour: bool, waiting: &Receiver<Snapshot>) {
    let bar = bars.add(ProgressBar::no_length());
    let mut pace = Pace::default();
    let mut style = None;
    while let Ok(snapshot) = waiting.recv() {
        let reading = pace.note(&snapshot);
        let clock = Zoned::now();
        let view = View {
            snapshot: &snapshot,
            reading,
            clock: &clock,
            colour,
        };
        let wanted = (snapshot.total.is_some(), colour);
        if style != Some(wanted) {
            bar.set_style(style_of(wanted.0, wanted.1));
            style = Some(wanted);
        }
        draw(&bar, &view, width());
    }
    bar.finish_and_clear();
}

fn width() -> usize {
    console::Term::stderr()
        .size_checked()
        .map_or(DEFAULT_WIDTH, |(_, columns)| columns.into())
}

fn draw(bar: &ProgressBar, view: &View<'_>, width: usize) {
    let beside = if view.snapshot.total.is_some() {
        BAR
    } else {
        SPINNER
    };
    if let Some(total) = view.snapshot.total {
        bar.set_length(total);
    }
    bar.set_prefix(view.head(width.saturating_sub(beside)));
    bar.set_message(format!("{}\n{}", view.outcomes(width), view.live(width)));
    bar.set_position(view.snapshot.outcomes.total());
    bar.tick();
}

fn style_of(total_known: bool, colour: bool) -> ProgressStyle {
    let template: Cow<'static, str> = match (total_known, colour) {
        (true, true) => "[{wide_bar:.green}] {prefix}\n{msg}".into(),
        (true, false) => "[{wide_bar}] {prefix}\n{msg}".into(),
        (false, _) => "{spinner} {prefix}\n{msg}".into(),
    };
    // The templates are constants; a test draws each.
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
        .tick_chars("|/-\\ ")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use console::measure_text_width;
    use indicatif::{ProgressDrawTarget, TermLike};

    use super::{
        super::{
            pace::Reading,
            render::tests::{clock, snapshot},
        },
        *,
    };

    /// A terminal that only remembers what was written to it since it was last cleared.
    #[derive(Clone, Debug)]
    struct Paper {
        width: u16,
        written: Arc<Mutex<String>>,
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.width
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)?;
            self.write_str("\n")
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.written.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.written.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(snapshot: &Snapshot, width: u16) -> String {
        let written = Arc::new(Mutex::new(String::new()));
        let paper = Paper {
            width,
            written: Arc::clone(&written),
        };
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(paper)));
        let bar = bars.add(ProgressBar::no_length());
        bar.set_style(style_of(snapshot.total.is_some(), false));
        let clock = clock();
        let view = View {
            snapshot,
            reading: Reading {
                now: 199.6,
                mean: 198.2,
                left: snapshot.total.map(|_| std::time::Duration::from_secs(438)),
            },
            clock: &clock,
            colour: false,
        };
        draw(&bar, &view, width.into());
        bar.force_draw();
        // Rows are padded to the full width instead of ended.
        let text: Vec<char> = written.lock().unwrap().chars().collect();
        let rows = text.chunks(width.into());
        rows.map(|row| row.iter().collect::<String>().trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_bar_stands_above_its_two_lines_at_eighty_columns() {
        insta::assert_snapshot!(drawn(&snapshot(), 80), @r#"
        [=>          ] 12,314/100,000  12 %  200/s  eta 14:32  (7m 18s left)  mean 198/s
        disbanded 12,000  failed 4  already_gone 310
        12 in flight  3 waiting to be tried again  58 retries
        "#);
    }

    #[test]
    fn the_bar_grows_with_the_terminal() {
        let text = drawn(&snapshot(), 200);
        let first = text.lines().next().unwrap();
        assert!(measure_text_width(first) == 200, "{text}");
        assert!(first.starts_with("[============"), "{text}");
    }

    #[test]
    fn an_unknown_total_has_a_spinner() {
        insta::assert_snapshot!(drawn(&Snapshot { total: None, ..snapshot() }, 80), @r#"
        - 12,314 done, 14,000 read  200/s  mean 198/s
        disbanded 12,000  failed 4  already_gone 310
        12 in flight  3 waiting to be tried again  58 retries
        "#);
    }

    #[test]
    fn a_terminal_that_takes_nothing_does_not_hold_up_the_run() {
        let (snapshots, _waiting) = sync_channel(1);
        let mut bar = Bar {
            snapshots: Some(snapshots),
            painter: None,
        };
        for _ in 0..100 {
            bar.tick(&snapshot());
        }
    }
}
