//! Records that could not be read, made fit to be shown.

use crate::record::Content;

/// The most bytes of a malformed record that are kept.
pub(super) const SHOWN: usize = 256;

/// Builds the content of a record that could not be read.
pub(super) fn malformed(raw: &[u8], reason: impl Into<Box<str>>) -> Content {
    Content::Malformed {
        shown: shorten(raw),
        reason: reason.into(),
    }
}

/// At most [`SHOWN`] bytes of text for any bytes: undecodable ones replaced, cut on a character's edge.
pub(super) fn shorten(raw: &[u8]) -> Box<str> {
    let raw = raw.trim_ascii();
    let text = String::from_utf8_lossy(&raw[..raw.len().min(SHOWN)]);
    if raw.len() <= SHOWN && text.len() <= SHOWN {
        return text.into();
    }
    const ELLIPSIS: char = '…';
    let mut cut = (SHOWN - ELLIPSIS.len_utf8()).min(text.len());
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut shown = text[..cut].to_owned();
    shown.push(ELLIPSIS);
    shown.into()
}

/// "line 3" or "lines 3 to 9".
pub(super) fn span(first: u64, last: u64) -> String {
    if first >= last {
        format!("line {first}")
    } else {
        format!("lines {first} to {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_cut_between_characters() {
        assert_eq!(&*shorten(b" a\xffb\r"), "a\u{fffd}b");
        for text in ["x".repeat(999), "群".repeat(300), "é".repeat(129)] {
            let shown = shorten(text.as_bytes());
            assert!(shown.len() <= SHOWN && shown.ends_with('…'), "{shown}");
            assert!(!shown.contains('\u{fffd}'));
        }
        assert!(shorten(&[0xff; 200]).len() <= SHOWN);
        assert_eq!(shorten("x".repeat(256).as_bytes()).len(), 256);
    }
}
