//! The streaming reader: turns files and stdin into [`Record`]s.
//!
//! It knows CSV, JSONL, plain lines, gzip and zstd, and nothing of the service: whether a text is a group ID is for
//! admission to say. Its main type is [`Reader`]; [`spawn`] puts one on a thread behind a bounded channel.
//!
//! Two rules run through all of it. *Ambiguity is refused*: a wrong column destroys the wrong groups, so whatever can
//! be read in two ways is an [`InputError`] before the first record. *One bad record is no error*: it becomes
//! [`Content::Malformed`] and the run goes on. Memory is bounded whatever the input: one buffer of
//! 256 KiB, no record over 64 KiB, no zstd window over 8 MiB.
//!
//! What is read how:
//!
//! - The format is what `--format` says; else what the file's name ends in (`.csv`, `.tsv`, `.jsonl`, `.ndjson`,
//!   `.txt`, `.ids`, each perhaps followed by `.gz` or `.zst`); else what the first line that is not blank looks like:
//!   a JSON object, a CSV header with a known column name (or any CSV option was given), else plain lines. A first line
//!   with a delimiter and no known name could be either and is refused.
//! - Plain lines lose the ASCII white space around them and nothing else; there are no comments.
//! - CSV cells and JSON strings are taken as they stand. Only the cell with the ID has to be UTF-8, so names in an old
//!   charset do no harm.
//! - A quote that is never closed swallows what follows, for nothing in it can be told from text inside the quotes:
//!   taking it for rows again could destroy groups that are only mentioned there. It is one malformed record whose
//!   reason names the lines, and a [`Smell`] besides.

mod buffer;
mod compression;
mod error;
mod feed;
mod findings;
mod header;
mod lines;
mod malformed;
mod names;
mod objects;
mod options;
mod reader;
mod row_cutter;
mod rows;
mod sniff;
mod stream;

#[cfg(test)]
mod tests;

#[cfg(doc)]
use crate::record::{Content, Record};

pub use error::{Fault, InputError};
pub use feed::{BATCH, Fed, Feed, PROGRAM, spawn};
pub use findings::{Findings, Smell};
pub use options::{Column, Format, InputOptions, NotAnOption, Source, parse_delimiter};
pub use reader::{Reader, open, open_from};
