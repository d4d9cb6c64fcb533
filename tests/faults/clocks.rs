//! Clocks that disagree: the service's goes another way than ours, or the UserSig's time is up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use disband_batch::{
    observe::{Observer, Snapshot},
    outcome::Outcome,
    secret::Secret,
    simulator::Simulator,
    tencent::{
        codes::explain,
        credential::{Credentials, Moment},
    },
};

use crate::{
    codes::ballast,
    rig::{Rig, options, simulator, without_key},
};

/// Sets the service's clock once so many groups are settled.
struct Jump {
    simulator: Arc<Simulator>,
    at: u64,
    to_s: i64,
}

impl Observer for Jump {
    fn tick(&mut self, snapshot: &Snapshot) {
        if snapshot.outcomes.total() >= self.at {
            self.simulator.set_clock_offset_s(self.to_s);
        }
    }
}

fn jumping(simulator: &Arc<Simulator>, to_s: i64) -> Rig {
    let mut rig = Rig::of(simulator);
    rig.plan.rate = 500.try_into().unwrap();
    rig.plan.retry.max_attempts = 1.try_into().unwrap();
    rig.observers.push(Box::new(Jump {
        simulator: Arc::clone(simulator),
        at: 200,
        to_s,
    }));
    rig
}

/// A UserSig that was made a while ago, and a key to make another.
fn made_ago(age_s: u64, lifetime_s: u64) -> Credentials {
    let options = options();
    let now = Moment::now();
    let then = Moment {
        unix_s: now.unix_s - age_s,
        ..now
    };
    Credentials::signing(
        Secret::new(options.key.expose().to_owned()),
        &options.identifier,
        options.sdkappid,
        Duration::from_secs(lifetime_s),
        then,
    )
}

#[tokio::test]
async fn a_clock_that_jumps_by_hours_or_days_either_way_changes_nothing() {
    const DAY_S: i64 = 86_400;
    for to_s in [3600, -3600, 5 * DAY_S, -5 * DAY_S, -400 * DAY_S] {
        let simulator = Arc::new(simulator());
        let began = Instant::now();
        let done = jumping(&simulator, to_s).run(ballast("all", 1000)).await;
        assert_eq!(done.end.reason, None, "{to_s}");
        assert_eq!(done.of(Outcome::Disbanded), 1000, "{to_s}");
        assert_eq!(done.end.snapshot.calls, 1000, "{to_s}");
        // 500 a second, whatever the clock says.
        assert!(
            began.elapsed() >= Duration::from_millis(1900),
            "{to_s}: {:?}",
            began.elapsed()
        );
        let most = done.end.max_in_one_second;
        assert!(most <= 500, "{to_s}: {most} in a second");
    }
}

#[tokio::test]
async fn a_usersig_that_expires_is_renewed_once_and_costs_no_attempt() {
    let simulator = Arc::new(simulator());
    let mut rig = jumping(&simulator, 3000);
    rig.credentials = made_ago(1000, 3600);
    let done = rig.run(ballast("all", 1000)).await;
    assert_eq!(done.end.reason, None);
    assert_eq!(done.of(Outcome::Disbanded), 1000);
    let refused = done.end.snapshot.calls - 1000;
    assert!(
        (1..=64).contains(&refused),
        "{refused} calls with the old one"
    );
    let fresh = |notice: &&disband_batch::observe::Notice| notice.text.contains("made a fresh one");
    assert_eq!(
        done.notices.iter().filter(fresh).count(),
        1,
        "{:?}",
        done.notices
    );
}

#[tokio::test]
async fn a_fresh_usersig_that_has_expired_already_stops_the_run_and_the_clock_is_named() {
    let simulator = Arc::new(simulator());
    let done = jumping(&simulator, 400 * 86_400)
        .run(ballast("all", 2000))
        .await;
    assert_eq!(done.refused(), Some(70001));
    assert_eq!(done.of(Outcome::Failed) + done.of(Outcome::Exhausted), 0);
    assert!(done.of(Outcome::NotAttempted) > 1000);
    assert!(explain(70001).advice.contains("clock"));
    let calls = done.end.snapshot.calls - done.of(Outcome::Disbanded);
    assert!(calls <= 66, "{calls} calls were refused");
}

#[tokio::test]
async fn a_usersig_from_elsewhere_that_expires_stops_the_run_and_says_how_to_go_on() {
    let simulator = Arc::new(simulator());
    let mut rig = jumping(&simulator, 3700);
    rig.credentials = without_key(Duration::from_secs(3600));
    let done = rig.run(ballast("all", 2000)).await;
    assert_eq!(done.refused(), Some(70001));
    assert_eq!(done.of(Outcome::Failed) + done.of(Outcome::Exhausted), 0);
    let calls = done.end.snapshot.calls - done.of(Outcome::Disbanded);
    assert!(calls <= 64, "{calls} calls were refused");
    let advice = explain(70001).advice;
    assert!(
        advice.contains("have a new one made and resume"),
        "{advice}"
    );
}
