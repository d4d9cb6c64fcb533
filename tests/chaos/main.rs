//! The real program in a rough world: killed, stalled, refused, cut off, flooded, and resumed until it is done. Then the
//! simulator's log, the ledger and the report are held against each other.
//!
//! Some twenty seconds. The seed is printed when it fails; `CHAOS_SEED=<seed>` plays the same moves again (the machine's
//! own timing stays its own).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the diary is shown if the test fails")]

mod dice;
mod session;
mod witness;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use disband_batch::simulator::{FaultPlan, Groups, Latency, Outage, Simulator, SimulatorOptions};

use dice::Dice;
use session::{Ended, Home, Session};

const RATE: u32 = 800;
const GROUPS: usize = 6_000;
/// When the world becomes quiet.
const ROUGH: Duration = Duration::from_secs(10);
/// When a run that does not end has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Short faults that a run survives, and a few groups that are refused for good.
const FAULTS: [&str; 7] = [
    "10002:3%x2",
    "lost:1%x2",
    "502@after:1%",
    "truncated:0.5%",
    "503:0.5%",
    "429:0.1%",
    "10007:0.3%x*",
];

#[test]
fn no_group_is_lost_forgotten_or_called_after_its_end_in_a_rough_world() {
    let seed = dice::seed();
    let played = std::panic::catch_unwind(|| play(seed));
    if let Err(panic) = played {
        println!("CHAOS_SEED={seed} plays this again");
        std::panic::resume_unwind(panic);
    }
}

fn play(seed: u64) {
    let mut dice = Dice::new(seed);
    let groups: Vec<String> = (0..GROUPS).map(|n| format!("@TGS#2CHAOS{n}")).collect();
    let options = SimulatorOptions {
        groups: Groups::Listed(groups.iter().cloned().collect()),
        seed,
        rate_limit: Some(RATE),
        latency: Latency::between(Duration::from_millis(5), Duration::from_millis(60)),
        faults: FaultPlan::new(FAULTS.map(|rule| rule.parse().unwrap())).unwrap(),
        log_capacity: 1_000_000,
        ..SimulatorOptions::plain()
    };
    let simulator = Simulator::start(options.clone()).unwrap();
    let home = Home::new(&simulator, &options);
    fs::write(home.path("list.csv"), list(&groups)).unwrap();
    let (moves, mut finished) = rough(&home, &simulator, &mut dice);
    quiet(&simulator);
    let began = Instant::now();
    let end = loop {
        // A quick machine may be done before the rough times are over.
        let end = finished
            .take()
            .unwrap_or_else(|| Session::start(&home).wait(PATIENCE));
        if !matches!(end.code, Some(3 | 4)) {
            break end;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end: {end:?}");
    };
    assert!(matches!(end.code, Some(0 | 1)), "{moves:?}: {end:?}");
    println!(
        "seed {seed}: {moves:?}; {} calls, {} groups disbanded",
        simulator.stats().calls,
        simulator.stats().destroyed
    );
    witness::report(&home, &simulator, &groups);
    witness::ledger(&home, &simulator);
    assert_eq!(simulator.violations(), []);
    witness::pace(&home, &simulator);
}

/// A list with what lists have: duplicates, topics, nonsense.
fn list(groups: &[String]) -> String {
    let mut list = String::from("name,GroupId\n");
    for (n, group) in groups.iter().enumerate() {
        writeln!(list, "\"Group, {n}\",{group}").unwrap();
        match n % 500 {
            7 => writeln!(list, "again,{group}").unwrap(),
            8 => writeln!(list, "topic,@TGS#_{n}@TOPIC#_x").unwrap(),
            9 => writeln!(list, "nonsense,\u{1f4a5}").unwrap(),
            _ => {}
        }
    }
    list
}

/// Starts, hurts and resumes the program; says how often it did what, and how the run ended if it did.
fn rough(
    home: &Home,
    simulator: &Simulator,
    dice: &mut Dice,
) -> (BTreeMap<&'static str, u32>, Option<Ended>) {
    let mut moves = BTreeMap::new();
    let over = Instant::now() + ROUGH;
    while Instant::now() < over {
        note(simulator, "start");
        let session = Session::start(home);
        for _ in 0..dice.below(6) {
            session.pause(dice.between_ms(20, 600));
            let hurt = hurt(&session, simulator, dice);
            note(simulator, hurt);
            *moves.entry(hurt).or_default() += 1;
        }
        session.pause(dice.between_ms(5, 900));
        let kill = *dice.one_of(&["KILL", "KILL", "KILL", "TERM", "INT", "HUP"]);
        *moves.entry(kill).or_default() += 1;
        note(simulator, kill);
        session.signal(kill);
        if kill != "KILL" && dice.below(3) == 0 {
            session.pause(dice.between_ms(0, 50));
            session.signal(kill);
        }
        quiet_enough(simulator, dice);
        let end = session.wait(PATIENCE);
        match end.code {
            None => {} // by a signal
            Some(0 | 1) => return (moves, Some(end)),
            Some(3 | 4 | 130 | 143) => {}
            Some(_) => panic!("{end:?}"),
        }
    }
    (moves, None)
}

/// A line of the diary, which is shown if the test fails; times as in the simulator's log.
fn note(simulator: &Simulator, what: &str) {
    println!("{:?} {what}", simulator.started().elapsed());
}

/// One misfortune.
fn hurt(session: &Session, simulator: &Simulator, dice: &mut Dice) -> &'static str {
    match dice.below(4) {
        0 => {
            note(simulator, "stalls");
            session.signal("STOP");
            session.pause(dice.between_ms(50, 1500));
            session.signal("CONT");
            "stall"
        }
        1 => {
            let outage = *dice.one_of(&[
                Outage::RefuseConnections,
                Outage::Reset,
                Outage::Hang,
                Outage::Stall,
                Outage::Status(503),
                Outage::Code(10002),
            ]);
            simulator.set_outage(outage).unwrap();
            session.pause(dice.between_ms(50, 1200));
            simulator.set_outage(Outage::None).unwrap();
            "outage"
        }
        2 => {
            simulator.set_other_load(u32::try_from(dice.below(u64::from(RATE))).unwrap());
            "flood"
        }
        _ => {
            simulator.set_other_load(0);
            "calm"
        }
    }
}

/// A drain may meet an outage, too, but no test waits for ever.
fn quiet_enough(simulator: &Simulator, dice: &mut Dice) {
    if dice.below(2) == 0 {
        quiet(simulator);
    }
}

fn quiet(simulator: &Simulator) {
    simulator.set_other_load(0);
    simulator.set_outage(Outage::None).unwrap();
}
