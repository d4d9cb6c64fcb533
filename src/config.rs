//! The config file: TOML whose keys are the options' names.
//!
//! Here it is only taken apart, into texts with their lines; the options' own parsers say what the texts mean, so that
//! a value is written and checked alike in all places.

use std::{
    io,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None: it is there or not.
    Flag,
    /// One.
    One,
    /// One, which may be left out.
    Optional,
    /// It can be given several times.
    Many,
    /// None, but it can be given several times.
    Count,
}

/// An option that a config file may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name on the command line, without dashes.
    pub name: String,
    /// How it takes its value.
    pub takes: Takes,
}

/// One setting of a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The option's name.
    pub name: String,
    /// Its values as the command line would have them; `true` or `false` for a flag.
    pub values: Vec<String>,
    /// The line of the file, from 1.
    pub line: usize,
}

/// A config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the config file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{}, line {line}: not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says, without the text of the line: a secret may stand there.
        message: String,
    },
    /// No option has this name.
    #[error("{}, line {line}: there is no setting `{key}`", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name.
        key: String,
        /// The name that may have been meant.
        suggestion: Option<String>,
    },
    /// A setting that has no place in a file.
    #[error("{}, line {line}: `{key}` {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name.
        key: String,
        /// Why not, as the end of the sentence.
        reason: &'static str,
    },
    /// A value of the wrong type.
    #[error("{}, line {line}: `{key}` must be {wanted}, not {found}", path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name.
        key: String,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
}

impl ConfigError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey {
                suggestion: Some(name),
                ..
            } => Some(format!("did you mean `{name}`?")),
            Self::UnknownKey { .. } => {
                Some("the names are those of the options in `disband-batch --help`".into())
            }
            Self::Unreadable { .. } => Some("give another one with --config".into()),
            Self::Syntax { .. } => Some("texts need quotes: region = \"sgp\"".into()),
            Self::Refused { .. } | Self::WrongType { .. } => None,
        }
    }
}

/// Names that look like settings but must not stand in a file, and why not.
const REFUSED: [(&str, &str); 5] = [
    (
        "yes",
        "cannot stand in a file: consent is given for one run, by --yes or DISBAND_BATCH_YES",
    ),
    (
        "secret-key",
        "cannot stand in a file that others may read or keep: name the key's own file as \
         `secret-key-file`, or use DISBAND_BATCH_SECRET_KEY",
    ),
    (
        "usersig",
        "cannot stand in a file that others may read or keep: name the UserSig's own file as \
         `usersig-file`, or use DISBAND_BATCH_USERSIG",
    ),
    ("config", "cannot stand in the config file itself"),
    (
        "inputs",
        "cannot stand in a file: what is disbanded is named on the command line",
    ),
];

/// Reads a config file that has to be there.
///
/// # Errors
/// [`ConfigError`], naming file and line.
pub fn load(path: &Path, keys: &[Key]) -> Result<Vec<Entry>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.into(),
        source,
    })?;
    parse(&text, path, keys)
}

/// Takes a config file's text apart; `path` is for the errors.
///
/// # Errors
/// [`ConfigError`], naming file and line.
pub fn parse(text: &str, path: &Path, keys: &[Key]) -> Result<Vec<Entry>, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.into(),
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut entries = Vec::new();
    for (name, value) in table.get_ref() {
        let line = line_of(text, name.span().start);
        let name: &str = name.get_ref();
        let key = find(name, line, path, keys)?;
        let values = texts(value.get_ref(), key.takes).map_err(|(wanted, found)| {
            ConfigError::WrongType {
                path: path.into(),
                line,
                key: name.into(),
                wanted,
                found,
            }
        })?;
        entries.push(Entry {
            name: name.into(),
            values,
            line,
        });
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn find<'k>(name: &str, line: usize, path: &Path, keys: &'k [Key]) -> Result<&'k Key, ConfigError> {
    let kebab = name.replace('_', "-").to_lowercase();
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == kebab) {
        return Err(ConfigError::Refused {
            path: path.into(),
            line,
            key: name.into(),
            reason,
        });
    }
    keys.iter()
        .find(|key| key.name == name)
        .ok_or_else(|| ConfigError::UnknownKey {
            path: path.into(),
            line,
            key: name.into(),
            suggestion: nearest(&kebab, keys.iter().map(|key| key.name.as_str())),
        })
}

/// The known name that is most like a misspelt one, if any is.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    // Below 0.8 (Jaro-Winkler) suggestions become guesses; clap draws its line at 0.7.
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

