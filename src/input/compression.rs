//! What the first bytes of a source say: compressed, encoded otherwise, or text.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use super::error::Fault;

/// The largest zstd window, as a power of two: 8 MiB, what RFC 8878 section 3.1.1.1.2 asks decoders to support and what
/// `zstd -19` needs. A frame may claim up to 3.75 TiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a source is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What a source begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Text,
    Bom,
    Compressed(Compression),
    Utf16,
    Foreign(&'static str),
    /// Too few bytes to tell.
    Unclear,
}

const MAGIC: [(&[u8], Start); 9] = [
    (b"\xef\xbb\xbf", Start::Bom),
    (b"\xff\xfe", Start::Utf16),
    (b"\xfe\xff", Start::Utf16),
    (b"\x1f\x8b", Start::Compressed(Compression::Gzip)),
    (b"\x28\xb5\x2f\xfd", Start::Compressed(Compression::Zstd)),
    (
        b"PK\x03\x04",
        Start::Foreign("a ZIP archive or a spreadsheet"),
    ),
    (b"\xfd7zXZ\0", Start::Foreign("compressed with xz")),
    // Block magic included: `BZh9` alone could begin an ID.
    (b"BZh91AY&SY", Start::Foreign("compressed with bzip2")),
    (b"SQLite format 3\0", Start::Foreign("an SQLite database")),
];

impl Start {
    /// Tells it from the bytes so far; `complete` when no more will come.
    pub(super) fn of(head: &[u8], complete: bool) -> Self {
        if let Some(start) = skippable_frame(head, complete) {
            return start;
        }
        for (magic, start) in MAGIC {
            if head.starts_with(magic) {
                return start;
            }
            if !complete && magic.starts_with(head) {
                return Self::Unclear;
            }
        }
        Self::Text
    }
}

/// Whether text looks like ASCII in UTF-16 without a byte order mark: every other byte is NUL.
pub(super) fn looks_like_utf16(text: &[u8]) -> bool {
    matches!(
        text,
        [0, 1..=255, 0, 1..=255, ..] | [1..=255, 0, 1..=255, 0, ..]
    )
}

/// Zstd streams may begin with a skippable frame, as `pzstd` writes them: magic 0x184D2A50 to 0x184D2A5F.
fn skippable_frame(head: &[u8], complete: bool) -> Option<Start> {
    match head {
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Start::Compressed(Compression::Zstd)),
        [0x50..=0x5f] | [0x50..=0x5f, 0x2a] | [0x50..=0x5f, 0x2a, 0x4d] if !complete => {
            Some(Start::Unclear)
        }
        _ => None,
    }
}

/// Wraps a source whose first bytes, `head`, were read already.
pub(super) fn decoder(
    how: Compression,
    head: &[u8],
    rest: Box<dyn Read + Send>,
) -> io::Result<Box<dyn Read + Send>> {
    let whole = BufReader::with_capacity(
        64 * 1024,
        Cursor::new(head.to_vec()).chain(Uninterrupted(rest)),
    );
    Ok(match how {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(whole)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}

/// Tells a decoder's complaint from one of the system's.
pub(super) fn fault(error: io::Error, how: Option<Compression>) -> Fault {
    let Some(how) = how.filter(|_| error.raw_os_error().is_none()) else {
        return Fault::Read(error);
    };
    if error.to_string().contains("too much memory") {
        return Fault::WindowTooLarge;
    }
    if error.kind() == ErrorKind::UnexpectedEof {
        return Fault::CutOff(how.name());
    }
    Fault::Damaged {
        compression: how.name(),
        error,
    }
}

/// Reads again after a signal, for decoders may not expect one.
struct Uninterrupted<R>(R);

impl<R: Read> Read for Uninterrupted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_source_is() {
        let table: [(&[u8], Start); 12] = [
            (b"GroupId", Start::Text),
            (b"BZh9", Start::Unclear),
            (b"BZh9x", Start::Text),
            (b"P", Start::Unclear),
            (b"Pa", Start::Text),
            (b"\xef\xbb", Start::Unclear),
            (b"\xef\xbb\xbfa", Start::Bom),
            (b"Q*", Start::Unclear),
            (b"Q*a", Start::Text),
            (b"\xff\xfea\0", Start::Utf16),
            (b"\x1f\x8b\x08", Start::Compressed(Compression::Gzip)),
            (b"\x51\x2a\x4d\x18", Start::Compressed(Compression::Zstd)),
        ];
        for (head, start) in table {
            assert_eq!(Start::of(head, false), start, "{head:?}");
        }
        assert_eq!(Start::of(b"P", true), Start::Text);
        assert_eq!(Start::of(b"", true), Start::Text);
        assert_eq!(Start::of(b"", false), Start::Unclear);
        assert!(looks_like_utf16(b"a\0\n\0") && looks_like_utf16(b"\0a\0b"));
        assert!(!looks_like_utf16(b"a\0b") && !looks_like_utf16(b"abcd"));
    }
}
