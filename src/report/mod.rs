//! What a run leaves behind for people and scripts: a row for each record, a summary, a page to read.
//!
//! Rows are made by [`csv`] or [`jsonl`], opened safely by [`mod@file`] and written by the thread of [`writer`];
//! [`statistics`] counts while the run goes on; [`summary`] is its last word for scripts, [`human`] for people.

pub mod csv;
pub mod errors;
pub mod file;
pub mod html;
pub mod human;
pub mod jsonl;
pub mod statistics;
pub mod summary;
pub mod writer;

use std::{io, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use crate::{escape::Escaped, row::Row};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a header line.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// A name that no report format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no report format {0:?}: it is `csv` or `jsonl`")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

/// Writes rows in one of the formats.
#[derive(Debug)]
pub enum Rows<W: io::Write> {
    /// As CSV.
    Csv(Box<csv::CsvRows<W>>),
    /// As JSON lines.
    Jsonl(jsonl::JsonlRows<W>),
}

impl<W: io::Write> Rows<W> {
    /// Begins a report; a header, where the format has one, is written at once.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn begin(format: Format, out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(csv::CsvRows::begin(out)?)),
            Format::Jsonl => Self::Jsonl(jsonl::JsonlRows::begin(out)),
        })
    }

    /// Writes one row, perhaps only into the buffer.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        match self {
            Self::Csv(rows) => rows.write(row),
            Self::Jsonl(rows) => rows.write(row),
        }
    }

    /// Where the rows go.
    pub fn get_ref(&self) -> &W {
        match self {
            Self::Csv(rows) => rows.get_ref(),
            Self::Jsonl(rows) => rows.get_ref(),
        }
    }

    /// Hands over what is buffered, so that whoever follows the file sees it.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(rows) => rows.flush(),
            Self::Jsonl(rows) => rows.flush(),
        }
    }
}

/// Bytes gathered before they go to the file. A batch of rows ends with a flush anyway; this only bounds a large one.
const BUFFER: usize = 64 * 1024;

/// A latency in whole milliseconds, rounded: finer is noise in a row, and scripts like integers.
fn whole_ms(latency: Duration) -> u64 {
    u64::try_from((latency.as_micros() + 500) / 1000).unwrap_or(u64::MAX)
}

/// A report or summary could not be written. Cheap to clone: everybody who waits for the writer gets one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReportError {
    /// Something is there already.
    #[error(
        "{what} {} already exists, and no earlier one is ever overwritten: move it away, or name another file with {option}",
        shown(path)
    )]
    Exists {
        /// "the report" or "the summary".
        what: &'static str,
        /// The option that names it.
        option: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// The file could not be made.
    #[error(
        "{what} cannot be written to {}: {cause}. Name another file with {option}",
        shown(path)
    )]
    Create {
        /// "the report" or "the summary".
        what: &'static str,
        /// The option that names it.
        option: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        cause: Arc<io::Error>,
    },
    /// The disk, or the owner's share of it, is full.
    #[error(
        "no space left for {}: free some, then go on with --resume, which writes the report again in full",
        shown(path)
    )]
    Full {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: Arc<io::Error>,
    },
    /// A row could not be written for another reason.
    #[error(
        "{} cannot be written any more: {cause}. Once that is mended, go on with --resume",
        shown(path)
    )]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: Arc<io::Error>,
    },
    /// Whoever read the report's rows has gone.
    #[error(
        "whoever read the report has closed the pipe; go on with --resume and another --report"
    )]
    BrokenPipe,
    /// The thread that writes rows is no more. A bug.
    #[error("the report's writer has died; the ledger holds everything: go on with --resume")]
    WriterDied,
}

fn shown(path: &std::path::Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}

impl ReportError {
    /// Sorts a failed write into its kinds.
    pub(crate) fn from_write(path: &std::path::Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full {
                path: path.to_owned(),
                cause: Arc::new(error),
            },
            _ => Self::Write {
                path: path.to_owned(),
                cause: Arc::new(error),
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Rows for the tests of this room.

    use std::{sync::Arc, time::Duration};

    use crate::{outcome::Outcome, row::Row, wall::UnixMillis};

    pub(crate) fn disbanded() -> Row {
        Row {
            seq: 1,
            group_id: "@TGS#2J4SZEAEL".into(),
            outcome: Outcome::Disbanded,
            error_code: Some(0),
            error_info: None,
            attempts: 1,
            http_status: Some(200),
            latency: Some(Duration::from_micros(41_500)),
            started_at: Some(UnixMillis(1_700_000_000_007)),
            finished_at: Some(UnixMillis(1_700_000_000_049)),
            source: Arc::from("groups.csv"),
            line: 2,
        }
    }

    pub(crate) fn never_called() -> Row {
        Row {
            seq: 2,
            group_id: "".into(),
            outcome: Outcome::Invalid,
            error_code: None,
            error_info: Some("the ID is empty".into()),
            attempts: 0,
            http_status: None,
            latency: None,
            started_at: None,
            finished_at: None,
            source: Arc::from("stdin"),
            line: 3,
        }
    }

    pub(crate) fn hostile() -> Row {
        Row {
            seq: u64::MAX,
            group_id: "a,\"b\"\r\n\u{1b}[2J".into(),
            outcome: Outcome::Failed,
            error_code: Some(-10113),
            error_info: Some("line one\nline \"two\", \u{0}</script>\u{2028}".into()),
            attempts: u32::MAX,
            http_status: Some(502),
            latency: Some(Duration::from_nanos(1)),
            started_at: Some(UnixMillis(0)),
            finished_at: Some(UnixMillis(i64::MIN)),
            source: Arc::from("names, with commas.csv"),
            line: u64::MAX,
        }
    }
}
