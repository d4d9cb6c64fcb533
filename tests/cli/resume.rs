//! Going on after anything: no record lost, none reported twice, no group called twice.

use std::time::Duration;

use disband_batch::simulator::{Fault, Outage, Reply};
use serde_json::Value;

use crate::support::{
    Scenario, assert_each_record_once, calls_by_group, figures, id, id_lines, read_csv,
};

/// A run over `n` piped groups that stopped after five.
fn piped_and_stopped(n: usize) -> Scenario {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--limit", "5"])
        .run_with(id_lines(n))
        .exits(4);
    let rows = scenario.report();
    assert_each_record_once(&rows, n as u64);
    assert_eq!(figures(&rows)["not_attempted"], n - 5);
    scenario
}

#[track_caller]
fn assert_done(scenario: &Scenario, n: usize) {
    let rows = scenario.report();
    assert_each_record_once(&rows, n as u64);
    assert_eq!(figures(&rows)["disbanded"], n);
    let log = calls_by_group(scenario);
    assert!(log.values().all(|calls| calls.len() == 1), "{log:?}");
}

#[test]
fn records_of_a_pipe_come_from_the_ledger_if_nothing_is_piped_again() {
    let scenario = piped_and_stopped(40);
    scenario.program().arg("--resume").run().exits(0);
    assert_done(&scenario, 40);
}

#[test]
fn what_was_never_read_of_a_pipe_is_said_by_a_resume_without_it_and_taken_by_one_with_it() {
    let scenario = Scenario::new();
    let mut run = scenario.program().start();
    run.feed(&id_lines(20));
    scenario.wait_for_calls(20);
    run.signal("INT");
    run.wait_until_says("calls in flight are waited for");
    run.signal("INT");
    run.wait().exits(130);
    let resumed = ["--resume", "--summary", "summary.json"];
    let resumed = scenario.program().args(resumed).run().exits(0);
    let summary: Value = serde_json::from_str(&scenario.read("summary.json")).unwrap();
    assert_eq!(summary["input_records"], 20);
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("was not read to its end"), "{warnings}");
    scenario
        .program()
        .arg(format!("--resume={}", resumed.run_id()))
        .run_with(id_lines(40))
        .exits(0);
    assert_done(&scenario, 40);
}

#[test]
fn the_same_pipe_again_changes_nothing() {
    let scenario = piped_and_stopped(40);
    scenario
        .program()
        .arg("--resume")
        .run_with(id_lines(40))
        .exits(0);
    assert_done(&scenario, 40);
}

#[test]
fn a_pipe_that_says_something_else_is_refused() {
    let other = id_lines(40).replace("group-00030", "group-99999");
    let longer = id_lines(41);
    let shorter = id_lines(20);
    for (input, words) in [
        (other, "record 30"),
        (shorter, "record 21"),
        (longer, "record 41"),
    ] {
        let scenario = piped_and_stopped(40);
        scenario
            .program()
            .arg("--resume")
            .run_with(input)
            .exits(2)
            .says(words);
        assert_eq!(scenario.service.stats().calls, 5);
        // The refusal has done no harm.
        scenario.program().arg("--resume").run().exits(0);
        assert_done(&scenario, 40);
    }
}

#[test]
fn a_file_that_has_changed_is_refused() {
    for (changed, words) in [
        (
            id_lines(40).replace("group-00003", "group-99999"),
            "record 3",
        ),
        (id_lines(39), "record 40"),
        (id_lines(41), "record 41"),
    ] {
        let scenario = Scenario::new();
        let ids = scenario.ids(40);
        scenario
            .program()
            .args(["--limit", "5"])
            .arg(ids)
            .run()
            .exits(4);
        scenario.file("ids.txt", changed);
        scenario
            .program()
            .arg("--resume")
            .run()
            .exits(2)
            .says("the input has changed")
            .says(words);
        assert_eq!(scenario.service.stats().calls, 5);
        scenario.ids(40);
        scenario.program().arg("--resume").run().exits(0);
        assert_done(&scenario, 40);
    }
}

