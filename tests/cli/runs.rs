//! The main job from its input to its report, summary and exit code.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::support::{
    APP, Scenario, assert_each_record_once, assert_rows_agree_with_log, calls_by_group, figures,
    id, id_lines, read_csv, read_jsonl, sample, sorted,
};

#[test]
fn every_record_of_the_sample_csv_has_one_row_and_each_group_one_call() {
    let scenario = Scenario::new();
    let run = scenario.program().arg(sample("groups.csv")).run().exits(1);
    let rows = scenario.report();
    assert_each_record_once(&rows, 2_000);
    let figures = figures(&rows);
    assert_eq!(figures["duplicate"], 12, "{figures:?}");
    assert_eq!(figures["invalid"], 8, "{figures:?}");
    assert_eq!(figures["disbanded"], 1_980, "{figures:?}");
    assert_eq!(scenario.service.stats().calls, 1_980);
    assert_rows_agree_with_log(&scenario, &rows);
    scenario.assert_no_violations();
    assert_eq!(run.stdout, "");

    // Independently of the program's reader: the same IDs on the same lines.
    let text = std::fs::read(sample("groups.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(&*text);
    for (record, row) in reader.records().zip(sorted(rows)) {
        let record = record.unwrap();
        assert_eq!(record[0], row.group_id);
        assert_eq!(record.position().unwrap().line(), row.line, "{row:?}");
        assert!(row.source.ends_with("groups.csv"), "{row:?}");
    }
}

#[test]
fn every_record_of_the_other_samples_has_one_row() {
    for (name, records) in [("groups.jsonl", 40), ("ids.txt", 320)] {
        let scenario = Scenario::new();
        scenario.program().arg(sample(name)).run().exits(0);
        let rows = scenario.report();
        assert_each_record_once(&rows, records);
        assert_rows_agree_with_log(&scenario, &rows);
        scenario.assert_no_violations();
    }
}

#[test]
fn the_messiest_sample_loses_no_record_and_calls_nothing_that_is_no_group() {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--summary", "summary.json"])
        .arg(sample("messy.csv"))
        .run()
        .exits(1);
    let rows = scenario.report();
    let summary: Value = serde_json::from_str(&scenario.read("summary.json")).unwrap();
    assert_each_record_once(&rows, summary["input_records"].as_u64().unwrap());
    assert_rows_agree_with_log(&scenario, &rows);
    for row in rows.iter().filter(|row| row.outcome == "invalid") {
        assert_eq!(row.attempts, 0, "{row:?}");
        assert!(row.error_info.is_some(), "{row:?}");
        assert_eq!(row.started_at, None);
    }
    assert!(figures(&rows)["invalid"] > 3);
    scenario.assert_no_violations();
}

#[test]
fn a_pipe_with_settings_from_the_environment_alone_is_enough() {
    let scenario = Scenario::new();
    let ids = std::fs::read(sample("ids.txt")).unwrap();
    let run = scenario.program().run_with(ids.clone()).exits(0);
    assert_eq!(run.stdout, "");
    let rows = sorted(scenario.report());
    let lines: Vec<String> = String::from_utf8(ids)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(rows.len(), lines.len());
    for (n, (row, line)) in rows.iter().zip(&lines).enumerate() {
        let at = n as u64 + 1;
        assert_eq!(
            (row.seq, &row.group_id, &*row.source, row.line),
            (at, line, "stdin", at)
        );
        assert_eq!(row.outcome, "disbanded");
    }
    assert_rows_agree_with_log(&scenario, &rows);
    scenario.assert_no_violations();
}

#[test]
fn files_and_stdin_are_one_list_in_the_order_given() {
    let scenario = Scenario::new();
    let first = scenario.file("first.txt", "a\nb\n");
    let last = scenario.file("last.jsonl", "{\"GroupId\":\"d\"}\n{\"GroupId\":\"a\"}\n");
    scenario
        .program()
        .args([first.as_os_str(), "-".as_ref(), last.as_os_str()])
        .run_with("c\n")
        .exits(0);
    let rows = sorted(scenario.report());
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&*row.group_id, &*row.outcome, row.line))
        .collect();
    assert_eq!(
        shown,
        [
            ("a", "disbanded", 1),
            ("b", "disbanded", 2),
            ("c", "disbanded", 1),
            ("d", "disbanded", 1),
            ("a", "duplicate", 2)
        ]
    );
}

#[test]
fn gzip_and_zstd_are_told_by_their_first_bytes_in_files_and_pipes() {
    let plain = id_lines(50);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(plain.as_bytes(), 3).unwrap();
    for packed in [gzip, zstd] {
        let scenario = Scenario::new();
        let file = scenario.file("no-ending", &packed);
        scenario.program().arg(file).run().exits(0);
        assert_each_record_once(&scenario.report(), 50);
        let scenario = Scenario::new();
        scenario.program().run_with(packed).exits(0);
        assert_each_record_once(&scenario.report(), 50);
        assert_eq!(scenario.service.stats().destroyed, 50);
    }
}

