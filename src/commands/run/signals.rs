//! Signals: the first asks the run to stop, the second insists.

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};

use crate::{
    engine::{Signal, StopReason, Stopper},
    error::Error,
    exit::ExitCode,
};

/// Watches until dropped.
pub(super) struct Watching(Vec<JoinHandle<()>>);

impl Drop for Watching {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Begins to watch SIGINT, SIGTERM and SIGHUP, but leaves alone what was ignored when the program began: that is how
/// `nohup`, and a script's shell for what it starts in the background, keep a signal away. SIGPIPE is ignored by the Rust runtime: a closed stdout comes as an error
/// of the report's writer.
pub(super) fn watch(stopper: &Stopper) -> Result<Watching, Error> {
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    let mut tasks = Vec::new();
    let ignored = ignored();
    for (kind, name) in kinds {
        if ignored >> (kind.as_raw_value() - 1) & 1 == 1 {
            continue;
        }
        let mut signals = signal(kind).map_err(|error| Error::new(ExitCode::Usage, error))?;
        let stopper = stopper.clone();
        tasks.push(tokio::spawn(async move {
            while signals.recv().await.is_some() {
                on(name, &stopper);
            }
        }));
    }
    Ok(Watching(tasks))
}

/// The signals that this process ignores, as a mask whose lowest bit is signal 1 (proc(5), `SigIgn`). None where the
/// system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok())
        .unwrap_or(0)
}

/// Lets a write beyond the process's file-size limit (`ulimit -f`) fail like one on a full disk, instead of killing the
/// process. In force until it ends.
pub(super) fn outlive_file_size_limit() {
    /// The same on all Linux architectures but MIPS, and on the BSDs and macOS.
    const SIGXFSZ: i32 = 25;
    if let Err(error) = signal(SignalKind::from_raw(SIGXFSZ)) {
        tracing::debug!("a file-size limit would kill this process: {error}");
    }
}

fn on(signal: Signal, stopper: &Stopper) {
    if stopper.is_asked() && signal != Signal::HangUp {
        tracing::warn!("leaving at once; calls in flight are recorded as unanswered");
        stopper.insist();
    } else {
        tracing::warn!(
            "stopping: nothing new is sent, calls in flight are waited for; again to leave at once"
        );
        stopper.stop(StopReason::Signal(signal));
    }
}
