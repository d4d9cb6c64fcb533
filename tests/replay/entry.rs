//! Where bytes from outside enter the program, each with what must hold whatever they are. The fuzz targets and the
//! replay test share this file.

use std::{
    io::{self, Read, Write},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use disband_batch::{
    group::{GroupId, MAX_SERVICE_MADE_BYTES},
    input::{self, Column, Format, InputOptions},
    record::{Content, Record},
    secret::Secret,
    tencent::{usersig, wire},
};

/// An entry.
type Entry = fn(&[u8]);

/// All entries, by the names of their fuzz targets and of their folders of seeds.
pub(crate) const ENTRIES: [(&str, Entry); 6] = [
    ("csv", csv),
    ("jsonl", jsonl),
    ("lines", lines),
    ("answer", answer),
    ("usersig", usersig),
    ("group_id", group_id),
];

/// No record is longer (`input`'s module documentation), and what is shown of a malformed one is much shorter.
const LONGEST: usize = 64 * 1024;

/// How gzip and zstd begin (RFC 1952, RFC 8878).
const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];

/// Gives its bytes in pieces of a length that changes, as sockets and pipes do.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    length: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.length = self.length % 7 + 1;
        let n = self.length.min(into.len()).min(self.bytes.len() - self.at);
        into[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// What a reader made of a source: its records, and its error or what smelled.
fn read(
    input: impl Read + Send + 'static,
    options: &InputOptions,
    batch: usize,
) -> (Vec<Record>, Result<String, String>) {
    let name: Arc<str> = Arc::from("input");
    let mut reader = input::open_from(vec![(name, Box::new(input))], options);
    let mut records = Vec::new();
    let end = loop {
        match reader.next_batch(batch) {
            Ok(Some(more)) => {
                assert!(!more.is_empty() && more.len() <= batch);
                records.extend(more);
            }
            Ok(None) => break Ok(format!("{:?}", reader.findings())),
            Err(error) => {
                let after = reader.next_batch(batch);
                assert!(matches!(after, Ok(None)), "an error is the end");
                break Err(error.to_string());
            }
        }
    };
    (records, end)
}

/// Reads the bytes whole and in pieces: it must come to the same.
fn read_both_ways(bytes: &[u8], options: &InputOptions) -> Vec<Record> {
    read_to_end(bytes, options).0
}

/// As [`read_both_ways`], and says whether all was read.
fn read_to_end(bytes: &[u8], options: &InputOptions) -> (Vec<Record>, bool) {
    let whole = read(io::Cursor::new(bytes.to_vec()), options, 512);
    let pieces = Pieces {
        bytes: bytes.to_vec(),
        at: 0,
        length: bytes.len(),
    };
    let pieces = read(pieces, options, 3);
    let is_compressed = COMPRESSED.iter().any(|magic| bytes.starts_with(magic));
    if is_compressed && whole.1.is_err() && pieces.1.is_err() {
        // How much comes out before a damaged place is noticed is the decompressor's affair.
        let common = whole.0.len().min(pieces.0.len());
        assert_eq!(whole.0[..common], pieces.0[..common]);
    } else {
        assert_eq!(whole, pieces, "pieces make a difference");
    }
    let (records, end) = whole;
    let mut line = 1;
    for (seq, record) in (1..).zip(&records) {
        assert_eq!(record.seq, seq);
        assert!(record.line >= line, "lines only grow");
        line = record.line;
        assert!(record.content.shown().len() <= LONGEST);
        if let Content::Malformed { reason, .. } = &record.content {
            assert!(!reason.is_empty());
        }
    }
    (records, end.is_ok())
}

fn options(format: Format) -> InputOptions {
    InputOptions {
        format,
        ..InputOptions::default()
    }
}

/// The texts by their lines.
fn texts(records: &[Record]) -> impl Iterator<Item = (u64, &str)> {
    records.iter().filter_map(|record| match &record.content {
        Content::Text(text) => Some((record.line, &**text)),
        Content::Malformed { .. } => None,
    })
}

/// Text that no byte order mark and no compression changes.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let marked =
        text.starts_with('\u{feff}') || bytes.starts_with(b"\x1f\x8b") || text.contains('\0');
    (!marked && bytes.len() < LONGEST).then_some(text)
}

