//! `contrib/nightly`: one list after the other, each over as many nights as it takes, and nobody else's runs.

use std::{fs, path::PathBuf};

use crate::support::{
    Finished, Program, Scenario, assert_each_record_once, calls_by_group, figures, id_lines,
    read_csv,
};

/// Where ledger and lists are; the script must not stumble over its name.
const STATE: &str = "state of  nights";

/// A night before which something may be changed.
fn night(scenario: &Scenario) -> Program {
    // A way that is neither absolute nor the shortest.
    scenario
        .program()
        .env("DISBAND_BATCH_STATE_DIR", format!("./{STATE}//"))
        .env("DISBAND_BATCH_REPORT", "{run}.csv")
        .at_night()
        .arg("groups.txt")
}

/// What an operator does by day, in the same state directory.
fn by_day(scenario: &Scenario) -> Program {
    scenario
        .program()
        .env("DISBAND_BATCH_STATE_DIR", scenario.path(STATE))
        .env("DISBAND_BATCH_REPORT", "{run}.csv")
}

/// Groups of another list.
fn others(n: usize) -> String {
    id_lines(n).replace("group-", "other-")
}

/// A list in the state directory, as an interrupted night leaves it.
fn leave(scenario: &Scenario, name: &str, list: &str) -> PathBuf {
    fs::create_dir_all(scenario.path(STATE)).unwrap();
    scenario.file(&format!("{STATE}/{name}"), list)
}

/// Lists in the state directory whose names begin like that.
fn lists(scenario: &Scenario, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(scenario.path(STATE)).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(prefix)
        })
        .collect()
}

/// Nothing is under way, and these lists are done.
#[track_caller]
fn assert_done(scenario: &Scenario, done: &[&str]) {
    assert_eq!(lists(scenario, "under-way"), [] as [PathBuf; 0]);
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let mut filed: Vec<String> = lists(scenario, "done").into_iter().map(read).collect();
    filed.sort();
    assert_eq!(filed, done);
}

/// How many groups of this kind were called, each once.
#[track_caller]
fn called(scenario: &Scenario, kind: &str) -> usize {
    let log = calls_by_group(scenario);
    let called = log.iter().filter(|(group, _)| group.starts_with(kind));
    called
        .inspect(|(group, calls)| assert_eq!(calls.len(), 1, "{group}"))
        .count()
}

#[track_caller]
fn assert_silent(night: &Finished) {
    assert_eq!((&*night.stdout, &*night.stderr), ("", ""));
}

#[test]
fn a_rehearsal_calls_nobody_and_leaves_the_list_where_it_is() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(3));
    night(&scenario).arg("--dry-run").run().exits(0);
    night(&scenario)
        .env("DISBAND_BATCH_DRY_RUN", "true")
        .run()
        .exits(0);
    scenario.assert_untouched();
    assert_eq!(scenario.read("groups.txt"), id_lines(3));
}

#[test]
fn a_list_is_worked_off_over_two_nights_and_filed() {
    let scenario = Scenario::new();
    let list = "id,name\n".to_owned() + &id_lines(40).replace('\n', ",x\n");
    scenario.file("groups of 2026.csv", &list);
    let night = || {
        by_day(&scenario)
            .at_night()
            .arg(scenario.path("groups of 2026.csv"))
    };

    night().arg("--limit=5").run().exits(4);
    assert!(!scenario.path("groups of 2026.csv").exists());
    let [under_way] = &*lists(&scenario, "under-way-") else {
        panic!("one list is under way");
    };
    // A name that says how the list is written, and of which there is nothing to escape.
    assert!(under_way.to_str().unwrap().ends_with("-groups_of_2026.csv"));
    assert_eq!(called(&scenario, "group-"), 5);

    let second = night().run().exits(0);
    assert_eq!(called(&scenario, "group-"), 40);
    let report = read_csv(&scenario.read(&format!("{}.csv", second.run_id())));
    assert_each_record_once(&report, 40);
    assert_eq!(figures(&report)["disbanded"], 40);
    assert_done(&scenario, &[&list]);

    assert_silent(&night().run().exits(0));
    scenario.assert_no_violations();
}

#[test]
fn a_run_that_an_operator_made_in_between_is_left_alone() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    night(&scenario).arg("--limit=5").run().exits(4);
    let canary = scenario.file("canary.txt", others(40));
    by_day(&scenario)
        .args(["--limit", "5"])
        .arg(canary)
        .run()
        .exits(4);

    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "group-"), 40);
    assert_eq!(called(&scenario, "other-"), 5);
    assert_done(&scenario, &[&id_lines(40)]);

    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "other-"), 5);
}

#[test]
fn a_list_that_was_moved_and_not_begun_is_begun_the_next_night() {
    for name in ["under-way-20261123-010000-17-groups.txt", "under-way.txt"] {
        for ledger_is_there in [false, true] {
            let scenario = Scenario::new();
            let list = leave(&scenario, name, &id_lines(40));
            if ledger_is_there {
                // The run that could be resumed is another list's; the list's own was refused, and called nobody.
                let canary = scenario.file("canary.txt", others(10));
                by_day(&scenario)
                    .arg("--limit=5")
                    .arg(canary)
                    .run()
                    .exits(4);
                by_day(&scenario)
                    .arg("--max-groups=39")
                    .arg(list)
                    .run()
                    .exits(2);
                let runs = by_day(&scenario).arg("runs").run().stdout;
                let newest = runs.lines().nth(1).unwrap();
                assert!(newest.contains("unconfirmed"), "{runs}");
            }

            night(&scenario).run().exits(0);
            assert_eq!(called(&scenario, "group-"), 40);
            assert_done(&scenario, &[&id_lines(40)]);
        }
    }
}

