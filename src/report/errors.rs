//! Which errors were the commonest, in bounded memory.

use std::collections::HashMap;

use crate::{
    escape::shortened,
    observe::Called,
    outcome::{Class, Outcome},
    row::Row,
};

/// Different errors that are told apart; further ones are counted together. Codes are a few dozen in practice, so this
/// only bounds texts that differ in ways we did not foresee.
const KINDS: usize = 512;

/// Characters kept of a sample text.
const SAMPLE: usize = 240;

/// What makes two errors the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The service's `ErrorCode`.
    Code(i64),
    /// An answer without a readable `ErrorCode`: its HTTP status.
    Http(u16),
    /// No answer at all, the fault unknown.
    Silence,
    /// No answer at all: the fault in words, without its numbers and quotations.
    NoAnswer(Box<str>),
    /// Never sent: the reason in words, without its numbers and quotations.
    NotSent(Box<str>),
}

impl Fault {
    /// The service's code, if this is one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Code(code) => Some(*code),
            Self::Http(_) | Self::Silence | Self::NoAnswer(_) | Self::NotSent(_) => None,
        }
    }

    /// A short name for a list: `10007`, `HTTP 502`, `no answer`, `not sent`.
    pub fn name(&self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Http(status) => format!("HTTP {status}"),
            Self::Silence | Self::NoAnswer(_) => "no answer".to_owned(),
            Self::NotSent(_) => "not sent".to_owned(),
        }
    }

    /// `info` is the answer's text, where it is known.
    fn of_call(called: &Called, info: &str) -> Option<Self> {
        match (called.code, called.http_status) {
            (Some(0), _) => None,
            (Some(code), _) => Some(Self::Code(code)),
            (None, Some(status)) => Some(Self::Http(status)),
            (None, None) if info.is_empty() => Some(Self::Silence),
            (None, None) => Some(Self::NoAnswer(kind_of(info))),
        }
    }

    fn of_row(row: &Row) -> Option<Self> {
        match (row.error_code, row.http_status) {
            (Some(0), _) => None,
            (Some(code), _) => Some(Self::Code(code)),
            (None, Some(status)) => Some(Self::Http(status)),
            (None, None) => {
                let kind = kind_of(row.error_info.as_deref()?);
                Some(match row.attempts {
                    0 => Self::NotSent(kind),
                    _ => Self::NoAnswer(kind),
                })
            }
        }
    }
}

/// Boils a text down to what texts of its kind share: digits become `0`, quotations `".."`.
fn kind_of(text: &str) -> Box<str> {
    let mut kind = String::new();
    let mut quoted = false;
    for c in text.chars().take(SAMPLE) {
        if c == '"' {
            quoted = !quoted;
            kind.push_str(if quoted { "\".." } else { "\"" });
        } else if quoted || (c.is_ascii_digit() && kind.ends_with('0')) {
            // Part of what was replaced.
        } else if c.is_ascii_digit() {
            kind.push('0');
        } else {
            kind.push(c);
        }
    }
    kind.into()
}

/// How often one error was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCount {
    /// Which.
    pub fault: Fault,
    /// Records that ended as a failure, or unattempted, with it.
    pub records: u64,
    /// Calls answered with it in this session, those whose group was tried again included.
    pub answers: u64,
    /// The text that came with it once; escaped and shortened.
    pub sample: Box<str>,
}

#[derive(Debug, Default)]
struct Count {
    records: u64,
    answers: u64,
    /// Records whose aim it tells to be reached: then it is no error.
    gone: u64,
    sample: Box<str>,
}

impl Count {
    /// Keeps the first text that says something.
    fn keep(&mut self, info: &str) {
        if self.sample.is_empty() {
            self.sample = shortened(info, SAMPLE).into();
        }
    }
}

/// Counts errors by kind.
#[derive(Debug, Default)]
pub struct ErrorTally {
    counts: HashMap<Fault, Count>,
    /// Records whose error was one too many to be told apart.
    others: u64,
}

impl ErrorTally {
    /// Counts the error that a record ended with.
    pub fn row(&mut self, row: &Row) {
        let failure = row.outcome.class() == Class::Failure;
        let stopped = row.outcome == Outcome::NotAttempted;
        let gone = row.outcome.class() == Class::Gone;
        if !(failure || stopped || gone) {
            return;
        }
        let Some(fault) = Fault::of_row(row) else {
            return;
        };
        match self.count(fault) {
            Some(count) if gone => count.gone += 1,
            Some(count) => {
                count.records += 1;
                count.keep(row.error_info.as_deref().unwrap_or_default());
            }
            None if gone => {}
            None => self.others += 1,
        }
    }

    /// Counts the error that a call was answered with.
    pub fn called(&mut self, called: &Called) {
        self.answered(called, "");
    }

    /// As [`Self::called`], with the text that came.
    pub fn answered(&mut self, called: &Called, info: &str) {
        if let Some(fault) = Fault::of_call(called, info)
            && let Some(count) = self.count(fault)
        {
            count.answers += 1;
            count.keep(info);
        }
    }

