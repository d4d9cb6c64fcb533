//! The jobs: the only place where the rooms are put together.

mod callee;
mod completions;
mod config;
mod man;
mod run;

use std::io::{self, IsTerminal, Write};

use crate::{
    cli::ProgressMode,
    error::{Error, quiet_if_nobody_reads},
    exit::ExitCode,
    logging,
    progress::{self, Screen},
    settings::{Invocation, Job},
};

/// Does what was asked for.
///
/// # Errors
/// [`Error`], with the status to end with.
pub fn start(invocation: Invocation) -> Result<ExitCode, Error> {
    let progress = match &invocation.job {
        Job::Run(settings) => mode(settings.progress),
        _ => progress::Mode::None,
    };
    let screen = Screen::of_process(progress);
    logging::init(
        &invocation.logging,
        io::stderr().is_terminal(),
        screen.logs(),
    )?;
    for warning in &invocation.warnings {
        tracing::warn!("{warning}");
    }
    match invocation.job {
        Job::Run(settings) => run::run(&settings, &screen, invocation.warnings),
        Job::Runs(_) => Err(not_built("runs")),
        Job::Report(_) => Err(not_built("report")),
        Job::Check(_) => Err(not_built("check")),
        Job::Simulator(_) => Err(not_built("simulator")),
        Job::Config(settings) => to_stdout(config::table(&settings).as_bytes()),
        Job::Completions(shell) => to_stdout(&completions::script(shell)),
        Job::Man => to_stdout(&man::page()?),
    }
}

fn mode(typed: ProgressMode) -> progress::Mode {
    match typed {
        ProgressMode::Auto => progress::Mode::Auto,
        ProgressMode::Bar => progress::Mode::Bar,
        ProgressMode::Lines => progress::Mode::Lines,
        ProgressMode::None => progress::Mode::None,
    }
}

/// A job that has no room yet.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not built yet")]
struct NotBuilt(&'static str);

fn not_built(job: &'static str) -> Error {
    Error::new(ExitCode::Usage, NotBuilt(job))
}

/// Stdout cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout")]
struct Stdout(#[source] io::Error);

fn to_stdout(bytes: &[u8]) -> Result<ExitCode, Error> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match quiet_if_nobody_reads(written) {
        Ok(()) => Ok(ExitCode::Finished),
        Err(error) => Err(Error::new(ExitCode::Usage, Stdout(error))),
    }
}
