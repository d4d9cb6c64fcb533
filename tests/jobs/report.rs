//! `report`: what the ledger tells again is what the run itself told.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use serde_json::Value;

use crate::program::{Home, ended, rows};

/// A run with every kind of end, and its own report and summary.
fn told(groups: u32) -> Home {
    let home = Home::with_faults(&[
        "10002:10%x2",
        "502:5%",
        "lost:5%",
        "10007:5%x*",
        "10010:5%x*",
    ]);
    let outputs = ["--report=own.jsonl", "--summary=own.json"];
    let input = "g-1\nno group\u{7f}\n@TGS#_x@TOPIC#_y\n";
    std::fs::write(home.path("more.txt"), input).unwrap();
    std::fs::write(home.path("vip.txt"), "g-2\n").unwrap();
    let more = ["more.txt", "--protect=vip.txt", "--format=lines"];
    let run = home.main_job(groups, &[&outputs[..], &more[..]].concat());
    let (code, _, stderr) = ended(&{ run }.output().unwrap());
    assert_eq!(code, 1, "{stderr}");
    home
}

fn own_rows(home: &Home) -> Vec<Value> {
    let mut own = rows(&home.read("own.jsonl"));
    own.sort_by_key(|row| row["seq"].as_u64());
    own
}

#[test]
fn a_report_from_the_ledger_is_the_runs_own_row_by_row() {
    let home = told(300);
    let own = own_rows(&home);
    let run = home.newest_run();
    let outcomes: std::collections::BTreeSet<_> =
        own.iter().map(|row| row["outcome"].to_string()).collect();
    assert!(outcomes.len() >= 6, "{outcomes:?}");
    assert_eq!(own.len(), 303);
    assert_eq!(home.reported(&run), own);
    assert_eq!(
        home.reported(&run[..18]),
        own,
        "the ID's beginning is enough"
    );

    home.stdout(&["report", &run, "-o", "again-{run}.csv"]);
    let csv = home.path(&format!("again-{run}.csv"));
    let mut csv = csv::Reader::from_path(csv).unwrap();
    let names = csv.headers().unwrap().clone();
    let expected = own[0].as_object().unwrap().len();
    assert_eq!(names.len(), expected);
    for (record, own) in csv.records().zip(&own) {
        for (name, cell) in names.iter().zip(&record.unwrap()) {
            let value = match &own[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(cell, value, "{name} of {own}");
        }
    }
}

#[test]
fn the_page_has_the_summarys_figures_and_every_failure() {
    let home = told(300);
    let run = home.newest_run();
    home.stdout(&["report", &run, "-o", "page.html"]);
    let page = home.read("page.html");
    let summary: Value = serde_json::from_str(&home.read("own.json")).unwrap();
    for (outcome, n) in summary["outcomes"].as_object().unwrap() {
        let tile = format!("data-outcome=\"{outcome}\" data-count=\"{n}\"");
        assert_eq!(page.contains(&tile), n != 0, "{tile}");
    }
    let records = &summary["input_records"];
    assert!(page.contains(&format!("data-outcome=\"all\" data-count=\"{records}\"")));
    for figure in ["calls", "retries"] {
        let value = format!(
            "data-figure=\"{figure}\" data-value=\"{}\"",
            summary[figure]
        );
        assert!(page.contains(&value), "{value}");
    }
    for (percentile, ms) in summary["latency_ms"].as_object().unwrap() {
        let value = format!("data-figure=\"{percentile}\" data-value=\"{ms}\"");
        assert!(page.contains(&value), "{value}");
    }
    // The texts of answers that were tried again are there, too.
    for error in ["10002", "10007", "HTTP 502", "no answer"] {
        assert!(page.contains(&format!("data-error=\"{error}\"")), "{error}");
    }
    assert!(page.contains("internal error, please try again"));

    let (_, rest) = page.split_once("id=\"rows-data\">").unwrap();
    let data: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let failed = |row: &&Value| {
        ["failed", "exhausted", "invalid"].contains(&row["outcome"].as_str().unwrap())
    };
    let own: Vec<_> = own_rows(&home)
        .iter()
        .filter(failed)
        .map(|row| row["seq"].clone())
        .collect();
    let seqs: Vec<_> = data["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(seqs, own);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let home = told(20);
    let run = home.newest_run();
    for format in ["csv", "jsonl", "html"] {
        std::fs::write(home.path("there"), "precious").unwrap();
        let args = ["report", &run, "--format", format, "-o", "there"];
        let (code, _, stderr) = ended(&home.program(&args).output().unwrap());
        assert_eq!(code, 2);
        assert!(stderr.contains("there already exists"), "{stderr}");
        assert_eq!(home.read("there"), "precious");
    }
}

#[test]
fn a_run_that_nobody_knows_is_no_report() {
    let home = told(20);
    let (code, _, stderr) = ended(&home.program(&["report", "19990101"]).output().unwrap());
    assert_eq!(code, 2);
    assert!(stderr.contains("knows no run \"19990101\""), "{stderr}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let home = told(2_000);
    let run = home.newest_run();
    for format in ["csv", "jsonl", "html"] {
        let mut program = home
            .program(&["report", &run, "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // The pipe holds less than the report, so the program is still writing when its reader goes.
        BufReader::with_capacity(16, program.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let mut stderr = String::new();
        program
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            (program.wait().unwrap().code(), stderr.as_str()),
            (Some(0), "")
        );
        assert!(!line.is_empty());
    }
}
