//! Flags win over the environment, the environment over the config file, the file over defaults.
//!
//! The options stand in one place, `cli`. What the environment and the file hold becomes clap's defaults for a second
//! parse, so every value goes through its option's own parser wherever it comes from.

use std::{collections::BTreeMap, ffi::OsString, io, path::PathBuf};

use clap::{
    ArgAction, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    environment::{Environment, PREFIX},
    error::SettingsError,
    value::as_typed,
};
use crate::{
    cli::{self, Cli, Command},
    config::{self, Key, Takes, nearest},
    error::Error,
    exit::ExitCode,
};

/// Where a value comes from; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Nobody set it.
    Default,
    /// The config file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

/// What was typed or set elsewhere, and where.
#[derive(Clone, Debug)]
pub(super) struct Layered {
    /// The values of all layers together.
    pub cli: Cli,
    /// Things that should be said.
    pub warnings: Vec<String>,
    /// The options of the command line with their values, as words to be typed again.
    typed: Vec<(String, Vec<String>)>,
    origins: BTreeMap<String, Origin>,
    raw: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Origin {
    layer: Layer,
    place: String,
}

impl Layered {
    /// The layer that an option's value comes from; `name` without dashes.
    pub(super) fn layer(&self, name: &str) -> Layer {
        self.origins.get(name).map_or(Layer::Default, |o| o.layer)
    }

    /// The place that a person would look at to change an option's value.
    pub(super) fn place(&self, name: &str) -> String {
        match self.origins.get(name) {
            Some(origin) => origin.place.clone(),
            None => format!("the default of --{name}"),
        }
    }

    /// The options of the command line but for these, as words to be typed again.
    pub(super) fn typed_but(&self, left_out: &[&str]) -> Vec<String> {
        let kept = self
            .typed
            .iter()
            .filter(|(name, _)| !left_out.contains(&name.as_str()));
        kept.flat_map(|(_, words)| words).cloned().collect()
    }

    /// An option's value as it was written, escaped; none if it is not set.
    pub(super) fn raw(&self, name: &str) -> Option<String> {
        self.raw.get(name).cloned()
    }
}

/// A value on its way from the environment or the file to clap.
struct Given {
    origin: Origin,
    values: Vec<OsString>,
}

/// Reads all layers.
pub(super) fn read(args: Vec<OsString>, env: &Environment) -> Result<Layered, Error> {
    let first = match cli::command(|c| c).try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(error) => return Err(explain(error)),
    };
    let typed = Cli::from_arg_matches(&first)?;
    let options = options();
    let mut given = BTreeMap::new();
    let mut warnings = Vec::new();
    // These two need no settings, and must work where the settings are broken.
    if !matches!(typed.command, Some(Command::Completions(_) | Command::Man)) {
        given = from_file(&typed, env, &options)?;
        given.extend(from_environment(env, &options)?);
        warnings = unknown_variables(env, &options);
    }
    let command = cli::command(|command| {
        given.iter().fold(command, |command, (name, given)| {
            command.mut_arg(name.replace('-', "_"), |arg| {
                arg.default_values(given.values.clone())
            })
        })
    });
    let matches = command.try_get_matches_from(&args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let mut origins: BTreeMap<_, _> = given.into_iter().map(|(n, g)| (n, g.origin)).collect();
    let mut raw = BTreeMap::new();
    let mut typed = Vec::new();
    for Key { name, takes } in &options {
        let id = name.replace('-', "_");
        if let Some(values) = matches.get_raw(&id) {
            let shown: Vec<_> = values
                .map(|value| value.to_string_lossy().escape_debug().to_string())
                .collect();
            raw.insert(name.clone(), shown.join(", "));
        }
        if matches.value_source(&id) == Some(ValueSource::CommandLine) {
            let origin = Origin {
                layer: Layer::Flag,
                place: format!("--{name}"),
            };
            origins.insert(name.clone(), origin);
            let values = matches.get_raw(&id).into_iter().flatten();
            let words = match takes {
                Takes::Flag | Takes::Count => vec![format!("--{name}")],
                _ => values
                    .flat_map(|value| [format!("--{name}"), value.to_string_lossy().into_owned()])
                    .collect(),
            };
            typed.push((name.clone(), words));
        }
    }
    Ok(Layered {
        cli,
        warnings,
        typed,
        origins,
        raw,
    })
}

/// All options of the main job, as the command line defines them.
pub(super) fn options() -> Vec<Key> {
    cli::command(|c| c)
        .get_arguments()
        .filter_map(|arg| {
            let takes = match arg.get_action() {
                ArgAction::SetTrue => Takes::Flag,
                ArgAction::Count => Takes::Count,
                ArgAction::Append => Takes::Many,
                ArgAction::Set if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => {
                    Takes::Optional
                }
                ArgAction::Set => Takes::One,
                _ => return None,
            };
            let name = arg.get_long()?.to_owned();
            Some(Key { name, takes })
        })
        .collect()
}

/// The variable that sets an option.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('-', "_").to_uppercase())
}

