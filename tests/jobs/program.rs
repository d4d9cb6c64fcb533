//! The program in a home of its own, with a simulator to call.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use disband_batch::simulator::{FaultPlan, Simulator, SimulatorOptions};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const APP: &str = "1400000000";
/// Long enough for anything on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A home directory and a simulated service.
pub(crate) struct Home {
    dir: TempDir,
    pub(crate) simulator: Simulator,
    pub(crate) options: SimulatorOptions,
}

impl Home {
    /// One whose service has these faults, and no limit.
    pub(crate) fn with_faults(rules: &[&str]) -> Self {
        let rules = rules.iter().map(|rule| rule.parse().unwrap());
        let options = SimulatorOptions {
            rate_limit: None,
            faults: FaultPlan::new(rules).unwrap(),
            ..SimulatorOptions::plain()
        };
        let home = Self {
            dir: tempfile::tempdir().unwrap(),
            simulator: Simulator::start(options.clone()).unwrap(),
            options,
        };
        fs::write(home.path("key.txt"), home.options.key.expose()).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, knowing nothing but where its state is.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_disband-batch"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// The program with an account at the simulator.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command
            .env("DISBAND_BATCH_SDKAPPID", APP)
            .env("DISBAND_BATCH_ENDPOINT", self.simulator.url())
            .env("DISBAND_BATCH_SECRET_KEY_FILE", self.path("key.txt"));
        command
    }

    /// A main job over so many groups, quick and without questions.
    pub(crate) fn main_job(&self, groups: u32, more: &[&str]) -> Command {
        let ids: String = (1..=groups).map(|n| format!("g-{n}\n")).collect();
        fs::write(self.path("ids.txt"), ids).unwrap();
        let mut args = vec!["--yes", "--rate=5000", "ids.txt"];
        args.extend(more);
        self.program(&args)
    }

    /// What `runs` prints, word by word, without the titles.
    pub(crate) fn runs(&self) -> Vec<Vec<String>> {
        let table = self.stdout(&["runs"]);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        table.lines().skip(1).map(words).collect()
    }

    /// The newest run's ID.
    pub(crate) fn newest_run(&self) -> String {
        self.runs()[0][0].clone()
    }

    /// What the program prints; it must do well and say nothing else.
    pub(crate) fn stdout(&self, args: &[&str]) -> String {
        let output = self.program(args).output().unwrap();
        assert_eq!(text(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        text(&output.stdout)
    }

    /// A run's rows from `report`, in the order of the input.
    pub(crate) fn reported(&self, run: &str) -> Vec<Value> {
        rows(&self.stdout(&["report", run, "--format=jsonl"]))
    }
}

/// Rows of a JSONL report.
pub(crate) fn rows(jsonl: &str) -> Vec<Value> {
    let rows = jsonl.lines().map(serde_json::from_str);
    rows.map(Result::unwrap).collect()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit status and what was said, on both streams.
pub(crate) fn ended(output: &Output) -> (i32, String, String) {
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

/// Asks again and again until the answer satisfies; fails if it never does.
pub(crate) fn until<T: std::fmt::Debug>(
    mut ask: impl FnMut() -> T,
    enough: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if enough(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
    }
}
