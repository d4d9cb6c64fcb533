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

/// `ulimit -f` is told by this signal, which would end the process before it could say a word (signal(7); its number on
/// all Linux architectures but MIPS).
const FILE_TOO_LARGE: i32 = 25;

/// Lets a write beyond the limit on file sizes fail instead of ending the process.
pub(super) fn survive_file_size_limit() -> Result<(), Error> {
    // Once somebody listens, the signal has lost its default action for good.
    signal(SignalKind::from_raw(FILE_TOO_LARGE))
        .map(drop)
        .map_err(|error| Error::new(ExitCode::Usage, error))
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
