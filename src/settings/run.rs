//! The main job's settings.

use std::{
    ffi::OsStr,
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use super::{
    account::{self, Calls, Service},
    environment::Environment,
    error::SettingsError,
    layers::{self, Layered},
    results::{self, Results},
    state_dir,
};
use crate::cli::{Column, Delimiter, Format, MaxFailures, ProgressMode, ResumeTarget};

/// Everything that the main job needs to know.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// What is read.
    pub inputs: Inputs,
    /// How it is read.
    pub reading: Reading,
    /// Who is called.
    pub service: Service,
    /// How fast.
    pub pace: Pace,
    /// How long one call may take.
    pub calls: Calls,
    /// What keeps it from doing harm.
    pub safety: Safety,
    /// Whether the user has consented already.
    pub consent: Consent,
    /// Whether it begins, goes on, or only pretends.
    pub mode: Mode,
    /// What is left behind.
    pub results: Results,
    /// The options as typed, for the advice how to go on: without those that only made sense once.
    pub typed: Vec<String>,
    /// Whether only trouble is told.
    pub quiet: bool,
    /// How progress is shown; with `--quiet`, `auto` has become `none`.
    pub progress: ProgressMode,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// These, in this order: at least one, stdin at most once and never a terminal.
    Named(Vec<Input>),
    /// None is named in a run that goes on: its own, as the ledger knows them.
    OfTheRun {
        /// Stdin is a terminal, so that nothing can come from there.
        stdin_is_terminal: bool,
    },
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What is piped in.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// How the input is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How records are written.
    pub format: Format,
    /// Which column or key holds the ID, if it is not to be found by its name.
    pub column: Option<Column>,
    /// What separates CSV cells, if it is not to be sniffed.
    pub delimiter: Option<Delimiter>,
    /// Whether the first CSV row is a header.
    pub has_header: bool,
}

/// How fast a run goes, and how patient it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Calls a second.
    pub rate: NonZeroU32,
    /// Calls in flight.
    pub concurrency: NonZeroU32,
    /// Calls for one group.
    pub max_attempts: NonZeroU32,
    /// How long the run waits while nothing settles.
    pub max_outage: Duration,
}

/// What keeps a run from doing harm.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// Files with IDs and globs that are never disbanded.
    pub protect: Vec<PathBuf>,
    /// More groups than this are refused.
    pub max_groups: Option<NonZeroU64>,
    /// Groups called at most.
    pub limit: Option<NonZeroU64>,
    /// When the run stops cleanly.
    pub max_duration: Option<Duration>,
    /// How many failures stop the run.
    pub max_failures: Option<MaxFailures>,
}

/// Whether the user has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// `--yes`, or the environment names this app, or nothing can come to harm.
    Given,
    /// The terminal must be asked.
    Ask,
}

/// Whether a run begins, goes on, or only pretends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything but the calls, with a throwaway ledger.
    Dry,
    /// A new run.
    Fresh {
        /// Where the ledger lives.
        state_dir: PathBuf,
    },
    /// An earlier run.
    Resume {
        /// Where the ledger lives.
        state_dir: PathBuf,
        /// Which.
        target: ResumeTarget,
        /// Groups that ended `failed` or `exhausted` get another try.
        retry_failed: bool,
    },
}

pub(super) fn settings(
    layered: &Layered,
    env: &Environment,
    stdin_is_terminal: bool,
    warnings: &mut Vec<String>,
) -> Result<RunSettings, SettingsError> {
    let mode = mode(layered, env)?;
    let inputs = inputs(layered, &mode, stdin_is_terminal)?;
    let service = account::service(layered, env, warnings)?;
    let consent = consent(layered, env, &mode, &service)?;
    let (pace, safety) = (&layered.cli.pace, &layered.cli.safety);
    if pace.rate.get() > 200 && matches!(service, Service::Live(_)) {
        warnings.push(format!(
            "{} calls a second ({}) are above the usual limit of 200: right only if the app has \
             bought more.",
            pace.rate,
            layered.place("rate")
        ));
    }
    let screen = &layered.cli.screen;
    Ok(RunSettings {
        inputs,
        reading: reading(layered)?,
        consent,
        service,
        pace: Pace {
            rate: pace.rate,
            concurrency: pace.concurrency,
            max_attempts: pace.max_attempts,
            max_outage: pace.max_outage,
        },
        calls: account::calls(layered, warnings)?,
        safety: Safety {
            protect: safety.protect.clone(),
            max_groups: safety.max_groups,
            limit: safety.limit,
            max_duration: safety.max_duration,
            max_failures: safety.max_failures,
        },
        mode,
        results: results::results(layered)?,
        typed: layered.typed_but(&[
            "resume",
            "retry-failed",
            "limit",
            "max-groups",
            "dry-run",
            "yes",
        ]),
        quiet: screen.quiet,
        progress: match screen.progress {
            ProgressMode::Auto if screen.quiet => ProgressMode::None,
            chosen => chosen,
        },
    })
}