/// CSV with a header and without, whatever the first bytes choose. Without any quote a row is what lies between
/// delimiters, so every ID that is taken must stand there, alone.
pub(crate) fn csv(bytes: &[u8]) {
    read_both_ways(bytes, &options(Format::Csv));
    read_both_ways(bytes, &options(Format::Auto));
    let chosen = InputOptions {
        format: Format::Csv,
        column: NonZeroUsize::new(2).map(Column::Number),
        delimiter: Some(b','),
        header: false,
    };
    let records = read_both_ways(bytes, &chosen);
    if let Some(text) = plain(bytes)
        && !text.contains(['"', '\r'])
    {
        let lines: Vec<&str> = text.split('\n').collect();
        for (line, id) in texts(&records) {
            let row = lines[usize::try_from(line - 1).unwrap_or(usize::MAX)];
            assert_eq!(row.split(',').nth(1), Some(id), "line {line}: {row:?}");
        }
    }
}

/// JSONL: every ID that is taken is the value of its key.
pub(crate) fn jsonl(bytes: &[u8]) {
    read_both_ways(bytes, &options(Format::Jsonl));
    let chosen = InputOptions {
        column: Some(Column::Name("GroupId".to_owned())),
        ..options(Format::Jsonl)
    };
    let records = read_both_ways(bytes, &chosen);
    let Some(text) = plain(bytes) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    for (line, id) in texts(&records) {
        let object = lines[usize::try_from(line - 1).unwrap_or(usize::MAX)];
        // It has no limit of depth where nothing is looked at.
        let Ok(value) = serde_json::from_str::<serde_json::Value>(object) else {
            continue;
        };
        let of_key = value
            .as_object()
            .into_iter()
            .flatten()
            .find(|(key, value)| key.eq_ignore_ascii_case("GroupId") && value.as_str() == Some(id));
        assert!(of_key.is_some(), "line {line}: {object:?} gave {id:?}");
    }
}

/// Plain lines: those that are not blank, without white space around them.
pub(crate) fn lines(bytes: &[u8]) {
    let (records, whole) = read_to_end(bytes, &options(Format::Lines));
    if let Some(text) = plain(bytes) {
        let wanted = (1..)
            .zip(text.split('\n'))
            .map(|(line, text)| (line, text.trim_ascii()))
            .filter(|(_, text)| !text.is_empty());
        if whole {
            assert!(texts(&records).eq(wanted), "{records:?}");
        } else {
            // A zip archive, say.
            assert!(texts(&records).zip(wanted).all(|(is, wanted)| is == wanted));
        }
    }
}

/// Answers: success needs both of its words.
pub(crate) fn answer(bytes: &[u8]) {
    wire::total_count(bytes);
    let Ok(reply) = wire::parse(bytes) else {
        return;
    };
    assert!(bytes.len() <= wire::MAX_BODY_BYTES);
    assert!(reply.info.len() <= bytes.len());
    // It has a limit of depth, and the last one of two equal keys wins.
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) {
        assert_eq!(value["ErrorCode"].as_i64(), Some(reply.code));
        let status = value["ActionStatus"].as_str();
        assert_eq!(status == Some("OK"), reply.code == 0);
        assert_eq!(value["ErrorInfo"].as_str().unwrap_or_default(), reply.info);
    }
}

/// UserSigs: the text itself, the text inside, and one that was made of it.
pub(crate) fn usersig(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = Secret::new("swordfish".to_owned());
    if let Err(reason) = usersig::inspect(&text) {
        assert!(
            text.len() < 12 || !reason.to_string().contains(&*text),
            "it repeats the text"
        );
    }
    usersig::verify(&key, &text, 0).ok();
    usersig::verify(&key, &packed(bytes), u64::MAX).ok();
    let made = usersig::sign(
        &key,
        &text,
        1_400_000_000,
        1_700_000_000,
        Duration::from_secs(9),
    );
    if text.len() < 8 * 1024 {
        let read = usersig::verify(&key, made.expose(), 1_700_000_000).unwrap();
        assert_eq!(read.identifier, text);
    }
}

/// Bytes in the wrapping of a UserSig: spec section 7, steps 4 and 5.
fn packed(bytes: &[u8]) -> String {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(bytes).unwrap();
    let zlib = zlib.finish().unwrap();
    let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, zlib);
    base64.replace('+', "*").replace('/', "-").replace('=', "_")
}

/// Group IDs: what is taken could be sent.
pub(crate) fn group_id(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match GroupId::try_from(&*text) {
        Ok(group) => {
            assert_eq!(group.as_str(), text);
            assert!(text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
            assert!((1..=MAX_SERVICE_MADE_BYTES).contains(&text.len()));
            assert!(text.len() <= 48 || text.starts_with("@TGS#"));
            assert!(!text.starts_with("@PMG#_"));
            assert!(!(text.starts_with("@TGS#_") && text.contains("@TOPIC#_")));
        }
        Err(reason) => assert!(!reason.to_string().is_empty()),
    }
}
