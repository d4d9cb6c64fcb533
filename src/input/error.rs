//! Why input cannot be read.

use std::{fmt, io, sync::Arc};

use super::malformed::shorten;

/// Input that cannot be read, or could be read in more than one way: what, where, and what to do next.
#[derive(Debug)]
pub struct InputError {
    /// The file as given, or `stdin`.
    pub file: Arc<str>,
    /// The line at which it showed, from 1; none where it concerns the whole file.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

impl InputError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        self.fault.hint()
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.fault),
            None => write!(f, "{}: {}", self.file, self.fault),
        }
    }
}

impl std::error::Error for InputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

/// What is wrong with the input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No such file.
    #[error("there is no such file")]
    NotThere,
    /// A directory where a file is needed.
    #[error("this is a directory, not a file")]
    Directory,
    /// The system does not open it.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// The system does not give its bytes.
    #[error("reading stopped: {0}")]
    Read(#[source] io::Error),
    /// Standard input is named twice.
    #[error("standard input is named more than once, and can be read only once")]
    StdinTwice,
    /// The compressed stream ends too early; the text before is a prefix of something.
    #[error("the {0} stream is cut off: it ends in the middle")]
    CutOff(&'static str),
    /// The compressed stream is no such stream, or has garbage behind it.
    #[error("the {compression} stream is damaged: {error}")]
    Damaged {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What the decoder says.
        #[source]
        error: io::Error,
    },
    /// Decompressing it would take more than the bounded memory.
    #[error("the zstd stream needs a window of more than 8 MiB")]
    WindowTooLarge,
    /// Compressed data in compressed data.
    #[error("what is inside the compression is compressed again")]
    CompressedTwice,
    /// Another encoding.
    #[error("the text is UTF-16, not UTF-8")]
    Utf16,
    /// Not text at all.
    #[error("this is no text: it is {0}")]
    Foreign(&'static str),
    /// A JSON array, or an object spread over several lines.
    #[error("this is a JSON document, not one JSON object on each line")]
    JsonDocument,
    /// The first line is too long to tell anything from it.
    #[error("the first line is over 64 KiB, so neither format nor columns can be told from it")]
    FirstLineTooLong,
    /// Plain lines with odd IDs, or CSV without a known column?
    #[error(
        "the first line, {0:?}, could be a plain line or a CSV row, and no column has a known name"
    )]
    LinesOrCsv(Box<str>),
    /// A file named as plain lines begins like a table.
    #[error("named as plain lines, but it begins with a CSV header: {0:?}")]
    TableNamedLines(Box<str>),
    /// More than one character could be the delimiter.
    #[error("the header could be divided at {}, and it cannot be told which", list_delimiters(.0))]
    Delimiter(Vec<u8>),
    /// A delimiter that CSV cannot have.
    #[error("{:?} cannot be a delimiter", char::from(*.0))]
    BadDelimiter(u8),
    /// The CSV header cannot be read.
    #[error("the first row cannot be read: {0}")]
    Header(&'static str),
    /// The header is a record.
    #[error("the header holds a group ID, {0:?}: the file seems to have no header")]
    HeaderIsId(Box<str>),
    /// No column has the name that is asked for, or a known one.
    #[error("{}; {}", not_named(.wanted.as_deref()), list_names("its column", .found))]
    NoColumn {
        /// The name asked for, if one was.
        wanted: Option<String>,
        /// The names that are there.
        found: Vec<String>,
    },
    /// The only column has an unknown name that looks like several.
    #[error(
        "the header, {0:?}, has one column only, and that looks like several or like something else"
    )]
    OddHeader(Box<str>),
    /// There are not that many columns.
    #[error("there is no column {wanted}: the first row has {found}")]
    NoColumnNumber {
        /// The number asked for, from 1.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Several columns or keys could hold the ID.
    #[error("more than one column or key could hold the group ID: {}", quote_all(.0))]
    SeveralColumns(Vec<String>),
    /// Without a header, columns have no names.
    #[error("without a header no column has a name, so {0:?} cannot be found")]
    NameWithoutHeader(String),
    /// Without a header, several columns need a number.
    #[error("without a header it cannot be told which of the {0} columns holds the group ID")]
    NumberNeeded(usize),
    /// The first JSON object lacks the key.
    #[error("{}; {}", not_named(.wanted.as_deref()), list_names("the first object's key", .found))]
    NoKey {
        /// The key asked for, if one was.
        wanted: Option<String>,
        /// The keys that are there.
        found: Vec<String>,
    },
    /// An option that means nothing for this format.
    #[error("{option} means nothing for {format}")]
    Misfit {
        /// The option.
        option: &'static str,
        /// The format, as told from option, name or content.
        format: &'static str,
    },
    /// The reading thread could not be started.
    #[error("no thread could be started to read it: {0}")]
    Thread(#[source] io::Error),
    /// The reading thread ended without saying why, which is a bug.
    #[error("the reader ended without saying that it was done")]
    ReaderDied,
}

impl Fault {
    /// Says where it happened.
    pub(super) fn at(self, file: &Arc<str>, line: u64) -> InputError {
        InputError {
            file: Arc::clone(file),
            line: Some(line),
            fault: self,
        }
    }

    /// Says to which file it happened.
    pub(super) fn of(self, file: &Arc<str>) -> InputError {
        InputError {
            file: Arc::clone(file),
            line: None,
            fault: self,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotThere => "check the path; `-` is standard input",
            Self::Directory => "name the files in it, for example with dir/*.csv",
            Self::Open(_) => "check the file's permissions",
            Self::Read(_) => {
                "what was read before this line stands; check the disk or the sender, then resume"
            }
            Self::StdinTwice => "give `-` once",
            Self::CutOff(_) => "fetch or compress the file again: the rest of the list is missing",
            Self::Damaged { .. } => {
                "check it with `gzip -t` or `zstd -t`, then fetch or compress it again"
            }
            Self::WindowTooLarge => {
                "decompress it outside: zstd -dc --long=31 FILE | disband-batch"
            }
            Self::CompressedTwice => {
                "decompress it once outside: zcat or zstdcat FILE | disband-batch"
            }
            Self::Utf16 => "save it as UTF-8, for example with: iconv -f UTF-16 -t UTF-8",
            Self::Foreign(_) => "save it as CSV in UTF-8, or unpack it first",
            Self::JsonDocument => "write one object a line, for example with: jq -c '.[]'",
            Self::FirstLineTooLong => {
                "check that this is the right file; plain lines are read with --format lines"
            }
            Self::LinesOrCsv(_) => {
                "say --format lines, or name the column with --column NAME or, without a header, --no-header --column N"
            }
            Self::TableNamedLines(_) => {
                "say --format csv, or --format lines if every whole line is a group ID"
            }
            Self::Delimiter(_) => "say which with --delimiter",
            Self::BadDelimiter(_) => {
                "a delimiter is one ASCII character, neither quote nor line end"
            }
            Self::Header(_) => "mend the first row, or say --format lines if these are plain lines",
            Self::HeaderIsId(_) => "say --no-header (and --column N if there are several columns)",
            Self::NoColumn { .. } => "name the column with --column NAME or --column N",
            Self::OddHeader(_) => {
                "say what divides the columns with --delimiter, or --column 1 if it is one column"
            }
            Self::NoColumnNumber { .. } => {
                "columns are counted from 1; check --column and --delimiter"
            }
            Self::SeveralColumns(_) => "say which with --column",
            Self::NameWithoutHeader(_) | Self::NumberNeeded(_) => "say --column N, counted from 1",
            Self::NoKey { .. } => "name the key with --column",
            Self::Misfit { .. } => "leave the option out, or say which --format the input has",
            Self::Thread(_) => "check the system's limits on threads and memory",
            Self::ReaderDied => "please report this; the run can be resumed",
        }
    }
}

fn not_named(wanted: Option<&str>) -> String {
    match wanted {
        Some(name) => format!("there is none named {:?}", shorten(name.as_bytes())),
        None => "none is named GroupId, group_id, groupid, group id or id".to_owned(),
    }
}

fn list_names(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("{what}s: none"),
        [only] => format!("{what} is {}", quote_all(std::slice::from_ref(only))),
        _ => format!("{what}s are {}", quote_all(names)),
    }
}

/// Names, quoted so that nothing in them acts on a terminal; the first twenty.
fn quote_all(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut list = names
        .iter()
        .take(MOST)
        .map(|name| format!("{:?}", shorten(name.as_bytes())))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        list.push_str(&format!(" and {} more", names.len() - MOST));
    }
    list
}

fn list_delimiters(delimiters: &[u8]) -> String {
    delimiters
        .iter()
        .map(|&byte| match byte {
            b'\t' => "a tab".to_owned(),
            other => format!("`{}`", char::from(other)),
        })
        .collect::<Vec<_>>()
        .join(" or ")
}
