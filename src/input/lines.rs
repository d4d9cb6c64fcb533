//! Plain lines, and the cutting into lines that JSONL shares.

use std::str;

use memchr::memchr;

use super::{
    buffer::{Buffer, RECORD_LIMIT, TOO_LONG},
    malformed::{malformed, shorten},
};
use crate::record::Content;

/// Why a record is malformed that is too long to be held.
pub(super) const OVER_LIMIT: &str = "the record is over 64 KiB";
/// Why a record is malformed whose bytes are no text.
pub(super) const NOT_UTF8: &str = "the text is not UTF-8";

/// What cutting came to.
pub(super) enum Cut<'a> {
    /// A whole line, without its end, and its number.
    Line(&'a [u8], u64),
    /// A line that was passed over: how it begins, and its number.
    TooLong(Box<str>, u64),
    /// More bytes are needed.
    Starved,
    /// There are no more lines.
    End,
}

/// Cuts the unread bytes into lines at `\n`, and passes over what is too long without holding it.
pub(super) struct LineCutter {
    line: u64,
    /// Unread bytes known to hold no line end, so that none is looked at twice.
    scanned: usize,
    skipping: Option<Box<str>>,
}

impl LineCutter {
    pub(super) fn new(line: u64) -> Self {
        Self {
            line,
            scanned: 0,
            skipping: None,
        }
    }

    /// The number of the next line.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Cuts off the next line, blank or not.
    pub(super) fn cut<'b>(&mut self, buffer: &'b mut Buffer) -> Cut<'b> {
        if self.skipping.is_some() {
            return self.skip(buffer);
        }
        let unread = buffer.unread();
        let (length, whole) = match memchr(b'\n', &unread[self.scanned..]) {
            Some(at) => (self.scanned + at, self.scanned + at + 1),
            None if unread.len() >= TOO_LONG => {
                self.skipping = Some(shorten(unread));
                return self.skip(buffer);
            }
            None if !buffer.at_end() => {
                self.scanned = unread.len();
                return Cut::Starved;
            }
            None if unread.is_empty() => return Cut::End,
            None => (unread.len(), unread.len()),
        };
        self.scanned = 0;
        let line = self.line;
        self.line += u64::from(whole > length);
        let raw = &buffer.take(whole)[..length];
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.len() > RECORD_LIMIT {
            return Cut::TooLong(shorten(raw), line);
        }
        Cut::Line(raw, line)
    }

    fn skip<'b>(&mut self, buffer: &'b mut Buffer) -> Cut<'b> {
        let found = memchr(b'\n', buffer.unread());
        buffer.take(found.map_or(usize::MAX, |at| at + 1));
        if found.is_none() && !buffer.at_end() {
            return Cut::Starved;
        }
        self.scanned = 0;
        let line = self.line;
        self.line += u64::from(found.is_some());
        Cut::TooLong(self.skipping.take().unwrap_or_default(), line)
    }
}

/// What a plain line holds; none if it is blank.
pub(super) fn content(line: &[u8]) -> Option<Content> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return None;
    }
    Some(match str::from_utf8(text) {
        Ok(text) => Content::Text(text.into()),
        Err(_) => malformed(text, NOT_UTF8),
    })
}
