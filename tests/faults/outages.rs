//! Promise 5 over real HTTP: while the service answers nobody the run waits and probes, and nobody pays for it.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use disband_batch::{
    engine::StopReason,
    observe::{Health, Observer, Snapshot},
    outcome::Outcome,
    retry::RetryPolicy,
    simulator::{Outage, Simulator},
};

use crate::{
    codes::ballast,
    rig::{Rig, simulator},
};

const GROUPS: usize = 1500;

const KINDS: [Outage; 6] = [
    Outage::RefuseConnections,
    Outage::Reset,
    Outage::Hang,
    Outage::Status(503),
    Outage::Status(502),
    Outage::Code(10002),
];

/// Begins an outage when so many groups are settled, and ends it when the run has known of it for so long.
struct Switch {
    simulator: Arc<Simulator>,
    kind: Outage,
    begins_at: u64,
    lasts: Duration,
    begun: bool,
    over: bool,
}

impl Observer for Switch {
    fn tick(&mut self, snapshot: &Snapshot) {
        if !self.begun && snapshot.outcomes.total() >= self.begins_at {
            self.begun = true;
            self.simulator.set_outage(self.kind).unwrap();
        }
        if let Health::Unreachable { since, .. } = snapshot.health
            && since >= self.lasts
            && !self.over
        {
            self.over = true;
            self.simulator.set_outage(Outage::None).unwrap();
        }
    }
}

fn rig(simulator: &Arc<Simulator>, kind: Outage, lasts: Duration) -> Rig {
    let mut rig = Rig::of(simulator);
    rig.plan.rate = NonZeroU32::new(500).unwrap();
    rig.plan.retry = RetryPolicy::new(NonZeroU32::new(2).unwrap());
    rig.timeout = Duration::from_secs(1);
    rig.observers.push(Box::new(Switch {
        simulator: Arc::clone(simulator),
        kind,
        begins_at: 300,
        lasts,
        begun: false,
        over: false,
    }));
    rig
}

#[tokio::test]
async fn an_outage_in_the_middle_costs_no_group_and_few_calls() {
    for kind in KINDS {
        let simulator = Arc::new(simulator());
        let rig = rig(&simulator, kind, Duration::from_secs(2));
        let done = rig.run(ballast("all", GROUPS)).await;
        assert_eq!(done.end.reason, None, "{kind:?}");
        // What was under way when the service went away may have been heard.
        let gone = done.of(Outcome::Disbanded) + done.of(Outcome::PresumedDisbanded);
        assert_eq!(gone, GROUPS as u64, "{kind:?}");
        assert!(
            done.of(Outcome::PresumedDisbanded) < 64,
            "{kind:?}: {:?}",
            done.end.snapshot.outcomes
        );
        assert_eq!(simulator.stats().destroyed, GROUPS as u64, "{kind:?}");
        let wasted = done.end.snapshot.calls - GROUPS as u64;
        assert!(wasted < 150, "{kind:?}: {wasted} calls wasted");
        assert!(done.said("answers nobody"), "{kind:?}: {:?}", done.notices);
        assert!(done.said("answers again"), "{kind:?}: {:?}", done.notices);
    }
}

#[tokio::test]
async fn an_outage_that_outlasts_patience_stops_the_run_and_fails_nobody() {
    for kind in KINDS {
        let simulator = Arc::new(simulator());
        let mut rig = rig(&simulator, kind, Duration::MAX);
        rig.plan.limits.max_outage = Duration::from_secs(2);
        let done = rig.run(ballast("all", GROUPS)).await;
        assert_eq!(done.end.reason, Some(StopReason::MaxOutage), "{kind:?}");
        let told = done.of(Outcome::Disbanded) + done.of(Outcome::NotAttempted);
        assert_eq!(
            told, GROUPS as u64,
            "{kind:?}: {:?}",
            done.end.snapshot.outcomes
        );
        assert!(done.of(Outcome::NotAttempted) > 500, "{kind:?}");
    }
}

#[tokio::test]
async fn a_service_that_is_away_from_the_start_is_waited_for() {
    for kind in KINDS {
        let simulator = Arc::new(simulator());
        simulator.set_outage(kind).unwrap();
        let mut rig = rig(&simulator, kind, Duration::from_secs(1));
        rig.plan.retry.base = Duration::from_millis(100);
        let done = rig.run(ballast("all", 30)).await;
        assert_eq!(done.end.reason, None, "{kind:?}");
        assert_eq!(
            done.of(Outcome::Disbanded),
            30,
            "{kind:?}: {:?}",
            done.end.snapshot.outcomes
        );
    }
}
