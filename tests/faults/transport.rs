//! Every fault of the network, before and after the service acted, as the first, a middle and the last thing that a
//! group meets.

use std::time::Duration;

use disband_batch::{
    outcome::Outcome,
    simulator::{Fault, FaultKind, Reply},
};

use crate::{
    codes::{assert_all, ballast, code, differences, run_among_others, scripts},
    rig::{ATTEMPTS, Rig, simulator},
    spec::faults,
};

/// These last for as long as the caller waits.
fn is_endless(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Hang | FaultKind::Slow | FaultKind::EndlessBody | FaultKind::EndlessHeaders
    )
}

fn cases(of: impl Fn(FaultKind) -> bool) -> Vec<(String, Vec<Reply>)> {
    faults()
        .into_iter()
        .filter(|fault| of(fault.kind))
        .flat_map(|fault| {
            let named =
                move |(at, script)| (format!("{:?} #{at}", (fault.kind, fault.stage)), script);
            scripts(Reply::Fault(fault))
                .into_iter()
                .enumerate()
                .map(named)
        })
        .collect()
}

#[tokio::test]
async fn a_fault_of_the_network_is_retried_and_remembered_as_the_spec_says() {
    let cases = cases(|kind| !is_endless(kind));
    assert!(cases.len() > 700, "{}", cases.len());
    let simulator = simulator();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
    assert_eq!(simulator.violations(), [], "a redirect was followed, say");
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_lost_when_the_calls_time_is_up() {
    let cases = cases(is_endless);
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.timeout = Duration::from_millis(600);
    rig.plan.concurrency = 256;
    rig.plan.rate = 500.try_into().unwrap();
    let done = run_among_others(&simulator, rig, &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
}

#[tokio::test]
async fn too_many_calls_in_http_words_slow_the_run_and_cost_no_attempt() {
    let group = "slowed".to_owned();
    let cases = [(
        group,
        vec![Reply::Fault(Fault::status(429)); ATTEMPTS as usize + 1],
    )];
    let simulator = simulator();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
    assert_eq!(done.end.snapshot.throttled, u64::from(ATTEMPTS) + 1);
}

#[tokio::test]
async fn something_that_answers_everybody_in_the_services_place_stops_the_run_and_is_named() {
    for status in [401, 403, 404, 407, 418] {
        let simulator = simulator();
        let outage = disband_batch::simulator::Outage::Status(status);
        simulator.set_outage(outage).unwrap();
        let done = Rig::of(&simulator).run(ballast("all", 500)).await;
        assert_eq!(done.refused(), None, "{status} is no code of the service's");
        let reason = done.end.reason.clone().unwrap().to_string();
        assert!(reason.contains(&status.to_string()), "{reason}");
        assert!(reason.contains("proxy"), "{reason}");
        assert_eq!(done.of(Outcome::NotAttempted), 500);
        assert!(done.end.snapshot.calls < 80, "{}", done.end.snapshot.calls);
    }
}

/// A web application firewall that dislikes some IDs, say: the others' answers show that the service is there.
#[tokio::test]
async fn groups_that_are_always_answered_by_something_in_the_way_do_not_keep_the_run_from_its_end()
{
    for (kind, disliked) in [
        (FaultKind::Status(403), 1),
        (FaultKind::Redirect, 1),
        (FaultKind::Status(403), 12),
    ] {
        let simulator = simulator();
        let disliked: Vec<String> = (0..disliked).map(|n| format!("disliked {n}")).collect();
        for group in &disliked {
            let fault = Reply::Fault(Fault::before(kind));
            simulator.script(group, vec![fault; 10_000]);
        }
        let groups = ballast("before", 30)
            .chain(disliked.iter().cloned())
            .chain(ballast("after", 1500));
        let mut rig = Rig::of(&simulator);
        rig.plan.limits.max_outage = Duration::from_secs(5);
        let done = rig.run(groups).await;
        assert_eq!(done.end.reason, None, "{kind:?}");
        for group in &disliked {
            assert_eq!(done.outcome(group), Outcome::Exhausted, "{kind:?}");
            assert_eq!(done.row(group).attempts, ATTEMPTS, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_group_that_always_fails_is_exhausted_and_nothing_else_is() {
    let simulator = simulator();
    let kinds = [
        FaultKind::Code(10002),
        FaultKind::Reset,
        FaultKind::Status(502),
        FaultKind::Portal,
        FaultKind::Contradiction,
    ];
    let cases: Vec<_> = kinds
        .iter()
        .map(|&kind| {
            let forever = vec![Reply::Fault(Fault::before(kind)); 50];
            (format!("{kind:?}"), forever)
        })
        .chain([("refused".to_owned(), vec![code(10007)])])
        .collect();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
    assert_eq!(done.of(Outcome::Exhausted), kinds.len() as u64);
}
