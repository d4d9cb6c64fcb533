//! What others see while a run goes on, and after it was killed.

use std::process::{Child, Stdio};

use disband_batch::simulator::{Outage, Reply};

use crate::program::{Home, PATIENCE, until};

/// Killed when dropped, if it still runs.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_gone = self.0.wait();
    }
}

/// A run of 40 groups of which the first 20 are gone, and the next eight calls are not answered.
fn stuck(home: &Home) -> Run {
    for n in 21..=40 {
        home.simulator
            .script(&format!("g-{n}"), [Reply::Late(PATIENCE)]);
    }
    let child = home
        .main_job(40, &["--timeout=10m", "--concurrency=8"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let run = Run(child);
    assert!(home.simulator.wait_until(PATIENCE, |s| s.calls == 28));
    until(|| home.runs(), |runs| runs[0][5] == "20");
    run
}

#[test]
fn a_run_can_be_looked_at_while_it_goes_on_and_after_it_was_killed() {
    let home = Home::with_faults(&[]);
    let mut run = stuck(&home);
    let line = &home.runs()[0];
    let id = &line[0];
    assert_eq!((&*line[3], &*line[4]), ("running", "40"));
    let rows = home.reported(id);
    let outcomes = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!((outcomes("disbanded"), outcomes("not_attempted")), (20, 20));
    let seqs: Vec<_> = rows
        .iter()
        .map(|row| row["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
    let called = rows.iter().filter(|row| row["attempts"] == 1).count();
    assert!(called >= 28, "a call that may have left counts: {called}");
    let page = home.stdout(&["report", id, "--format=html"]);
    assert!(page.contains("<strong id=\"status\">running"));
    assert!(page.contains("data-outcome=\"not_attempted\" data-count=\"20\""));

    run.0.kill().unwrap();
    run.0.wait().unwrap();
    assert_eq!(home.runs()[0][3], "killed");
    assert_eq!(home.reported(id).len(), 40);
    let page = home.stdout(&["report", id, "--format=html"]);
    assert!(page.contains("<strong id=\"status\">killed"));
    assert!(page.contains(&format!("--resume={id}")));
}

#[test]
fn a_run_of_one_app_makes_no_other_look_alive() {
    let home = Home::with_faults(&[]);
    let mut first = stuck(&home);
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    home.simulator.set_outage(Outage::Stall).unwrap();
    let second = home
        .main_job(3, &["--timeout=10m"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let second = Run(second);
    let runs = until(
        || home.runs(),
        |runs| runs.len() == 2 && runs[0][3] == "running",
    );
    assert_eq!(runs[1][3], "killed");
    drop(second);
}
