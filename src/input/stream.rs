//! One source, opened: decompressed, its format known, its column found.

use std::{
    io::{self, Read},
    sync::Arc,
};

use memchr::memchr;

use super::{
    buffer::{Buffer, TOO_LONG},
    compression::{self, Compression, Start},
    error::{Fault, InputError},
    findings::Smell,
    header,
    lines::{self, Cut, LineCutter},
    names,
    objects::{self, Key},
    options::{Column, InputOptions},
    row_cutter::{self, RowCutter, count_line_ends},
    rows::{self, Rows},
    sniff::{self, Ending, Plan},
};
use crate::record::Content;

/// What a step of reading came to.
pub(super) enum Step {
    /// A record, and the line on which it begins.
    Record(u64, Content),
    /// More bytes are needed.
    Starved,
    /// There are no more records.
    End,
}

/// How what is left of a source is read.
enum Parser {
    Lines(LineCutter),
    Jsonl(LineCutter, Key),
    Csv(Box<Rows>),
}

/// A source and where its reading has come.
pub(super) struct Stream {
    name: Arc<str>,
    input: Box<dyn Read + Send>,
    compression: Option<Compression>,
    buffer: Buffer,
    parser: Parser,
    smells: Vec<Smell>,
    records: u64,
}

impl Stream {
    /// Reads as much as it takes to know how to read the rest.
    pub(super) fn open(
        name: &Arc<str>,
        input: Box<dyn Read + Send>,
        options: &InputOptions,
    ) -> Result<Self, InputError> {
        let mut stream = Self {
            name: Arc::clone(name),
            input,
            compression: None,
            buffer: Buffer::new(),
            parser: Parser::Lines(LineCutter::new(1)),
            smells: Vec::new(),
            records: 0,
        };
        stream.uncover()?;
        let (first, length) = stream.first_line()?;
        stream.choose_parser(first, length, options)?;
        Ok(stream)
    }

    /// Takes the next step without reading more bytes than there are.
    pub(super) fn step(&mut self) -> Step {
        let step = match &mut self.parser {
            Parser::Lines(cutter) => next_line(cutter, &mut self.buffer, lines::content),
            Parser::Jsonl(cutter, key) => {
                next_line(cutter, &mut self.buffer, |line| objects::content(line, key))
            }
            Parser::Csv(rows) => rows.next(&mut self.buffer),
        };
        self.records += u64::from(matches!(step, Step::Record(..)));
        step
    }

    /// Reads once.
    pub(super) fn fill(&mut self) -> Result<(), InputError> {
        self.buffer
            .fill(&mut *self.input)
            .map_err(|error| self.fault(error))
    }

    /// What smelled about it, now that it has ended.
    pub(super) fn close(mut self) -> Vec<Smell> {
        let source = Arc::clone(&self.name);
        if let Parser::Csv(rows) = &self.parser
            && let Some((line, last_line)) = rows.unclosed()
        {
            let source = Arc::clone(&source);
            self.smells.push(Smell::UnclosedQuote {
                source,
                line,
                last_line,
            });
        }
        if self.records == 0 {
            self.smells.push(Smell::NoRecords { source });
        } else if self.buffer.last().is_some_and(|byte| byte != b'\n') {
            let line = self.line();
            self.smells.push(Smell::NoFinalNewline { source, line });
        }
        self.smells
    }

    fn line(&self) -> u64 {
        match &self.parser {
            Parser::Lines(cutter) | Parser::Jsonl(cutter, _) => cutter.line(),
            Parser::Csv(rows) => rows.line(),
        }
    }

    fn fault(&self, error: io::Error) -> InputError {
        compression::fault(error, self.compression).at(&self.name, self.line())
    }

    /// Removes what lies around the text: compression and the byte order mark.
    fn uncover(&mut self) -> Result<(), InputError> {
        loop {
            match Start::of(self.buffer.unread(), self.buffer.at_end()) {
                Start::Unclear => self.fill()?,
                Start::Text => return Ok(()),
                Start::Bom => {
                    self.buffer.take(3);
                    return Ok(());
                }
                Start::Utf16 => return Err(Fault::Utf16.of(&self.name)),
                Start::Foreign(what) => return Err(Fault::Foreign(what).of(&self.name)),
                Start::Compressed(_) if self.compression.is_some() => {
                    return Err(Fault::CompressedTwice.of(&self.name));
                }
                Start::Compressed(how) => {
                    let rest = std::mem::replace(&mut self.input, Box::new(io::empty()));
                    self.input = compression::decoder(how, self.buffer.unread(), rest)
                        .map_err(|error| self.fault(error))?;
                    self.compression = Some(how);
                    self.buffer = Buffer::new();
                }
            }
        }
    }

