//! Neither key nor UserSig leaves the program but in the calls themselves (promise 9).

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use disband_batch::simulator::Outage;

use crate::support::{Finished, Program, Running, Scenario, id_lines};

/// Every kind of answer that makes a client complain, each met by some groups.
const FAULTS: [&str; 12] = [
    "reset:8%",
    "502:8%",
    "404:4%",
    "redirect:8%",
    "hang:4%",
    "malformed:8%",
    "truncated:8%",
    "portal:8%",
    "endless-headers:4%",
    "gibberish:8%",
    "10002:8%",
    "control:8%",
];

/// A part of a secret of this length is a leak.
const TELLING: usize = 20;

fn assert_holds_no_secret(what: &str, text: &[u8], secrets: &[String]) {
    for secret in secrets {
        assert!(secret.len() > TELLING);
        for part in secret.as_bytes().windows(TELLING) {
            assert!(
                memchr::memmem::find(text, part).is_none(),
                "{what} holds {:?}",
                String::from_utf8_lossy(part)
            );
        }
    }
}

/// Looks through all that a run says and leaves behind.
fn assert_kept(scenario: &Scenario, run: &Finished, secrets: &[String]) {
    assert!(
        run.stderr.contains("DEBUG") || run.stderr.contains("TRACE"),
        "no logs"
    );
    assert_holds_no_secret("stdout", run.stdout.as_bytes(), secrets);
    assert_holds_no_secret("stderr", run.stderr.as_bytes(), secrets);
    let ledger = scenario.ledger_files();
    assert!(!ledger.is_empty());
    let left = ["report.csv", "summary.json", "metrics.prom"].map(|name| scenario.path(name));
    for path in ledger.iter().chain(&left) {
        let bytes = fs::read(path).unwrap();
        assert_holds_no_secret(&path.display().to_string(), &bytes, secrets);
    }
}

/// What everybody on the machine can see of a process, and what its binary is called with.
fn command_line(run: &Running) -> Vec<u8> {
    fs::read(Path::new("/proc").join(run.pid.to_string()).join("cmdline")).unwrap()
}

fn talkative(program: Program) -> Program {
    program.env("RUST_LOG", "trace").args([
        "-vv",
        "--timeout",
        "1s",
        "--summary",
        "summary.json",
        "--metrics-file",
        "metrics.prom",
    ])
}

/// Stands between program and service and notes every UserSig that passes.
struct Eavesdropper {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Eavesdropper {
    fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let heard = Arc::default();
        let notes = Arc::clone(&heard);
        // Not joined: it ends with the test's process.
        thread::spawn(move || {
            for caller in listener.incoming() {
                let (caller, notes) = (caller.unwrap(), Arc::clone(&notes));
                thread::spawn(move || pass_on(caller, service, &notes));
            }
        });
        Self { addr, heard }
    }

    fn usersigs(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let text = String::from_utf8_lossy(&heard).into_owned();
        let mut usersigs: Vec<String> = text
            .split("usersig=")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(['&', ' '])?.0.replace("%2A", "*")))
            .collect();
        usersigs.sort();
        usersigs.dedup();
        usersigs
    }
}

