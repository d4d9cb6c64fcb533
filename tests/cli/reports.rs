//! The report to the letter, and what hostile answers make of report and screen.

use std::time::Duration;

use disband_batch::simulator::{Fault, FaultKind, Latency, Reply};

use crate::support::{Scenario, id, read_csv, read_jsonl, sorted};

const INPUT: &str = "GroupId,Name\nplain,a\n\"with, comma\",b\nplain,again\n=1+1,formula\n@TGS#2KEEP,c\nbad\u{e9},d\n\"say \"\"hi\"\"\",e\nrefused,f\n";

fn mixed() -> Scenario {
    let scenario = Scenario::new();
    scenario.file("list.csv", INPUT);
    scenario.file("keep.txt", "@TGS#2KEEP\n");
    scenario
        .service
        .script("refused", [Reply::Fault(Fault::code(10007))]);
    scenario
}

/// Rows come in the order in which groups finish; here in that of their records.
fn in_order(report: &str, seq_of: impl Fn(&str) -> u64) -> String {
    let mut lines: Vec<&str> = report.lines().collect();
    lines.sort_by_key(|line| seq_of(line));
    lines.join("\n")
}

#[test]
fn the_csv_has_the_contracts_columns_and_quotes_what_needs_it() {
    let scenario = mixed();
    scenario
        .program()
        .args(["--protect", "keep.txt", "list.csv"])
        .run()
        .exits(1);
    let report = scenario.read("report.csv");
    let seq_of = |line: &str| line.split(',').next().unwrap().parse().unwrap_or(0);
    insta::with_settings!({filters => vec![
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", "[time]"),
        (r",200,[0-9.]+,", ",200,[ms],"),
    ]}, {
        insta::assert_snapshot!(in_order(&report, seq_of), @r##"
        seq,group_id,outcome,error_code,error_info,attempts,http_status,latency_ms,started_at,finished_at,source,line
        1,plain,disbanded,0,,1,200,[ms],[time],[time],list.csv,2
        2,"with, comma",disbanded,0,,1,200,[ms],[time],[time],list.csv,3
        3,plain,duplicate,,,0,,,,,list.csv,4
        4,=1+1,disbanded,0,,1,200,[ms],[time],[time],list.csv,5
        5,@TGS#2KEEP,protected,,,0,,,,,list.csv,6
        6,badé,invalid,,"character 4 of the ID is 'é' (U+00E9); an ID has printable ASCII characters only, from space to ~",0,,,,,list.csv,7
        7,"say ""hi""",disbanded,0,,1,200,[ms],[time],[time],list.csv,8
        8,refused,failed,10007,no permission to operate on this group,1,200,[ms],[time],[time],list.csv,9
        "##);
    });
}

#[test]
fn the_jsonl_has_the_same_keys_and_null_for_what_does_not_apply() {
    let scenario = mixed();
    scenario
        .program()
        .args([
            "--protect",
            "keep.txt",
            "--report",
            "report.jsonl",
            "list.csv",
        ])
        .run()
        .exits(1);
    let report = scenario.read("report.jsonl");
    let seq_of = |line: &str| read_jsonl(line)[0].seq;
    insta::with_settings!({filters => vec![
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", "[time]"),
        (r#""latency_ms":[0-9.]+"#, r#""latency_ms":"[ms]""#),
    ]}, {
        insta::assert_snapshot!(in_order(&report, seq_of), @r##"
        {"seq":1,"group_id":"plain","outcome":"disbanded","error_code":0,"error_info":null,"attempts":1,"http_status":200,"latency_ms":"[ms]","started_at":"[time]","finished_at":"[time]","source":"list.csv","line":2}
        {"seq":2,"group_id":"with, comma","outcome":"disbanded","error_code":0,"error_info":null,"attempts":1,"http_status":200,"latency_ms":"[ms]","started_at":"[time]","finished_at":"[time]","source":"list.csv","line":3}
        {"seq":3,"group_id":"plain","outcome":"duplicate","error_code":null,"error_info":null,"attempts":0,"http_status":null,"latency_ms":null,"started_at":null,"finished_at":null,"source":"list.csv","line":4}
        {"seq":4,"group_id":"=1+1","outcome":"disbanded","error_code":0,"error_info":null,"attempts":1,"http_status":200,"latency_ms":"[ms]","started_at":"[time]","finished_at":"[time]","source":"list.csv","line":5}
        {"seq":5,"group_id":"@TGS#2KEEP","outcome":"protected","error_code":null,"error_info":null,"attempts":0,"http_status":null,"latency_ms":null,"started_at":null,"finished_at":null,"source":"list.csv","line":6}
        {"seq":6,"group_id":"badé","outcome":"invalid","error_code":null,"error_info":"character 4 of the ID is 'é' (U+00E9); an ID has printable ASCII characters only, from space to ~","attempts":0,"http_status":null,"latency_ms":null,"started_at":null,"finished_at":null,"source":"list.csv","line":7}
        {"seq":7,"group_id":"say \"hi\"","outcome":"disbanded","error_code":0,"error_info":null,"attempts":1,"http_status":200,"latency_ms":"[ms]","started_at":"[time]","finished_at":"[time]","source":"list.csv","line":8}
        {"seq":8,"group_id":"refused","outcome":"failed","error_code":10007,"error_info":"no permission to operate on this group","attempts":1,"http_status":200,"latency_ms":"[ms]","started_at":"[time]","finished_at":"[time]","source":"list.csv","line":9}
        "##);
    });
}

#[test]
fn times_and_latencies_are_plausible() {
    const LATENCY_MS: u64 = 50;
    let latency = Latency::fixed(Duration::from_millis(LATENCY_MS));
    let scenario = Scenario::with(|options| options.latency = latency);
    let before = jiff::Timestamp::now();
    scenario.program().arg(scenario.ids(5)).run().exits(0);
    let after = jiff::Timestamp::now();
    for row in scenario.report() {
        let time = |text: Option<String>| text.unwrap().parse::<jiff::Timestamp>().unwrap();
        let (started, finished) = (time(row.started_at), time(row.finished_at));
        // The report's times are cut to milliseconds.
        assert!(started.as_millisecond() >= before.as_millisecond());
        assert!(started <= finished && finished <= after);
        let latency_ms = row.latency_ms.unwrap();
        assert!(
            (LATENCY_MS as f64..60_000.0).contains(&latency_ms),
            "{latency_ms}"
        );
    }
}

#[test]
fn control_characters_are_escaped_on_the_screen_and_kept_in_the_report() {
    for verbosity in ["-q", "-v", "-vv"] {
        let scenario = Scenario::new();
        let ids = scenario.ids(30);
        let hostile = Reply::Fault(Fault::before(FaultKind::Control));
        (1..=30).for_each(|n| scenario.service.script(&id(n), [hostile]));
        let run = scenario
            .program()
            .args([verbosity, "--summary", "summary.json"])
            .arg(ids)
            .run()
            .exits(1);
        let foul = |c: char| c.is_control() && c != '\n';
        assert!(!run.stderr.contains(foul), "{:?}", run.stderr);
        assert!(!scenario.read("summary.json").contains('\u{1b}'));
        let rows = sorted(read_csv(&scenario.read("report.csv")));
        assert_eq!(rows.len(), 30);
        for row in rows {
            assert_eq!(row.error_code, Some(10004));
            let info = row.error_info.unwrap();
            assert!(info.contains('\u{1b}'), "{info:?}");
        }
    }
}

#[test]
fn hostile_ids_are_escaped_on_the_screen_and_kept_in_the_report() {
    let scenario = Scenario::new();
    let list = scenario.file("list.csv", "GroupId\n\"a\u{1b}[2Jb\"\n\"c\nd\"\nfine\n");
    let run = scenario.program().arg("-vv").arg(list).run().exits(1);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
    let rows = sorted(scenario.report());
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&*row.group_id, &*row.outcome))
        .collect();
    assert_eq!(
        shown,
        [
            ("a\u{1b}[2Jb", "invalid"),
            ("c\nd", "invalid"),
            ("fine", "disbanded")
        ]
    );
}

#[test]
fn a_quiet_run_says_nothing_when_all_is_well() {
    let scenario = Scenario::new();
    let run = scenario
        .program()
        .args(["-q", "--rate", "200"])
        .arg(scenario.ids(5))
        .run()
        .exits(0);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
}
