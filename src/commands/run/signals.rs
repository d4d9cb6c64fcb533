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

/// Begins to watch SIGINT, SIGTERM and SIGHUP. SIGPIPE is ignored by the Rust runtime: a closed stdout comes as an error
/// of the report's writer.
pub(super) fn watch(stopper: &Stopper) -> Result<Watching, Error> {
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ];
    let mut tasks = Vec::new();
    for (kind, name) in kinds {
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
