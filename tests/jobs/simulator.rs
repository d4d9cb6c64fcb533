//! `simulator`, standing alone.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use crate::program::{APP, Home, ended, text};

/// A running simulator, killed when dropped.
struct Alone {
    child: Child,
    url: String,
}

impl Alone {
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut child = home
            .bare(&[&["simulator", "--listen=127.0.0.1:0"], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim().to_owned();
        Self { child, url }
    }

    /// Sends a signal; returns exit code and what it said.
    fn end(mut self, signal: &str) -> (i32, String) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        let mut said = Vec::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_end(&mut said)
            .unwrap();
        (self.child.wait().unwrap().code().unwrap(), text(&said))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

#[test]
fn a_run_against_it_needs_what_it_says_and_nothing_else() {
    let home = Home::with_faults(&[]);
    for signal in ["-TERM", "-INT"] {
        let alone = Alone::start(&home, &["--write-key=simulators.key", "--rate-limit=0"]);
        let report = format!("--report={{run}}{signal}.csv");
        let mut run = home.main_job(25, &[&report, "--secret-key-file=simulators.key"]);
        let run = run
            .env("DISBAND_BATCH_ENDPOINT", &alone.url)
            .output()
            .unwrap();
        assert_eq!(ended(&run).0, 0, "{}", text(&run.stderr));
        let (code, said) = alone.end(signal);
        assert_eq!(code, 0);
        for part in [
            "--endpoint http://127.0.0.1:",
            "--secret-key-file simulators.key",
            APP,
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(said.contains("25 groups disbanded"), "{said}");
        assert!(said.contains("0 violated the protocol"), "{said}");
        let key = home.read("simulators.key");
        assert!(!said.contains(key.trim()), "{said}");
    }
    assert_eq!(home.simulator.stats().calls, 0);
}

#[test]
fn what_other_machines_could_reach_needs_consent() {
    let home = Home::with_faults(&[]);
    let args = ["simulator", "--listen=0.0.0.0:0"];
    let (code, stdout, stderr) = ended(&home.bare(&args).output().unwrap());
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--allow-remote"), "{stderr}");
}

#[test]
fn an_address_in_use_is_named() {
    let home = Home::with_faults(&[]);
    let addr = home.simulator.addr().to_string();
    let (code, _, stderr) = ended(
        &home
            .bare(&["simulator", "--listen", &addr])
            .output()
            .unwrap(),
    );
    assert_eq!(code, 2);
    assert!(
        stderr.contains(&addr) && stderr.contains("--listen"),
        "{stderr}"
    );
}
