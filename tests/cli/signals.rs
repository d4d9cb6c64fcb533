//! Stop means stop (promise 8).

use std::io::{BufRead as _, BufReader};

use disband_batch::simulator::Outage;

use crate::support::{
    Finished, Running, Scenario, assert_each_record_once, calls_by_group, figures, id_lines,
    read_csv,
};

/// Calls that are in flight when the signal comes.
const IN_FLIGHT: usize = 10;
const GROUPS: usize = 60;

const ASKED: &str = "calls in flight are waited for";

/// A run whose calls in flight wait for their answers.
fn stalled(scenario: &Scenario) -> Running {
    scenario.service.set_outage(Outage::Stall).unwrap();
    let ids = scenario.ids(GROUPS);
    let run = scenario
        .program()
        .args(["--concurrency", &IN_FLIGHT.to_string(), "--timeout", "50s"])
        .arg(ids)
        .start();
    scenario.wait_for_calls(IN_FLIGHT as u64);
    run
}

/// A resume does the rest: every record has one row, and what had its answer is not called again.
#[track_caller]
fn assert_resumable(scenario: &Scenario, stopped: &Finished) {
    let settled: Vec<String> = scenario
        .report()
        .into_iter()
        .filter(|row| row.attempts > 0 && row.outcome != "not_attempted")
        .map(|row| row.group_id)
        .collect();
    let before = scenario.service.log().len();
    scenario
        .program()
        .arg(format!("--resume={}", stopped.run_id()))
        .run()
        .exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, GROUPS as u64);
    let figures = figures(&rows);
    let gone = figures["disbanded"] + figures.get("presumed_disbanded").unwrap_or(&0);
    assert_eq!(gone, GROUPS, "{figures:?}");
    for call in scenario.service.log().iter().skip(before) {
        let group = call.group.as_deref().unwrap();
        assert!(!settled.iter().any(|id| id == group), "{group} again");
    }
}

#[test]
fn the_first_signal_sends_nothing_new_and_records_what_is_in_flight() {
    for (signal, exit) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let scenario = Scenario::new();
        let run = stalled(&scenario);
        run.signal(signal);
        run.wait_until_says(ASKED);
        scenario.service.set_outage(Outage::None).unwrap();
        let stopped = run.wait().exits(exit).says("--resume=");
        assert_eq!(scenario.service.stats().calls, IN_FLIGHT as u64);
        let rows = scenario.report();
        assert_each_record_once(&rows, GROUPS as u64);
        let figures = figures(&rows);
        assert_eq!(figures["disbanded"], IN_FLIGHT, "{signal}: {figures:?}");
        assert_eq!(figures["not_attempted"], GROUPS - IN_FLIGHT, "{signal}");
        assert_resumable(&scenario, &stopped);
        assert!(
            calls_by_group(&scenario)
                .values()
                .all(|calls| calls.len() == 1)
        );
    }
}

#[test]
fn the_second_signal_leaves_at_once_and_loses_nothing() {
    for (first, second, exit) in [
        ("INT", "INT", 130),
        ("TERM", "TERM", 143),
        ("TERM", "INT", 143),
    ] {
        let scenario = Scenario::new();
        let run = stalled(&scenario);
        run.signal(first);
        run.wait_until_says(ASKED);
        run.signal(second);
        // The service still answers nobody: who waited for it would be killed by the test.
        let stopped = run.wait().exits(exit);
        scenario.service.set_outage(Outage::None).unwrap();
        assert_resumable(&scenario, &stopped);
    }
}

#[test]
fn a_signal_ends_a_run_whose_input_stays_open() {
    let scenario = Scenario::new();
    let mut run = scenario.program().start();
    run.feed(&id_lines(5));
    scenario.wait_for_destroyed(5);
    run.signal("INT");
    // Stdin stays open all the while.
    run.wait()
        .exits(130)
        .says("the input was not read to its end");
    let rows = scenario.report();
    assert_each_record_once(&rows, 5);
    assert_eq!(figures(&rows)["disbanded"], 5);
}

#[test]
fn a_signal_in_an_outage_does_not_wait_for_its_end() {
    let scenario = Scenario::new();
    scenario
        .service
        .set_outage(Outage::RefuseConnections)
        .unwrap();
    let ids = scenario.ids(GROUPS);
    let run = scenario.program().arg(ids).start();
    run.wait_until_says("the service answers nobody");
    run.signal("TERM");
    let stopped = run.wait().exits(143);
    let rows = scenario.report();
    assert_eq!(figures(&rows)["not_attempted"], GROUPS);
    scenario.service.set_outage(Outage::None).unwrap();
    assert_resumable(&scenario, &stopped);
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_run_cleanly() {
    let scenario = Scenario::new();
    const RECORDS: usize = 3_000;
    let ids = scenario.ids(RECORDS);
    let (run, stdout) = scenario
        .program()
        .args(["--report", "-", "--rate", "500"])
        .arg(ids)
        .start_with_stdout();
    let mut lines = BufReader::new(stdout).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("seq,"));
    assert!(lines.next().unwrap().unwrap().contains(",disbanded,"));
    drop(lines);
    let stopped = run
        .wait()
        .exits(4)
        .says("nobody reads the report")
        .says("--resume=");
    assert!(!stopped.stderr.contains("panicked"), "{}", stopped.stderr);
    let calls = scenario.service.stats().calls;
    assert!(calls < RECORDS as u64, "{calls}");
    let resumed = scenario
        .program()
        .args(["--resume", "--report", "-"])
        .run()
        .exits(0);
    let rows = read_csv(&resumed.stdout);
    assert_each_record_once(&rows, RECORDS as u64);
    assert_eq!(figures(&rows)["disbanded"], RECORDS);
    assert_eq!(scenario.service.stats().calls, RECORDS as u64);
}

#[test]
fn a_terminal_that_went_away_does_not_keep_a_run_from_ending() {
    let scenario = Scenario::new();
    let ids = scenario.ids(GROUPS);
    // Stderr is closed from the start: nobody can be told anything.
    let run = scenario
        .program()
        .in_shell(&format!("exec $PROGRAM {} 2>&-", ids.display()))
        .run()
        .exits(0);
    assert_eq!(run.stderr, "");
    assert_each_record_once(&scenario.report(), GROUPS as u64);
}
