//! Protect lists: IDs and globs that are never disbanded.
//!
//! One a line. Only `*` is special; there are no comments, for `#` and `;` are legal inside IDs. White space around a
//! line is stripped as in plain input, and blank lines are skipped. A list that cannot be read whole refuses the run.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use wildmatch::WildMatchPattern;

use crate::group::{GroupId, NotAGroupId};

/// `*` only: the crate wants another character for "any one", and gets one that is in no ID (spec section 8).
type Glob = WildMatchPattern<'*', '\0'>;

/// A line longer than this belongs to no list of IDs (bytes).
const LONGEST_LINE: u64 = 4096;

/// What must never be disbanded.
#[derive(Clone, Debug, Default)]
pub struct ProtectList {
    ids: HashSet<Box<str>>,
    globs: Vec<Glob>,
    warnings: Vec<String>,
}

/// A protect list that cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// It cannot be read.
    #[error("cannot read the protect list {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that is no text.
    #[error("the protect list {} is no UTF-8 in line {line}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A line that no ID can match: another file, another encoding, or a slip of the hand.
    #[error("line {line} of the protect list {} can match no group: {reason}", path.display())]
    Useless {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        reason: String,
    },
    /// A line that is far too long.
    #[error("the protect list {} is no list of IDs: line {line} is longer than {LONGEST_LINE} bytes", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
}

impl ProtectError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        "nothing is disbanded without the whole list; mend the file, or leave --protect out"
    }
}

impl From<ProtectError> for crate::error::Error {
    fn from(error: ProtectError) -> Self {
        let hint = error.hint();
        Self::new(crate::exit::ExitCode::Usage, error).with_hint(hint)
    }
}

impl ProtectList {
    /// Reads all lists.
    ///
    /// # Errors
    /// [`ProtectError`], naming file and line.
    pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Self, ProtectError> {
        let mut list = Self::default();
        for path in paths.iter().map(AsRef::as_ref) {
            let file = File::open(path).map_err(|source| ProtectError::Unreadable {
                path: path.into(),
                source,
            })?;
            list.read(path, BufReader::new(file))?;
        }
        Ok(list)
    }

    /// Whether an ID is protected. Upper and lower case differ, as they do for the service.
    pub fn matches(&self, id: &str) -> bool {
        self.ids.contains(id) || self.globs.iter().any(|glob| glob.matches(id))
    }

    /// What a person should be told: lists that are empty or look like CSV.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether it protects nothing at all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.globs.is_empty()
    }

    fn read(&mut self, path: &Path, mut reader: impl BufRead) -> Result<(), ProtectError> {
        let mut bytes = Vec::new();
        let (mut is_empty, mut all_have_commas) = (true, true);
        for line in 1.. {
            bytes.clear();
            (&mut reader)
                .take(LONGEST_LINE + 1)
                .read_until(b'\n', &mut bytes)
                .map_err(|source| ProtectError::Unreadable {
                    path: path.into(),
                    source,
                })?;
            if bytes.is_empty() {
                break;
            }
            if bytes.len() as u64 > LONGEST_LINE {
                let path = path.into();
                return Err(ProtectError::LongLine { path, line });
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| ProtectError::NotUtf8 {
                path: path.into(),
                line,
            })?;
            let text = match line {
                1 => text.strip_prefix('\u{feff}').unwrap_or(text),
                _ => text,
            };
            let text = text.trim();
            if !text.is_empty() {
                is_empty = false;
                all_have_commas &= text.contains(',');
                self.add(text, path, line)?;
            }
        }
        let path = path.display();
        if is_empty {
            self.warnings
                .push(format!("The protect list {path} is empty."));
        } else if all_have_commas {
            self.warnings.push(format!(
                "Each line of the protect list {path} has a comma: it is read as one ID or glob a line, not as CSV."
            ));
        }
        Ok(())
    }

    fn add(&mut self, text: &str, path: &Path, line: u64) -> Result<(), ProtectError> {
        if let Some(reason) = useless(text) {
            let path = path.into();
            return Err(ProtectError::Useless { path, line, reason });
        }
        if text.contains('*') {
            self.globs.push(Glob::new(text));
        } else {
            self.ids.insert(text.into());
        }
        Ok(())
    }
}