fn from_file(
    typed: &Cli,
    env: &Environment,
    options: &[Key],
) -> Result<BTreeMap<String, Given>, Error> {
    let refused = |error: config::ConfigError| {
        let hint = error.hint();
        let error = Error::new(ExitCode::Usage, error);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    };
    let named = typed.screen.config.clone();
    let named = named.or_else(|| env.get(&variable("config")).map(PathBuf::from));
    let must_exist = named.is_some();
    let Some(path) = named.or_else(|| {
        let base = env.xdg("XDG_CONFIG_HOME", ".config")?;
        Some(base.join("config.toml"))
    }) else {
        return Ok(BTreeMap::new());
    };
    let entries = match config::load(&path, options) {
        Err(config::ConfigError::Unreadable { source, .. })
            if !must_exist && is_absent(&source) =>
        {
            return Ok(BTreeMap::new());
        }
        other => other.map_err(refused)?,
    };
    let mut given = BTreeMap::new();
    for entry in entries {
        let place = format!(
            "`{}` in {}, line {}",
            entry.name,
            path.display(),
            entry.line
        );
        let values = entry.values.into_iter().map(OsString::from).collect();
        take(&mut given, options, &entry.name, Layer::File, place, values)?;
    }
    Ok(given)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn from_environment(env: &Environment, options: &[Key]) -> Result<BTreeMap<String, Given>, Error> {
    let mut given = BTreeMap::new();
    // Consent in the environment names the app it is for: a rule for settings, not a value for clap.
    for option in options.iter().filter(|option| option.name != "yes") {
        let place = variable(&option.name);
        let Some(value) = env.get(&place) else {
            continue;
        };
        let values = match option.takes {
            Takes::Many => std::env::split_paths(value)
                .map(PathBuf::into_os_string)
                .filter(|path| !path.is_empty())
                .collect(),
            _ => vec![value.to_owned()],
        };
        let name = &option.name;
        take(&mut given, options, name, Layer::Environment, place, values)?;
    }
    Ok(given)
}

/// Variables that look like ours but are none: a misspelt one would silently set nothing.
fn unknown_variables(env: &Environment, options: &[Key]) -> Vec<String> {
    let mut known: Vec<String> = options.iter().map(|o| variable(&o.name)).collect();
    known.extend([variable("secret-key"), variable("usersig")]);
    env.ours()
        .map(|name| format!("{PREFIX}{name}"))
        .filter(|name| !known.contains(name))
        .map(
            |name| match nearest(&name, known.iter().map(String::as_str)) {
                Some(meant) => format!("{name} sets nothing; {meant} may be meant"),
                None => format!("{name} sets nothing: no option has that name"),
            },
        )
        .collect()
}

/// Checks values by their option's own parser and keeps them as clap's default for it.
fn take(
    given: &mut BTreeMap<String, Given>,
    options: &[Key],
    name: &str,
    layer: Layer,
    place: String,
    values: Vec<OsString>,
) -> Result<(), Error> {
    let Some(option) = options.iter().find(|option| option.name == name) else {
        return Ok(());
    };
    let mut kept = Vec::new();
    for value in values {
        match as_typed(option, &value) {
            Ok(Some(value)) => kept.push(value),
            Ok(None) => {}
            Err(reason) => {
                let shown = value.to_string_lossy().escape_debug().to_string();
                return Err(SettingsError::Value {
                    place,
                    value: shown,
                    reason,
                }
                .into());
            }
        }
    }
    if !kept.is_empty() {
        let origin = Origin { layer, place };
        let values = kept;
        given.insert(name.to_owned(), Given { origin, values });
    }
    Ok(())
}

/// Usage errors are clap's own; only those who try to type a secret are told better.
fn explain(error: clap::Error) -> Error {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg)
    {
        for (flag, file, name) in [
            ("--secret-key", "--secret-key-file", "secret-key"),
            ("--usersig", "--usersig-file", "usersig"),
        ] {
            if word == flag {
                let variable = variable(name);
                return SettingsError::SecretTyped {
                    flag,
                    file,
                    variable,
                }
                .into();
            }
        }
    }
    error.into()
}
