//! When a run stops by itself, and what it costs until then.

use std::{collections::BTreeSet, time::Duration};

use disband_batch::simulator::{Fault, Groups, Latency, Outage, Reply};
use serde_json::Value;

use crate::support::{
    Finished, Program, Scenario, assert_each_record_once, calls_by_group, figures, id, sample,
};

/// As many calls as are in flight at the usual rate, and a few more.
const A_HANDFUL: u64 = 20;

fn slow_enough() -> Scenario {
    Scenario::with(|options| options.latency = Latency::fixed(Duration::from_millis(50)))
}

/// Runs it over 500 groups at the usual rate.
fn usual(scenario: &Scenario, program: Program) -> Finished {
    let ids = scenario.ids(500);
    program
        .args(["--rate", "200", "--summary", "summary.json"])
        .arg(ids)
        .run()
}

#[track_caller]
fn assert_stopped(scenario: &Scenario, reason: &str) {
    let summary: Value = serde_json::from_str(&scenario.read("summary.json")).unwrap();
    assert_eq!(summary["status"], "stopped");
    let said = summary["stop_reason"].as_str().unwrap();
    assert!(said.contains(reason), "{said}");
    assert_each_record_once(&scenario.report(), 500);
}

#[track_caller]
fn assert_goes_on(scenario: &Scenario) {
    scenario.program().arg("--resume").run().exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 500);
    assert_eq!(figures(&rows)["disbanded"], 500, "{:?}", figures(&rows));
}

#[test]
fn a_key_that_signs_for_nobody_costs_a_handful_of_calls() {
    let scenario = slow_enough();
    let wrong = "f00dfeedf00dfeedf00dfeedf00dfeed0123456789abcdef0123456789abcdef";
    let program = scenario.program().env("DISBAND_BATCH_SECRET_KEY", wrong);
    usual(&scenario, program).exits(3).says("70009");
    assert_stopped(&scenario, "70009");
    assert_eq!(figures(&scenario.report())["not_attempted"], 500);
    let calls = scenario.service.stats().calls;
    assert!(calls <= A_HANDFUL, "{calls}");
    assert_goes_on(&scenario);
}

#[test]
fn an_account_that_is_no_admin_costs_a_handful_of_calls() {
    let scenario = slow_enough();
    let program = scenario
        .program()
        .env("DISBAND_BATCH_IDENTIFIER", "somebody");
    usual(&scenario, program).exits(3).says("60010");
    assert_stopped(&scenario, "60010");
    let calls = scenario.service.stats().calls;
    assert!(calls <= A_HANDFUL, "{calls}");
}

#[test]
fn an_app_that_is_not_there_costs_a_handful_of_calls() {
    let scenario = slow_enough();
    let program = scenario
        .program()
        .args(["--sdkappid", "1400000001", "--yes"])
        .env("DISBAND_BATCH_YES", "");
    usual(&scenario, program).exits(3).says("70020");
    let calls = scenario.service.stats().calls;
    assert!(calls <= A_HANDFUL, "{calls}");
}

#[test]
fn twenty_refusals_of_one_group_each_are_a_refusal_of_everybody() {
    let scenario = slow_enough();
    scenario.service.refuse_everybody(10007).unwrap();
    usual(&scenario, scenario.program()).exits(3).says("10007");
    assert_stopped(&scenario, "10007");
    let calls = scenario.service.stats().calls;
    assert!((20..=20 + A_HANDFUL).contains(&calls), "{calls}");
    let failed = figures(&scenario.report())["failed"] as u64;
    assert_eq!(failed, calls);
    scenario.service.set_outage(Outage::None).unwrap();
    scenario
        .program()
        .args(["--resume", "--retry-failed"])
        .run()
        .exits(0);
    assert_eq!(figures(&scenario.report())["disbanded"], 500);
}

#[test]
fn a_list_that_is_gone_already_goes_on_and_warns() {
    let scenario = Scenario::with(|options| options.groups = Groups::Listed(BTreeSet::new()));
    let ids = scenario.ids(500);
    scenario
        .program()
        .args(["--summary", "summary.json"])
        .arg(ids)
        .run()
        .exits(0)
        .says("another app");
    let summary: Value = serde_json::from_str(&scenario.read("summary.json")).unwrap();
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("another app"), "{warnings}");
    assert_eq!(figures(&scenario.report())["already_gone"], 500);
}

