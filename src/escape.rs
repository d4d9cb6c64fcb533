//! Text from outside, made harmless for a terminal.
//!
//! Group IDs, `ErrorInfo` and file names may hold anything. Shown raw they could move the cursor, recolour the screen
//! or reverse the reading order; shown through [`Escaped`] they cannot. Reports keep the text as it is: this is for
//! eyes only.

use std::fmt::{self, Write as _};

/// Shows a text with every control and invisible character as `\u{..}`.
///
/// Tab, line feed and carriage return become `\t`, `\n` and `\r`: what is shown stays on one line. A backslash is left
/// alone, so this does not read back; it need not.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_treacherous(c)) {
            f.write_str(&rest[..at])?;
            match c {
                '\t' => f.write_str("\\t")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                other => write!(f, "\\u{{{:x}}}", u32::from(other))?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Returns a text escaped as by [`Escaped`] and cut to at most `max` characters, the last of which is then `…`.
pub fn shortened(text: &str, max: usize) -> String {
    let mut short = String::new();
    // What is escaped is never shorter than what it stands for: `max + 1` characters of it are enough to look at.
    let head_end = text
        .char_indices()
        .nth(max.saturating_add(1))
        .map_or(text.len(), |(at, _)| at);
    // Writing to a String cannot fail.
    let _ = write!(short, "{}", Escaped(&text[..head_end]));
    if short.chars().count() > max {
        let cut = short
            .char_indices()
            .nth(max.saturating_sub(1))
            .map_or(0, |(at, _)| at);
        short.truncate(cut);
        if max > 0 {
            short.push('…');
        }
    }
    short
}

/// Whether a character could mislead: it controls the terminal, changes the order of its neighbours, or cannot be seen.
pub fn is_treacherous(c: char) -> bool {
    c.is_control() // C0, DEL, C1
        || matches!(c,
            '\u{ad}'                      // soft hyphen
            | '\u{34f}'                   // combining grapheme joiner
            | '\u{61c}'                   // Arabic letter mark
            | '\u{115f}' | '\u{1160}'     // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'     // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'     // Mongolian variation selectors, vowel separator
            | '\u{200b}'..='\u{200f}'     // zero-width space and joiners, directional marks
            | '\u{2028}'..='\u{202e}'     // line and paragraph separator, directional embeddings and overrides
            | '\u{2060}'..='\u{206f}'     // word joiner, invisible operators, directional isolates
            | '\u{3164}' | '\u{ffa0}'     // Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'     // variation selectors
            | '\u{feff}'                  // zero-width no-break space, the byte order mark
            | '\u{fff0}'..='\u{fffb}'     // interlinear annotations and their unassigned neighbours
            | '\u{1bca0}'..='\u{1bca3}'   // shorthand format controls
            | '\u{1d173}'..='\u{1d17a}'   // musical format controls
            | '\u{e0000}'..='\u{e0fff}') // tags, more variation selectors
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_invisible_characters_become_numbers() {
        for (raw, shown) in [
            ("plain, 普通 🎉", "plain, 普通 🎉"),
            ("\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("two\nlines\r\tand a tab", "two\\nlines\\r\\tand a tab"),
            ("\u{7f}\u{9b}2J", "\\u{7f}\\u{9b}2J"),
            ("user\u{202e}gnp.exe", "user\\u{202e}gnp.exe"),
            ("a\u{200b}b\u{feff}c", "a\\u{200b}b\\u{feff}c"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("back\\slash", "back\\slash"),
            ("", ""),
        ] {
            assert_eq!(Escaped(raw).to_string(), shown);
        }
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
        assert_eq!(shortened("\n\n\n", 4), "\\n\\…");
        assert_eq!(shortened("abc", 0), "");
        assert_eq!(shortened("普通话很长", 3), "普通…");
    }

    proptest! {
        #[test]
        fn nothing_treacherous_is_ever_shown(text: String, max in 0_usize..40) {
            prop_assert!(!Escaped(&text).to_string().chars().any(is_treacherous));
            let short = shortened(&text, max);
            prop_assert!(!short.chars().any(is_treacherous));
            prop_assert!(short.chars().count() <= max);
        }

        #[test]
        fn what_is_harmless_stays_as_it_is(text in "[a-zA-Z0-9@#_ \\\\普通-]*") {
            prop_assert_eq!(Escaped(&text).to_string(), text);
        }
    }
}
