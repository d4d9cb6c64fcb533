//! Credentials, refusals of everybody, limits: what ends a run, and what it costs.

use std::time::Duration;

use disband_batch::{
    engine::{MaxFailures, StopReason},
    outcome::Outcome,
    verdict::{Action, Herd},
};

use crate::{
    run::{Done, Run},
    scripted::{Says, Scripted},
};

const LATENCY: Duration = Duration::from_millis(50);

fn one_row_each(done: &Done, groups: usize) {
    let mut seqs: Vec<_> = done.rows.iter().map(|row| row.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=groups as u64).collect::<Vec<_>>());
}

fn refused(done: &Done) -> Option<i64> {
    match &done.end.reason {
        Some(StopReason::Refused { code, .. }) => *code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_is_renewed_once_for_all_and_charges_nobody() {
    let service =
        Scripted::new(
            |call| match call.credential == 1 && call.at > Duration::from_secs(5) {
                true => Says::new(Action::ReSign, 70001, LATENCY),
                false => Says::done(LATENCY),
            },
        );
    let mut run = Run::of(4000);
    run.plan.retry.max_attempts = std::num::NonZeroU32::MIN;
    let done = run.against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), 4000);
    assert!(
        done.end.snapshot.calls < 4000 + 20,
        "{}",
        done.end.snapshot.calls
    );
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_when_fresh_stops_the_run_after_a_handful_of_calls() {
    let service = Scripted::new(|_| Says::new(Action::ReSign, 70001, LATENCY));
    let done = Run::of(4000).against(&service).await;
    assert_eq!(refused(&done), Some(70001));
    assert!(done.end.snapshot.calls < 20, "{}", done.end.snapshot.calls);
    assert_eq!(
        done.rows
            .iter()
            .filter(|row| row.outcome == Outcome::NotAttempted)
            .count(),
        4000
    );
    one_row_each(&done, 4000);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_a_refused_credential_stops_the_run_at_once() {
    let service = Scripted::with_key(false, |_| Says::new(Action::ReSign, 70001, LATENCY));
    let done = Run::of(4000).against(&service).await;
    assert_eq!(refused(&done), Some(70001));
    assert!(done.end.snapshot.calls < 20, "{}", done.end.snapshot.calls);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_for_a_moment_is_signed_again_and_then_retried() {
    let service = Scripted::new(|call| match call.group == "g1" && call.nth < 4 {
        true => Says::new(Action::ReSignThenRetry, 60004, LATENCY),
        false => Says::done(LATENCY),
    });
    let done = Run::of(10).against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), 10);
    assert_eq!(service.calls_for("g1"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_for_good_stops_the_run_when_its_attempts_are_used_up() {
    let service = Scripted::new(|call| match call.group == "g1" {
        true => Says::new(Action::ReSignThenRetry, 60004, LATENCY),
        false => Says::done(LATENCY),
    });
    let done = Run::of(10).against(&service).await;
    assert_eq!(refused(&done), Some(60004));
    assert_eq!(done.of(Outcome::Exhausted), 0);
    assert_eq!(service.calls_for("g1"), 6);
    one_row_each(&done, 10);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_everybody_stops_after_those_in_flight_and_leaves_their_groups_unattempted() {
    let service = Scripted::new(|_| Says::new(Action::Stop, 60010, LATENCY));
    let done = Run::of(1000).against(&service).await;
    assert_eq!(refused(&done), Some(60010));
    assert!(done.end.snapshot.calls < 20);
    assert_eq!(done.of(Outcome::Failed), 0);
    one_row_each(&done, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_everybody_in_disguise_stops_after_twenty() {
    let refusal = Says {
        herd: Herd::Stop,
        ..Says::new(Action::Fail, 10007, LATENCY)
    };
    let service = Scripted::new(move |_| refusal);
    let done = Run::of(1000).against(&service).await;
    assert_eq!(refused(&done), Some(10007));
    assert!(
        (20..45).contains(&done.of(Outcome::Failed)),
        "{:?}",
        done.outcomes
    );
    one_row_each(&done, 1000);
}

#[tokio::test(start_paused = true)]
async fn gone_after_an_answer_that_may_hide_a_success_is_presumed_ours() {
    let service = Scripted::new(|call| match (call.group, call.nth) {
        ("g1", 1) => Says::lost(LATENCY),
        ("g2", 1) => Says::again(LATENCY),
        ("g3", 1) => Says::slow(LATENCY),
        ("g4", 1) => Says::unreached(LATENCY),
        ("g1" | "g2" | "g3" | "g4" | "g5", _) => Says::new(Action::Gone, 10010, LATENCY),
        _ => Says::done(LATENCY),
    });
    let done = Run::of(30).against(&service).await;
    let outcome = |id: &str| {
        done.rows
            .iter()
            .find(|row| &*row.group_id == id)
            .unwrap()
            .outcome
    };
    assert_eq!(outcome("g1"), Outcome::PresumedDisbanded);
    assert_eq!(outcome("g2"), Outcome::PresumedDisbanded);
    assert_eq!(outcome("g3"), Outcome::AlreadyGone);
    assert_eq!(outcome("g4"), Outcome::AlreadyGone);
    assert_eq!(outcome("g5"), Outcome::AlreadyGone);
    assert_eq!(outcome("g6"), Outcome::Disbanded);
}

#[tokio::test(start_paused = true)]
async fn a_limit_lets_so_many_groups_be_called_retries_and_all() {
    let service = Scripted::new(|call| match call.nth {
        1 => Says::again(LATENCY),
        _ => Says::done(LATENCY),
    });
    let mut run = Run::of(100);
    run.plan.limits.max_called = Some(10);
    let done = run.against(&service).await;
    assert_eq!(done.end.reason, Some(StopReason::Limit));
    assert_eq!(done.of(Outcome::Disbanded), 10);
    assert_eq!(done.end.snapshot.calls, 20);
    one_row_each(&done, 100);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_no_limit_ends_a_finished_run() {
    let service = Scripted::new(|_| Says::done(LATENCY));
    let mut run = Run::of(10);
    run.plan.limits.max_called = Some(10);
    let done = run.against(&service).await;
    assert_eq!(done.end.reason, None);
    assert_eq!(done.of(Outcome::Disbanded), 10);
}

#[tokio::test(start_paused = true)]
async fn a_limit_does_not_wait_for_an_input_that_fell_silent() {
    let service = Scripted::new(|_| Says::done(LATENCY));
    let mut run = Run::of(20);
    run.falls_silent = true;
    run.plan.limits.max_called = Some(20);
    let done = run.against(&service).await;
    assert_eq!(done.end.reason, Some(StopReason::Limit));
    assert!(!done.end.intake.complete);
    assert_eq!(done.of(Outcome::Disbanded), 20);
    // Five seconds to learn whether there is more, and five for the rest of the input, as for any stop.
    assert_eq!(done.took.as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn time_and_failures_are_limited() {
    let service = Scripted::new(|_| Says::done(LATENCY));
    let mut run = Run::of(10_000);
    run.plan.limits.max_duration = Some(Duration::from_secs(5));
    let done = run.against(&service).await;
    assert_eq!(done.end.reason, Some(StopReason::MaxDuration));
    assert!(
        (985..=1000).contains(&done.of(Outcome::Disbanded)),
        "{:?}",
        done.outcomes
    );
    one_row_each(&done, 10_000);

    let service = Scripted::new(|_| Says::new(Action::Fail, 10004, LATENCY));
    let mut run = Run::of(10_000);
    run.plan.limits.max_failures = Some(MaxFailures::Count(50));
    let done = run.against(&service).await;
    assert_eq!(
        done.end.reason,
        Some(StopReason::MaxFailures { failed: 50 })
    );
    assert!((50..75).contains(&done.of(Outcome::Failed)));
}