/// The value as the command line would have it, or what it should have been and what it is.
fn texts(value: &DeValue<'_>, takes: Takes) -> Result<Vec<String>, (&'static str, &'static str)> {
    let wanted = match takes {
        Takes::Flag => "true or false",
        Takes::One => "a text or a whole number",
        Takes::Optional => "a text, true or false",
        Takes::Many => "a text or a list of texts",
        Takes::Count => "a whole number",
    };
    let found = || (wanted, value.type_str());
    match (value, takes) {
        (DeValue::Boolean(set), Takes::Flag | Takes::Optional) => Ok(vec![set.to_string()]),
        (DeValue::Integer(number), Takes::One | Takes::Count) => {
            // TOML may write 1_000 or 0x10: the command line may not.
            let digits: String = number.as_str().chars().filter(|c| *c != '_').collect();
            match i128::from_str_radix(&digits, number.radix()) {
                Ok(number) => Ok(vec![number.to_string()]),
                Err(_) => Err(found()),
            }
        }
        (DeValue::String(text), Takes::One | Takes::Optional | Takes::Many) => {
            Ok(vec![text.as_ref().to_owned()])
        }
        (DeValue::Array(items), Takes::Many) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or((wanted, "a list of something else")),
        _ => Err(found()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        [
            ("rate", Takes::One),
            ("max-outage", Takes::One),
            ("dry-run", Takes::Flag),
            ("resume", Takes::Optional),
            ("protect", Takes::Many),
            ("verbose", Takes::Count),
            ("secret-key-file", Takes::One),
        ]
        .map(|(name, takes)| Key {
            name: name.into(),
            takes,
        })
        .into()
    }

    fn told(text: &str) -> String {
        let error = parse(text, Path::new("c.toml"), &keys()).unwrap_err();
        match error.hint() {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        }
    }

    #[test]
    fn values_become_what_the_command_line_would_have() {
        let text = "# of ours\nrate = 1_50\nmax-outage = \"10m\"\ndry-run = true\nresume = false\n\
                    protect = [\"a\", \"b\"]\nverbose = 0x2\n";
        let entries = parse(text, Path::new("c.toml"), &keys()).unwrap();
        let seen: Vec<_> = entries
            .iter()
            .map(|e| format!("{} {}={}", e.line, e.name, e.values.join("+")))
            .collect();
        assert_eq!(
            seen,
            [
                "2 rate=150",
                "3 max-outage=10m",
                "4 dry-run=true",
                "5 resume=false",
                "6 protect=a+b",
                "7 verbose=2"
            ]
        );
    }

    #[test]
    fn a_misspelt_name_is_refused_with_a_suggestion() {
        for (text, said) in [
            (
                "\nmax_outage = '1m'",
                "c.toml, line 2: there is no setting `max_outage` (did you mean `max-outage`?)",
            ),
            (
                "ratee = 1",
                "c.toml, line 1: there is no setting `ratee` (did you mean `rate`?)",
            ),
            (
                "colour = 1",
                "c.toml, line 1: there is no setting `colour` (the names are those of the options \
                 in `disband-batch --help`)",
            ),
            (
                "[rate]\nx = 1",
                "c.toml, line 1: `rate` must be a text or a whole number, not table",
            ),
        ] {
            assert_eq!(told(text), said);
        }
    }

    #[test]
    fn a_wrong_type_is_told_with_name_and_line() {
        for (text, said) in [
            (
                "dry-run = 'yes'",
                "`dry-run` must be true or false, not string",
            ),
            (
                "rate = true",
                "`rate` must be a text or a whole number, not boolean",
            ),
            (
                "rate = 1.5",
                "`rate` must be a text or a whole number, not float",
            ),
            (
                "rate = [1]",
                "`rate` must be a text or a whole number, not array",
            ),
            (
                "protect = [1]",
                "`protect` must be a text or a list of texts, not a list of something else",
            ),
            (
                "verbose = 'x'",
                "`verbose` must be a whole number, not string",
            ),
        ] {
            assert_eq!(told(text), format!("c.toml, line 1: {said}"));
        }
    }

    #[test]
    fn consent_and_secrets_have_no_place_in_a_file() {
        for key in ["yes", "secret-key", "secret_key", "usersig", "UserSig"] {
            let said = told(&format!("{key} = 'hush'"));
            assert!(said.starts_with("c.toml, line 1: "), "{said}");
            assert!(said.contains("cannot stand in a file"), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_without_its_text() {
        let said = told("rate = 1\nsecret-key = hush hush\n");
        assert!(said.starts_with("c.toml, line 2: not TOML: "), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}
