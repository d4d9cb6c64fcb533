//! What the user may say about the input.

use std::{fmt, num::NonZeroUsize, path::PathBuf, str::FromStr, sync::Arc};

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input, shown as `stdin`.
    Stdin,
    /// A file, shown by its name as given.
    File(PathBuf),
}

impl Source {
    /// The name that stands in reports and messages.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => "stdin".into(),
            Self::File(path) => path.to_string_lossy().into(),
        }
    }
}

/// How records are written (`--format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Told by the name's ending, else by the first line.
    #[default]
    Auto,
    /// Rows of delimited fields.
    Csv,
    /// One ID a line.
    Lines,
    /// One JSON object a line.
    Jsonl,
}

impl Format {
    /// All formats, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Csv, Self::Lines, Self::Jsonl];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Csv => "csv",
            Self::Lines => "lines",
            Self::Jsonl => "jsonl",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = NotAnOption;

    fn from_str(text: &str) -> Result<Self, NotAnOption> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or(NotAnOption("a format is auto, csv, lines or jsonl"))
    }
}

/// Which column or key holds the group ID (`--column`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By its name: exactly, else in any case.
    Name(String),
    /// By its place, from 1. Digits on the command line are always a place.
    Number(NonZeroUsize),
}

impl FromStr for Column {
    type Err = NotAnOption;

    fn from_str(text: &str) -> Result<Self, NotAnOption> {
        if text.is_empty() {
            return Err(NotAnOption("a column has a name or a number"));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            let number = text.parse().map_err(|_| {
                NotAnOption("columns are counted from 1, and there are not that many")
            })?;
            return Ok(Self::Number(number));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Reads the value of `--delimiter`: one ASCII character, `\t` or `tab`.
///
/// # Errors
///
/// When it is more than one character, not ASCII, a quote or a line end.
pub fn parse_delimiter(text: &str) -> Result<u8, NotAnOption> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        &[byte] if can_delimit(byte) => Ok(byte),
        _ => Err(NotAnOption(
            "a delimiter is one ASCII character, neither quote nor line end; `tab` for a tab",
        )),
    }
}

pub(super) fn can_delimit(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, 0 | b'"' | b'\n' | b'\r')
}

/// A value that an input option cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnOption(&'static str);

/// All that the user said about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputOptions {
    /// How records are written.
    pub format: Format,
    /// Which column or key holds the ID; by default one with a known name.
    pub column: Option<Column>,
    /// What stands between CSV fields; by default told from the header among `,` `;` and tab.
    pub delimiter: Option<u8>,
    /// Whether the first CSV row holds the columns' names.
    pub header: bool,
}

impl Default for InputOptions {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            column: None,
            delimiter: None,
            header: true,
        }
    }
}
