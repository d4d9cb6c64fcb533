//! The environment as a value, so that settings can be made without touching the process.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

/// What every variable of ours begins with.
pub const PREFIX: &str = "DISBAND_BATCH_";

/// Environment variables by name. `Debug` shows no values: secrets stand among them.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// A variable's value. An empty one counts as not set, as people who write `NAME=` mean it.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The names of ours that are set, without [`PREFIX`].
    pub(super) fn ours(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, _)| name.to_str()?.strip_prefix(PREFIX))
    }

    /// A directory of the XDG base directory specification, which says that relative ones are to be ignored; else
    /// `fallback` in the home directory, else none.
    pub(super) fn xdg(&self, name: &str, fallback: &str) -> Option<PathBuf> {
        let absolute = |name| {
            self.get(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
        };
        absolute(name)
            .or_else(|| Some(absolute("HOME")?.join(fallback)))
            .map(|base| base.join(crate::cli::NAME))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let env = Environment::from_iter([("A", ""), ("B", "b")]);
        assert_eq!(env.get("A"), None);
        assert_eq!(env.get("B"), Some(OsStr::new("b")));
    }

    #[test]
    fn xdg_wins_over_home_and_relative_ones_are_ignored() {
        let home = ("HOME", "/home/u");
        for (env, found) in [
            (vec![home], Some("/home/u/.local/state/disband-batch")),
            (
                vec![home, ("XDG_STATE_HOME", "/s")],
                Some("/s/disband-batch"),
            ),
            (
                vec![home, ("XDG_STATE_HOME", "s")],
                Some("/home/u/.local/state/disband-batch"),
            ),
            (vec![("HOME", "")], None),
            (vec![], None),
        ] {
            let env = Environment::from_iter(env);
            assert_eq!(
                env.xdg("XDG_STATE_HOME", ".local/state"),
                found.map(PathBuf::from)
            );
        }
    }

    #[test]
    fn debug_shows_no_values() {
        let env = Environment::from_iter([("DISBAND_BATCH_SECRET_KEY", "hush")]);
        assert!(!format!("{env:?}").contains("hush"));
    }
}
