//! The page at a hundred thousand failures.

use std::fs::File;

use disband_batch::{
    outcome::{Outcome, Tally},
    report::html::{HtmlError, HtmlReport, RunFacts, series::Series},
    row::Row,
};
use serde_json::json;

use crate::driver::Browser;

const FAILURES: u64 = 100_000;

fn failure(seq: u64) -> Row {
    Row {
        seq,
        group_id: format!("@TGS#{seq:08}").into(),
        outcome: Outcome::Failed,
        error_code: Some(10007),
        error_info: Some("no permission".into()),
        attempts: 1,
        http_status: Some(200),
        latency: None,
        started_at: None,
        finished_at: None,
        source: "groups.csv".into(),
        line: seq + 1,
    }
}

#[test]
fn a_hundred_thousand_failures_are_scrolled_and_searched_with_few_rows_drawn() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("page.html");
    let mut outcomes = Tally::default();
    outcomes.add_many(Outcome::Failed, FAILURES);
    let page = HtmlReport {
        facts: &RunFacts::default(),
        outcomes: &outcomes,
        series: &Series::default(),
        errors: &[],
        advice: &|_| None,
    };
    let rows = (1..=FAILURES).map(|seq| Ok::<_, HtmlError>(failure(seq)));
    page.write(rows, &mut File::create(&path).unwrap()).unwrap();

    let browser = Browser::start();
    browser.open(&path);
    let shown = "return document.getElementById('shown').textContent";
    browser.until(shown, &json!("100,000 failures"));
    browser.ask("document.getElementById('view').scrollTop = 1e9");
    let last = "return document.querySelector('#rows .row:last-child').children[0].textContent";
    browser.until(last, &json!("100000"));
    browser.type_into("#search", "TGS#00077777");
    browser.until(shown, &json!("1 of 100,000 failures"));
    let drawn = browser.ask("return document.querySelectorAll('#rows .row').length");
    assert_eq!(drawn, 1);
    browser.type_into("#search", "permission");
    browser.until(shown, &json!("100,000 failures"));
    let drawn = browser.ask("return document.querySelectorAll('#rows .row').length");
    assert!(drawn.as_u64().unwrap() < 100, "{drawn}");
    assert_eq!(browser.console(), [""; 0]);
}
