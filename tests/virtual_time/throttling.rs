//! Slower when told, by just as much as another program needs.

use std::{collections::VecDeque, time::Duration};

use disband_batch::{engine::StopReason, outcome::Outcome};

use crate::{
    run::Run,
    scripted::{Says, Scripted},
};

const LATENCY: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);

/// The service's window of one second over all callers, with another program that makes `others` calls a second.
struct SharedQuota {
    window: VecDeque<Duration>,
    others: u32,
    next_other: Duration,
}

impl SharedQuota {
    fn new(others: u32) -> Self {
        Self {
            window: VecDeque::new(),
            others,
            next_other: Duration::ZERO,
        }
    }

    /// Whether a call at `at` is one too many; refused calls count.
    fn refuses(&mut self, at: Duration, until: Duration) -> bool {
        while self.next_other <= at && self.next_other < until {
            self.window.push_back(self.next_other);
            self.next_other += SECOND / self.others;
        }
        self.window.push_back(at);
        while self.window.front().is_some_and(|&then| then + SECOND <= at) {
            self.window.pop_front();
        }
        self.window.len() > 200
    }
}

#[tokio::test(start_paused = true)]
async fn beside_a_program_that_spends_half_the_run_settles_at_the_other_half() {
    let mut quota = SharedQuota::new(100);
    let service = Scripted::new(move |call| match quota.refuses(call.at, Duration::MAX) {
        true => Says::slow(LATENCY),
        false => Says::done(LATENCY),
    });
    let done = Run::of(30_000).against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), 30_000);
    let refused = done.end.snapshot.throttled as f64 / done.end.snapshot.calls as f64;
    let rate = 30_000.0 / done.took.as_secs_f64();
    assert!(
        refused < 0.02 && rate > 90.0,
        "{refused} refused, {rate} a second"
    );
    assert!(
        done.rows
            .iter()
            .all(|row| row.outcome == Outcome::Disbanded)
    );
}

#[tokio::test(start_paused = true)]
async fn once_the_other_program_is_done_the_run_takes_all_of_the_rate_again() {
    let mut quota = SharedQuota::new(100);
    let service = Scripted::new(move |call| match quota.refuses(call.at, SECOND * 60) {
        true => Says::slow(LATENCY),
        false => Says::done(LATENCY),
    });
    let done = Run::of(40_000).against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), 40_000);
    let arrivals = service.departures();
    let at_two_minutes = arrivals.partition_point(|&at| at < SECOND * 130);
    let ten_later = arrivals.partition_point(|&at| at < SECOND * 140);
    assert!(
        ten_later - at_two_minutes >= 1990,
        "{}",
        ten_later - at_two_minutes
    );
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_others_use_up_for_good_costs_no_attempts_and_ends_the_run_resumable() {
    let service = Scripted::new(|_| Says::slow(LATENCY));
    let done = Run::of(100).against(&service).await;
    assert_eq!(done.end.reason, Some(StopReason::MaxOutage));
    assert_eq!(done.of(Outcome::Exhausted), 0);
    assert!(
        done.rows
            .iter()
            .all(|row| row.outcome == Outcome::NotAttempted)
    );
}

#[tokio::test(start_paused = true)]
async fn no_intent_waits_for_the_end_of_a_long_pause() {
    let service = Scripted::new(|call| match call.at < SECOND {
        true => Says {
            retry_after: Some(SECOND * 30),
            ..Says::slow(LATENCY)
        },
        false => Says::done(LATENCY),
    });
    let run = Run::of(2000);
    let stopper = run.stopper.clone();
    let in_the_pause = async {
        tokio::time::sleep(SECOND * 20).await;
        // As a crash would: what is intended stays so.
        stopper.stop(StopReason::Limit);
        stopper.insist();
    };
    let (done, ()) = tokio::join!(run.against(&service), in_the_pause);
    assert_eq!(done.intended, done.end.snapshot.calls);
}
