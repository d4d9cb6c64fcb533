//! A single value from the environment or the config file, judged by its option's own parser.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{
    cli::{self, NAME, ResumeTarget},
    config::{Key, Takes},
};

/// A value as clap takes it for a default; `None` if it means that the option is not set; or why it is none.
pub(super) fn as_typed(option: &Key, value: &OsStr) -> Result<Option<OsString>, String> {
    match option.takes {
        Takes::Flag => match truth(value) {
            Some(set) => Ok(Some(set.to_string().into())),
            None => Err("must be 1, true, yes, 0, false or no".into()),
        },
        Takes::Count => match value.to_str().map(str::parse::<u8>) {
            Some(Ok(_)) => Ok(Some(value.to_owned())),
            _ => Err("must be a whole number from 0 to 255".into()),
        },
        Takes::Optional => match truth(value) {
            Some(true) => Ok(Some(ResumeTarget::NEWEST.into())),
            Some(false) => Ok(None),
            None => tried(option, value),
        },
        Takes::One | Takes::Many => tried(option, value),
    }
}

/// What a flag's value in the environment means.
fn truth(value: &OsStr) -> Option<bool> {
    match value.to_str()?.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// Lets clap parse the value alone, as if it had been typed.
fn tried(option: &Key, value: &OsStr) -> Result<Option<OsString>, String> {
    let mut word = OsString::from(format!("--{}=", option.name));
    word.push(value);
    match cli::command(|c| c).try_get_matches_from([OsString::from(NAME), word]) {
        Ok(_) => Ok(Some(value.to_owned())),
        Err(error) => Err(reason(&error)),
    }
}

fn reason(error: &clap::Error) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    match (error.kind(), error.get(ContextKind::ValidValue)) {
        (ErrorKind::InvalidValue, Some(ContextValue::Strings(valid))) if !valid.is_empty() => {
            format!("must be one of {}", valid.join(", "))
        }
        (ErrorKind::InvalidUtf8, _) => "is no UTF-8".into(),
        _ => "must have a value".into(),
    }
}
