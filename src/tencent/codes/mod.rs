//! From the service's `ErrorCode` to what it asks of the run: one table, and the ranges for what is not in it.

mod table;
#[cfg(test)]
mod tests;

use table::TABLE;

use crate::verdict::{Action, Herd, Reach, Verdict};

/// One code of the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    code: i64,
    action: Action,
    /// Whether the group may have been disbanded although this was answered (spec section 4, last table).
    may_have_acted: bool,
    herd: Herd,
    meaning: &'static str,
    advice: &'static str,
}

impl Entry {
    const fn verdict(&self) -> Verdict {
        Verdict {
            action: self.action,
            may_have_acted: self.may_have_acted,
            herd: self.herd,
            reach: Reach::Answered,
        }
    }
}

/// What a code means to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the vendor says that it means, in our words.
    pub meaning: &'static str,
    /// What the operator should do, as whole sentences; empty for success.
    pub advice: &'static str,
    /// Whether the vendor documents the code, or others have seen it.
    pub known: bool,
}

/// What an answer with this `ErrorCode` asks of the run. Only 0 is success and only 10010 is gone; an unknown code
/// fails its group.
///
/// ```
/// use disband_batch::{tencent::codes::verdict, verdict::Action};
///
/// assert_eq!(verdict(0).action, Action::Done);
/// assert_eq!(verdict(10010).action, Action::Gone);
/// assert_eq!(verdict(10002).action, Action::Retry);
/// assert_eq!(verdict(12345).action, Action::Fail); // in no table
/// ```
pub fn verdict(code: i64) -> Verdict {
    known(code).unwrap_or(&unknown(code)).verdict()
}

/// What to tell people about this `ErrorCode`.
pub fn explain(code: i64) -> Explanation {
    let entry = known(code);
    let Entry {
        meaning, advice, ..
    } = *entry.unwrap_or(&unknown(code));
    Explanation {
        meaning,
        advice,
        known: entry.is_some(),
    }
}

fn known(code: i64) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.code == code)
}

/// Codes in no table fail their group: a retry could do something that nobody understands (spec section 5.5).
const fn unknown(code: i64) -> Entry {
    let (herd, meaning, advice) = match code {
        10_000..=19_999 | 110_000..=119_999 => (
            Herd::Ordinary,
            "an unknown code of the group service",
            "Read the service's text; if it is of no help, look the code up in the vendor's list of error codes.",
        ),
        60_000..=79_999 => (
            Herd::Stop,
            "an unknown public code, which concerns the caller more often than the group",
            "Check credentials, app and admin; then look the code up in the vendor's list of error codes.",
        ),
        _ => (
            Herd::Warn,
            "an unknown code",
            "Read the service's text; if it is of no help, look the code up in the vendor's list of error codes.",
        ),
    };
    Entry {
        code,
        action: Action::Fail,
        may_have_acted: false,
        herd,
        meaning,
        advice,
    }
}
