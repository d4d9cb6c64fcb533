//! Each fault as its caller meets it.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    time::{Duration, Instant},
};

use disband_batch::simulator::{
    Fault, FaultKind, FaultPlan, Latency, Reply, Simulator, SimulatorOptions, Stage,
};

use crate::caller::{Caller, options};

fn scripted(fault: Fault) -> (Simulator, Caller) {
    let simulator = Simulator::start(options()).unwrap();
    simulator.script("a", [Reply::Fault(fault)]);
    let caller = Caller::new(&simulator);
    (simulator, caller)
}

fn with_faults(rules: &[&str]) -> SimulatorOptions {
    SimulatorOptions {
        faults: FaultPlan::new(rules.iter().map(|rule| rule.parse().unwrap())).unwrap(),
        ..options()
    }
}

#[test]
fn every_fault_acts_or_not_by_its_stage_and_is_logged() {
    let all = Fault::all_words().chain([
        Fault::code(10002),
        Fault::after(FaultKind::Code(10002)),
        Fault::status(502),
        Fault::after(FaultKind::Status(502)),
    ]);
    for fault in all {
        let (simulator, mut caller) = scripted(fault);
        caller.send_destroy("a").unwrap();
        let seen = |s: &disband_batch::simulator::Stats| s.faults == 1;
        assert!(
            simulator.wait_until(Duration::from_secs(20), seen),
            "{fault}"
        );
        let acts = fault.stage == Stage::After;
        assert_eq!(simulator.destroyed("a"), u32::from(acts), "{fault}");
        let call = &simulator.log()[0];
        assert_eq!((call.fault, call.destroyed), (Some(fault), acts));
        // A second call meets the truth.
        let second = Caller::new(&simulator).destroy("a").unwrap().code();
        assert_eq!(second, if acts { 10010 } else { 0 }, "{fault}");
    }
}

