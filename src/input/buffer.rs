//! Bytes that were read and not yet parsed.

use std::io::{self, ErrorKind, Read};

/// The most bytes that one record may have, its line end not counted. An ID has 48; the rest is other columns.
pub(super) const RECORD_LIMIT: usize = 64 * 1024;

/// From how many bytes without an end on a record is certainly over the limit: both bytes of a CRLF may follow.
pub(super) const TOO_LONG: usize = RECORD_LIMIT + 2;

/// Room for the longest record and for a full pipe (64 KiB on Linux) behind it.
const CAPACITY: usize = 4 * RECORD_LIMIT;

/// A sliding window over a source, of fixed size.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    last: Option<u8>,
    at_end: bool,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; CAPACITY].into(),
            start: 0,
            end: 0,
            last: None,
            at_end: false,
        }
    }

    /// What is there to parse.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether the source has no more bytes than those unread.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// The last byte that the source gave so far.
    pub(super) fn last(&self) -> Option<u8> {
        self.last
    }

    /// Takes the next `n` bytes, or as many as there are.
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let taken = self.start..self.start.saturating_add(n).min(self.end);
        self.start = taken.end;
        &self.bytes[taken]
    }

    /// Calls `read` once. Parsers leave at most [`TOO_LONG`] bytes unread when they ask for more, so there is room.
    pub(super) fn fill(&mut self, input: &mut dyn Read) -> io::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.bytes.len() - self.end < RECORD_LIMIT {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = loop {
            match input.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        // A `Read` that claims more than it was given room for is broken; it must not break us.
        let read = read.min(self.bytes.len() - self.end);
        self.end += read;
        self.at_end = read == 0;
        self.last = self.unread().last().copied().or(self.last);
        Ok(())
    }
}
