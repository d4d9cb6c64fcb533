//! Refusals of everybody that look like one group's (spec section 4, rule 1; promise 6), pure.

use crate::verdict::{Action, Herd, Verdict};

/// At a run's start so many definite answers in a row with the same suspicious code stop it...
const AT_START: u64 = 20;
/// ...and later so many.
const LATER: u64 = 100;

/// What a row of the same answers means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// Everybody is refused with this code: stop.
    RefusedEverybody {
        /// The code.
        code: i64,
        /// How many in a row.
        row: u64,
    },
    /// Everybody fails with this code: tell somebody.
    SameFailure {
        /// The code.
        code: i64,
        /// How many in a row.
        row: u64,
    },
    /// The first answers all said that there is no such group: the list may belong to another app.
    AllGone {
        /// How many in a row.
        row: u64,
    },
}

/// Watches the definite answers for rows of the same.
#[derive(Debug, Default)]
pub(super) struct HerdWatch {
    seen: u64,
    all_gone: u64,
    last: Option<i64>,
    row: u64,
    warned: Option<i64>,
}

impl HerdWatch {
    /// A definite answer came. Says what the row that it ends means, once for each row.
    pub(super) fn definite(&mut self, verdict: Verdict, code: Option<i64>) -> Option<Alarm> {
        self.seen += 1;
        if verdict.action == Action::Gone {
            self.all_gone += 1;
        }
        if self.last != code || self.row == 0 {
            self.last = code;
            self.row = 0;
        }
        self.row += 1;
        let whole_start = self.row == self.seen && self.row == AT_START;
        let row = self.row;
        match (verdict.herd, code) {
            (Herd::Stop, Some(code)) if whole_start || row >= LATER => {
                Some(Alarm::RefusedEverybody { code, row })
            }
            (Herd::Warn, Some(code))
                if (whole_start || row == LATER) && self.warned != Some(code) =>
            {
                self.warned = Some(code);
                Some(Alarm::SameFailure { code, row })
            }
            _ if self.all_gone == LATER && self.seen == LATER => {
                Some(Alarm::AllGone { row: LATER })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Reach;

    fn answers(watch: &mut HerdWatch, herd: Herd, action: Action, code: i64, n: u64) -> Vec<Alarm> {
        let verdict = Verdict {
            action,
            may_have_acted: false,
            herd,
            reach: Reach::Answered,
        };
        (0..n)
            .filter_map(|_| watch.definite(verdict, Some(code)))
            .collect()
    }

    #[test]
    fn the_first_twenty_alike_stop_the_run() {
        let mut watch = HerdWatch::default();
        assert_eq!(answers(&mut watch, Herd::Stop, Action::Fail, 10007, 19), []);
        let alarm = Alarm::RefusedEverybody {
            code: 10007,
            row: 20,
        };
        assert_eq!(
            answers(&mut watch, Herd::Stop, Action::Fail, 10007, 1),
            [alarm]
        );
    }

    #[test]
    fn one_success_among_them_raises_the_bar_to_a_hundred_in_a_row() {
        let mut watch = HerdWatch::default();
        assert_eq!(answers(&mut watch, Herd::Ordinary, Action::Done, 0, 1), []);
        assert_eq!(answers(&mut watch, Herd::Stop, Action::Fail, 60099, 99), []);
        let alarm = Alarm::RefusedEverybody {
            code: 60099,
            row: 100,
        };
        assert_eq!(
            answers(&mut watch, Herd::Stop, Action::Fail, 60099, 1),
            [alarm]
        );
    }

    #[test]
    fn two_suspicious_codes_that_take_turns_stop_nobody() {
        let mut watch = HerdWatch::default();
        for _ in 0..200 {
            assert_eq!(answers(&mut watch, Herd::Stop, Action::Fail, 10007, 1), []);
            assert_eq!(answers(&mut watch, Herd::Stop, Action::Fail, 60099, 1), []);
        }
    }

    #[test]
    fn a_list_of_bad_ids_is_told_of_once_and_goes_on() {
        let mut watch = HerdWatch::default();
        let alarm = Alarm::SameFailure {
            code: 10015,
            row: 20,
        };
        assert_eq!(
            answers(&mut watch, Herd::Warn, Action::Fail, 10015, 500),
            [alarm]
        );
    }

    #[test]
    fn a_hundred_gone_at_the_start_are_told_of_once() {
        let mut watch = HerdWatch::default();
        let alarm = Alarm::AllGone { row: 100 };
        assert_eq!(
            answers(&mut watch, Herd::Ordinary, Action::Gone, 10010, 500),
            [alarm]
        );
        let mut watch = HerdWatch::default();
        assert_eq!(answers(&mut watch, Herd::Ordinary, Action::Done, 0, 1), []);
        assert_eq!(
            answers(&mut watch, Herd::Ordinary, Action::Gone, 10010, 500),
            []
        );
    }
}