fn pass_on(mut caller: TcpStream, service: SocketAddr, notes: &Mutex<Vec<u8>>) {
    let Ok(mut service) = TcpStream::connect(service) else {
        return;
    };
    let (mut answers, mut back) = (service.try_clone().unwrap(), caller.try_clone().unwrap());
    thread::spawn(move || {
        // Whoever hangs up first, the other is told.
        let _copied = std::io::copy(&mut answers, &mut back);
        let _told = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 8192];
    while let Ok(n @ 1..) = caller.read(&mut buffer) {
        notes.lock().unwrap().extend_from_slice(&buffer[..n]);
        if service.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _told = service.shutdown(Shutdown::Both);
}

#[test]
fn the_key_and_what_it_signs_stay_secret_whatever_goes_wrong() {
    let scenario = Scenario::with_faults(&FAULTS);
    let ear = Eavesdropper::before(scenario.service.addr());
    let mut run = talkative(scenario.program())
        .env("DISBAND_BATCH_ENDPOINT", format!("http://{}", ear.addr))
        .start();
    run.feed(&id_lines(60));
    scenario.wait_for_calls(1);
    let seen_by_all = command_line(&run);
    let run = run.end_input_and_wait();
    let mut secrets = ear.usersigs();
    assert!(!secrets.is_empty(), "nothing was heard");
    secrets.push(scenario.options.key.expose().to_owned());
    assert_kept(&scenario, &run, &secrets);
    assert_holds_no_secret("ps", &seen_by_all, &secrets);
    scenario.assert_no_violations();
}

#[test]
fn a_usersig_made_elsewhere_stays_secret_whatever_goes_wrong() {
    let scenario = Scenario::with_faults(&FAULTS);
    let usersig = scenario.options.usersig(Duration::from_secs(86_400));
    let file = scenario.file("usersig", &usersig);
    let mut run = talkative(scenario.program())
        .env("DISBAND_BATCH_SECRET_KEY", "")
        .args(["--usersig-file".as_ref(), file.as_os_str()])
        .start();
    run.feed(&id_lines(60));
    scenario.wait_for_calls(1);
    let seen_by_all = command_line(&run);
    let run = run.end_input_and_wait();
    assert_kept(&scenario, &run, std::slice::from_ref(&usersig));
    assert_holds_no_secret("ps", &seen_by_all, &[usersig]);
}

#[test]
fn a_service_that_is_not_there_learns_and_tells_nothing() {
    let scenario = Scenario::new();
    let usersig = scenario.options.usersig(Duration::from_secs(86_400));
    scenario
        .service
        .set_outage(Outage::RefuseConnections)
        .unwrap();
    let run = talkative(scenario.program())
        .env("DISBAND_BATCH_SECRET_KEY", "")
        .env("DISBAND_BATCH_USERSIG", &usersig)
        .args(["--max-outage", "2s"])
        .run_with(id_lines(30))
        .exits(3);
    assert_kept(&scenario, &run, &[usersig]);
}

#[test]
fn refused_credentials_are_not_shown_to_explain_the_refusal() {
    let scenario = Scenario::new();
    let key = "f00dfeedf00dfeedf00dfeedf00dfeed0123456789abcdef0123456789abcdef";
    let ear = Eavesdropper::before(scenario.service.addr());
    let run = talkative(scenario.program())
        .env("DISBAND_BATCH_SECRET_KEY", key)
        .env("DISBAND_BATCH_ENDPOINT", format!("http://{}", ear.addr))
        .run_with(id_lines(30))
        .exits(3);
    let mut secrets = ear.usersigs();
    assert!(!secrets.is_empty(), "nothing was heard");
    secrets.push(key.to_owned());
    assert_kept(&scenario, &run, &secrets);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated_in_the_error() {
    let scenario = Scenario::new();
    let key = scenario.options.key.expose().to_owned();
    let usersig = scenario.options.usersig(Duration::from_secs(86_400));
    for (option, secret) in [
        ("--secret-key-file", &key),
        ("--usersig-file", &usersig),
        ("--secret-key", &key),
        ("--usersig", &usersig),
    ] {
        for joined in [false, true] {
            let program = scenario
                .program()
                .env("DISBAND_BATCH_SECRET_KEY", "")
                .env("RUST_LOG", "trace");
            let program = match joined {
                true => program.arg(format!("{option}={secret}")),
                false => program.args([option, secret]),
            };
            let run = program.run_with("a\n").exits(2);
            let secrets = [secret.clone()];
            assert_holds_no_secret(option, run.stderr.as_bytes(), &secrets);
        }
    }
    // A UserSig where a key belongs, and the other way round.
    for (variable, wrong) in [
        ("DISBAND_BATCH_SECRET_KEY", format!("{key} and more")),
        ("DISBAND_BATCH_USERSIG", key.clone()),
    ] {
        let run = scenario
            .program()
            .env("DISBAND_BATCH_SECRET_KEY", "")
            .env(variable, &wrong)
            .run_with("a\n")
            .exits(2);
        assert_holds_no_secret(variable, run.stderr.as_bytes(), &[wrong]);
    }
    scenario.assert_untouched();
}