#[test]
fn a_resume_reads_on_where_a_pipe_was_cut() {
    let scenario = Scenario::new();
    let mut run = scenario.program().start();
    run.feed(&id_lines(10));
    scenario.wait_for_destroyed(10);
    run.signal("INT");
    run.wait_until_says("calls in flight are waited for");
    run.signal("INT");
    run.wait().exits(130);
    scenario
        .program()
        .arg("--resume")
        .run_with(id_lines(30))
        .exits(0);
    assert_done(&scenario, 30);
}

#[test]
fn a_resume_goes_on_with_the_same_app_and_endpoint_only() {
    let scenario = piped_and_stopped(20);
    let elsewhere = Scenario::new();
    scenario
        .program()
        .env("DISBAND_BATCH_ENDPOINT", elsewhere.service.url())
        .arg("--resume")
        .run()
        .exits(2)
        .says("same endpoint");
    elsewhere.assert_untouched();
    let other_app = || {
        let program = scenario.program();
        program
            .env("DISBAND_BATCH_SDKAPPID", "1400000001")
            .env("DISBAND_BATCH_YES", "1400000001")
    };
    other_app().arg("--resume").run().exits(2);
    let unknown = scenario.program().arg("--resume=nonsense").run().exits(2);
    assert!(unknown.stderr.contains("nonsense"), "{}", unknown.stderr);
    assert_eq!(scenario.service.stats().calls, 5);
    scenario.program().arg("--resume").run().exits(0);
    assert_done(&scenario, 20);
}

#[test]
fn a_finished_run_leaves_nothing_to_resume() {
    let scenario = Scenario::new();
    let ids = scenario.ids(5);
    let run = scenario.program().arg(ids).run().exits(0);
    scenario
        .program()
        .arg("--resume")
        .run()
        .exits(2)
        .says("no unfinished run");
    // By name it is found, and finds nothing left to do.
    let resume = format!("--resume={}", run.run_id());
    scenario.program().arg(resume).run().exits(0);
    assert_done(&scenario, 5);
}

#[test]
fn failures_get_another_try_if_asked_for_and_only_then() {
    let scenario = Scenario::new();
    let ids = scenario.ids(10);
    for n in [2, 4] {
        scenario
            .service
            .script(&id(n), [Reply::Fault(Fault::code(10004))]);
    }
    let run = scenario.program().arg(ids).run().exits(1);
    assert_eq!(figures(&scenario.report())["failed"], 2);
    let resume = format!("--resume={}", run.run_id());
    scenario.program().arg(&resume).run().exits(1);
    assert_eq!(scenario.service.stats().calls, 10);
    scenario
        .program()
        .args([&resume, "--retry-failed"])
        .run()
        .exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 10);
    assert_eq!(figures(&rows)["disbanded"], 10);
    let log = calls_by_group(&scenario);
    for n in 1..=10 {
        let calls = if n == 2 || n == 4 { 2 } else { 1 };
        assert_eq!(log[&id(n)].len(), calls, "{n}");
    }
}

#[test]
fn a_second_run_of_the_app_is_told_who_holds_the_lock() {
    let scenario = Scenario::new();
    scenario.service.set_outage(Outage::Stall).unwrap();
    let ids = scenario.ids(5);
    let first = scenario.program().arg(&ids).start();
    scenario.wait_for_calls(5);
    let busy = scenario
        .program()
        .args(["--report", "second.csv"])
        .arg(&ids)
        .run()
        .exits(75)
        .says(&format!("process {}", first.pid));
    assert!(busy.stderr.contains("since"), "{}", busy.stderr);
    assert!(!scenario.path("second.csv").exists());
    scenario.program().arg("--resume").run().exits(75);
    scenario.service.set_outage(Outage::None).unwrap();
    first.wait().exits(0);
    assert_done(&scenario, 5);
}