    /// Waits for the first line that is not blank, and drops the blank ones: its number, and its length up to the limit.
    fn first_line(&mut self) -> Result<(u64, usize), InputError> {
        let mut line = 1;
        let mut scanned = 0;
        loop {
            let unread = self.buffer.unread();
            // What is beyond the limit depends on how much a read gave, and must not matter.
            let unread = &unread[..unread.len().min(TOO_LONG)];
            match memchr(b'\n', &unread[scanned..]) {
                Some(at) if unread[..scanned + at].trim_ascii().is_empty() => {
                    self.buffer.take(scanned + at + 1);
                    line += 1;
                    scanned = 0;
                }
                // A NUL may be half a character of UTF-16; four bytes tell.
                Some(at)
                    if unread.len() >= 4
                        || self.buffer.at_end()
                        || memchr(0, &unread[..scanned + at]).is_none() =>
                {
                    return Ok((line, scanned + at));
                }
                None if unread.len() >= TOO_LONG || self.buffer.at_end() => {
                    return Ok((line, unread.len()));
                }
                found => {
                    scanned = if found.is_some() { 0 } else { unread.len() };
                    self.fill()?;
                }
            }
        }
    }

    fn choose_parser(
        &mut self,
        line: u64,
        length: usize,
        options: &InputOptions,
    ) -> Result<(), InputError> {
        let name = Arc::clone(&self.name);
        if compression::looks_like_utf16(self.buffer.unread()) {
            return Err(Fault::Utf16.of(&name));
        }
        let first = self.buffer.unread()[..length].trim_ascii();
        let ending = Ending::of(&name);
        let plan = sniff::plan(first, ending, options).map_err(|fault| fault.at(&name, line))?;
        if length >= TOO_LONG && (plan != Plan::Lines || first.is_empty()) {
            return Err(Fault::FirstLineTooLong.at(&name, line));
        }
        self.parser = match plan {
            _ if first.is_empty() => Parser::Lines(LineCutter::new(line)),
            Plan::Lines => {
                if names::is_known(&String::from_utf8_lossy(first)) {
                    self.smells
                        .push(Smell::HeaderAmongLines { source: name, line });
                }
                Parser::Lines(LineCutter::new(line))
            }
            Plan::Jsonl => {
                let key = match &options.column {
                    Some(Column::Name(name)) => Key::Named(name.clone()),
                    _ => Key::Known,
                };
                objects::check_first(first, &key).map_err(|fault| fault.at(&name, line))?;
                Parser::Jsonl(LineCutter::new(line), key)
            }
            Plan::Csv { delimiter } => self.table(line, delimiter, options)?,
        };
        Ok(())
    }

    /// Reads the header and finds the column.
    fn table(
        &mut self,
        line: u64,
        delimiter: u8,
        options: &InputOptions,
    ) -> Result<Parser, InputError> {
        let name = Arc::clone(&self.name);
        let Some((names, raw)) = self.first_row(line, delimiter)? else {
            return Ok(Parser::Lines(LineCutter::new(line)));
        };
        let wanted = options.column.as_ref();
        let found = match options.header {
            true => header::find(&names, wanted),
            false => header::place(names.len(), wanted),
        };
        let place = found.map_err(|fault| fault.at(&name, line))?;
        if let Some(taken) = place.taken {
            self.smells.push(Smell::HeaderTaken {
                source: name,
                name: taken,
            });
        }
        let mut below = line;
        if options.header {
            below += count_line_ends(self.buffer.take(raw));
        }
        let rows = Rows::new(delimiter, names.len(), place.index, options.header, below);
        Ok(Parser::Csv(Box::new(rows)))
    }

    /// The fields of the first row and its length in bytes; none if there is no row.
    fn first_row(
        &mut self,
        line: u64,
        delimiter: u8,
    ) -> Result<Option<(Vec<String>, usize)>, InputError> {
        let mut cutter = RowCutter::new(delimiter, TOO_LONG);
        let fault = |what, name: &Arc<str>| Err(Fault::Header(what).at(name, line));
        let raw = loop {
            match cutter.cut(&self.buffer) {
                row_cutter::Cut::Row { raw } => break raw,
                row_cutter::Cut::End => return Ok(None),
                row_cutter::Cut::Starved => self.fill()?,
                row_cutter::Cut::Unclosed { .. } => {
                    return fault("a quote in it is never closed", &self.name);
                }
                row_cutter::Cut::TooLong => return fault("it is over 64 KiB", &self.name),
            }
        };
        let row = &self.buffer.unread()[..raw];
        let row = row.strip_suffix(b"\n").unwrap_or(row);
        let bare = row.strip_suffix(b"\r").unwrap_or(row);
        if !rows::quotes_are_sound(bare, delimiter) {
            return fault("text stands after a closing quote", &self.name);
        }
        let mut names: Vec<String> = (0..cutter.fields())
            .filter_map(|index| cutter.field(index))
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        if bare.len() < row.len()
            && let Some(last) = names.last_mut()
        {
            last.pop();
        }
        Ok(Some((names, raw)))
    }
}

/// Cuts lines until one is a record.
fn next_line(
    cutter: &mut LineCutter,
    buffer: &mut Buffer,
    content: impl Fn(&[u8]) -> Option<Content>,
) -> Step {
    loop {
        match cutter.cut(buffer) {
            Cut::Line(line, number) => {
                if let Some(content) = content(line) {
                    return Step::Record(number, content);
                }
            }
            Cut::TooLong(shown, number) => {
                let reason = lines::OVER_LIMIT.into();
                return Step::Record(number, Content::Malformed { shown, reason });
            }
            Cut::Starved => return Step::Starved,
            Cut::End => return Step::End,
        }
    }
}