#[test]
fn a_night_that_ended_while_it_took_a_list_does_not_have_it_done_twice() {
    let scenario = Scenario::new();
    leave(&scenario, "under-way.txt.part", "half of a li");
    leave(
        &scenario,
        "under-way-20261123-010000-17-groups.txt",
        &id_lines(40),
    );
    scenario.file("groups.txt", id_lines(40));
    night(&scenario).run().exits(0);
    assert_silent(&night(&scenario).run().exits(0));
    assert_eq!(called(&scenario, "group-"), 40);
    assert_done(&scenario, &[&id_lines(40)]);
}

#[test]
fn a_run_that_finished_unfiled_is_filed_and_calls_nobody_again() {
    let scenario = Scenario::new();
    let list = leave(
        &scenario,
        "under-way-20261123-010000-17-groups.txt",
        &id_lines(40),
    );
    by_day(&scenario).arg(list).run().exits(0);
    scenario.file("groups.txt", others(10));

    night(&scenario).run().exits(0);
    assert_eq!(scenario.service.stats().calls, 40);
    assert_done(&scenario, &[&id_lines(40)]);

    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "other-"), 10);
    assert_done(&scenario, &[&id_lines(40), &others(10)]);
}

#[test]
fn a_list_under_the_name_of_one_that_is_done_is_not_taken_for_it() {
    let scenario = Scenario::new();
    let list = leave(&scenario, "under-way.txt", &others(10));
    by_day(&scenario).arg(list).run().exits(0);
    leave(&scenario, "under-way.txt", &id_lines(40));
    night(&scenario)
        .run()
        .exits(2)
        .says("the input has changed");
    assert!(lists(&scenario, "done").is_empty());
}

#[test]
fn a_list_that_was_refused_is_handed_in_again() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    night(&scenario).arg("--max-groups=39").run().exits(2);
    assert_eq!(scenario.read("groups.txt"), id_lines(40));
    assert_done(&scenario, &[]);
    scenario.assert_untouched();
}

#[test]
fn a_list_that_was_refused_does_not_overwrite_a_newer_one() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    scenario.file("newer.txt", others(10));
    // The newer list is handed in while the program looks at the first.
    let wrapper =
        "#!/bin/sh\ntest ! -e newer.txt || mv newer.txt groups.txt\nexec \"$REAL\" \"$@\"\n";
    scenario.file("wrapper", wrapper);
    let wrapper = scenario.path("wrapper");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&wrapper, mode).unwrap();
    night(&scenario)
        .env("REAL", env!("CARGO_BIN_EXE_disband-batch"))
        .env("DISBAND_BATCH", wrapper)
        .arg("--max-groups=39")
        .run()
        .exits(2);
    assert_eq!(scenario.read("groups.txt"), others(10));
    scenario.assert_untouched();

    // One list a night, the first one first.
    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "group-"), 40);
    assert_eq!(called(&scenario, "other-"), 0);
    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "other-"), 10);
    assert_done(&scenario, &[&id_lines(40), &others(10)]);
}

#[test]
fn a_list_that_had_to_wait_for_another_run_is_begun_the_next_night() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    let mut other = by_day(&scenario).start();
    other.feed(&others(10));
    scenario.wait_for_calls(1);
    night(&scenario).run().exits(75);
    other.end_input_and_wait().exits(0);
    assert_eq!(called(&scenario, "group-"), 0);

    scenario.file("groups.txt", others(20));
    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "group-"), 40);
    assert_eq!(called(&scenario, "other-"), 10);
    assert_eq!(scenario.read("groups.txt"), others(20));
    assert_done(&scenario, &[&id_lines(40)]);
}

#[test]
fn a_night_that_is_stopped_drains_and_the_next_one_goes_on() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(400));
    let stopped = night(&scenario).arg("--rate=50").start();
    scenario.wait_for_calls(3);
    stopped.signal("TERM");
    stopped.wait().exits(143);
    night(&scenario).run().exits(0);
    assert_eq!(called(&scenario, "group-"), 400);
    assert_done(&scenario, &[&id_lines(400)]);
}

#[test]
fn a_ledger_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    night(&scenario).arg("--limit=5").run().exits(4);
    leave(&scenario, "ledger.db", "no ledger at all");
    night(&scenario).run().exits(2).says("ledger.db");
    assert_eq!(called(&scenario, "group-"), 5);
}

#[test]
fn a_list_of_another_app_is_not_begun_for_this_one() {
    let scenario = Scenario::new();
    scenario.file("groups.txt", id_lines(40));
    night(&scenario).arg("--limit=5").run().exits(4);
    night(&scenario)
        .env("DISBAND_BATCH_SDKAPPID", "1400000001")
        .env("DISBAND_BATCH_YES", "1400000001")
        .run()
        .exits(2)
        .says("is one of app 1400000000");
    assert_eq!(scenario.service.stats().calls, 5);
}

#[test]
fn without_a_list_the_night_is_silent() {
    let scenario = Scenario::new();
    assert_silent(&night(&scenario).run().exits(0));
    let canary = scenario.file("canary.txt", others(10));
    by_day(&scenario)
        .arg("--limit=5")
        .arg(canary)
        .run()
        .exits(4);
    assert_silent(&night(&scenario).run().exits(0));
    assert_eq!(called(&scenario, "other-"), 5);
}
