//! Every error code of the spec as the first, a middle and the last answer that a group gets.

use std::time::Duration;

use disband_batch::{
    outcome::Outcome,
    simulator::{Fault, FaultKind, Reply, Simulator, Stage},
    tencent::codes::explain,
};

use crate::{
    oracle::demand,
    rig::{ATTEMPTS, Done, Rig, simulator, without_key},
    spec::{Word, codes},
};

/// What comes before the answer under test: one that proves that nothing was done, and one that proves nothing.
const BEFORE: [i64; 2] = [-10114, 10002];

pub(crate) const fn code(code: i64) -> Reply {
    Reply::Fault(Fault::code(code))
}

/// Scripts that put `reply` into the first, a middle and the last attempt, before and after other answers.
pub(crate) fn scripts(reply: Reply) -> Vec<Vec<Reply>> {
    let mut scripts = Vec::new();
    for earlier in BEFORE {
        for nth in 0..ATTEMPTS as usize {
            for then in [Reply::Honest, code(10010)] {
                let mut script = vec![code(earlier); nth];
                script.extend([reply, then]);
                scripts.push(script);
            }
        }
    }
    scripts.dedup();
    scripts
}

/// Groups without any trouble: their answers tell a group's bad luck from an outage.
pub(crate) fn ballast(name: &str, n: usize) -> impl Iterator<Item = String> {
    (0..n).map(move |n| format!("well {name} {n}"))
}

/// Groups with their scripts among many that are well, in one run.
pub(crate) async fn run_among_others(
    simulator: &Simulator,
    rig: Rig,
    cases: &[(String, Vec<Reply>)],
) -> Done {
    let mut groups: Vec<String> = ballast("first", 100).collect();
    for (n, (group, script)) in cases.iter().enumerate() {
        simulator.script(group, script.iter().copied());
        groups.push(group.clone());
        groups.extend(ballast(&n.to_string(), 9));
    }
    groups.extend(ballast("last", 600));
    let done = rig.run(groups).await;
    assert_eq!(done.end.reason, None);
    for (group, row) in &done.rows {
        assert!(
            !group.starts_with("well") || row.outcome == Outcome::Disbanded && row.attempts == 1,
            "{row:?}"
        );
    }
    done
}

/// Compares the rows with what the contract demands; returns what differs.
pub(crate) fn differences(
    simulator: &Simulator,
    done: &Done,
    cases: &[(String, Vec<Reply>)],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (group, script) in cases {
        let (row, demand) = (done.row(group), demand(script));
        let came = (row.outcome, row.attempts, row.error_code);
        let wanted = (demand.outcome, demand.calls, demand.code);
        let calls = simulator.calls(group);
        let destroyed = simulator.destroyed(group);
        if came != wanted || calls != demand.calls || destroyed != u32::from(demand.destroyed) {
            wrong.push(format!(
                "{group}: {script:?}\n  demanded {demand:?}\n  came {came:?}, called {calls} times, destroyed {destroyed}"
            ));
        }
    }
    wrong
}

