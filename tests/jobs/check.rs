//! `check`: one harmless call tells a right account from each wrong one.

use std::time::Duration;

use disband_batch::simulator::{Outage, SimulatorOptions};

use crate::program::{APP, Home, ended, text};

/// What `check` ends with and says.
fn check(home: &Home, more: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = home.program(&[&["check"], more].concat());
    command.env("RUST_LOG", "trace");
    for (name, value) in env {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    assert!(!said.contains(home.options.key.expose()), "{said}");
    assert!(!said.contains("usersig=") && !said.contains("eJ"), "{said}");
    ended(&output)
}

fn refused(home: &Home, more: &[&str], expected: &[&str]) {
    let (code, stdout, stderr) = check(home, more, &[]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    for part in expected {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn a_right_account_passes_without_a_group_being_touched() {
    let home = Home::with_faults(&[]);
    let (code, stdout, _) = check(&home, &[], &[]);
    assert_eq!(code, 0);
    assert!(stdout.contains("App 1400000000 is ready"), "{stdout}");
    assert!(stdout.contains("administrator is an app admin"), "{stdout}");
    let stats = home.simulator.stats();
    assert_eq!((stats.calls, stats.destroyed, stats.violations), (1, 0, 0));
    assert_eq!(home.stdout(&["check", "-q"]), "");
    assert!(
        !home.path(".local").exists(),
        "a check leaves nothing behind"
    );
}

#[test]
fn each_wrong_part_of_an_account_is_named_with_what_mends_it() {
    let home = Home::with_faults(&[]);
    std::fs::write(home.path("wrong.txt"), "0".repeat(64)).unwrap();
    let key = ["--secret-key-file=wrong.txt"];
    refused(&home, &key, &["70009", "Check that the key is the one"]);
    let admin = ["--identifier=nobody"];
    refused(&home, &admin, &["60010", "role of an app admin"]);
    refused(&home, &["--sdkappid=1400000001"], &["70020", "--sdkappid"]);
}

#[test]
fn a_code_for_everybody_is_told_with_its_own_advice() {
    let home = Home::with_faults(&[]);
    for (code, advice) in [
        (60021, "allow list"),
        (60026, "--region"),
        (60020, "Pay for the app's plan"),
        (60011, "try again in a minute"),
    ] {
        home.simulator.refuse_everybody(code).unwrap();
        refused(&home, &[], &[&code.to_string(), advice]);
    }
}

#[test]
fn each_fault_of_the_way_there_is_told_with_its_own_advice() {
    let home = Home::with_faults(&[]);
    for (outage, fault, advice) in [
        (Outage::Status(404), "HTTP status 404", "Check --endpoint"),
        (
            Outage::Status(503),
            "HTTP status 503",
            "Try again in a minute",
        ),
        (
            Outage::Reset,
            "the connection ended",
            "Try again in a minute",
        ),
        (
            Outage::RefuseConnections,
            "refused",
            "--endpoint and its port",
        ),
    ] {
        home.simulator.set_outage(outage).unwrap();
        refused(&home, &[], &[fault, advice]);
    }
    home.simulator.set_outage(Outage::Hang).unwrap();
    refused(
        &home,
        &["--timeout=200ms"],
        &["no answer within 200ms", "--timeout"],
    );
}

#[test]
fn a_usersig_made_elsewhere_is_looked_at_before_anybody_is_called() {
    let home = Home::with_faults(&[]);
    let day = Duration::from_secs(86_400);
    let usersig = |options: &SimulatorOptions, lifetime| {
        std::fs::write(home.path("usersig"), options.usersig(lifetime)).unwrap();
        let mut command = home.bare(&["check", "--usersig-file=usersig", "--sdkappid", APP]);
        command.env("DISBAND_BATCH_ENDPOINT", home.simulator.url());
        ended(&command.output().unwrap())
    };
    let (code, stdout, stderr) = usersig(&home.options, day);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("holds for another 23h 59m") || stdout.contains("1day"),
        "{stdout}"
    );
    let other = SimulatorOptions {
        sdkappid: 7,
        ..home.options.clone()
    };
    for (options, lifetime, why) in [
        (&other, day, "made for app 7"),
        (&home.options, Duration::ZERO, "expired"),
    ] {
        let (code, _, stderr) = usersig(options, lifetime);
        assert_eq!(code, 2);
        assert!(stderr.contains(why), "{stderr}");
    }
    assert_eq!(home.simulator.stats().calls, 1);
}

#[test]
fn without_an_account_there_is_nothing_to_check() {
    let home = Home::with_faults(&[]);
    let (code, _, stderr) = ended(&home.bare(&["check"]).output().unwrap());
    assert_eq!(code, 2, "{stderr}");
}