#[test]
fn a_report_on_stdout_has_stdout_to_itself() {
    let scenario = Scenario::new();
    let ids = scenario.ids(20);
    let run = scenario
        .program()
        .args(["--report", "-", "-v"])
        .arg(&ids)
        .run()
        .exits(0);
    assert_each_record_once(&read_csv(&run.stdout), 20);
    assert!(run.stdout.starts_with(
        "seq,group_id,outcome,error_code,error_info,attempts,http_status,latency_ms,started_at,finished_at,source,line\n"
    ));

    let again = scenario
        .program()
        .args(["--report", "-", "--report-format", "jsonl"])
        .arg(&ids)
        .run()
        .exits(0);
    let rows = read_jsonl(&again.stdout);
    assert_each_record_once(&rows, 20);
    assert_eq!(figures(&rows)["already_gone"], 20);
}

#[test]
fn without_report_the_report_is_named_after_the_run() {
    let scenario = Scenario::new();
    let ids = scenario.ids(3);
    let run = scenario
        .program()
        .env("DISBAND_BATCH_REPORT", "")
        .arg(ids)
        .run()
        .exits(0);
    let rows = read_csv(&scenario.read(&format!("disband-{}.csv", run.run_id())));
    assert_each_record_once(&rows, 3);
}

#[test]
fn the_ending_of_the_reports_path_decides_its_format() {
    let scenario = Scenario::new();
    let ids = scenario.ids(3);
    scenario
        .program()
        .args(["--report", "out-{run}.jsonl"])
        .arg(ids)
        .run()
        .exits(0);
    let name = std::fs::read_dir(scenario.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.starts_with("out-"))
        .unwrap();
    assert!(
        !name.contains("{run}") && name.ends_with(".jsonl"),
        "{name}"
    );
    assert_each_record_once(&read_jsonl(&scenario.read(&name)), 3);
}

#[test]
fn the_summarys_numbers_are_those_of_the_report_and_of_the_services_log() {
    let scenario = Scenario::with_faults(&["10002:10%x1", "10004:5%x*", "10010:5%x*"]);
    let mut input = id_lines(300);
    input.push_str("group-00001\nnot\ta group\n");
    let file = scenario.file("list.txt", input);
    scenario
        .program()
        .args(["--summary", "summary.json"])
        .arg(file)
        .run()
        .exits(1);
    let rows = scenario.report();
    assert_each_record_once(&rows, 302);
    assert_rows_agree_with_log(&scenario, &rows);
    let json = scenario.read("summary.json");
    let summary: Value = serde_json::from_str(&json).unwrap();
    let stats = scenario.service.stats();
    assert_eq!(summary["status"], "finished");
    assert_eq!(summary["stop_reason"], Value::Null);
    assert_eq!(summary["exit_code"], 1);
    assert_eq!(summary["sdkappid"].to_string(), APP);
    assert_eq!(summary["endpoint"], scenario.service.url());
    assert_eq!(summary["input_records"], 302);
    assert_eq!(summary["calls"], stats.calls);
    let attempts: u64 = rows.iter().map(|row| u64::from(row.attempts)).sum();
    assert_eq!(stats.calls, attempts);
    assert_eq!(
        summary["retries"],
        stats.calls - calls_by_group(&scenario).len() as u64
    );
    let by_name = figures(&rows);
    for (name, n) in summary["outcomes"].as_object().unwrap() {
        let rows = by_name.get(&**name).copied().unwrap_or(0);
        assert_eq!(n.as_u64(), Some(rows as u64), "{name}");
    }
    // What arrives within a second may differ by jitter from what left within one, but not by much.
    let most = summary["max_calls_in_one_second"].as_u64().unwrap();
    assert!(most <= 2_000 && most > 0, "{most}");
    let latency = |name| summary["latency_ms"][name].as_f64().unwrap();
    assert!(latency("p50") <= latency("p90") && latency("p99") <= latency("max"));
    let keys: Vec<_> = summary.as_object().unwrap().keys().cloned().collect();
    let mut contract = [
        "run_id",
        "status",
        "stop_reason",
        "exit_code",
        "sdkappid",
        "endpoint",
        "input_records",
        "outcomes",
        "warnings",
        "calls",
        "retries",
        "started_at",
        "finished_at",
        "duration_s",
        "mean_calls_per_s",
        "max_calls_in_one_second",
        "latency_ms",
    ];
    contract.sort_unstable();
    let mut sorted = keys;
    sorted.sort();
    assert_eq!(sorted, contract);
    let started: jiff::Timestamp = summary["started_at"].as_str().unwrap().parse().unwrap();
    let finished: jiff::Timestamp = summary["finished_at"].as_str().unwrap().parse().unwrap();
    assert!(started < finished);
}

