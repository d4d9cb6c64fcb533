//! A list that is still being made, and a service that is slower than its maker.

use std::{
    io::Write as _,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use disband_batch::simulator::Outage;

use crate::support::{Scenario, figures, id};

#[test]
fn the_first_call_goes_out_while_the_producer_is_still_writing() {
    let scenario = Scenario::new();
    let mut run = scenario.program().start();
    run.feed("first\n");
    scenario.wait_for_destroyed(1);
    assert_eq!(scenario.service.destroyed("first"), 1);
    run.feed("second\n");
    scenario.wait_for_destroyed(2);
    run.end_input_and_wait().exits(0);
    assert_eq!(figures(&scenario.report())["disbanded"], 2);
}

#[test]
fn a_row_is_in_the_report_before_the_input_has_ended() {
    let scenario = Scenario::new();
    let mut run = scenario
        .program()
        .args(["--report", "-"])
        .start_with_stdout();
    run.0.feed("first\n");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(run.1));
    assert!(lines.next().unwrap().unwrap().starts_with("seq,"));
    let row = lines.next().unwrap().unwrap();
    assert!(row.starts_with("1,first,disbanded,"), "{row}");
    run.0.end_input_and_wait().exits(0);
    assert!(lines.next().is_none());
}

#[test]
fn a_service_that_answers_nobody_holds_the_producer_back() {
    let scenario = Scenario::new();
    scenario.service.set_outage(Outage::Stall).unwrap();
    let mut run = scenario
        .program()
        .args(["--timeout", "60s", "--max-outage", "10m"])
        .start();
    let mut stdin = run.stdin.take().unwrap();
    // Some 600 MB if nobody held it back.
    let (sender, accepted) = sync_channel::<usize>(0);
    let producer = thread::spawn(move || {
        for block in 0.. {
            let text: String = (0..1_000).map(|n| id(block * 1_000 + n) + "\n").collect();
            if stdin.write_all(text.as_bytes()).is_err() || sender.send(text.len()).is_err() {
                return;
            }
        }
    });
    scenario.wait_for_calls(1);
    // Bounded: whoever takes 3 s for 12 kB is held back. The whole of it must be far below what would be unbounded.
    let mut taken = 0;
    let held_back = loop {
        match accepted.recv_timeout(Duration::from_secs(3)) {
            Ok(bytes) => taken += bytes,
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
        }
        assert!(
            taken < 16 << 20,
            "{taken} bytes were taken while nobody was called"
        );
    };
    assert!(held_back);
    run.signal("KILL");
    drop(accepted);
    drop(run.wait());
    producer.join().unwrap();
    assert!(scenario.service.stats().calls < 1_000);
}
