//! The program as a process that can be hurt.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use disband_batch::{
    ledger::Archive,
    simulator::{Simulator, SimulatorOptions},
};
use tempfile::TempDir;

use crate::RATE;

/// Where the program runs and keeps its ledger.
pub(crate) struct Home {
    dir: TempDir,
    url: String,
    sdkappid: u64,
}

impl Home {
    pub(crate) fn new(simulator: &Simulator, options: &SimulatorOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        fs::write(&key, options.key.expose()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            dir,
            url: simulator.url(),
            sdkappid: options.sdkappid,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Whether the ledger knows of a run: then there is one to resume.
    fn has_run(&self) -> bool {
        Archive::open(&self.path("state"))
            .and_then(|archive| archive.runs())
            .is_ok_and(|runs| !runs.is_empty())
    }
}

/// How a process ended.
#[derive(Debug)]
#[expect(dead_code, reason = "shown where a test fails")]
pub(crate) struct Ended {
    /// None where a signal did it.
    pub(crate) code: Option<i32>,
    pub(crate) resumed: bool,
    pub(crate) stderr: String,
}

/// A process under way; killed when dropped.
pub(crate) struct Session {
    child: Child,
    resumed: bool,
    stderr: PathBuf,
}

impl Session {
    /// Begins the run, or goes on with it.
    pub(crate) fn start(home: &Home) -> Self {
        let resumed = home.has_run();
        let stderr = home.path("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_disband-batch"));
        command
            .current_dir(home.dir.path())
            .env_clear()
            .args(["--sdkappid", &home.sdkappid.to_string()])
            .args(["--endpoint", &home.url])
            .args(["--secret-key-file", "key"])
            .args(["--state-dir", "state"])
            .args(["--rate", &RATE.to_string()])
            .args(["--timeout", "2s", "--max-outage", "20s"])
            .args(["--report", "report.csv", "--summary", "summary.json"])
            .args(["--progress", "none", "--yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&stderr).unwrap());
        if resumed {
            command.arg("--resume");
        } else {
            // A session that was killed before its run was entered may have claimed these.
            for name in ["report.csv", "summary.json"] {
                fs::remove_file(home.path(name)).ok();
            }
        }
        let child = command.arg("list.csv").spawn().unwrap();
        Self {
            child,
            resumed,
            stderr,
        }
    }

    /// Sends a signal; one that comes too late is none.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill")
            .args(["-s", name, &pid])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }

    /// Lets some time go by: the misfortunes of a rough world last for a while.
    pub(crate) fn pause(&self, time: Duration) {
        thread::sleep(time);
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self, patience: Duration) -> Ended {
        let until = Instant::now() + patience;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "it hangs: {}", self.said()),
            }
            thread::sleep(Duration::from_millis(5));
        };
        Ended {
            code: status.code(),
            resumed: self.resumed,
            stderr: self.said(),
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
