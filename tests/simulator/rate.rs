//! The rate limit, counted in quick calls: none of these waits for a second to pass.

use disband_batch::simulator::{Simulator, SimulatorOptions};

use crate::caller::{Caller, options};

/// The codes of so many calls, one right after the other.
fn codes(simulator: &Simulator, calls: usize) -> Vec<i64> {
    let mut caller = Caller::new(simulator);
    (0..calls)
        .map(|n| caller.destroy(&format!("g{n}")).unwrap().code())
        .collect()
}

fn limited(change: impl FnOnce(&mut SimulatorOptions)) -> Simulator {
    let mut options = SimulatorOptions {
        rate_limit: Some(20),
        ..options()
    };
    change(&mut options);
    Simulator::start(options).unwrap()
}

#[test]
fn what_goes_over_the_limit_is_refused_and_does_nothing() {
    let simulator = limited(|_| ());
    let codes = codes(&simulator, 30);
    assert!(codes[..20].iter().all(|&code| code == 0), "{codes:?}");
    assert!(codes[20..].iter().all(|&code| code == 60011), "{codes:?}");
    assert_eq!(simulator.destroyed("g25"), 0);
    let stats = simulator.stats();
    assert_eq!((stats.destroyed, stats.throttled), (20, 10));
    assert_eq!((stats.max_in_one_second, stats.violations), (30, 0));
}

#[test]
fn the_code_over_the_limit_can_be_chosen() {
    let simulator = limited(|options| options.rate_code = 60007);
    assert_eq!(codes(&simulator, 21)[20], 60007);
}

#[test]
fn another_program_spends_its_part_of_the_limit() {
    let simulator = limited(|options| options.other_load = 15);
    assert_eq!(codes(&simulator, 10).iter().filter(|&&c| c == 0).count(), 5);
    let simulator = limited(|_| ());
    simulator.set_other_load(12);
    assert_eq!(codes(&simulator, 30).iter().filter(|&&c| c == 0).count(), 8);
}

#[test]
fn the_sample_has_the_limit_of_the_api_page() {
    assert_eq!(SimulatorOptions::sample().rate_limit, Some(200));
    assert_eq!(SimulatorOptions::plain().rate_limit, Some(200));
}

#[test]
fn a_listing_has_a_limit_of_its_own_of_one_a_second() {
    let simulator = limited(|_| ());
    let mut caller = Caller::new(&simulator);
    assert_eq!(caller.list("{}").code(), 0);
    assert_eq!(caller.list("{}").code(), 60011);
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
    assert_eq!(simulator.stats().max_in_one_second, 1);
}
