//! What the input is made of.

/// One record of the input: a line, a CSV row, a JSON object. Blank lines are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number among all records of the run, from 1.
    pub seq: u64,
    /// Which of the run's sources it came from: an index into the list of source names.
    pub source: u32,
    /// The line of the source on which it begins, from 1.
    pub line: u64,
    /// What stands there for a group ID.
    pub content: Content,
}

/// What a record holds where its group ID should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text, exactly as it goes into the report; whether it is a group ID is for admission to say.
    Text(Box<str>),
    /// A record that could not be read: it is `invalid`, and the run goes on.
    Malformed {
        /// What can be shown of it, shortened, never empty for want of UTF-8.
        shown: Box<str>,
        /// What is wrong with it, as a sentence fragment ("the row has 3 fields, the header 5").
        reason: Box<str>,
    },
}

impl Content {
    /// The text that stands for the record in report and ledger.
    pub fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Malformed { shown: text, .. } => text,
        }
    }
}
