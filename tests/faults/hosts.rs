//! Where calls go: to the known hosts, and nowhere else.

use std::{net::TcpListener, sync::Arc, time::Duration};

use disband_batch::{
    engine::StopReason,
    observe::{Observer, Snapshot},
    outcome::Outcome,
    simulator::{Outage, Simulator},
    tencent::hosts::{Endpoint, Hosts},
};

use crate::{
    codes::ballast,
    rig::{Rig, simulator},
};

fn endpoint(url: &str) -> Endpoint {
    url.parse().unwrap()
}

/// An address of this machine on which nobody listens.
fn nobody() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    endpoint(&format!("http://{}", listener.local_addr().unwrap()))
}

#[tokio::test]
async fn where_nobody_listens_the_other_host_is_tried_and_kept() {
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.hosts = Hosts::with_backup(nobody(), endpoint(&simulator.url()));
    let done = rig.run(ballast("all", 300)).await;
    assert_eq!(done.end.reason, None);
    assert_eq!(done.of(Outcome::Disbanded), 300);
    assert!(done.said(&format!(
        "trying the region's other host, {}",
        simulator.url()
    )));
    let wasted = done.end.snapshot.calls - 300;
    assert!(wasted < 80, "{wasted} calls went to nobody");
}

/// Takes the first host away once so many groups are settled, and brings it back when the other one has worked.
struct Away {
    first: Arc<Simulator>,
    away: bool,
    back: bool,
}

impl Observer for Away {
    fn tick(&mut self, snapshot: &Snapshot) {
        let settled = snapshot.outcomes.total();
        if settled >= 200 && !self.away {
            self.away = true;
            self.first.set_outage(Outage::RefuseConnections).unwrap();
        }
        if settled >= 600 && !self.back {
            self.back = true;
            self.first.set_outage(Outage::None).unwrap();
        }
    }
}

#[tokio::test]
async fn a_host_that_goes_away_in_the_middle_is_left_for_good() {
    let (first, other) = (Arc::new(simulator()), simulator());
    let mut rig = Rig::of(&first);
    rig.plan.rate = 400.try_into().unwrap();
    rig.hosts = Hosts::with_backup(endpoint(&first.url()), endpoint(&other.url()));
    rig.observers.push(Box::new(Away {
        first: Arc::clone(&first),
        away: false,
        back: false,
    }));
    let done = rig.run(ballast("all", 1000)).await;
    assert_eq!(done.end.reason, None);
    assert_eq!(done.of(Outcome::Failed) + done.of(Outcome::Exhausted), 0);
    let (at_first, at_other) = (first.stats().destroyed, other.stats().destroyed);
    // A call that was cut when the first one went away may have been done there, and is asked again here.
    assert!((1000..1064).contains(&(at_first + at_other)));
    assert!(at_first < 500 && at_other > 500, "{at_first} {at_other}");
    assert_eq!(first.violations(), []);
    assert_eq!(other.violations(), []);
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_an_outage_and_the_other_name_is_tried() {
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    // Reserved by RFC 2606: they never resolve.
    let [primary, backup] = ["https://primary.invalid", "https://backup.invalid"].map(endpoint);
    rig.hosts = Hosts::with_backup(primary, backup);
    rig.timeout = Duration::from_secs(2);
    rig.plan.limits.max_outage = Duration::from_secs(2);
    let done = rig.run(ballast("all", 20)).await;
    assert_eq!(done.end.reason, Some(StopReason::MaxOutage));
    assert_eq!(done.of(Outcome::NotAttempted), 20);
    assert!(
        done.said("https://backup.invalid") && done.said("https://primary.invalid"),
        "{:?}",
        done.notices
    );
    assert_eq!(simulator.stats().calls, 0);
}

#[tokio::test]
async fn a_redirect_is_never_followed_wherever_it_leads() {
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    thief.set_nonblocking(true).unwrap();
    let lead = format!(
        "Location: http://{}/v4/group_open_http_svc/destroy_group",
        thief.local_addr().unwrap()
    );
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let simulator = simulator();
        let answer = format!("HTTP/1.1 {status} Elsewhere\r\n{lead}\r\nContent-Length: 0\r\n\r\n");
        let portal = crate::hostile::Server::always(answer.into_bytes());
        let mut rig = Rig::of(&simulator);
        rig.hosts = Hosts::only(endpoint(&portal.url()));
        rig.plan.limits.max_outage = Duration::from_millis(500);
        let done = rig.run(ballast("all", 20)).await;
        assert_eq!(done.end.reason, Some(StopReason::MaxOutage), "{status}");
        assert_eq!(done.of(Outcome::NotAttempted), 20, "{status}");
        assert!(thief.accept().is_err(), "{status} was followed");
    }
}