fn mode(layered: &Layered, env: &Environment) -> Result<Mode, SettingsError> {
    let resume = &layered.cli.resume;
    let is_dry = layered.cli.safety.dry_run;
    match &resume.resume {
        None if resume.retry_failed => Err(SettingsError::RetryFailedAlone {
            place: layered.place("retry-failed"),
        }),
        None if is_dry => Ok(Mode::Dry),
        None => Ok(Mode::Fresh {
            state_dir: state_dir(layered, env)?,
        }),
        Some(_) if is_dry => Err(SettingsError::DryResume {
            dry: layered.place("dry-run"),
            resume: layered.place("resume"),
        }),
        Some(target) => Ok(Mode::Resume {
            state_dir: state_dir(layered, env)?,
            target: target.clone(),
            retry_failed: resume.retry_failed,
        }),
    }
}

fn inputs(
    layered: &Layered,
    mode: &Mode,
    stdin_is_terminal: bool,
) -> Result<Inputs, SettingsError> {
    let named = &layered.cli.input.inputs;
    if named.is_empty() && matches!(mode, Mode::Resume { .. }) {
        return Ok(Inputs::OfTheRun { stdin_is_terminal });
    }
    let mut inputs: Vec<Input> = named
        .iter()
        .map(|path| match path.as_os_str() == OsStr::new("-") {
            true => Input::Stdin,
            false => Input::File(path.clone()),
        })
        .collect();
    if inputs.is_empty() {
        inputs.push(Input::Stdin);
    }
    match inputs.iter().filter(|i| **i == Input::Stdin).count() {
        0 => Ok(Inputs::Named(inputs)),
        1 if stdin_is_terminal => Err(SettingsError::TerminalAsInput),
        1 => Ok(Inputs::Named(inputs)),
        _ => Err(SettingsError::StdinTwice),
    }
}

/// Options of another format are refused, for who gives them expects something else of the input. Only where the
/// format is chosen in a higher layer are they left behind.
fn reading(layered: &Layered) -> Result<Reading, SettingsError> {
    let input = &layered.cli.input;
    let mut reading = Reading {
        format: input.format,
        column: input.column.clone(),
        delimiter: input.delimiter,
        has_header: !input.no_header,
    };
    let (format, foreign): (_, &[&str]) = match input.format {
        Format::Lines => ("plain lines", &["column", "delimiter", "no-header"]),
        Format::Jsonl => ("JSONL", &["delimiter", "no-header"]),
        Format::Auto | Format::Csv => return Ok(reading),
    };
    for option in foreign {
        let is_set = match *option {
            "column" => reading.column.is_some(),
            "delimiter" => reading.delimiter.is_some(),
            _ => !reading.has_header,
        };
        if is_set && layered.layer(option) >= layered.layer("format") {
            return Err(SettingsError::NotOfFormat {
                option: layered.place(option),
                format,
                place: layered.place("format"),
            });
        }
    }
    if input.format == Format::Lines {
        reading.column = None;
    }
    reading.delimiter = None;
    reading.has_header = true;
    Ok(reading)
}

fn consent(
    layered: &Layered,
    env: &Environment,
    mode: &Mode,
    service: &Service,
) -> Result<Consent, SettingsError> {
    let account = match service {
        Service::Live(account) if *mode != Mode::Dry => account,
        _ => return Ok(Consent::Given),
    };
    if layered.cli.safety.yes {
        return Ok(Consent::Given);
    }
    match env.get(&layers::variable("yes")) {
        None => Ok(Consent::Ask),
        Some(given) if *given == *account.sdkappid.to_string() => Ok(Consent::Given),
        Some(given) => Err(SettingsError::ConsentForOther {
            given: given.to_string_lossy().escape_debug().to_string(),
            sdkappid: account.sdkappid.get(),
        }),
    }
}
