//! The small types that stand behind single options, and how they are written.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;

/// How records are written in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Told from the name and the first bytes.
    Auto,
    /// Comma-separated values.
    Csv,
    /// One ID a line.
    Lines,
    /// One JSON value a line.
    Jsonl,
}

/// How the per-group report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// How an old run's report is written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// One self-contained page.
    Html,
}

/// How a run shows how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// A bar on a terminal, else lines.
    Auto,
    /// A bar.
    Bar,
    /// A line every ten seconds.
    Lines,
    /// Nothing.
    None,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which column or key holds the group ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The N-th, from 1.
    Number(NonZeroUsize),
    /// The one of this name.
    Name(String),
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a column's name or number is needed".into());
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Name(text.into()));
        }
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text.bytes().all(|b| b == b'0') => Err("columns are counted from 1".into()),
            Err(_) => Err("there is no column that far right".into()),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The byte between two CSV cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(pub u8);

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.as_bytes()) {
            ("tab" | "\\t" | "\t", _) => Ok(Self(b'\t')),
            ("\"" | "\r" | "\n", _) => Err("quotes and line ends cannot separate cells".into()),
            (_, [byte @ b' '..=b'~']) => Ok(Self(*byte)),
            _ => Err("must be one ASCII character, or `tab`".into()),
        }
    }
}

/// How many failures stop a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailures {
    /// So many groups.
    Count(NonZeroU64),
    /// So many of a hundred finished groups; more than 0, at most 100.
    Percent(f64),
}

impl FromStr for MaxFailures {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const HINT: &str = "must be a number of groups (`50`) or a percentage (`2%`), above 0";
        if let Some(number) = text.strip_suffix('%') {
            let percent: f64 = number.parse().map_err(|_| HINT)?;
            return match percent {
                p if p > 0.0 && p <= 100.0 => Ok(Self::Percent(p)),
                _ => Err("a percentage lies above 0 and is at most 100".into()),
            };
        }
        Ok(Self::Count(text.parse().map_err(|_| HINT)?))
    }
}

impl fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Which run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeTarget {
    /// The newest unfinished one of the app.
    Newest,
    /// The one with this ID.
    Run(String),
}

impl ResumeTarget {
    /// What stands for [`ResumeTarget::Newest`] where a value is needed.
    pub const NEWEST: &str = "newest";
}

impl FromStr for ResumeTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            Self::NEWEST => Ok(Self::Newest),
            _ => run_id(text).map(Self::Run),
        }
    }
}

/// A run's ID as `runs` shows it: letters, digits, `-` and `_`, so that it fits a file name.
pub(super) fn run_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text {
        "" => Err("a run's ID is needed; `disband-batch runs` shows them".into()),
        _ if text.chars().all(fits) => Ok(text.into()),
        _ => Err("is no run's ID; `disband-batch runs` shows them".into()),
    }
}

/// A duration with its unit, above zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    if text.parse::<f64>().is_ok() {
        return Err(format!("needs a unit: `{text}s` or `{text}m`"));
    }
    // humantime takes `M` for months: far too easy to type for minutes.
    if text.contains('M') {
        return Err("minutes are written with a small `m`".into());
    }
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".into()),
        Ok(long) if long > LONGEST => Err("is longer than a year".into()),
        Ok(duration) => Ok(duration),
        Err(_) => Err("must be a duration like `500ms`, `10s`, `30m` or `1h 30m`".into()),
    }
}

/// The admin account's name: it is signed line by line, so no control character may stand in it (spec section 7).
pub(super) fn identifier(text: &str) -> Result<String, String> {
    match text {
        "" => Err("the admin account's name is needed".into()),
        _ if text.chars().any(char::is_control) => {
            Err("an account's name holds no control characters".into())
        }
        _ => Ok(text.into()),
    }
}

/// A number from 1 to `MAX`.
pub(super) fn up_to<const MAX: u32>(text: &str) -> Result<NonZeroU32, String> {
    match text.parse::<NonZeroU32>() {
        Ok(number) if number.get() <= MAX => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MAX}")),
    }
}

/// A whole number above zero.
pub(super) fn above_zero(text: &str) -> Result<NonZeroU64, String> {
    text.parse()
        .map_err(|_| "must be a whole number above 0".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_length() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for (text, said) in [
            ("10", "needs a unit: `10s` or `10m`"),
            ("1.5", "needs a unit: `1.5s` or `1.5m`"),
            ("0", "needs a unit: `0s` or `0m`"),
            ("0s", "must be longer than nothing"),
            ("30M", "minutes are written with a small `m`"),
            ("400days", "is longer than a year"),
            (
                "soon",
                "must be a duration like `500ms`, `10s`, `30m` or `1h 30m`",
            ),
            (
                "",
                "must be a duration like `500ms`, `10s`, `30m` or `1h 30m`",
            ),
        ] {
            assert_eq!(duration(text), Err(said.into()), "{text:?}");
        }
    }

    #[test]
    fn a_column_is_a_number_from_1_or_a_name() {
        let number = |n| Column::Number(NonZeroUsize::new(n).unwrap());
        assert_eq!("2".parse(), Ok(number(2)));
        assert_eq!("id 2".parse(), Ok(Column::Name("id 2".into())));
        assert_eq!("-1".parse(), Ok(Column::Name("-1".into())));
        for text in ["0", "00", "", "99999999999999999999999"] {
            assert!(text.parse::<Column>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_delimiter_is_one_ascii_character() {
        for (text, byte) in [
            (",", b','),
            (";", b';'),
            ("tab", b'\t'),
            ("\\t", b'\t'),
            ("\t", b'\t'),
        ] {
            assert_eq!(text.parse(), Ok(Delimiter(byte)));
        }
        for text in ["", ",,", "\"", "\n", "\r", "é", "\0"] {
            assert!(text.parse::<Delimiter>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn failures_are_counted_or_a_percentage() {
        let count = |n| MaxFailures::Count(NonZeroU64::new(n).unwrap());
        assert_eq!("50".parse(), Ok(count(50)));
        assert_eq!("0.5%".parse(), Ok(MaxFailures::Percent(0.5)));
        assert_eq!("100%".parse(), Ok(MaxFailures::Percent(100.0)));
        for text in [
            "0", "0%", "-1", "-1%", "101%", "NaN%", "inf%", "%", "", "5 %",
        ] {
            assert!(text.parse::<MaxFailures>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_account_name_cannot_smuggle_a_line_into_what_is_signed() {
        assert_eq!(identifier("管理员"), Ok("管理员".into()));
        assert!(identifier("admin\nTLS.expire:9").is_err());
        assert!(identifier("").is_err());
    }
}
