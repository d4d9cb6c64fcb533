//! What the spec says of each code and each fault of the network, written down from its sections 4, 5 and 6 once more,
//! and from nothing else.

use disband_batch::simulator::{Fault, FaultKind, Stage};

/// The spec's words (section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Done,
    Gone,
    /// Counts an attempt.
    Retry,
    /// Costs no attempt.
    Slow,
    /// Costs no attempt, once.
    ReSign,
    /// 60004 and 60005: as the former once, then as a retry, then as a stop.
    ReSignThenRetry,
    Stop,
    Fail,
    /// Section 6: counts as service unreachable, for which no group is charged where nobody is answered.
    Unreachable,
}

/// What one answer is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    pub(crate) word: Word,
    pub(crate) may_have_acted: bool,
}

const fn meaning(word: Word, may_have_acted: bool) -> Meaning {
    Meaning {
        word,
        may_have_acted,
    }
}

/// Sections 5.1 to 5.4, each code with its word.
#[rustfmt::skip]
const CODES: &[(&[i64], Word)] = &[
    (&[0], Word::Done),
    // 5.1
    (&[10002], Word::Retry),
    (&[10003], Word::Stop),
    (&[10004, 10005], Word::Fail),
    (&[10006], Word::Slow),
    (&[10007], Word::Fail),
    (&[10008], Word::ReSign),
    (&[10009], Word::Fail),
    (&[10010], Word::Gone),
    (&[10011, 10012], Word::Stop),
    (&[10013, 10014, 10015, 10016, 10018, 10019, 10021], Word::Fail),
    (&[10023], Word::Slow),
    (&[10025], Word::Fail),
    (&[10026], Word::Stop),
    (&[10036, 10037, 10038, 10058, 11000, 110_002, 110_003], Word::Fail),
    // 5.2
    (&[60002, 60003], Word::Stop),
    (&[60004, 60005], Word::ReSignThenRetry),
    (&[60006], Word::Stop),
    (&[60007], Word::Slow),
    (&[60008], Word::Retry),
    (&[60009, 60010], Word::Stop),
    (&[60011], Word::Slow),
    (&[60012], Word::Stop),
    (&[60013, 60014], Word::Retry),
    (&[60015, 60016, 60017], Word::Stop),
    (&[60018, 60019], Word::Slow),
    (&[60020, 60021, 60025, 60026, 60027, 60028], Word::Stop),
    // 5.3
    (&[70001], Word::ReSign),
    (&[70002], Word::Stop),
    (&[70003, 70005], Word::ReSign),
    (&[70009, 70013, 70014, 70016, 70020, 70050, 70051], Word::Stop),
    (&[70052], Word::ReSign),
    (&[70107, 70114], Word::Stop),
    (&[70169, 70202], Word::Retry),
    (&[70206], Word::Fail),
    (&[70346], Word::ReSign),
    (&[70398, 70399, 70402], Word::Fail),
    (&[70403], Word::Stop),
    (&[70404], Word::Fail),
    (&[70500], Word::Retry),
    (&[71000], Word::Fail),
    (&[72000, 72002], Word::Stop),
    // 5.4
    (&[80005], Word::Stop),
    (&[80001, 80002, 80003, 80004], Word::Fail),
    (&[20004, 20005, 90992, 90994, 90995, 91000], Word::Retry),
    (&[20002], Word::ReSign),
    (&[90009], Word::Stop),
    (&[-10113, -20009], Word::Slow),
    (&[-10114], Word::Retry),
    (&[-10108, -10110, -10111, -10112], Word::Stop),
    // 5.5: in no table
    (&[1, -1, 9_999, 10_001, 19_999, 20_000, 59_999, 60_000, 60_001, 65_535, 79_999, 80_000, 100_000, 110_000, 119_999,
       120_000, i64::MAX, i64::MIN], Word::Fail),
];

/// Section 4, last table, last row.
fn may_have_acted(code: i64) -> bool {
    let message_service = matches!(code, 20_000..=29_999 | 90_000..=99_999);
    matches!(code, 10002 | 60008 | 60013 | 60014 | 70169 | 70202 | 70500)
        || message_service && word(code) == Word::Retry
}

fn word(code: i64) -> Word {
    let (_, word) = CODES
        .iter()
        .find(|(codes, _)| codes.contains(&code))
        .unwrap();
    *word
}

/// All codes of the spec, and some that are in no table.
pub(crate) fn codes() -> impl Iterator<Item = (i64, Word)> {
    CODES
        .iter()
        .flat_map(|(codes, word)| codes.iter().map(move |code| (*code, *word)))
}

/// What the spec says of a code.
pub(crate) fn of_code(code: i64) -> Meaning {
    meaning(word(code), may_have_acted(code))
}

/// What section 6 says of a fault: of what the caller sees, for nobody can see whether the service acted.
pub(crate) fn of_fault(kind: FaultKind) -> Meaning {
    use FaultKind::*;
    match kind {
        Code(code) => of_code(code),
        Control => of_code(10004),
        Reset | Close | Hang | Malformed | NotUtf8 | Truncated | Empty | Oversized
        | EndlessBody | EndlessHeaders | Slow | Portal | Strings | Types | NoCode
        | Contradiction | Gibberish => meaning(Word::Retry, true),
        Status(500..=599 | 408 | 425) => meaning(Word::Retry, true),
        Status(429) => meaning(Word::Slow, false),
        Status(300..=499) | Redirect => meaning(Word::Unreachable, false),
        // A status that the service never gives, without a word in section 6: nobody knows.
        Status(_) => meaning(Word::Retry, true),
    }
}

/// Every fault of the network, before and after the service acted.
pub(crate) fn faults() -> Vec<Fault> {
    let statuses = [
        201, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 407, 408, 410, 413,
        414, 425, 431, 451, 500, 501, 502, 503, 504, 505, 511, 520, 599,
    ];
    Fault::all_words()
        .chain(statuses.iter().flat_map(|&status| {
            [Stage::Before, Stage::After].map(|stage| Fault {
                kind: FaultKind::Status(status),
                stage,
            })
        }))
        .collect()
}
