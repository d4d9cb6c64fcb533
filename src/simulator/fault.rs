//! What can go wrong with one call, and the words for it on the command line.

use std::{fmt, str::FromStr};

/// When a fault strikes, as seen from the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The service has not acted: the group is as it was.
    Before,
    /// The service has acted, and the answer suffers.
    After,
}

/// What the caller gets instead of an honest answer.
///
/// The kinds that garble a body garble the honest answer of a fault [`Stage::After`], and an answer of success
/// otherwise: what must not be believed looks as much like success as it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A proper answer with this `ErrorCode`.
    Code(i64),
    /// This HTTP status, from 200 to 599, with a proxy's page of HTML; 429 has a `Retry-After` of one second.
    Status(u16),
    /// TCP reset without an answer.
    Reset,
    /// Orderly end of the connection without an answer.
    Close,
    /// No answer, for as long as the caller waits.
    Hang,
    /// Not quite JSON.
    Malformed,
    /// Not quite UTF-8.
    NotUtf8,
    /// Half of the body that `Content-Length` promises, then the end of the connection.
    Truncated,
    /// HTTP 200 without a body.
    Empty,
    /// A proper answer of 2 MiB.
    Oversized,
    /// A body that never ends.
    EndlessBody,
    /// Headers that never end.
    EndlessHeaders,
    /// One byte of the body a second.
    Slow,
    /// HTTP 302 to another path of the simulator, which redirects again; following it is a violation.
    Redirect,
    /// HTTP 200 with a captive portal's page.
    Portal,
    /// `ErrorCode` as a string.
    Strings,
    /// Fields of the wrong types.
    Types,
    /// No `ErrorCode`.
    NoCode,
    /// `ErrorCode` 0 with `ActionStatus` `FAIL`, or the other way round.
    Contradiction,
    /// Code 10004 with terminal control sequences in `ErrorInfo`.
    Control,
    /// Bytes that are not HTTP.
    Gibberish,
}

/// The kinds that a word stands for, each with the stage that is meant if none is given: what hides an answer strikes
/// after the answer was made, what stands in the way strikes before.
const WORDS: [(&str, FaultKind, Stage); 20] = [
    ("lost", FaultKind::Reset, Stage::After),
    ("reset", FaultKind::Reset, Stage::Before),
    ("close", FaultKind::Close, Stage::Before),
    ("hang", FaultKind::Hang, Stage::Before),
    ("malformed", FaultKind::Malformed, Stage::After),
    ("not-utf8", FaultKind::NotUtf8, Stage::After),
    ("truncated", FaultKind::Truncated, Stage::After),
    ("empty", FaultKind::Empty, Stage::After),
    ("oversized", FaultKind::Oversized, Stage::After),
    ("endless-body", FaultKind::EndlessBody, Stage::After),
    ("endless-headers", FaultKind::EndlessHeaders, Stage::After),
    ("slow", FaultKind::Slow, Stage::After),
    ("redirect", FaultKind::Redirect, Stage::Before),
    ("portal", FaultKind::Portal, Stage::Before),
    ("strings", FaultKind::Strings, Stage::After),
    ("types", FaultKind::Types, Stage::After),
    ("no-code", FaultKind::NoCode, Stage::After),
    ("contradiction", FaultKind::Contradiction, Stage::After),
    ("control", FaultKind::Control, Stage::Before),
    ("gibberish", FaultKind::Gibberish, Stage::After),
];

/// One fault. Written as `KIND[@before|@after]`, where `KIND` is an HTTP status (200 to 599), any other number for an
/// `ErrorCode`, or a word such as `lost`, `reset` or `hang`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What the caller gets.
    pub kind: FaultKind,
    /// Whether the service acts all the same.
    pub stage: Stage,
}

impl Fault {
    /// The group is disbanded, the connection is reset, the answer is lost.
    pub const LOST: Self = Self::after(FaultKind::Reset);

    /// A fault that strikes before the service acts.
    pub const fn before(kind: FaultKind) -> Self {
        Self {
            kind,
            stage: Stage::Before,
        }
    }

    /// A fault that strikes after the service acted.
    pub const fn after(kind: FaultKind) -> Self {
        Self {
            kind,
            stage: Stage::After,
        }
    }

    /// An `ErrorCode` of the service, which did not act.
    pub const fn code(code: i64) -> Self {
        Self::before(FaultKind::Code(code))
    }

    /// An HTTP status from something in the way; the service did not act.
    pub const fn status(status: u16) -> Self {
        Self::before(FaultKind::Status(status))
    }