#[test]
fn so_many_failures_stop_the_run() {
    for (most, failures) in [("5", 5..=5 + A_HANDFUL as usize), ("20%", 20..=60)] {
        let scenario = Scenario::with(|options| {
            options.latency = Latency::fixed(Duration::from_millis(50));
            let rules = ["10004:40%x*".parse().unwrap()];
            options.faults = disband_batch::simulator::FaultPlan::new(rules).unwrap();
        });
        let program = scenario.program().args(["--max-failures", most]);
        usual(&scenario, program).exits(3).says("--max-failures");
        assert_stopped(&scenario, "--max-failures");
        let rows = scenario.report();
        let failed = figures(&rows)["failed"];
        assert!(failures.contains(&failed), "{most}: {failed}");
        if most.ends_with('%') {
            let finished = rows.iter().filter(|row| row.attempts > 0).count();
            assert!(
                finished >= 100,
                "a percentage counts from 100 on: {finished}"
            );
        }
    }
}

#[test]
fn failures_below_the_limit_stop_nothing() {
    let scenario = Scenario::with_faults(&["10004:4%x*"]);
    let program = scenario.program().args(["--max-failures", "50%"]);
    let ids = scenario.ids(500);
    program.arg(ids).run().exits(1);
}

#[test]
fn the_end_of_the_maintenance_window_stops_the_run() {
    let scenario = slow_enough();
    let program = scenario.program().args(["--max-duration", "1s"]);
    usual(&scenario, program)
        .exits(4)
        .says("--max-duration")
        .says("--resume=");
    assert_stopped(&scenario, "--max-duration");
    let calls = scenario.service.stats().calls;
    assert!((100..=220).contains(&calls), "{calls}");
    assert_goes_on(&scenario);
    assert!(
        calls_by_group(&scenario)
            .values()
            .all(|calls| calls.len() == 1)
    );
}

#[test]
fn an_outage_is_waited_for_so_long_and_no_longer() {
    for outage in [
        Outage::RefuseConnections,
        Outage::Reset,
        Outage::Status(502),
    ] {
        let scenario = Scenario::new();
        scenario.service.set_outage(outage).unwrap();
        let program = scenario.program().args(["--max-outage", "1s"]);
        usual(&scenario, program)
            .exits(3)
            .says("--max-outage")
            .says("--resume=");
        assert_stopped(&scenario, "--max-outage");
        let rows = scenario.report();
        assert_eq!(figures(&rows)["not_attempted"], 500, "{outage:?}");
        scenario.service.set_outage(Outage::None).unwrap();
        assert_goes_on(&scenario);
    }
}

#[test]
fn something_in_the_way_is_not_taken_for_the_service() {
    let scenario = Scenario::new();
    scenario.service.set_outage(Outage::Status(403)).unwrap();
    usual(&scenario, scenario.program())
        .exits(3)
        .says("HTTP 403");
    assert_stopped(&scenario, "HTTP 403");
    scenario.service.set_outage(Outage::None).unwrap();
    assert_goes_on(&scenario);
}

#[test]
fn an_outage_in_the_middle_charges_nobody() {
    let scenario = slow_enough();
    let ids = scenario.ids(300);
    let run = scenario.program().args(["--rate", "200"]).arg(ids).start();
    scenario.wait_for_calls(100);
    scenario
        .service
        .set_outage(Outage::RefuseConnections)
        .unwrap();
    run.wait_until_says("the service answers nobody");
    scenario.service.set_outage(Outage::None).unwrap();
    run.wait().exits(0).says("the service answers again");
    let rows = scenario.report();
    assert_each_record_once(&rows, 300);
    let figures = figures(&rows);
    let gone = figures["disbanded"] + figures.get("presumed_disbanded").unwrap_or(&0);
    assert_eq!(gone, 300, "{figures:?}");
}

#[test]
fn a_full_disk_stops_the_run_and_what_was_recorded_stays() {
    let scenario = Scenario::new();
    let run = scenario
        .program()
        .args(["--report", "/dev/full"])
        .arg(sample("ids.txt"))
        .run()
        .exits(2);
    assert!(run.stderr.contains("/dev/full"), "{}", run.stderr);
    scenario.assert_untouched();

    // Room for the ledger and a few rows, and no more.
    let scenario = Scenario::new();
    scenario.ids(8_000);
    let run = scenario
        .program()
        .in_shell("ulimit -f 600; exec $PROGRAM ids.txt")
        .run();
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    let before = scenario.service.stats().calls;
    assert!(before < 8_000);
    scenario
        .program()
        .args(["--rate", "8000"])
        .arg("--resume")
        .run()
        .exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 8_000);
    let figures = figures(&rows);
    assert_eq!(figures.get("already_gone"), None, "{figures:?}");
}

