//! What the command line means, together with environment and config file: checked once, in types that cannot be wrong.
//!
//! Rules that concern several options live here and nowhere else.

mod account;
mod credential;
mod environment;
mod error;
mod layers;
mod results;
mod run;
mod show;
mod value;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    num::NonZeroU64,
    path::{Path, PathBuf},
};

pub use account::{Account, Calls, Home, Service};
pub use credential::Credential;
pub use environment::{Environment, PREFIX};
pub use error::SettingsError;
pub use layers::Layer;
pub use results::{ReportTo, Results};
pub use run::{Consent, Input, Inputs, Mode, Pace, Reading, RunSettings, Safety};
pub use show::Shown;

use crate::{
    cli::{Command, ExportFormat, LogFormat, ReportArgs},
    error::Error,
};
use layers::Layered;

/// What is to be done, and how it is talked about.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The job.
    pub job: Job,
    /// How logs are written.
    pub logging: Logging,
    /// What a person should be told before anything is done; sentences without secrets.
    pub warnings: Vec<String>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Job {
    /// Disband groups.
    Run(Box<RunSettings>),
    /// Show the ledger's runs.
    Runs(RunsSettings),
    /// Write a run's report again.
    Report(ReportSettings),
    /// Check the account.
    Check(Box<CheckSettings>),
    /// Be the simulator.
    Simulator(SimulatorSettings),
    /// Show the settings.
    Config(Vec<Shown>),
    /// Write completions.
    Completions(clap_complete::Shell),
    /// Write the man page.
    Man,
}

/// What `runs` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsSettings {
    /// Where the ledger lives.
    pub state_dir: PathBuf,
    /// Only this app's runs.
    pub sdkappid: Option<NonZeroU64>,
}

/// What `report` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSettings {
    /// Where the ledger lives.
    pub state_dir: PathBuf,
    /// The run's ID.
    pub run: String,
    /// How the report is written.
    pub format: ExportFormat,
    /// Where to; stdout if none.
    pub output: Option<PathBuf>,
}

/// What `check` needs.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// Whose account.
    pub account: Account,
    /// How long a call may take.
    pub calls: Calls,
}

/// What `simulator` needs: its own arguments, and the shared options that describe the app it plays.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// Its own arguments.
    pub args: crate::simulator::SimulatorArgs,
    /// The app to play, if one is set.
    pub sdkappid: Option<NonZeroU64>,
    /// The admin account to play.
    pub identifier: String,
    /// The file with the key that signs for the app, if one is set.
    pub secret_key_file: Option<PathBuf>,
}

/// How logs are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// For people or for programs.
    pub format: LogFormat,
    /// How much more than usual: 0 is usual, 1 more, 2 everything.
    pub verbose: u8,
    /// Only errors.
    pub quiet: bool,
    /// `RUST_LOG`, which wins over both.
    pub rust_log: Option<String>,
    /// Whether `NO_COLOR` forbids colours.
    pub no_color: bool,
}

