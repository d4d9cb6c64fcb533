//! Tests of the reader as a whole; those of its parts stand beside them.

mod dialects;
mod invariants;
mod refusals;
mod samples;
mod streaming;

use std::{
    io::{self, Read, Write},
    num::NonZeroUsize,
};

use super::*;
use crate::record::{Content, Record};

/// Gives its bytes in pieces of given sizes, over and over.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Pieces {
    fn new(bytes: &[u8], sizes: &[usize]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            sizes: sizes.to_vec(),
            turn: 0,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let end = (self.at + size.min(buf.len())).min(self.bytes.len());
        let read = end - self.at;
        buf[..read].copy_from_slice(&self.bytes[self.at..end]);
        self.at = end;
        Ok(read)
    }
}

fn drain(reader: &mut Reader, max: usize) -> Result<Vec<Record>, InputError> {
    let mut all = Vec::new();
    while let Some(batch) = reader.next_batch(max)? {
        assert!(!batch.is_empty() && batch.len() <= max);
        all.extend(batch);
    }
    Ok(all)
}

fn reader_of(name: &str, input: impl Read + Send + 'static, options: &InputOptions) -> Reader {
    open_from(vec![(name.into(), Box::new(input))], options)
}

fn read_with(
    name: &str,
    bytes: &[u8],
    options: &InputOptions,
) -> Result<(Vec<Record>, Findings), InputError> {
    let mut reader = reader_of(name, Pieces::new(bytes, &[usize::MAX]), options);
    let records = drain(&mut reader, 7)?;
    Ok((records, reader.findings()))
}

fn read(name: &str, bytes: &[u8]) -> Vec<Record> {
    read_with(name, bytes, &InputOptions::default()).unwrap().0
}

/// `line:text`, and `line!shown (reason)` for what is malformed.
fn told(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| match &record.content {
            Content::Text(text) => format!("{}:{text}", record.line),
            Content::Malformed { shown, reason } => format!("{}!{shown} ({reason})", record.line),
        })
        .collect()
}

fn smells(name: &str, bytes: &[u8]) -> Vec<String> {
    let (_, findings) = read_with(name, bytes, &InputOptions::default()).unwrap();
    findings.smells.iter().map(Smell::to_string).collect()
}

/// Options from the words of a command line.
fn options(words: &str) -> InputOptions {
    let mut options = InputOptions::default();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word {
            "--format" => options.format = value().parse().unwrap(),
            "--column" => options.column = Some(value().parse().unwrap()),
            "--delimiter" => options.delimiter = Some(parse_delimiter(value()).unwrap()),
            "--no-header" => options.header = false,
            other => panic!("{other}"),
        }
    }
    options
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn options_are_read_from_the_command_line() {
    assert_eq!("jsonl".parse(), Ok(Format::Jsonl));
    assert!("json".parse::<Format>().is_err());
    assert_eq!(
        "3".parse(),
        Ok(Column::Number(NonZeroUsize::new(3).unwrap()))
    );
    assert_eq!("3rd".parse(), Ok(Column::Name("3rd".to_owned())));
    for bad in ["", "0", "99999999999999999999999"] {
        assert!(bad.parse::<Column>().is_err(), "{bad}");
    }
    for (text, byte) in [
        (",", b','),
        ("|", b'|'),
        ("\\t", b'\t'),
        ("tab", b'\t'),
        ("\t", b'\t'),
    ] {
        assert_eq!(parse_delimiter(text), Ok(byte));
    }
    for bad in ["", ",,", "\"", "\n", "é"] {
        assert!(parse_delimiter(bad).is_err(), "{bad}");
    }
}
