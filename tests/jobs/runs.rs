//! `runs`.

use std::path::Path;

use crate::program::{APP, Home, ended};

#[test]
fn runs_are_listed_newest_first_with_what_they_came_to() {
    let home = Home::with_faults(&["10007:10%x*"]);
    let first = home.main_job(40, &["--limit=10"]).output().unwrap();
    assert_eq!(first.status.code(), Some(4));
    let second = home.main_job(40, &[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));

    let runs = home.runs();
    let [second, first] = runs.as_slice() else {
        panic!("two runs: {runs:?}");
    };
    assert!(first[1] <= second[1]);
    for run in [first, second] {
        assert_eq!(run[2], APP);
        assert_eq!(run[9], home.simulator.url());
        assert_eq!(Path::new(&run[10]), home.path("ids.txt"));
        assert_eq!(run[8], if run == first { "10" } else { "40" }, "calls");
    }
    assert_eq!(
        (&*first[3], &*first[4], &*first[7]),
        ("stopped", "40", "30")
    );
    assert_eq!(
        (&*second[3], &*second[4], &*second[7]),
        ("finished", "40", "0")
    );
    let n = |text: &String| text.parse::<u64>().unwrap();
    assert!(n(&second[6]) > 0, "failures");
    assert_eq!(n(&second[5]) + n(&second[6]), 40);
}

#[test]
fn an_apps_runs_are_found_by_its_number() {
    let home = Home::with_faults(&[]);
    home.main_job(3, &[]).output().unwrap();
    assert!(home.stdout(&["runs", "--sdkappid", APP]).contains(APP));
    let none = home.stdout(&["runs", "--sdkappid=7"]);
    assert_eq!(none, "The ledger has no run of app 7.\n");
}

#[test]
fn without_a_ledger_the_place_is_named() {
    let home = Home::with_faults(&[]);
    for args in [["runs", "-v"], ["report", "20261123"]] {
        let (code, stdout, stderr) = ended(&home.program(&args).output().unwrap());
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.contains("there is no ledger at"), "{stderr}");
        assert!(stderr.contains("--state-dir"), "{stderr}");
    }
    assert!(!home.path(".local").exists(), "looking makes nothing");
}
