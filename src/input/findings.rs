//! What smells about input that can be read all the same.

use std::{fmt, sync::Arc};

use super::malformed::span;

/// What the reader noticed so far: told to the user before the question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Records so far, malformed ones included.
    pub records: u64,
    /// How many of them could not be read.
    pub malformed: u64,
    /// What smells. A handful for each source at most, whatever the number of records.
    pub smells: Vec<Smell>,
}

/// Something that is often a sign of a list gone wrong. Its `Display` is a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Smell {
    /// A source ends without a newline: a cut connection leaves a prefix, perhaps of another group.
    NoFinalNewline {
        /// File name, or `stdin`.
        source: Arc<str>,
        /// The last line.
        line: u64,
    },
    /// Every ID is a number: a spreadsheet eats leading zeros and rounds long numbers.
    AllNumbers {
        /// How many there are.
        ids: u64,
    },
    /// The first line of a CSV file was taken for the header though its name is none of the known ones.
    HeaderTaken {
        /// File name, or `stdin`.
        source: Arc<str>,
        /// The column's name, shortened.
        name: Box<str>,
    },
    /// The first of the plain lines is the name of a column.
    HeaderAmongLines {
        /// File name, or `stdin`.
        source: Arc<str>,
        /// Its line.
        line: u64,
    },
    /// A quote is never closed, and everything after it was not read as rows.
    UnclosedQuote {
        /// File name, or `stdin`.
        source: Arc<str>,
        /// The line on which the row begins.
        line: u64,
        /// The last line that it swallowed.
        last_line: u64,
    },
    /// A source holds no record at all.
    NoRecords {
        /// File name, or `stdin`.
        source: Arc<str>,
    },
}

impl fmt::Display for Smell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFinalNewline { source, line } => write!(
                f,
                "{source} ends without a newline in line {line}: if it was cut off, its last ID is a part of another"
            ),
            Self::AllNumbers { ids: 1 } => write!(
                f,
                "the only ID is a number: if a spreadsheet wrote it, zeros may be lost"
            ),
            Self::AllNumbers { ids } => write!(
                f,
                "all {ids} IDs are numbers: if a spreadsheet wrote them, zeros may be lost"
            ),
            Self::HeaderTaken { source, name } => write!(
                f,
                "{source}: the first line, {name:?}, was taken for the column's name; if it is a group ID, say --no-header"
            ),
            Self::HeaderAmongLines { source, line } => write!(
                f,
                "{source}, line {line}: this looks like a column's name, but is taken for a group ID as every plain line"
            ),
            Self::UnclosedQuote {
                source,
                line,
                last_line,
            } => write!(
                f,
                "{source}: a quote is never closed, so {} were read as one malformed record",
                span(*line, *last_line)
            ),
            Self::NoRecords { source } => write!(f, "{source} holds no records"),
        }
    }
}

/// Whether a text reads as a number to a spreadsheet: `0012`, `1.23E+11`.
pub(super) fn is_number(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && (text.bytes().all(|b| b.is_ascii_digit()) || text.parse::<f64>().is_ok())
}