    /// Every fault that has a word, at both stages, for tests that go through them all.
    pub fn all_words() -> impl Iterator<Item = Self> {
        WORDS
            .into_iter()
            .skip(1) // "lost" is "reset@after"
            .flat_map(|(_, kind, _)| [Self::before(kind), Self::after(kind)])
    }
}

impl FaultKind {
    /// The word or number, and the stage that it implies.
    fn word(self, stage: Stage) -> (String, Stage) {
        let exact = |&&(_, kind, implied): &&(&str, Self, Stage)| kind == self && implied == stage;
        let any = |&&(_, kind, _): &&(&str, Self, Stage)| kind == self;
        match self {
            Self::Code(n) => (n.to_string(), Stage::Before),
            Self::Status(n) => (n.to_string(), Stage::Before),
            _ => WORDS
                .iter()
                .find(exact)
                .or_else(|| WORDS.iter().find(any))
                .map_or_else(
                    || (String::new(), Stage::Before),
                    |&(word, _, implied)| (word.to_owned(), implied),
                ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, implied) = self.kind.word(self.stage);
        match self.stage {
            stage if stage == implied => f.write_str(&word),
            Stage::Before => write!(f, "{word}@before"),
            Stage::After => write!(f, "{word}@after"),
        }
    }
}

/// Why a text names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFault {
    /// No such word.
    #[error(
        "there is no fault {0:?}: use an ErrorCode (10002), an HTTP status (502) or one of {words}",
        words = words()
    )]
    Unknown(String),
    /// `ErrorCode` 0 is success.
    #[error("0 is no fault: it is the code of success")]
    Success,
    /// A stage of another name.
    #[error("a fault strikes @before or @after the service acts, not @{0}")]
    Stage(String),
}

fn words() -> String {
    WORDS.map(|(word, ..)| word).join(", ")
}

impl FromStr for Fault {
    type Err = NotAFault;

    fn from_str(text: &str) -> Result<Self, NotAFault> {
        let (word, stage) = match text.split_once('@') {
            None => (text, None),
            Some((word, "before")) => (word, Some(Stage::Before)),
            Some((word, "after")) => (word, Some(Stage::After)),
            Some((_, other)) => return Err(NotAFault::Stage(other.to_owned())),
        };
        let (kind, implied) = match word.parse::<i64>() {
            Ok(0) => return Err(NotAFault::Success),
            Ok(n @ 200..=599) => (
                FaultKind::Status(u16::try_from(n).unwrap_or(502)),
                Stage::Before,
            ),
            Ok(n) => (FaultKind::Code(n), Stage::Before),
            Err(_) => WORDS
                .iter()
                .find(|&&(known, ..)| known == word)
                .map(|&(_, kind, implied)| (kind, implied))
                .ok_or_else(|| NotAFault::Unknown(word.to_owned()))?,
        };
        Ok(Self {
            kind,
            stage: stage.unwrap_or(implied),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_mean_what_they_say() {
        for (text, fault) in [
            ("10002", Fault::code(10002)),
            ("-10114", Fault::code(-10114)),
            ("10002@after", Fault::after(FaultKind::Code(10002))),
            ("502", Fault::status(502)),
            ("502@after", Fault::after(FaultKind::Status(502))),
            ("lost", Fault::LOST),
            ("reset", Fault::before(FaultKind::Reset)),
            ("hang@after", Fault::after(FaultKind::Hang)),
            ("truncated", Fault::after(FaultKind::Truncated)),
            ("portal", Fault::before(FaultKind::Portal)),
        ] {
            assert_eq!(text.parse(), Ok(fault), "{text}");
        }
    }

    #[test]
    fn every_fault_reads_back_from_its_own_words() {
        for fault in Fault::all_words().chain([Fault::LOST, Fault::code(7), Fault::status(599)]) {
            assert_eq!(fault.to_string().parse(), Ok(fault), "{fault}");
        }
    }

    #[test]
    fn what_is_no_fault_says_why() {
        assert_eq!("0".parse::<Fault>(), Err(NotAFault::Success));
        assert_eq!(
            "hang@lunch".parse::<Fault>().unwrap_err().to_string(),
            "a fault strikes @before or @after the service acts, not @lunch"
        );
        let unknown = "explode".parse::<Fault>().unwrap_err().to_string();
        assert!(
            unknown.starts_with("there is no fault \"explode\": use an ErrorCode"),
            "{unknown}"
        );
        assert!(unknown.contains("lost, reset, close, hang"), "{unknown}");
    }
}