/// Reads everything that can be set.
///
/// `args` begin with the program's name.
///
/// # Errors
/// [`Error`] with exit code 2, naming the place that is wrong; help and version come as an error with exit code 0.
pub fn read(
    args: impl IntoIterator<Item = OsString>,
    env: &Environment,
    stdin_is_terminal: bool,
) -> Result<Invocation, Error> {
    let mut layered = layers::read(args.into_iter().collect(), env)?;
    let mut warnings = std::mem::take(&mut layered.warnings);
    if let Some(command) = &layered.cli.command {
        refuse_foreign(&layered, command)?;
    }
    let logging = logging(&layered, env)?;
    let job = match layered.cli.command.clone() {
        None => {
            let settings = run::settings(&layered, env, stdin_is_terminal, &mut warnings)?;
            Job::Run(Box::new(settings))
        }
        Some(Command::Runs) => Job::Runs(RunsSettings {
            state_dir: state_dir(&layered, env)?,
            sdkappid: layered.cli.app.sdkappid,
        }),
        Some(Command::Report(args)) => Job::Report(report(args, state_dir(&layered, env)?)),
        Some(Command::Check) => Job::Check(Box::new(CheckSettings {
            account: account::account(&layered, env, &mut warnings)?,
            calls: account::calls(&layered, &mut warnings)?,
        })),
        Some(Command::Simulator(args)) => Job::Simulator(SimulatorSettings {
            args,
            sdkappid: layered.cli.app.sdkappid,
            identifier: layered.cli.app.identifier.clone(),
            secret_key_file: layered.cli.app.secret_key_file.clone(),
        }),
        Some(Command::Config) => Job::Config(show::all(&layered, env)),
        Some(Command::Completions(args)) => Job::Completions(args.shell),
        Some(Command::Man) => Job::Man,
    };
    Ok(Invocation {
        job,
        logging,
        warnings,
    })
}

/// A job's name among the main job's inputs or options is likely a file: better refused than half obeyed.
fn refuse_foreign(layered: &Layered, command: &Command) -> Result<(), SettingsError> {
    let job = command.name();
    if !layered.cli.input.inputs.is_empty() {
        return Err(SettingsError::InputForJob { job });
    }
    if matches!(command, Command::Config) {
        return Ok(());
    }
    let shared = |name: &str| {
        crate::cli::command(|c| c)
            .get_arguments()
            .any(|arg| arg.get_long() == Some(name) && arg.is_global_set())
    };
    match layers::options()
        .into_iter()
        .find(|o| layered.layer(&o.name) == Layer::Flag && !shared(&o.name))
    {
        None => Ok(()),
        Some(option) => Err(SettingsError::OptionForJob {
            option: layered.place(&option.name),
            job,
        }),
    }
}

fn logging(layered: &Layered, env: &Environment) -> Result<Logging, SettingsError> {
    let screen = &layered.cli.screen;
    let (mut verbose, mut quiet) = (screen.verbose, screen.quiet);
    if verbose > 0 && quiet {
        match layered.layer("verbose").cmp(&layered.layer("quiet")) {
            std::cmp::Ordering::Greater => quiet = false,
            std::cmp::Ordering::Less => verbose = 0,
            std::cmp::Ordering::Equal => {
                return Err(SettingsError::QuietAndVerbose {
                    verbose: layered.place("verbose"),
                    quiet: layered.place("quiet"),
                });
            }
        }
    }
    Ok(Logging {
        format: screen.log_format,
        verbose,
        quiet,
        rust_log: env
            .get("RUST_LOG")
            .map(|filter| filter.to_string_lossy().into()),
        no_color: env.get("NO_COLOR").is_some(),
    })
}

fn state_dir(layered: &Layered, env: &Environment) -> Result<PathBuf, SettingsError> {
    layered
        .cli
        .resume
        .state_dir
        .clone()
        .or_else(|| env.xdg("XDG_STATE_HOME", ".local/state"))
        .ok_or(SettingsError::NoStateDir)
}

fn report(args: ReportArgs, state_dir: PathBuf) -> ReportSettings {
    let output = args.output.filter(|path| path != Path::new("-"));
    let ending = output.as_deref().and_then(ending);
    let format = args.format.unwrap_or(match ending.as_deref() {
        Some("jsonl" | "ndjson") => ExportFormat::Jsonl,
        Some("html" | "htm") => ExportFormat::Html,
        _ => ExportFormat::Csv,
    });
    ReportSettings {
        state_dir,
        run: args.run,
        format,
        output,
    }
}

/// A path's ending in small letters.
fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Reads a small file; a longer one is cut, for nothing that long is a key.
fn read_small(path: &Path) -> io::Result<(Vec<u8>, std::fs::Metadata)> {
    const LONGEST: u64 = 64 * 1024;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

#[cfg(test)]
mod tests;