    fn count(&mut self, fault: Fault) -> Option<&mut Count> {
        if self.counts.len() >= KINDS && !self.counts.contains_key(&fault) {
            return None;
        }
        Some(self.counts.entry(fault).or_default())
    }

    /// The `n` commonest errors: by records, then by answers, then by name.
    pub fn commonest(&self, n: usize) -> Vec<ErrorCount> {
        let mut all: Vec<_> = self
            .counts
            .iter()
            .filter(|(_, count)| count.records > 0 || count.gone == 0)
            .map(|(fault, count)| ErrorCount {
                fault: fault.clone(),
                records: count.records,
                answers: count.answers,
                sample: count.sample.clone(),
            })
            .collect();
        all.sort_by(|a, b| {
            (b.records, b.answers)
                .cmp(&(a.records, a.answers))
                .then_with(|| a.fault.cmp(&b.fault))
        });
        all.truncate(n);
        all
    }

    /// Records whose errors were too many to be told apart.
    pub fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::samples, *};

    fn called(code: Option<i64>, http_status: Option<u16>) -> Called {
        Called {
            code,
            http_status,
            latency: Duration::ZERO,
        }
    }

    fn failed(code: i64, info: &str) -> Row {
        Row {
            outcome: Outcome::Failed,
            error_code: Some(code),
            error_info: Some(info.into()),
            ..samples::disbanded()
        }
    }

    fn invalid(info: &str) -> Row {
        Row {
            error_info: Some(info.into()),
            ..samples::never_called()
        }
    }

    #[test]
    fn errors_are_ranked_by_records_then_by_answers() {
        let mut tally = ErrorTally::default();
        for _ in 0..3 {
            tally.row(&failed(10007, "no\npermission"));
        }
        tally.row(&failed(10004, "bad"));
        for _ in 0..9 {
            tally.called(&called(Some(10002), Some(200)));
        }
        tally.called(&called(None, Some(502)));
        tally.called(&called(None, None));
        tally.called(&called(Some(0), Some(200)));
        let ranked: Vec<_> = tally
            .commonest(10)
            .into_iter()
            .map(|e| (e.fault.name(), e.records, e.answers, e.sample))
            .collect();
        let expected = [
            ("10007", 3, 0, "no\\npermission"),
            ("10004", 1, 0, "bad"),
            ("10002", 0, 9, ""),
            ("HTTP 502", 0, 1, ""),
            ("no answer", 0, 1, ""),
        ]
        .map(|(name, records, answers, sample)| (name.to_owned(), records, answers, sample.into()));
        assert_eq!(ranked, expected);
    }

    #[test]
    fn an_answers_text_is_kept_and_told_together_with_the_rows_it_led_to() {
        let mut tally = ErrorTally::default();
        tally.answered(&called(Some(10002), Some(200)), "");
        tally.answered(&called(Some(10002), Some(200)), "server\x07busy");
        tally.answered(&called(None, None), "no answer within 10s");
        tally.answered(&called(Some(0), Some(200)), "OK");
        tally.row(&Row {
            outcome: Outcome::Exhausted,
            error_code: None,
            error_info: Some("no answer within 10s".into()),
            http_status: None,
            ..samples::disbanded()
        });
        let ranked: Vec<_> = tally
            .commonest(10)
            .into_iter()
            .map(|e| (e.fault.name(), e.records, e.answers, e.sample))
            .collect();
        let expected = [
            ("no answer", 1, 1, "no answer within 10s"),
            ("10002", 0, 2, "server\\u{7}busy"),
        ]
        .map(|(name, records, answers, sample)| (name.to_owned(), records, answers, sample.into()));
        assert_eq!(ranked, expected);
    }

    #[test]
    fn a_code_that_says_the_group_is_gone_is_no_error() {
        let mut tally = ErrorTally::default();
        tally.called(&called(Some(10010), Some(200)));
        tally.row(&Row {
            outcome: Outcome::AlreadyGone,
            error_code: Some(10010),
            ..samples::disbanded()
        });
        assert_eq!(tally.commonest(10), []);
    }

    #[test]
    fn texts_that_differ_in_numbers_and_quotations_are_one_kind() {
        let mut tally = ErrorTally::default();
        tally.row(&invalid("the row has 3 fields, the header 5; \"a\" is odd"));
        tally.row(&invalid(
            "the row has 12 fields, the header 5; \"b\" is odd",
        ));
        let all = tally.commonest(10);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].records, 2);
        assert_eq!(
            &*all[0].sample,
            "the row has 3 fields, the header 5; \"a\" is odd"
        );
    }

    #[test]
    fn ever_new_errors_take_no_further_memory() {
        let mut tally = ErrorTally::default();
        for code in 1..=10_000 {
            tally.row(&failed(code, "x"));
        }
        assert_eq!(tally.counts.len(), KINDS);
        assert_eq!(tally.others(), 10_000 - KINDS as u64);
    }
}
