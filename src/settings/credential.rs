//! The key or UserSig: exactly one, from a file or the environment, shown to nobody.

use std::{
    ffi::OsStr,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use super::{
    environment::Environment,
    error::SettingsError,
    layers::{self, Layer, Layered},
    read_small,
};
use crate::secret::Secret;

/// What calls are signed with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The app's key: UserSigs are made here and renewed before they expire.
    Key(Secret),
    /// A UserSig made elsewhere.
    UserSig(Secret),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Key,
    UserSig,
}

/// One way in which a credential is set.
struct Source {
    layer: Layer,
    place: String,
    kind: Kind,
    file: Option<PathBuf>,
}

/// As with every setting the highest layer wins; two in one layer are refused.
pub(super) fn credential(
    layered: &Layered,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Credential, SettingsError> {
    let mut sources = sources(layered, env);
    sources.sort_by_key(|source| std::cmp::Reverse(source.layer));
    match sources.as_slice() {
        [first, second, ..] if first.layer == second.layer => Err(SettingsError::TwoCredentials {
            first: first.place.clone(),
            second: second.place.clone(),
        }),
        [source, ..] => take(source, env, warnings),
        [] => Err(SettingsError::NoCredential),
    }
}

fn sources(layered: &Layered, env: &Environment) -> Vec<Source> {
    let app = &layered.cli.app;
    let mut sources = Vec::new();
    for (kind, file_option, file, secret) in [
        (
            Kind::Key,
            "secret-key-file",
            &app.secret_key_file,
            "secret-key",
        ),
        (Kind::UserSig, "usersig-file", &app.usersig_file, "usersig"),
    ] {
        if file.is_some() {
            sources.push(Source {
                layer: layered.layer(file_option),
                place: layered.place(file_option),
                kind,
                file: file.clone(),
            });
        }
        let variable = layers::variable(secret);
        if env.get(&variable).is_some() {
            sources.push(Source {
                layer: Layer::Environment,
                place: variable,
                kind,
                file: None,
            });
        }
    }
    sources
}

fn take(
    source: &Source,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Credential, SettingsError> {
    let text = match &source.file {
        Some(path) => from_file(source, path, env, warnings)?,
        None => env
            .get(&source.place)
            .and_then(OsStr::to_str)
            .map(|text| Secret::new(text.to_owned()))
            .ok_or_else(|| bad(source, "it is no UTF-8"))?,
    };
    let line = Secret::new(one_line(text.expose()).to_owned());
    check(source.kind, line.expose()).map_err(|reason| bad(source, reason))?;
    Ok(match source.kind {
        Kind::Key => Credential::Key(line),
        Kind::UserSig => Credential::UserSig(line),
    })
}

fn bad(source: &Source, reason: &'static str) -> SettingsError {
    let kind = match source.kind {
        Kind::Key => "key",
        Kind::UserSig => "UserSig",
    };
    let place = match &source.file {
        Some(path) => format!("{}: {}", source.place, shown(path)),
        None => source.place.clone(),
    };
    SettingsError::BadSecret {
        place,
        kind,
        reason,
    }
}

fn from_file(
    source: &Source,
    path: &Path,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Secret, SettingsError> {
    let (bytes, metadata) = read_small(path).map_err(|error| unreadable(source, path, error))?;
    let is_handed_over = env
        .get("CREDENTIALS_DIRECTORY")
        .is_some_and(|credentials| path.starts_with(credentials));
    // systemd guards its credentials by other means than the mode alone.
    if others_may_read(&metadata) && !is_handed_over {
        warnings.push(format!(
            "Others can read {}: chmod 600 keeps it to its owner.",
            shown(path)
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(zeroize::Zeroizing::new(error.into_bytes()));
            Err(bad(source, "it is no UTF-8"))
        }
    }
}

fn unreadable(source: &Source, path: &Path, error: io::Error) -> SettingsError {
    let file = match looks_like_secret(path) {
        true => String::new(),
        false => format!(": {}", path.display()),
    };
    SettingsError::SecretFile {
        place: source.place.clone(),
        file,
        source: error,
    }
}

/// A path as it may be shown: some people pass the secret where its file is asked for.
pub(super) fn shown(path: &Path) -> String {
    match looks_like_secret(path) {
        true => "[redacted]".into(),
        false => path.display().to_string(),
    }
}

/// Keys are 64 hex digits, UserSigs longer; a file is hardly called like that, and where it is nothing is lost.
fn looks_like_secret(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let is_long = text.len() >= 32;
    is_long && !text.contains(['/', '.', ' ']) && !path.exists()
}

#[cfg(unix)]
fn others_may_read(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const GROUP_OR_OTHERS: u32 = 0o044;
    metadata.is_file() && metadata.permissions().mode() & GROUP_OR_OTHERS != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &Metadata) -> bool {
    false
}

/// Editors end a file with a line end, some begin it with a byte order mark; neither belongs to the secret.
fn one_line(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_end_matches(['\n', '\r'])
}

/// What a key or UserSig may consist of (spec section 7), or what is wrong without showing it.
fn check(kind: Kind, text: &str) -> Result<(), &'static str> {
    let of_usersig = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-' | '_');
    match kind {
        _ if text.is_empty() => Err("it is empty"),
        _ if text.contains(['\n', '\r']) => Err("it has several lines"),
        _ if text.contains("PRIVATE KEY") => Err("keys of the old scheme in PEM form cannot sign"),
        Kind::Key if !text.chars().all(|c| c.is_ascii_graphic()) => {
            Err("it has a blank or another character that no key has")
        }
        Kind::Key if text.contains(['"', '\'']) => Err("it stands in quotes"),
        Kind::UserSig if !text.chars().all(of_usersig) => {
            Err("only letters, digits, `*`, `-` and `_` make up a UserSig")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_secret_is_taken() {
        for (kind, text, is_fine) in [
            (Kind::Key, "0123456789abcdef", true),
            (Kind::Key, "", false),
            (Kind::Key, "a b", false),
            (Kind::Key, "a\nb", false),
            (Kind::Key, "\"abc\"", false),
            (Kind::Key, "ключ", false),
            (Kind::UserSig, "eJyrVgrxCd*-_", true),
            (Kind::UserSig, "eJyrVgrxCd==", false),
            (Kind::UserSig, "eJyr+/", false),
        ] {
            assert_eq!(check(kind, text).is_ok(), is_fine, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn line_ends_and_byte_order_mark_are_not_part_of_a_secret() {
        assert_eq!(one_line("\u{feff}abc\r\n"), "abc");
        assert_eq!(one_line("abc"), "abc");
    }

    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_shown() {
        let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(shown(Path::new(key)), "[redacted]");
        assert_eq!(shown(Path::new("/etc/key")), "/etc/key");
    }
}
