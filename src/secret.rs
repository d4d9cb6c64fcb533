//! Texts that must not be shown: the app's key and UserSigs.

use std::fmt;

use zeroize::Zeroizing;

/// A text that is wiped from memory when dropped and prints as `[redacted]`.
///
/// It has neither `Display` nor `Serialize`, so a secret reaches an output only through [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as it came from a file or the environment. One trailing line ending is no part of the secret;
    /// anything else is.
    pub fn new(mut text: String) -> Self {
        let kept = text
            .strip_suffix("\r\n")
            .or_else(|| text.strip_suffix('\n'))
            .map_or(text.len(), str::len);
        text.truncate(kept);
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_loses_one_trailing_line_ending_and_nothing_else() {
        for (given, kept) in [
            ("key", "key"),
            ("key\n", "key"),
            ("key\r\n", "key"),
            ("key\n\n", "key\n"),
            ("key\r", "key\r"),
            (" key \n", " key "),
            ("\nkey", "\nkey"),
            ("", ""),
        ] {
            assert_eq!(Secret::new(given.to_owned()).expose(), kept, "{given:?}");
        }
    }

    #[test]
    fn a_secret_prints_as_redacted() {
        let shown = format!("{:?}", Some(Secret::new("swordfish".to_owned())));
        assert_eq!(shown, "Some([redacted])");
        assert_eq!(
            format!("{:#?}", Secret::new("swordfish".to_owned())),
            "[redacted]"
        );
    }
}