/// Why a line can match no group ID, if so. One that is never sent anyway (a topic's, say) does no harm.
fn useless(text: &str) -> Option<String> {
    if text.len() > 1 && text.starts_with('"') && text.ends_with('"') {
        return Some("it is in quotes, and a list has one ID or glob a line as it is".into());
    }
    if text.contains('*') {
        let is_foreign = |c: char| !matches!(c, ' '..='~');
        return text
            .contains(is_foreign)
            .then(|| "a character that no ID has".into());
    }
    match GroupId::try_from(text) {
        Ok(_) | Err(NotAGroupId::Topic | NotAGroupId::PermissionGroup) => None,
        Err(reason) => Some(reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn list(text: &[u8]) -> Result<ProtectList, ProtectError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        ProtectList::load(&[file.path()])
    }

    #[test]
    fn ids_match_exactly_and_only_the_asterisk_is_special() {
        let list =
            list(b"\xef\xbb\xbfvip-*\r\n\r\n  a?c  \n#no comment\n@TGS#_*@x\n[ab]\nlast").unwrap();
        for (id, is_protected) in [
            ("vip-1", true),
            ("vip-", true),
            ("VIP-1", false),
            ("xvip-1", false),
            ("a?c", true),
            ("abc", false),
            ("  a?c  ", false),
            ("#no comment", true),
            ("@TGS#_@TGS#c@x", true),
            ("@TGS#_@TGS#c@xy", false),
            ("[ab]", true),
            ("a", false),
            ("last", true),
            ("", false),
        ] {
            assert_eq!(list.matches(id), is_protected, "{id:?}");
        }
        assert_eq!(list.warnings(), [] as [String; 0]);
    }

    #[test]
    fn an_empty_list_is_warned_about() {
        let list = list(b"\n  \n").unwrap();
        assert!(list.is_empty());
        assert!(list.warnings()[0].ends_with(" is empty."));
    }

    #[test]
    fn a_line_that_no_id_can_match_is_refused_with_its_reason() {
        for (text, line, reason) in [
            ("ok\nü*\n", 2, "a character that no ID has"),
            ("vip-1\rvip-2\r", 1, "U+000D"),
            ("v\0i\0p\0", 1, "U+0000"),
            ("\"vip-1\"\n", 1, "quotes"),
            (&"x".repeat(65), 1, "65 bytes"),
        ] {
            let error = list(text.as_bytes()).unwrap_err();
            let told = error.to_string();
            assert!(told.starts_with(&format!("line {line} of ")), "{told}");
            assert!(told.contains(reason), "{told}");
        }
        // Never sent anyway.
        assert!(list(b"@TGS#_@TGS#cQVHRXEC4VN@TOPIC#_x\n").is_ok());
    }

    #[test]
    fn a_list_that_looks_like_csv_is_warned_about() {
        assert_eq!(list(b"a,1\nb,2\n").unwrap().warnings().len(), 1);
        assert_eq!(list(b"a,1\nb\n").unwrap().warnings().len(), 0);
    }

    #[test]
    fn a_list_that_cannot_be_read_whole_is_refused_with_its_line() {
        assert!(matches!(
            list(b"a\n\xff\n"),
            Err(ProtectError::NotUtf8 { line: 2, .. })
        ));
        let long = [b"a\n".as_slice(), &[b'x'; 5000]].concat();
        assert!(matches!(
            list(&long),
            Err(ProtectError::LongLine { line: 2, .. })
        ));
        let missing = ProtectList::load(&["/no/such/list"]).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "cannot read the protect list /no/such/list"
        );
        let directory = ProtectList::load(&["/"]);
        assert!(matches!(directory, Err(ProtectError::Unreadable { .. })));
    }

    /// The obvious way, as slow as it gets.
    fn naive(glob: &[u8], id: &[u8]) -> bool {
        match (glob, id) {
            ([], _) => id.is_empty(),
            ([b'*', rest @ ..], _) => (0..=id.len()).any(|n| naive(rest, &id[n..])),
            ([g, rest @ ..], [i, id @ ..]) => g == i && naive(rest, id),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_match_as_the_obvious_way_does(glob in "[ab?*]{0,7}[*][ab?*]{0,4}", id in "[ab?*]{0,9}") {
            let list = list(glob.as_bytes()).unwrap();
            prop_assert_eq!(list.matches(&id), naive(glob.as_bytes(), id.as_bytes()));
        }
    }
}
