//! The cutting of CSV into rows, streamed.

use csv_core::ReadRecordResult;
use memchr::memchr_iter;

use super::buffer::{Buffer, TOO_LONG};

/// What cutting came to. Of a row that fits, the raw bytes are still unread in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A row: its bytes in the buffer, line end included.
    Row { raw: usize },
    /// The rest of the input is inside a quote; `raw` bytes of it are in the buffer.
    Unclosed { raw: usize },
    /// More than [`TOO_LONG`] bytes and no end in sight.
    TooLong,
    /// More bytes are needed.
    Starved,
    /// There are no more rows.
    End,
}

/// How far passing over a row came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// To its end.
    Whole,
    /// To the end of the input, inside a quote.
    Unclosed,
    /// Not far enough: more bytes are needed.
    Starved,
}

/// Runs csv-core over the unread bytes, one row at a time.
///
/// `\n` alone ends a row, and the cutter's user drops a `\r` before it. csv-core's own way would also end a row at a lone
/// `\r` and so make two IDs of one broken one.
pub(super) struct RowCutter {
    core: csv_core::Reader,
    /// The fields of the row, unquoted, one after the other.
    out: Box<[u8]>,
    /// Where each field ends in `out`.
    ends: Box<[usize]>,
    /// Bytes of the row that csv-core has seen.
    scanned: usize,
    written: usize,
    /// Filled places of `ends`.
    marked: usize,
    /// Fields beyond those that `ends` has room for.
    beyond: usize,
}

impl RowCutter {
    /// Prepares for rows whose first `fields` fields are wanted.
    pub(super) fn new(delimiter: u8, fields: usize) -> Self {
        let mut core = csv_core::ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(csv_core::Terminator::Any(b'\n'))
            .build();
        let mut out = vec![0; TOO_LONG + 1].into_boxed_slice();
        let mut ends = vec![0; fields + 1].into_boxed_slice();
        // csv-core drops a byte order mark at its very first read, which is not where this file begins.
        core.read_record(b"\n", &mut out, &mut ends);
        Self {
            core,
            out,
            ends,
            scanned: 0,
            written: 0,
            marked: 0,
            beyond: 0,
        }
    }

    /// Whether a row is begun.
    pub(super) fn is_inside(&self) -> bool {
        self.scanned > 0
    }

    /// How many fields the row has.
    pub(super) fn fields(&self) -> usize {
        self.beyond + self.marked
    }

    /// The field at `index` of the row, if it has that many and not too many.
    pub(super) fn field(&self, index: usize) -> Option<&[u8]> {
        if self.beyond > 0 || index >= self.marked {
            return None;
        }
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        self.out.get(start..self.ends[index])
    }

    /// Forgets the row.
    pub(super) fn next_row(&mut self) {
        self.scanned = 0;
        self.written = 0;
        self.marked = 0;
        self.beyond = 0;
    }

    /// Goes on with the row at the start of the unread bytes. The caller has skipped line ends before it.
    pub(super) fn cut(&mut self, buffer: &Buffer) -> Cut {
        let unread = buffer.unread();
        loop {
            let feed = &unread[self.scanned..unread.len().min(TOO_LONG)];
            if !feed.is_empty() {
                let result = self.feed(feed);
                if matches!(result, ReadRecordResult::Record) {
                    return Cut::Row { raw: self.scanned };
                }
                continue;
            }
            if self.scanned >= TOO_LONG {
                return Cut::TooLong;
            }
            if !buffer.at_end() {
                return Cut::Starved;
            }
            if self.scanned == 0 {
                return Cut::End;
            }
            let raw = self.scanned;
            return self.finish(raw);
        }
    }

    /// Passes over a row that is too long, as far as the unread bytes go, and says how many line ends went by.
    ///
    /// It keeps to the quotes: rows are looked for again only where csv-core sees this one's end.
    pub(super) fn skip(&mut self, buffer: &mut Buffer) -> (Skipped, u64) {
        loop {
            self.written = 0;
            self.marked = 0;
            let from = self.scanned;
            if buffer.unread().len() > from {
                let result = self.feed(&buffer.unread()[from..]);
                if matches!(result, ReadRecordResult::Record) {
                    return (Skipped::Whole, count_line_ends(buffer.take(self.scanned)));
                }
                continue;
            }
            let line_ends = count_line_ends(buffer.take(from));
            self.scanned = 0;
            let skipped = if !buffer.at_end() {
                Skipped::Starved
            } else if matches!(self.finish(0), Cut::Unclosed { .. }) {
                Skipped::Unclosed
            } else {
                Skipped::Whole
            };
            return (skipped, line_ends);
        }
    }

    /// Ends the last row as a line end would: csv-core does not say by itself that a quote is still open.
    fn finish(&mut self, raw: usize) -> Cut {
        loop {
            let scanned = self.scanned;
            let result = self.feed(b"\n");
            self.scanned = scanned;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return Cut::Row { raw },
                ReadRecordResult::InputEmpty => return Cut::Unclosed { raw },
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.written = 0;
                }
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> ReadRecordResult {
        if self.marked == self.ends.len() {
            self.beyond += self.marked;
            self.marked = 0;
        }
        let (result, read, written, marked) = self.core.read_record(
            bytes,
            &mut self.out[self.written..],
            &mut self.ends[self.marked..],
        );
        self.scanned += read;
        self.written += written;
        self.marked += marked;
        result
    }
}

/// How many `\n` there are.
pub(super) fn count_line_ends(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// Takes the `\n`s that come next, and counts them.
pub(super) fn skip_line_ends(buffer: &mut Buffer) -> u64 {
    let count = buffer.unread().iter().take_while(|&&b| b == b'\n').count();
    buffer.take(count).len() as u64
}
