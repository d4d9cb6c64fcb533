//! Trouble for everybody, switched on and off while the simulator runs.

use std::{
    io::ErrorKind,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use disband_batch::simulator::{Outage, Simulator};

use crate::caller::{Caller, options};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn nobody_is_served_in_an_outage_and_everybody_after_it() {
    let simulator = Simulator::start(options()).unwrap();
    let mut caller = Caller::new(&simulator);
    simulator.set_outage(Outage::Status(503)).unwrap();
    assert_eq!(caller.destroy("a").unwrap().status, 503);
    simulator.set_outage(Outage::Code(10002)).unwrap();
    assert_eq!(caller.destroy("a").unwrap().code(), 10002);
    simulator.refuse_everybody(70009).unwrap();
    assert_eq!(caller.destroy("a").unwrap().code(), 70009);
    simulator.set_outage(Outage::Reset).unwrap();
    let error = caller.destroy("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(simulator.destroyed("a"), 0);
    simulator.set_outage(Outage::None).unwrap();
    assert_eq!(Caller::new(&simulator).destroy("a").unwrap().code(), 0);
    assert_eq!(simulator.stats().faults, 4);
    let named = |call: &disband_batch::simulator::Call| call.group.as_deref() == Some("a");
    assert!(simulator.log().iter().all(named));
}

#[test]
fn a_hanging_service_answers_others_once_it_is_well_again() {
    let simulator = Simulator::start(options()).unwrap();
    simulator.set_outage(Outage::Hang).unwrap();
    let mut caller = Caller::new(&simulator);
    caller.send_destroy("a").unwrap();
    assert!(simulator.wait_until(PATIENCE, |stats| stats.faults == 1));
    simulator.set_outage(Outage::None).unwrap();
    assert_eq!(Caller::new(&simulator).destroy("b").unwrap().code(), 0);
    assert!(caller.is_silent());
    assert_eq!(simulator.destroyed("a"), 0);
}

#[test]
fn stalled_calls_are_served_when_the_stall_is_over() {
    let simulator = Simulator::start(options()).unwrap();
    simulator.set_outage(Outage::Stall).unwrap();
    let mut callers = [Caller::new(&simulator), Caller::new(&simulator)];
    callers[0].send_destroy("a").unwrap();
    callers[1].send_destroy("b").unwrap();
    assert!(simulator.wait_until(PATIENCE, |stats| stats.in_flight == 2));
    assert!(callers[0].is_silent());
    assert_eq!(simulator.destroyed("a"), 0);
    simulator.set_outage(Outage::None).unwrap();
    for caller in &mut callers {
        assert_eq!(caller.receive().unwrap().code(), 0);
    }
}

#[test]
fn a_closed_door_refuses_connections_until_it_opens_again() {
    let simulator = Simulator::start(options()).unwrap();
    let mut caller = Caller::new(&simulator);
    caller.destroy("a").unwrap();
    for _ in 0..3 {
        simulator.set_outage(Outage::RefuseConnections).unwrap();
        let refused = TcpStream::connect(simulator.addr()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(caller.destroy("b").is_err());
        simulator.set_outage(Outage::None).unwrap();
        caller = Caller::new(&simulator);
        simulator.create("a");
        assert_eq!(caller.destroy("a").unwrap().code(), 0);
    }
    assert_eq!(simulator.destroyed("b"), 0);
}

#[test]
fn waiting_for_what_never_comes_ends() {
    let simulator = Simulator::start(options()).unwrap();
    assert!(!simulator.wait_until(Duration::from_millis(1), |stats| stats.calls > 0));
}

#[test]
fn whoever_waits_is_told_of_a_call_that_gets_no_answer() {
    let simulator = Simulator::start(options()).unwrap();
    simulator.set_outage(Outage::Hang).unwrap();
    let mut caller = Caller::new(&simulator);
    thread::scope(|scope| {
        let waited = scope.spawn(|| {
            let began = Instant::now();
            assert!(simulator.wait_until(PATIENCE, |stats| stats.faults == 1));
            began.elapsed()
        });
        caller.send_destroy("a").unwrap();
        assert!(waited.join().unwrap() < PATIENCE);
    });
}
