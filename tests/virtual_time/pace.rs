//! Promise 1: never more than the rate in any second, never less than 99.5 % of it while there is work.

use std::time::Duration;

use disband_batch::outcome::Outcome;

use proptest::prelude::*;

use crate::{
    run::{Run, plan},
    scripted::{Says, Scripted},
};

const SECOND: Duration = Duration::from_secs(1);

/// The most arrivals in any window of one second, wherever it starts.
pub(crate) fn most_in_a_second(arrivals: &[Duration]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (n, &at) in arrivals.iter().enumerate() {
        while arrivals[first] + SECOND <= at {
            first += 1;
        }
        most = most.max(n + 1 - first);
    }
    most
}

/// The fewest arrivals in any window of ten seconds that lies within the first `until`.
fn fewest_in_ten_seconds(arrivals: &[Duration], until: Duration) -> usize {
    (0..)
        .map(|step| SECOND * step / 4)
        .take_while(|&from| from + 10 * SECOND <= until)
        .map(|from| {
            let start = arrivals.partition_point(|&at| at < from);
            arrivals.partition_point(|&at| at < from + 10 * SECOND) - start
        })
        .min()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn every_latency_gets_the_full_rate_and_never_one_more() {
    for latency_ms in [1, 50, 300, 1000] {
        let service = Scripted::new(move |call| {
            let latency = Duration::from_millis(latency_ms);
            match call.nth == 1 && call.group.ends_with('7') {
                true => Says::again(latency),
                false => Says::done(latency),
            }
        });
        let done = Run::of(8_000).against(&service).await;
        let arrivals = service.departures();
        assert_eq!(done.of(Outcome::Disbanded), 8_000);
        assert_eq!(arrivals.len(), 8_800);
        assert!(
            most_in_a_second(&arrivals) <= 200,
            "{latency_ms} ms: {}",
            most_in_a_second(&arrivals)
        );
        let busy = SECOND * 40;
        let fewest = fewest_in_ten_seconds(&arrivals, busy);
        assert!(fewest >= 1990, "{latency_ms} ms: {fewest}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_million_groups_take_the_hours_that_they_must_and_break_no_rule() {
    let groups = 1_000_000;
    let latency = Duration::from_millis(80);
    let service = Scripted::new(move |call| match (call.nth, call.group.as_bytes().last()) {
        (1, Some(b'3')) => Says::again(latency),
        (1, Some(b'5')) if call.group.ends_with("25") => Says::lost(Duration::from_secs(10)),
        _ => Says::done(latency),
    });
    let mut run = Run::of(groups);
    run.keep_rows = false;
    let done = run.against(&service).await;
    assert_eq!(done.of(Outcome::Disbanded), groups);
    let arrivals = service.departures();
    assert_eq!(arrivals.len() as u64, groups + groups / 10 + groups / 100);
    assert!(most_in_a_second(&arrivals) <= 200);
    assert_eq!(done.end.max_in_one_second, most_in_a_second(&arrivals));
    let busy = done.took - Duration::from_secs(30);
    assert!(fewest_in_ten_seconds(&arrivals, busy) >= 1990);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Slow connections keep a permit waiting; a stalled machine wakes every timer late.
    #[test]
    fn whatever_the_latency_the_stalls_and_the_rate_no_second_sees_more(
        rate in prop_oneof![1..20_u32, 20..500_u32, 500..3000_u32],
        latency_ms in 0..2000_u64,
        connect_ms in prop::collection::vec(0..400_u64, 1..50),
        stalls in prop::collection::vec((1..3000_u64, 1..1500_u64), 0..12),
        again in 0..4_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut turn = 0;
            let service = Scripted::new(move |call| {
                turn += 1;
                let latency = Duration::from_millis(latency_ms);
                let connect = if turn <= 256 { connect_ms[turn % connect_ms.len()] } else { 0 };
                let says = if call.nth < again && call.group.ends_with('1') { Says::again(latency) } else { Says::done(latency) };
                Says { connect: Duration::from_millis(connect), ..says }
            });
            let machine = tokio::spawn(async move {
                for (after, lasts) in stalls {
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    tokio::time::advance(Duration::from_millis(lasts)).await;
                }
            });
            let groups = u64::from(rate) * 5;
            let mut run = Run::of(groups);
            run.plan = plan(rate);
            let done = run.against(&service).await;
            machine.abort();
            let arrivals = service.departures();
            assert!(most_in_a_second(&arrivals) <= rate as usize, "{} at {rate}", most_in_a_second(&arrivals));
            assert_eq!(done.of(Outcome::Disbanded), groups);
        });
    }
}