pub(crate) fn assert_all(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn cases(of: impl Fn(Word) -> bool) -> Vec<(String, Vec<Reply>)> {
    codes()
        .filter(|(_, word)| of(*word))
        .flat_map(|(n, _)| {
            let named = move |(at, script)| (format!("code {n} #{at}"), script);
            scripts(code(n)).into_iter().enumerate().map(named)
        })
        .collect()
}

#[tokio::test]
async fn a_code_that_concerns_one_group_decides_about_that_group() {
    let cases = cases(|word| matches!(word, Word::Gone | Word::Retry | Word::Fail));
    let simulator = simulator();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
    assert_eq!(simulator.violations(), []);
}

#[tokio::test]
async fn a_code_that_asks_to_slow_down_costs_no_attempt() {
    let cases = cases(|word| word == Word::Slow);
    let simulator = simulator();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
}

#[tokio::test]
async fn a_code_that_asks_for_a_new_signature_costs_no_attempt_once() {
    let cases = cases(|word| matches!(word, Word::ReSign | Word::ReSignThenRetry));
    let simulator = simulator();
    let done = run_among_others(&simulator, Rig::of(&simulator), &cases).await;
    assert_all(&differences(&simulator, &done, &cases));
}

#[tokio::test]
async fn a_code_that_refuses_everybody_stops_the_run_at_any_attempt() {
    for (n, _) in codes().filter(|(_, word)| *word == Word::Stop) {
        for script in without_sequels(n) {
            let done = stopped_by(n, script).await;
            assert_eq!(done.refused(), Some(n));
            let advice = explain(n).advice;
            assert!(advice.ends_with('.'), "{n} needs advice, not {advice:?}");
        }
    }
}

#[tokio::test]
async fn a_fresh_signature_that_is_refused_the_same_way_stops_the_run() {
    for (n, _) in codes().filter(|(_, word)| *word == Word::ReSign) {
        for script in without_sequels(n) {
            let at = script.len() - 2;
            let twice = [&script[..at], &[code(n); 3]].concat();
            let done = stopped_by(n, twice).await;
            assert_eq!(done.refused(), Some(n));
        }
    }
}

#[tokio::test]
async fn a_check_that_fails_for_good_is_retried_and_then_stops_the_run() {
    for n in [60004, 60005] {
        let done = stopped_by(n, vec![code(n); 20]).await;
        assert_eq!(done.refused(), Some(n));
    }
}

#[tokio::test]
async fn a_refused_signature_stops_the_run_at_once_where_there_is_no_key() {
    for (n, _) in codes().filter(|(_, word)| *word == Word::ReSign) {
        for script in without_sequels(n) {
            let simulator = simulator();
            let calls = script.len() as u32 - 1;
            simulator.script("the one", script);
            let mut rig = Rig::of(&simulator);
            rig.credentials = without_key(Duration::from_secs(86_400));
            let done = rig.run(list()).await;
            assert_eq!(done.refused(), Some(n));
            assert_eq!(done.outcome("the one"), Outcome::NotAttempted);
            assert_eq!(simulator.calls("the one"), calls);
        }
    }
}

/// The scripts whose last answer is honest, for codes after which nothing follows.
fn without_sequels(n: i64) -> impl Iterator<Item = Vec<Reply>> {
    scripts(code(n)).into_iter().step_by(2)
}

/// Forty groups that are well, the one, and many more: the run is under way when the one is called.
fn list() -> impl Iterator<Item = String> {
    let one = std::iter::once("the one".to_owned());
    ballast("before", 40)
        .chain(one)
        .chain(ballast("after", 1500))
}

/// A run that the one group's script stops: nothing is `failed`, no answer is forgotten, and few calls follow.
async fn stopped_by(n: i64, script: Vec<Reply>) -> Done {
    let simulator = simulator();
    let demand = demand(&script);
    assert_eq!(demand.stops, Some(n), "{script:?}");
    simulator.script("the one", script.iter().copied());
    let done = Rig::of(&simulator).run(list()).await;
    let row = done.row("the one");
    assert_eq!(row.outcome, Outcome::NotAttempted, "{n}: {script:?}");
    assert_eq!(simulator.calls("the one"), demand.calls, "{n}: {script:?}");
    assert_eq!(row.attempts, demand.calls, "{n}: {script:?}");
    let reason = done.end.reason.clone().unwrap().to_string();
    assert!(reason.contains(&n.to_string()), "{reason}");
    for (group, row) in done.rows.iter().filter(|(group, _)| *group != "the one") {
        let destroyed = simulator.destroyed(group);
        match row.outcome {
            Outcome::Disbanded => assert_eq!(destroyed, 1, "{row:?}"),
            Outcome::NotAttempted => assert_eq!(destroyed, 0, "{row:?}"),
            _ => panic!("{n}: {row:?}"),
        }
    }
    assert!(
        done.of(Outcome::NotAttempted) > 500,
        "{n}: the run went on: {:?}",
        done.end.snapshot.outcomes
    );
    done
}

#[test]
fn a_fault_is_what_the_spec_says_at_either_stage() {
    // The caller sees the same whether the service acted or not, so the demand must be the same but for the truth.
    let script = |stage| {
        let fault = Fault {
            kind: FaultKind::Code(10002),
            stage,
        };
        vec![Reply::Fault(fault)]
    };
    let (before, after) = (
        demand(&script(Stage::Before)),
        demand(&script(Stage::After)),
    );
    assert_eq!(before.outcome, Outcome::Disbanded);
    assert_eq!(after.outcome, Outcome::PresumedDisbanded);
}
