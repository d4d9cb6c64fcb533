//! The group IDs of a CSV file.

use std::str;

use memchr::memchr;

use super::{
    buffer::{Buffer, RECORD_LIMIT},
    lines::{NOT_UTF8, OVER_LIMIT},
    malformed::{malformed, shorten, span},
    row_cutter::{Cut, RowCutter, Skipped, count_line_ends, skip_line_ends},
    stream::Step,
};
use crate::record::Content;

/// Reads the group IDs of a CSV file, below its header.
pub(super) struct Rows {
    cutter: RowCutter,
    delimiter: u8,
    /// How many fields a row has.
    columns: usize,
    /// Which of them holds the ID.
    column: usize,
    /// What set the number of columns, for messages.
    model: &'static str,
    /// The line on which the next row begins, or the one at hand.
    line: u64,
    skipping: Option<(Box<str>, u64)>,
    /// The row of a quote that is never closed.
    unclosed: Option<(u64, u64)>,
}

impl Rows {
    pub(super) fn new(
        delimiter: u8,
        columns: usize,
        column: usize,
        header: bool,
        line: u64,
    ) -> Self {
        Self {
            cutter: RowCutter::new(delimiter, columns),
            delimiter,
            columns,
            column,
            model: if header {
                "the header"
            } else {
                "the first row"
            },
            line,
            skipping: None,
            unclosed: None,
        }
    }

    /// The line on which the next row begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// First and last line of a row whose quote is never closed.
    pub(super) fn unclosed(&self) -> Option<(u64, u64)> {
        self.unclosed
    }

    /// Reads the next row that is not blank.
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> Step {
        loop {
            if let Some((shown, first)) = self.skipping.take() {
                return self.skip(buffer, shown, first);
            }
            if !self.cutter.is_inside() {
                self.line += skip_line_ends(buffer);
            }
            let line = self.line;
            let (raw, content) = match self.cutter.cut(buffer) {
                Cut::Starved => return Step::Starved,
                Cut::End => return Step::End,
                Cut::TooLong => {
                    self.skipping = Some((shorten(buffer.unread()), line));
                    continue;
                }
                Cut::Row { raw } => (raw, self.content(&buffer.unread()[..raw])),
                Cut::Unclosed { raw } => {
                    (raw, Some(self.unclosed_content(&buffer.unread()[..raw])))
                }
            };
            self.line += count_line_ends(buffer.take(raw));
            self.cutter.next_row();
            if let Some(content) = content {
                return Step::Record(line, content);
            }
        }
    }

    /// What a row holds; none if it is blank.
    fn content(&self, raw: &[u8]) -> Option<Content> {
        let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
        let (raw, ends_in_cr) = match raw.strip_suffix(b"\r") {
            Some(raw) => (raw, true),
            None => (raw, false),
        };
        let fields = self.cutter.fields();
        if fields == 1 && raw.trim_ascii().is_empty() {
            return None;
        }
        if raw.len() > RECORD_LIMIT {
            return Some(malformed(
                raw,
                over_limit(self.line, self.line + count_line_ends(raw)),
            ));
        }
        if memchr(b'"', raw).is_some() && !quotes_are_sound(raw, self.delimiter) {
            let lines = span(self.line, self.line + count_line_ends(raw));
            let reason = format!("text stands after a closing quote ({lines} taken as one row)");
            return Some(malformed(raw, reason));
        }
        let wanted = match self.cutter.field(self.column) {
            Some(field) if fields == self.columns => field,
            _ => return Some(malformed(raw, self.ragged(fields))),
        };
        // The `\r` of the line end is outside of all quotes, so it is the last byte of the last field.
        let wanted = match wanted {
            [id @ .., b'\r'] if ends_in_cr && self.column + 1 == fields => id,
            id => id,
        };
        Some(match str::from_utf8(wanted) {
            Ok(id) => Content::Text(id.into()),
            Err(_) => malformed(raw, NOT_UTF8),
        })
    }

    fn ragged(&self, fields: usize) -> String {
        let plural = if fields == 1 { "" } else { "s" };
        let (model, columns) = (self.model, self.columns);
        format!("the row has {fields} field{plural}, {model} {columns}")
    }

    fn unclosed_content(&mut self, raw: &[u8]) -> Content {
        let last = self.line + count_line_ends(raw.strip_suffix(b"\n").unwrap_or(raw));
        self.unclosed = Some((self.line, last));
        malformed(raw, unclosed(self.line, last))
    }

    fn skip(&mut self, buffer: &mut Buffer, shown: Box<str>, first: u64) -> Step {
        let (skipped, line_ends) = self.cutter.skip(buffer);
        self.line += line_ends;
        if skipped == Skipped::Starved {
            self.skipping = Some((shown, first));
            return Step::Starved;
        }
        self.cutter.next_row();
        let without_line_end =
            buffer.at_end() && buffer.unread().is_empty() && buffer.last() != Some(b'\n');
        let last = self.line - u64::from(!without_line_end);
        let reason = if skipped == Skipped::Unclosed {
            self.unclosed = Some((first, last));
            unclosed(first, last)
        } else {
            over_limit(first, last)
        };
        let reason = reason.into();
        Step::Record(first, Content::Malformed { shown, reason })
    }
}

fn unclosed(first: u64, last: u64) -> String {
    let lines = span(first, last);
    format!("a quote is opened and never closed ({lines} taken as one row)")
}

fn over_limit(first: u64, last: u64) -> String {
    match span(first, last) {
        _ if first == last => OVER_LIMIT.to_owned(),
        lines => format!("{OVER_LIMIT} ({lines})"),
    }
}

/// Whether each quoted field ends where its quote does.
///
/// csv-core glues what follows a closing quote to the field. That is no ID anybody wrote: most often a stray quote
/// before it swallowed rows.
pub(super) fn quotes_are_sound(raw: &[u8], delimiter: u8) -> bool {
    let mut rest = raw;
    loop {
        let after = match rest {
            [b'"', quoted @ ..] => match after_quoted(quoted) {
                Some(after) => after,
                None => return false,
            },
            plain => match memchr(delimiter, plain) {
                Some(at) => &plain[at..],
                None => return true,
            },
        };
        match after {
            [] => return true,
            &[byte, ref next @ ..] if byte == delimiter => rest = next,
            _ => return false,
        }
    }
}

/// What follows the closing quote, if there is one.
fn after_quoted(mut quoted: &[u8]) -> Option<&[u8]> {
    loop {
        let after = quoted.get(memchr(b'"', quoted)? + 1..)?;
        match after.strip_prefix(b"\"") {
            Some(next) => quoted = next,
            None => return Some(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_sound_if_its_field_ends_with_it() {
        for sound in [
            r#"a,"b",c"#,
            r#""a""b""#,
            r#""","""#,
            r#"a"b,c"#,
            r#""","#,
            "",
            r#""a,b""#,
        ] {
            assert!(quotes_are_sound(sound.as_bytes(), b','), "{sound}");
        }
        for unsound in [r#""a"b"#, r#"x,"a" ,b"#, r#""a"""b,c"#] {
            assert!(!quotes_are_sound(unsound.as_bytes(), b','), "{unsound}");
        }
    }
}