#[test]
fn codes_and_statuses_come_as_answers_and_the_connection_lives_on() {
    for (fault, status, start) in [
        ("10002", 200, r#"{"ActionStatus":"FAIL","ErrorCode":10002"#),
        ("502", 502, "<html>"),
        ("429", 429, "<html>"),
        ("redirect", 302, ""),
        ("portal", 200, "<!DOCTYPE html>"),
        ("empty", 200, ""),
        (
            "malformed",
            200,
            r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"",}"#,
        ),
        ("strings", 200, r#"{"ActionStatus":"OK","ErrorCode":"0""#),
        ("types", 200, r#"{"ActionStatus":true,"ErrorCode":[0]"#),
        ("no-code", 200, r#"{"ActionStatus":"OK","ErrorInfo":""}"#),
        (
            "contradiction",
            200,
            r#"{"ActionStatus":"FAIL","ErrorCode":0"#,
        ),
        (
            "control",
            200,
            r#"{"ActionStatus":"FAIL","ErrorCode":10004,"ErrorInfo":"\u001b[2J"#,
        ),
    ] {
        let (_simulator, mut caller) = scripted(fault.parse().unwrap());
        let answer = caller.destroy("a").unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, status, "{fault}");
        assert!(body.starts_with(start), "{fault}: {body}");
        assert_eq!(
            answer.head.contains("location: /redirected"),
            fault == "redirect"
        );
        assert_eq!(answer.head.contains("retry-after: 1"), fault == "429");
        assert_eq!(caller.destroy("b").unwrap().code(), 0, "{fault}");
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_json_otherwise() {
    let (_simulator, mut caller) = scripted("not-utf8".parse().unwrap());
    let body = caller.destroy("a").unwrap().body;
    assert!(String::from_utf8(body.clone()).is_err());
    let mended = String::from_utf8_lossy(&body);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&mended).unwrap()["ErrorCode"],
        0
    );
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_a_close() {
    let (_simulator, mut caller) = scripted(Fault::LOST);
    let error = caller.destroy("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let (_simulator, mut caller) = scripted(Fault::before(FaultKind::Close));
    let error = caller.destroy("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_hanging_call_is_never_answered_and_ends_with_its_caller() {
    let (simulator, mut caller) = scripted(Fault::before(FaultKind::Hang));
    caller.send_destroy("a").unwrap();
    let wait = Duration::from_secs(20);
    assert!(simulator.wait_until(wait, |stats| stats.faults == 1));
    // Another caller is answered meanwhile.
    Caller::new(&simulator).destroy("b").unwrap();
    assert!(caller.is_silent());
    assert_eq!(simulator.stats().in_flight, 1);
    drop(caller);
    assert!(simulator.wait_until(wait, |stats| stats.in_flight == 0));
}

#[test]
fn a_truncated_body_is_half_of_what_its_head_promises() {
    let (_simulator, mut caller) = scripted("truncated".parse().unwrap());
    caller.send_destroy("a").unwrap();
    let raw = String::from_utf8(caller.receive_raw(10_000)).unwrap();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("Content-Length: 50"), "{head}");
    assert_eq!(body, r#"{"ActionStatus":"OK","Err"#);
}

#[test]
fn an_oversized_answer_is_a_proper_one_of_over_a_mebibyte() {
    let (_simulator, mut caller) = scripted("oversized".parse().unwrap());
    let answer = caller.destroy("a").unwrap();
    assert_eq!(answer.code(), 0);
    assert!(answer.body.len() > 1 << 20);
}

#[test]
fn what_is_endless_goes_on_for_as_long_as_it_is_read() {
    for (word, start) in [
        ("endless-headers", "HTTP/1.1 200 OK\r\nX-Padding: "),
        ("endless-body", "HTTP/1.1 200 OK\r\nContent-Type"),
    ] {
        let (simulator, mut caller) = scripted(word.parse().unwrap());
        caller.send_destroy("a").unwrap();
        let raw = caller.receive_raw(4 << 20);
        assert_eq!(raw.len(), 4 << 20);
        assert!(raw.starts_with(start.as_bytes()), "{word}");
        // It keeps nobody else from being served.
        assert_eq!(Caller::new(&simulator).destroy("b").unwrap().code(), 0);
    }
}

#[test]
fn chunks_of_an_endless_body_are_as_long_as_they_say() {
    let (_simulator, mut caller) = scripted("endless-body".parse().unwrap());
    caller.send_destroy("a").unwrap();
    let raw = String::from_utf8(caller.receive_raw(5_000)).unwrap();
    let mut rest = raw.split_once("\r\n\r\n").unwrap().1;
    for _ in 0..20 {
        let (size, body) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = body[size..].strip_prefix("\r\n").unwrap();
    }
}

#[test]
fn a_slow_answer_comes_byte_by_byte() {
    let (_simulator, mut caller) = scripted("slow".parse().unwrap());
    caller.send_destroy("a").unwrap();
    assert_eq!(caller.receive_raw(1), b"H");
    assert!(caller.is_silent());
}

#[test]
fn gibberish_is_no_http() {
    let (_simulator, mut caller) = scripted("gibberish".parse().unwrap());
    caller.send_destroy("a").unwrap();
    assert!(caller.receive_raw(1_000).starts_with(b"\x16\x03\x01"));
}

#[test]
fn following_a_redirect_is_a_violation_and_leads_nowhere() {
    let (simulator, mut caller) = scripted("redirect".parse().unwrap());
    caller.destroy("a").unwrap();
    assert_eq!(simulator.stats().violations, 0);
    caller
        .send(b"GET /redirected HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(caller.receive().unwrap().status, 302);
    assert_eq!(simulator.stats().violations, 1);
}

#[test]
fn a_script_is_played_in_order_and_then_the_truth_returns() {
    let simulator = Simulator::start(options()).unwrap();
    simulator.script(
        "a",
        [
            Reply::Fault(Fault::code(10002)),
            Reply::Late(Duration::from_millis(30)),
            Reply::Fault(Fault::status(503)),
            Reply::Honest,
        ],
    );
    let mut caller = Caller::new(&simulator);
    assert_eq!(caller.destroy("a").unwrap().code(), 10002);
    let asked = Instant::now();
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
    assert!(asked.elapsed() >= Duration::from_millis(30));
    assert_eq!(caller.destroy("b").unwrap().code(), 0);
    assert_eq!(caller.destroy("a").unwrap().status, 503);
    assert_eq!(caller.destroy("a").unwrap().code(), 10010);
    assert_eq!(caller.destroy("a").unwrap().code(), 10010);
}

#[test]
fn an_answer_takes_its_latency() {
    let simulator = Simulator::start(SimulatorOptions {
        latency: Latency::fixed(Duration::from_millis(40)),
        ..options()
    })
    .unwrap();
    let mut caller = Caller::new(&simulator);
    let asked = Instant::now();
    caller.destroy("a").unwrap();
    caller.list("not json");
    assert!(asked.elapsed() >= Duration::from_millis(80));
}

/// Calls each group until it is gone, in this order, and returns the faults that each one met.
fn run(options: SimulatorOptions, groups: impl Iterator<Item = u32>) -> BTreeMap<u32, Vec<Fault>> {
    let simulator = Simulator::start(options).unwrap();
    let mut caller = Caller::new(&simulator);
    for n in groups {
        let group = format!("@TGS#{n}");
        let gone = (0..9).any(|_| match caller.destroy(&group) {
            Ok(answer) => answer.status == 200 && matches!(answer.code(), 0 | 10010),
            Err(_) => {
                caller = Caller::new(&simulator);
                false
            }
        });
        assert!(gone, "{group}");
        assert_eq!(simulator.destroyed(&group), 1);
    }
    assert_eq!(simulator.violations(), []);
    let mut met = BTreeMap::<_, Vec<_>>::new();
    for call in simulator.log() {
        let n = call
            .group
            .unwrap()
            .trim_start_matches("@TGS#")
            .parse()
            .unwrap();
        met.entry(n).or_default().extend(call.fault);
    }
    met
}

#[test]
fn the_seed_repeats_a_run_in_whatever_order_it_calls() {
    let faults = ["10002:5%x2", "502:2%", "lost:1%"];
    let seeded = |seed| SimulatorOptions {
        seed,
        ..with_faults(&faults)
    };
    let forward = run(seeded(7), 0..1_000);
    assert_eq!(forward, run(seeded(7), (0..1_000).rev()));
    assert_ne!(forward, run(seeded(8), 0..1_000));
    let count = |wanted: &[Fault]| forward.values().filter(|met| *met == wanted).count();
    let [twice, once, lost] = [
        count(&[Fault::code(10002); 2]),
        count(&[Fault::status(502)]),
        count(&[Fault::LOST]),
    ];
    assert!((25..75).contains(&twice), "{twice}");
    assert!((5..40).contains(&once), "{once}");
    assert!((1..25).contains(&lost), "{lost}");
    assert_eq!(twice + once + lost + count(&[]), 1_000);
}

#[test]
fn a_fault_for_always_never_ends() {
    let simulator = Simulator::start(with_faults(&["10007:100%x*"])).unwrap();
    let mut caller = Caller::new(&simulator);
    for _ in 0..20 {
        assert_eq!(caller.destroy("a").unwrap().code(), 10007);
    }
    assert_eq!(simulator.destroyed("a"), 0);
}
