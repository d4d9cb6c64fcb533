//! The page about a real run.

use serde_json::{Value, json};

use crate::{
    driver::Browser,
    program::{Home, rows},
};

/// What the rows in view hold in the n-th column.
fn column(browser: &Browser, n: usize) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('#rows .row')].map(r => r.children[{n}].textContent)"
    );
    serde_json::from_value(browser.ask(&script)).unwrap()
}

const SHOWN: &str = "return document.getElementById('shown').textContent";

/// A run with failures, retries and lost answers: its summary and its own failed rows.
fn run(home: &Home) -> (Value, Vec<Value>) {
    let outputs = ["--report=own.jsonl", "--summary=own.json"];
    let run = home.main_job(600, &outputs).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    home.stdout(&["report", &home.newest_run(), "-o", "page.html"]);
    let mut failed = rows(&home.read("own.jsonl"));
    failed.retain(|row| row["outcome"] == "failed");
    let summary = serde_json::from_str(&home.read("own.json")).unwrap();
    (summary, failed)
}

#[test]
fn a_runs_page_shows_the_summarys_figures_and_lets_failures_be_searched_and_sorted() {
    let home = Home::with_faults(&[
        "10002:10%x2",
        "502:5%",
        "lost:5%",
        "10007:5%x*",
        "10015:3%x*",
    ]);
    let (summary, failed) = run(&home);
    let browser = Browser::start();
    browser.open(&home.path("page.html"));
    figures_are_the_summarys(&browser, &summary);
    charts_are_drawn(&browser);
    search_filters(&browser, &failed);
    columns_sort(&browser);
    a_row_opens(&browser);
    every_width_and_scheme_is_readable(&browser);
    assert_eq!(browser.console(), [""; 0]);
}

fn figures_are_the_summarys(browser: &Browser, summary: &Value) {
    let tiles = browser.ask(
        "return Object.fromEntries([...document.querySelectorAll('#outcomes .tile')]
             .map(t => [t.dataset.outcome, Number(t.dataset.count)]))",
    );
    let mut expected = summary["outcomes"].clone();
    let outcomes = expected.as_object_mut().unwrap();
    outcomes.retain(|_, n| *n != 0);
    outcomes.insert("all".to_owned(), summary["input_records"].clone());
    assert_eq!(tiles, expected);
    let figures = browser.ask(
        "return Object.fromEntries([...document.querySelectorAll('[data-figure]')]
             .map(f => [f.dataset.figure, Number(f.dataset.value)]))",
    );
    for figure in ["calls", "retries"] {
        assert_eq!(figures[figure], summary[figure]);
    }
    for percentile in ["p50", "p90", "p99", "max"] {
        let (ours, its) = (&figures[percentile], &summary["latency_ms"][percentile]);
        assert_eq!(ours.as_f64(), its.as_f64(), "{percentile}");
    }
    let status = browser.ask("return document.getElementById('status').textContent");
    assert_eq!(status, summary["status"]);
}

fn charts_are_drawn(browser: &Browser) {
    let inked = browser.ask(
        "return [...document.querySelectorAll('figure canvas')].map(c =>
             c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(byte => byte > 0))",
    );
    assert_eq!(inked, json!([true, true]));
}

fn search_filters(browser: &Browser, failed: &[Value]) {
    let all = failed.len();
    assert_eq!(browser.ask(SHOWN), format!("{all} failures"));
    let with = |code: i64| {
        failed
            .iter()
            .filter(|row| row["error_code"] == code)
            .count()
    };
    let (some, others) = (with(10015), with(10007));
    assert!(some > 1 && others > 1, "{some}, {others}");
    browser.type_into("#search", "10015");
    browser.until(SHOWN, &json!(format!("{some} of {all} failures")));
    let codes = column(browser, 3);
    assert!(
        !codes.is_empty() && codes.iter().all(|code| code == "10015"),
        "{codes:?}"
    );
    browser.type_into("#search", "10015 no such text");
    browser.until(SHOWN, &json!(format!("0 of {all} failures")));
    assert_eq!(column(browser, 0), [""; 0]);
    // Words are looked for one by one, in any column and any case.
    let one = failed[0]["group_id"].as_str().unwrap();
    browser.type_into("#search", &format!("FAILED {one}"));
    let found = "return document.querySelector('#rows .row')?.children[1].textContent ?? null";
    browser.until(found, &json!(one));
    let ids = column(browser, 1);
    assert!(ids.iter().all(|id| id.starts_with(one)), "{ids:?}");
    browser.type_into("#search", " ");
    browser.until(SHOWN, &json!(format!("{all} failures")));
}

fn columns_sort(browser: &Browser) {
    let numbers = |column: Vec<String>| -> Vec<u64> {
        column.iter().map(|text| text.parse().unwrap()).collect()
    };
    let up = numbers(column(browser, 0));
    assert!(
        up.is_sorted() && up.len() > 1,
        "in the order of the input: {up:?}"
    );
    browser.click("#columns button:nth-child(1)");
    let down = numbers(column(browser, 0));
    assert!(down.iter().rev().is_sorted(), "{down:?}");
    browser.click("#columns button:nth-child(4)");
    let codes = column(browser, 3);
    assert!(codes.is_sorted() && codes[0] == "10007", "{codes:?}");
    browser.click("#columns button:nth-child(4)");
    assert_eq!(column(browser, 3)[0], "10015");
    let sorted =
        browser.ask("return document.querySelector('#columns [aria-sort=descending]').textContent");
    assert_eq!(sorted, "Error ▼");
}

fn a_row_opens(browser: &Browser) {
    browser.click("#rows .row:first-child");
    let detail = browser.ask("return document.getElementById('detail').textContent");
    let detail = detail.as_str().unwrap();
    for part in ["Group ID: g-", "Error: 10015", "HTTP status: 200"] {
        assert!(detail.contains(part), "{detail}");
    }
}

fn every_width_and_scheme_is_readable(browser: &Browser) {
    let mut backgrounds = Vec::new();
    for dark in [false, true] {
        for width in [1280, 390] {
            browser.emulate(width, dark);
            browser.until("return innerWidth", &json!(width));
            let spill = "const page = document.scrollingElement; return page.scrollWidth - page.clientWidth";
            // Charts are drawn anew when the window has its size.
            browser.until(spill, &json!(0));
            let spilling = browser.ask(
                "return [...document.querySelectorAll('.tile, .errors td, .settings td')]
                     .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.textContent)",
            );
            assert_eq!(spilling, json!([]), "at {width}");
        }
        let colour = "return getComputedStyle(document.body).backgroundColor";
        backgrounds.push(browser.ask(colour));
    }
    assert_eq!(backgrounds, ["rgb(255, 255, 255)", "rgb(20, 24, 30)"]);
}
