//! Sections 4 and 5 of the spec once more, written down apart from the table, by what they ask for.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::verdict::Action::*;

/// Every code of sections 5.1 to 5.4 by the spec's word for it.
fn spec() -> BTreeMap<i64, Action> {
    let by_action: [(Action, &[i64]); 8] = [
        (Done, &[0]),
        (Gone, &[10010]),
        (
            Retry,
            &[
                10002, 60008, 60013, 60014, 70169, 70202, 70500, 20004, 20005, 90992, 90994, 90995,
                91000, -10114,
            ],
        ),
        (
            Slow,
            &[10006, 10023, 60007, 60011, 60018, 60019, -10113, -20009],
        ),
        (ReSign, &[10008, 70001, 70003, 70005, 70052, 70346, 20002]),
        (ReSignThenRetry, &[60004, 60005]),
        (
            Stop,
            &[
                10003, 10011, 10012, 10026, 60002, 60003, 60006, 60009, 60010, 60012, 60015, 60016,
                60017, 60020, 60021, 60025, 60026, 60027, 60028, 70002, 70009, 70013, 70014, 70016,
                70020, 70050, 70051, 70107, 70114, 70403, 72000, 72002, 80005, 90009, -10108,
                -10110, -10111, -10112,
            ],
        ),
        (
            Fail,
            &[
                10004, 10005, 10007, 10009, 10013, 10014, 10015, 10016, 10018, 10019, 10021, 10025,
                10036, 10037, 10038, 10058, 11000, 110_002, 110_003, 70206, 70398, 70399, 70402,
                70404, 71000, 80001, 80002, 80003, 80004,
            ],
        ),
    ];
    let mut codes = BTreeMap::new();
    for (action, list) in by_action {
        for &code in list {
            assert_eq!(codes.insert(code, action), None, "{code} twice");
        }
    }
    codes
}

/// Section 4, last table, last row.
const MAY_HAVE_ACTED: [i64; 13] = [
    10002, 60008, 60013, 60014, 70169, 70202, 70500, 20004, 20005, 90992, 90994, 90995, 91000,
];

#[test]
fn each_code_asks_for_what_the_spec_says() {
    for (code, action) in spec() {
        let verdict = verdict(code);
        assert_eq!(verdict.action, action, "{code}");
        assert_eq!(
            verdict.may_have_acted,
            MAY_HAVE_ACTED.contains(&code),
            "{code}"
        );
        assert_eq!(verdict.reach, Reach::Answered, "{code}");
        assert!(explain(code).known, "{code}");
    }
}

#[test]
fn the_table_holds_each_code_of_the_spec_once_and_no_other() {
    let mut listed: Vec<i64> = TABLE.iter().map(|entry| entry.code).collect();
    listed.sort_unstable();
    assert_eq!(listed, spec().into_keys().collect::<Vec<_>>());
}

#[test]
fn a_row_of_one_refusal_stops_or_warns_as_rule_1_says() {
    for (code, herd) in [
        (10007, Herd::Stop),
        (10004, Herd::Warn),
        (10015, Herd::Warn),
        (10016, Herd::Warn),
        (11000, Herd::Warn),
        (10019, Herd::Ordinary),
        (10010, Herd::Ordinary),
        (60011, Herd::Ordinary),
        (10999, Herd::Ordinary),
        (110_001, Herd::Ordinary),
        (60000, Herd::Stop),
        (60001, Herd::Stop),
        (79999, Herd::Stop),
        (59999, Herd::Warn),
        (80000, Herd::Warn),
        (1, Herd::Warn),
        (-1, Herd::Warn),
        (i64::MAX, Herd::Warn),
        (i64::MIN, Herd::Warn),
    ] {
        assert_eq!(verdict(code).herd, herd, "{code}");
    }
}

#[test]
fn every_code_but_success_has_meaning_and_advice_in_whole_sentences() {
    for entry in TABLE {
        assert!(!entry.meaning.is_empty(), "{}", entry.code);
        assert_eq!(entry.advice.is_empty(), entry.code == 0, "{}", entry.code);
        assert!(
            entry.advice.is_empty() || entry.advice.ends_with('.'),
            "{}",
            entry.code
        );
    }
    assert!(explain(60026).advice.contains("--region"));
    assert!(explain(60021).advice.contains("allow list"));
    assert!(explain(70001).advice.contains("clock"));
    assert!(
        explain(10015).meaning.contains("illegal") && explain(10015).meaning.contains("exists")
    );
}

proptest! {
    #[test]
    fn an_unknown_code_fails_its_group_and_is_never_success(code: i64) {
        prop_assume!(!spec().contains_key(&code));
        let verdict = verdict(code);
        prop_assert_eq!(verdict.action, Fail);
        prop_assert!(!verdict.may_have_acted);
        prop_assert!(!explain(code).known);
    }

    #[test]
    fn only_0_is_done_and_only_10010_is_gone(code in -30_000_i64..120_000) {
        prop_assert_eq!(verdict(code).action == Done, code == 0);
        prop_assert_eq!(verdict(code).action == Gone, code == 10010);
    }
}