#[test]
fn a_list_that_is_gone_already_is_green_and_one_refusal_is_not() {
    let scenario = Scenario::new();
    let ids = scenario.ids(30);
    scenario.program().arg(&ids).run().exits(0);
    scenario
        .program()
        .args(["--report", "again.csv"])
        .arg(&ids)
        .run()
        .exits(0);
    let rows = read_csv(&scenario.read("again.csv"));
    assert_eq!(figures(&rows)["already_gone"], 30);

    let refusing = Scenario::new();
    let ids = refusing.ids(30);
    refusing.service.script(
        &id(7),
        [disband_batch::simulator::Reply::Fault(
            disband_batch::simulator::Fault::code(10015),
        )],
    );
    refusing.program().arg(&ids).run().exits(1).says("10015");
    let rows = sorted(refusing.report());
    assert_eq!(
        (&*rows[6].outcome, rows[6].error_code),
        ("failed", Some(10015))
    );
    assert_eq!(figures(&rows)["disbanded"], 29);
}

#[test]
fn an_empty_list_is_a_run_with_nothing_to_do() {
    let scenario = Scenario::new();
    let file = scenario.file("empty.txt", "\n\n");
    scenario.program().arg(file).run().exits(0);
    assert_eq!(scenario.report(), []);
    scenario.assert_untouched();
}

#[test]
fn three_thousand_groups_with_everyday_faults_are_all_gone_and_every_row_is_right() {
    let scenario = Scenario::with_faults(&["10002:5%x2", "502:2%", "lost:1%"]);
    scenario
        .program()
        .args(["--summary", "summary.json"])
        .run_with(id_lines(3_000))
        .exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 3_000);
    assert_rows_agree_with_log(&scenario, &rows);
    scenario.assert_no_violations();
    let log = calls_by_group(&scenario);
    for n in 1..=3_000 {
        assert_eq!(scenario.service.destroyed(&id(n)), 1, "{}", id(n));
    }
    // The plan had its way: each of the three faults was met by about its share of the groups.
    let met = |n: usize| log.values().filter(|calls| calls.len() == n).count();
    assert!(
        (110..=190).contains(&met(3)),
        "{} groups needed three calls",
        met(3)
    );
    assert!(
        (60..=120).contains(&met(2)),
        "{} groups needed two calls",
        met(2)
    );
    let presumed = figures(&rows)["presumed_disbanded"];
    assert!(
        (15..=50).contains(&presumed),
        "{presumed} answers were lost"
    );
}

#[test]
fn the_simulated_run_of_the_readme_needs_no_setting_at_all() {
    let scenario = Scenario::new();
    let run = scenario
        .bare()
        .args(["--simulate", "--rate", "2000"])
        .arg(sample("ids.txt"))
        .run();
    let code = run.status.code();
    assert!(matches!(code, Some(0 | 1)), "{run:?}");
    let rows = read_csv(&scenario.read(&format!("disband-{}.csv", run.run_id())));
    assert_each_record_once(&rows, 320);
    scenario.assert_untouched();
}

#[test]
fn an_input_that_breaks_off_stops_the_run_and_a_whole_one_completes_it() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(id_lines(5_000).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let scenario = Scenario::new();
    let file = scenario.file("list.gz", &whole[..whole.len() / 2]);
    scenario.program().arg(&file).run().exits(3).says("cut off");
    let rows = scenario.report();
    assert_each_record_once(&rows, rows.len() as u64);
    assert!(
        rows.iter().all(|row| row.group_id.len() == id(1).len()),
        "a half ID"
    );
    scenario.file("list.gz", &whole);
    scenario.program().arg("--resume").run().exits(0);
    assert_each_record_once(&scenario.report(), 5_000);
    assert_eq!(scenario.service.stats().destroyed, 5_000);
}

#[test]
fn a_cut_off_list_on_stdin_is_said_at_the_end_at_the_latest() {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--summary", "summary.json"])
        .run_with("a\nb\ncut-o")
        .exits(0)
        .says("without a newline");
    assert!(scenario.read("summary.json").contains("without a newline"));
}

#[test]
fn a_simulated_run_can_be_resumed_in_the_simulator() {
    let scenario = Scenario::new();
    let simulated = || {
        scenario
            .bare()
            .args(["--simulate", "--report", "report.csv"])
    };
    let run = simulated()
        .args(["--limit", "5"])
        .arg(scenario.ids(20))
        .run()
        .exits(4)
        .says("disband-batch --simulate --report report.csv --resume=");
    let resume = format!("--resume={}", run.run_id());
    let resumed = simulated().arg(resume).run();
    assert!(matches!(resumed.status.code(), Some(0 | 1)), "{resumed:?}");
    assert_each_record_once(&scenario.report(), 20);
}
