//! What every test needs: a service, a home of its own, the program, and what it leaves behind.

mod leftovers;
mod program;
mod service;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use disband_batch::simulator::{FaultPlan, Simulator, SimulatorOptions};
use tempfile::TempDir;

pub(crate) use leftovers::{ReportRow, figures, read_csv, read_jsonl};
pub(crate) use program::{Finished, Program, Running};
pub(crate) use service::{assert_rows_agree_with_log, calls_by_group};

/// No process, and nothing that is waited for, may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The app that the simulator serves.
pub(crate) const APP: &str = "1400000000";

/// A simulated service, and a directory in which the program runs and keeps its ledger.
pub(crate) struct Scenario {
    home: TempDir,
    pub(crate) service: Simulator,
    pub(crate) options: SimulatorOptions,
}

impl Scenario {
    /// A service without limit, latency and faults, for which every ID is a group.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A service of which something is different.
    pub(crate) fn with(change: impl FnOnce(&mut SimulatorOptions)) -> Self {
        let mut options = SimulatorOptions {
            rate_limit: None,
            log_capacity: 1_000_000,
            ..SimulatorOptions::plain()
        };
        change(&mut options);
        Self {
            home: tempfile::tempdir().unwrap(),
            service: Simulator::start(options.clone()).unwrap(),
            options,
        }
    }

    /// A service with faults, as the simulator's command line writes them.
    pub(crate) fn with_faults(rules: &[&str]) -> Self {
        let plan = FaultPlan::new(rules.iter().map(|rule| rule.parse().unwrap())).unwrap();
        Self::with(|options| options.faults = plan)
    }

    /// A path in the directory in which the program runs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A file there.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// `ids.txt` there, with so many groups.
    pub(crate) fn ids(&self, n: usize) -> PathBuf {
        self.file("ids.txt", id_lines(n))
    }

    /// What a file there holds.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file below the ledger's directory.
    pub(crate) fn ledger_files(&self) -> Vec<PathBuf> {
        files_below(&self.path("state"))
    }

    /// The program with a key, an endpoint and consent, at 2,000 calls a second, its report in `report.csv`.
    pub(crate) fn program(&self) -> Program {
        self.bare()
            .env("DISBAND_BATCH_SDKAPPID", APP)
            .env("DISBAND_BATCH_SECRET_KEY", self.options.key.expose())
            .env("DISBAND_BATCH_ENDPOINT", self.service.url())
            .env("DISBAND_BATCH_YES", APP)
            .env("DISBAND_BATCH_RATE", "2000")
            .env("DISBAND_BATCH_REPORT", "report.csv")
    }

    /// As [`Self::program`], without consent.
    pub(crate) fn unasked(&self) -> Program {
        self.program().env("DISBAND_BATCH_YES", "")
    }

    /// The program without any setting.
    pub(crate) fn bare(&self) -> Program {
        Program::new(self.home.path())
    }

    /// The rows of `report.csv`.
    pub(crate) fn report(&self) -> Vec<ReportRow> {
        read_csv(&self.read("report.csv"))
    }

    /// Waits until the service has seen so many calls.
    pub(crate) fn wait_for_calls(&self, n: u64) {
        assert!(
            self.service.wait_until(PATIENCE, |stats| stats.calls >= n),
            "{n} calls never came: {}",
            self.service.stats()
        );
    }

    /// Waits until the service has disbanded so many groups.
    pub(crate) fn wait_for_destroyed(&self, n: u64) {
        assert!(
            self.service
                .wait_until(PATIENCE, |stats| stats.destroyed >= n),
            "{n} groups were never disbanded: {}",
            self.service.stats()
        );
    }

    /// The service saw no connection at all.
    pub(crate) fn assert_untouched(&self) {
        assert_eq!(self.service.stats().connections, 0);
    }

    /// The service has nothing to complain about.
    pub(crate) fn assert_no_violations(&self) {
        let violations = self.service.violations();
        assert!(violations.is_empty(), "{violations:?}");
    }
}

/// Each of so many records has one row.
#[track_caller]
pub(crate) fn assert_each_record_once(rows: &[ReportRow], records: u64) {
    let mut seqs: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=records).collect::<Vec<_>>());
}

/// Rows in the order of their records.
pub(crate) fn sorted(mut rows: Vec<ReportRow>) -> Vec<ReportRow> {
    rows.sort_by_key(|row| row.seq);
    rows
}

/// A file that comes with the program.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-input")
        .join(name)
}

/// The group of a number.
pub(crate) fn id(n: usize) -> String {
    format!("group-{n:05}")
}

/// So many groups, one a line.
pub(crate) fn id_lines(n: usize) -> String {
    (1..=n).map(|n| id(n) + "\n").collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}
