//! The jobs: the only place where the rooms are put together.

mod callee;
mod check;
mod completions;
mod config;
mod man;
mod report;
mod run;
mod runs;
mod simulator;
mod standing;

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
    let quiet = invocation.logging.quiet;
    match invocation.job {
        Job::Run(settings) => run::run(&settings, &screen, invocation.warnings),
        Job::Runs(settings) => to_stdout(runs::list(&settings)?.as_bytes()),
        Job::Report(settings) => report::write(&settings),
        Job::Check(settings) => {
            let said = check::check(&settings)?;
            match quiet {
                true => Ok(ExitCode::Finished),
                false => to_stdout(said.as_bytes()),
            }
        }
        Job::Simulator(settings) => simulator::serve(settings, &screen, quiet),
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
