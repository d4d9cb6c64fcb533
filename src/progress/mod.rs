//! What a person sees while the run goes on, always on stderr: a bar on a terminal, a line now and then elsewhere.
//!
//! [`Screen`] is chosen once, before logging starts, for logs have to go through it: it takes the bar away, writes
//! the log line and draws the bar again. What is shown is made by [`render`], a pure function of a snapshot.

pub mod bar;
pub mod lines;
pub mod pace;
pub mod render;

use std::{
    io::{self, IsTerminal as _, Write as _},
    str::FromStr,
};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::MakeWriter;

use crate::observe::{Called, Notice, Observer, Snapshot};

/// How progress is shown: `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A bar on a terminal, else lines.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line every ten seconds.
    Lines,
    /// Nothing.
    None,
}

/// A name that no mode has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kind of progress named {0:?}: it is `auto`, `bar`, `lines` or `none`")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        match name {
            "auto" => Ok(Self::Auto),
            "bar" => Ok(Self::Bar),
            "lines" => Ok(Self::Lines),
            "none" => Ok(Self::None),
            other => Err(UnknownMode(other.to_owned())),
        }
    }
}

impl Mode {
    /// What `auto` comes to. A bar that nobody can see would only hide the lines: it needs a terminal, and one that
    /// can move its cursor.
    fn settled(self, terminal: bool) -> Self {
        match (self, terminal) {
            (Self::Auto | Self::Bar, true) => Self::Bar,
            (Self::Auto | Self::Bar, false) => Self::Lines,
            (Self::Lines | Self::None, _) => self,
        }
    }
}

/// Width where nobody says how wide the terminal is.
const DEFAULT_WIDTH: usize = 80;

/// Standard error, with or without a bar at its end. Clones are the same screen.
#[derive(Clone, Debug)]
pub struct Screen {
    mode: Mode,
    colour: bool,
    bars: MultiProgress,
}

impl Screen {
    /// Chooses what fits this process's stderr and environment (`NO_COLOR`, `TERM`).
    pub fn of_process(mode: Mode) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal();
        Self::new(mode, terminal && !dumb, terminal && !dumb && !no_colour)
    }

    /// Chooses what fits a stderr that is a terminal or none, and that may be coloured or not.
    pub fn new(mode: Mode, terminal: bool, colour: bool) -> Self {
        let mode = mode.settled(terminal);
        let target = match mode {
            Mode::Bar => ProgressDrawTarget::stderr_with_hz(bar::REDRAWS_PER_SECOND),
            _ => ProgressDrawTarget::hidden(),
        };
        Self {
            mode,
            colour,
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Whether colours may be used on stderr.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Columns of stderr's terminal; 80 where there is none.
    pub fn width(&self) -> usize {
        console::Term::stderr()
            .size_checked()
            .map_or(DEFAULT_WIDTH, |(_, columns)| columns.into())
    }

    /// What logs are written to, so that they never tear the bar.
    pub fn logs(&self) -> LogWriter {
        LogWriter(self.bars.clone())
    }

    /// Writes a text to stderr, above the bar if there is one.
    ///
    /// # Errors
    /// What stderr answers.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.logs().write_all(text.as_bytes())
    }

    /// The observer that shows progress and notices on this screen.
    ///
    /// # Errors
    /// The system's refusal to start the thread that draws the bar.
    pub fn observer(&self) -> io::Result<Watch> {
        Ok(Watch(match self.mode {
            Mode::Bar => Shown::Bar(bar::Bar::start(self.bars.clone(), self.colour)?),
            Mode::Auto | Mode::Lines => Shown::Lines(lines::Lines::default()),
            Mode::None => Shown::Nothing,
        }))
    }
}

/// Shows progress as the screen can, and notices as log lines.
#[derive(Debug)]
pub struct Watch(Shown);

#[derive(Debug)]
enum Shown {
    Bar(bar::Bar),
    Lines(lines::Lines),
    Nothing,
}

impl Watch {
    fn inner(&mut self) -> Option<&mut dyn Observer> {
        match &mut self.0 {
            Shown::Bar(bar) => Some(bar),
            Shown::Lines(lines) => Some(lines),
            Shown::Nothing => None,
        }
    }
}

impl Observer for Watch {
    fn called(&mut self, called: &Called) {
        if let Some(inner) = self.inner() {
            inner.called(called);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if notice.warning {
            tracing::warn!("{}", notice.text);
        } else {
            tracing::info!("{}", notice.text);
        }
    }

    fn tick(&mut self, snapshot: &Snapshot) {
        if let Some(inner) = self.inner() {
            inner.tick(snapshot);
        }
    }

    fn end(&mut self, snapshot: &Snapshot) {
        if let Some(inner) = self.inner() {
            inner.end(snapshot);
        }
    }
}

/// Writes to stderr while the bar is out of the way.
#[derive(Clone, Debug)]
pub struct LogWriter(MultiProgress);

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// A log event comes in one piece, so the bar steps aside once for it.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.suspend(|| io::stderr().lock().write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_shown_only_where_it_can_be_seen() {
        for (asked, terminal, shown) in [
            ("auto", true, Mode::Bar),
            ("auto", false, Mode::Lines),
            ("bar", true, Mode::Bar),
            ("bar", false, Mode::Lines),
            ("lines", true, Mode::Lines),
            ("none", true, Mode::None),
            ("none", false, Mode::None),
        ] {
            let mode: Mode = asked.parse().unwrap();
            assert_eq!(mode.settled(terminal), shown, "{asked} {terminal}");
        }
        assert!("bars".parse::<Mode>().is_err());
    }
}