#[test]
fn another_app_is_not_held_up_by_the_lock() {
    let scenario = Scenario::new();
    scenario.service.set_outage(Outage::Stall).unwrap();
    let first = scenario.program().arg(scenario.ids(5)).start();
    scenario.wait_for_calls(5);
    let other = Scenario::with(|options| options.sdkappid += 1);
    other
        .program()
        .env("DISBAND_BATCH_SDKAPPID", "1400000001")
        .env("DISBAND_BATCH_YES", "1400000001")
        .env("XDG_STATE_HOME", scenario.path("state"))
        .run_with("a\n")
        .exits(0);
    scenario.service.set_outage(Outage::None).unwrap();
    first.wait().exits(0);
}

#[test]
fn a_killed_run_goes_on_and_no_group_is_called_after_a_definite_answer_was_recorded() {
    const GROUPS: usize = 400;
    let scenario = Scenario::with_faults(&["10002:5%x1", "lost:3%", "10004:2%x*"]);
    let ids = scenario.ids(GROUPS);
    let mut settled = Vec::new();
    for kill in 0..6 {
        let program = match kill {
            0 => scenario.program().arg(&ids),
            _ => scenario.program().arg("--resume"),
        };
        let calls = scenario.service.stats().calls;
        let run = program.start();
        scenario.wait_for_calls(calls + 7 + 13 * kill);
        run.signal("KILL");
        drop(run.wait());
        // What the report says was durable before.
        settled = read_csv(&whole_lines(&scenario.read("report.csv")));
        settled.retain(|row| row.attempts > 0 && row.outcome != "not_attempted");
    }
    let before = scenario.service.log().len();
    scenario
        .program()
        .args(["--resume", "--summary", "summary.json"])
        .run()
        .exits(1);
    for call in scenario.service.log().iter().skip(before) {
        let group = call.group.as_deref().unwrap();
        assert!(
            !settled.iter().any(|row| row.group_id == group),
            "{group} again"
        );
    }
    let rows = scenario.report();
    assert_each_record_once(&rows, GROUPS as u64);
    let log = calls_by_group(&scenario);
    for row in &rows {
        let calls = &log[&row.group_id];
        // An intent whose call had not left when the process was killed counts as one.
        assert!(row.attempts as usize >= calls.len(), "{row:?} {calls:?}");
        let destroyed = scenario.service.destroyed(&row.group_id);
        match &*row.outcome {
            "disbanded" => assert_eq!((destroyed, calls.last().unwrap().code), (1, Some(0))),
            "presumed_disbanded" => {
                assert_eq!((destroyed, calls.last().unwrap().code), (1, Some(10010)));
                assert!(calls.len() > 1, "{calls:?}");
            }
            "failed" => assert_eq!((destroyed, row.error_code), (0, Some(10004))),
            other => panic!("{other}: {row:?} {calls:?}"),
        }
    }
    scenario.assert_no_violations();
    let summary: Value = serde_json::from_str(&scenario.read("summary.json")).unwrap();
    assert_eq!(summary["input_records"], GROUPS);
}

/// A text without what follows its last line end: a killed writer may leave half a row.
fn whole_lines(text: &str) -> String {
    text.rsplit_once('\n')
        .map_or_else(String::new, |(whole, _)| whole.to_owned() + "\n")
}

#[test]
fn an_answer_lost_to_a_kill_is_presumed_and_not_called_gone() {
    let scenario = Scenario::new();
    let ids = scenario.ids(1);
    // The service acts at once and answers much later.
    scenario
        .service
        .script(&id(1), [Reply::Late(crate::support::PATIENCE)]);
    let run = scenario
        .program()
        .args(["--timeout", "50s"])
        .arg(ids)
        .start();
    scenario.wait_for_destroyed(1);
    run.signal("KILL");
    drop(run.wait());
    scenario.program().arg("--resume").run().exits(0);
    let rows = scenario.report();
    assert_eq!(figures(&rows)["presumed_disbanded"], 1);
    assert_eq!((rows[0].attempts, rows[0].error_code), (2, Some(10010)));
}

