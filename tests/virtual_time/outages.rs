//! Promise 5: an outage is not a failure.

use std::time::Duration;

use disband_batch::{engine::StopReason, outcome::Outcome};

use crate::{
    run::Run,
    scripted::{Says, Scripted},
};

const LATENCY: Duration = Duration::from_millis(50);

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// The kinds of outage: what a call gets while it lasts.
fn kinds() -> [(&'static str, Says); 5] {
    [
        ("refused", Says::unreached(Duration::from_millis(1))),
        ("slow to fail", Says::unreached(Duration::from_secs(5))),
        ("reset", Says::lost(Duration::from_millis(2))),
        ("silent", Says::lost(Duration::from_secs(10))),
        ("10002", Says::again(LATENCY)),
    ]
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_in_the_middle_of_a_run_cost_no_group_and_few_calls() {
    for (kind, during) in kinds() {
        let (from, to) = (minutes(1), minutes(11));
        let service = Scripted::new(move |call| match call.at >= from && call.at < to {
            true => during,
            false => Says::done(LATENCY),
        });
        let done = Run::of(24_000).against(&service).await;
        assert_eq!(done.end.reason, None, "{kind}");
        assert_eq!(done.of(Outcome::Disbanded), 24_000, "{kind}");
        let cost = done.end.snapshot.calls - 24_000;
        assert!(cost < 200, "{kind}: {cost} calls");
        let wasted = done
            .took
            .saturating_sub(minutes(10) + Duration::from_secs(121));
        assert!(wasted < Duration::from_secs(45), "{kind}: {:?}", done.took);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_from_the_start_costs_no_group_even_of_a_short_list() {
    for (kind, during) in kinds() {
        let service = Scripted::new(move |call| match call.at < minutes(10) {
            true => during,
            false => Says::done(LATENCY),
        });
        let done = Run::of(10).against(&service).await;
        assert_eq!(
            done.of(Outcome::Disbanded),
            10,
            "{kind}: {:?}",
            done.outcomes
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_few_bad_groups_among_good_ones_are_exhausted_and_stop_nobody() {
    let service = Scripted::new(|call| match call.group.ends_with("00") {
        true => Says::again(LATENCY),
        false => Says::done(LATENCY),
    });
    let done = Run::of(1000).against(&service).await;
    assert_eq!(done.of(Outcome::Exhausted), 10);
    assert_eq!(done.of(Outcome::Disbanded), 990);
    assert_eq!(service.calls_for("g100"), 5);
    assert_eq!(service.calls_for("g1000"), 5);
    assert!(
        done.rows
            .iter()
            .all(|row| row.attempts == if row.group_id.ends_with("00") { 5 } else { 1 })
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_allowed_stops_the_run_and_leaves_the_groups_for_a_resume() {
    for (kind, during) in kinds() {
        let service = Scripted::new(move |call| match call.at < minutes(1) {
            true => Says::done(LATENCY),
            false => during,
        });
        let done = Run::of(20_000).against(&service).await;
        assert_eq!(done.end.reason, Some(StopReason::MaxOutage), "{kind}");
        assert_eq!(
            done.of(Outcome::Failed) + done.of(Outcome::Exhausted),
            0,
            "{kind}"
        );
        assert_eq!(done.rows.len(), 20_000, "{kind}");
        let waited = done.took - minutes(1);
        assert!(
            waited >= minutes(29) && waited < minutes(32),
            "{kind}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_attempt_is_not_used_up_by_an_outage() {
    let from = Duration::from_secs(10);
    let service = Scripted::new(move |call| match call.at >= from && call.at < minutes(2) {
        true => Says::again(LATENCY),
        false => Says::done(LATENCY),
    });
    let mut run = Run::of(6000);
    run.plan.retry.max_attempts = std::num::NonZeroU32::MIN;
    let done = run.against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), 6000, "{:?}", done.outcomes);
}