#[test]
fn an_expired_usersig_is_made_anew_where_the_key_is_and_costs_no_attempt() {
    let scenario = Scenario::new();
    let expired = Reply::Fault(Fault::code(70001));
    scenario.service.script(&id(3), [expired]);
    let run = scenario
        .program()
        .args(["--max-attempts", "1"])
        .arg(scenario.ids(20))
        .run()
        .exits(0);
    assert_eq!(figures(&scenario.report())["disbanded"], 20, "{run:?}");
}

#[test]
fn an_expired_usersig_made_elsewhere_stops_the_run_and_says_how_to_go_on() {
    let scenario = Scenario::new();
    let usersig = scenario.options.usersig(Duration::from_secs(86_400));
    let program = |usersig: &str| {
        scenario
            .program()
            .env("DISBAND_BATCH_SECRET_KEY", "")
            .env("DISBAND_BATCH_USERSIG", usersig)
    };
    scenario.service.set_clock_offset_s(90_000);
    usual(&scenario, program(&usersig)).exits(3).says("70001");
    assert_stopped(&scenario, "70001");
    scenario.service.set_clock_offset_s(0);
    program(&usersig).arg("--resume").run().exits(0);
    assert_eq!(figures(&scenario.report())["disbanded"], 500);
}

#[test]
fn a_clock_that_is_far_behind_stops_the_run_after_a_handful() {
    let scenario = slow_enough();
    scenario.service.set_clock_offset_s(400 * 86_400);
    usual(&scenario, scenario.program()).exits(3).says("clock");
    let calls = scenario.service.stats().calls;
    assert!(calls <= 2 * A_HANDFUL, "{calls}");
}

#[test]
fn a_run_that_is_faster_than_the_service_allows_slows_down_and_fails_nobody() {
    let scenario = Scenario::with(|options| options.rate_limit = Some(100));
    scenario
        .program()
        .args(["--rate", "300", "--max-attempts", "1"])
        .arg(scenario.ids(200))
        .run()
        .exits(0)
        .says("slowing down");
    assert_eq!(figures(&scenario.report())["disbanded"], 200);
    assert!(scenario.service.stats().throttled > 0);
}

#[test]
fn a_machine_with_few_file_descriptors_fails_nobody() {
    let scenario = Scenario::with(|options| {
        options.latency = Latency::fixed(Duration::from_millis(200));
    });
    scenario.ids(600);
    let run = scenario
        .program()
        .args(["--concurrency", "1000"])
        .in_shell("ulimit -n 64; exec $PROGRAM --concurrency 1000 --max-outage 20s ids.txt")
        .run();
    let rows = scenario.report();
    assert_eq!(
        run.status.code(),
        Some(0),
        "{:?} {}",
        figures(&rows),
        run.stderr
    );
}

#[test]
fn one_file_for_two_purposes_is_refused_before_the_first_call() {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--report", "out", "--summary", "out"])
        .arg(scenario.ids(3))
        .run()
        .exits(2);
    scenario
        .program()
        .args(["--report", "out", "--metrics-file", "out"])
        .arg(scenario.ids(3))
        .run()
        .exits(2);
    scenario.assert_untouched();
}

#[test]
fn a_metrics_file_takes_the_place_of_an_earlier_one_and_of_nothing_else() {
    let scenario = Scenario::new();
    let ids = scenario.ids(3);
    let list = scenario.read("ids.txt");
    let onto_the_list = scenario.program().args(["--metrics-file", "ids.txt"]);
    onto_the_list.arg(&ids).run().exits(2).says("ids.txt");
    assert_eq!(scenario.read("ids.txt"), list);
    scenario.assert_untouched();
    let named = ["--metrics-file", "{run}.prom"];
    let run = scenario.program().args(named).arg(&ids).run().exits(0);
    assert!(scenario.path(&format!("{}.prom", run.run_id())).exists());
}

#[test]
fn a_stdout_that_cannot_be_written_is_found_before_the_first_call() {
    let scenario = Scenario::new();
    scenario.ids(3);
    scenario
        .program()
        .env("DISBAND_BATCH_REPORT", "-")
        .in_shell("$PROGRAM ids.txt 1</dev/null; echo $? > code")
        .run();
    assert_eq!(scenario.read("code"), "2\n");
    scenario.assert_untouched();
}