#[test]
fn a_refused_resume_leaves_the_run_and_its_report_as_they_were() {
    let scenario = Scenario::new();
    let ids = scenario.ids(20);
    scenario
        .program()
        .args(["--limit", "5"])
        .arg(&ids)
        .run()
        .exits(4);
    let report = scenario.read("report.csv");
    let changed = scenario.file("other.txt", id_lines(19));
    scenario
        .program()
        .args(["--resume", "--report", "new.csv"])
        .arg(changed)
        .run()
        .exits(2);
    assert_eq!(scenario.read("report.csv"), report);
    assert!(!scenario.path("new.csv").exists());
    // Nobody to ask, and no consent.
    scenario
        .unasked()
        .without_terminal()
        .arg("--resume")
        .run()
        .exits(2);
    assert_eq!(scenario.read("report.csv"), report);
    scenario.program().arg("--resume").run().exits(0);
    assert_done(&scenario, 20);
}

#[test]
fn the_first_sessions_report_may_be_replaced_in_the_third() {
    let scenario = Scenario::new();
    let ids = scenario.ids(20);
    let canary = |report: &str, resume: bool| {
        let program = scenario
            .program()
            .args(["--limit", "5", "--report", report]);
        let program = match resume {
            true => program.arg("--resume"),
            false => program.arg(&ids),
        };
        program.run().exits(4);
    };
    canary("one.csv", false);
    canary("two.csv", true);
    canary("one.csv", true);
    let rows = read_csv(&scenario.read("one.csv"));
    assert_each_record_once(&rows, 20);
    assert_eq!(figures(&rows)["disbanded"], 15);
}

#[test]
fn what_a_killed_session_sent_still_counts_in_the_next() {
    // The app's whole second was spent, and nobody knows when it ended.
    let scenario = Scenario::new();
    // All that the first session can send is seen before it is killed: none is under way then.
    for n in 0..20 {
        let late = Reply::Late(crate::support::PATIENCE);
        scenario.service.script(&id(n), [late]);
    }
    let at_20 = |program: crate::support::Program| program.args(["--rate", "20"]);
    let first = at_20(scenario.program()).args(["--concurrency", "20"]);
    let run = first.arg(scenario.ids(25)).start();
    scenario.wait_for_calls(20);
    run.signal("KILL");
    drop(run.wait());
    let killed = scenario.service.started().elapsed();
    at_20(scenario.program()).arg("--resume").run().exits(0);
    let log = scenario.service.log();
    let next = log.iter().map(|call| call.at).find(|at| *at > killed);
    let next = next.expect("the next session calls");
    assert!(
        next - killed > Duration::from_secs(1),
        "{next:?} after {killed:?}"
    );
}

#[test]
fn a_ledger_that_is_none_is_told_before_the_first_call() {
    let scenario = Scenario::new();
    scenario.program().run_with(id_lines(2)).exits(0);
    let ledger: Vec<_> = scenario
        .ledger_files()
        .into_iter()
        .filter(|path| std::fs::metadata(path).unwrap().len() > 4096)
        .collect();
    for path in &ledger {
        std::fs::write(path, "no ledger ".repeat(2_000)).unwrap();
    }
    let before = scenario.service.stats().calls;
    let run = scenario
        .program()
        .args(["--report", "again.csv"])
        .run_with(id_lines(2))
        .exits(2);
    assert!(
        run.stderr.contains(&ledger[0].display().to_string()),
        "{}",
        run.stderr
    );
    assert_eq!(scenario.service.stats().calls, before);
    scenario
        .program()
        .args(["--state-dir", "report.csv", "--report", "again.csv"])
        .run_with(id_lines(2))
        .exits(2);
}
