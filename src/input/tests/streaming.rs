//! Pipes, back-pressure, and memory.

use std::{
    io::pipe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::*;

#[test]
fn a_record_is_given_while_its_writer_still_holds_the_pipe_open() {
    let packed = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.flush().unwrap();
        encoder.get_ref().clone()
    };
    for (head, line) in [
        (b"a\n".to_vec(), "1:a"),
        (b"id\na\n".to_vec(), "2:a"),
        (b"id,name\na,\"b\"\n".to_vec(), "2:a"),
        (b"{\"id\":\"a\"}\n".to_vec(), "1:a"),
        (packed(b"a\n"), "1:a"),
    ] {
        let (reader, mut writer) = pipe().unwrap();
        let mut reader = reader_of("stdin", reader, &InputOptions::default());
        writer.write_all(&head).unwrap();
        assert_eq!(told(&reader.next_batch(512).unwrap().unwrap()), [line]);
        if line == "1:a" && head == b"a\n" {
            writer.write_all(b"b\nc\npart").unwrap();
            assert_eq!(
                told(&reader.next_batch(512).unwrap().unwrap()),
                ["2:b", "3:c"]
            );
            writer.write_all(b"ial\n").unwrap();
            assert_eq!(
                told(&reader.next_batch(512).unwrap().unwrap()),
                ["4:partial"]
            );
            drop(writer);
            assert!(reader.next_batch(512).unwrap().is_none());
        }
    }
}

#[test]
fn nothing_is_read_ahead_of_a_batch_that_is_not_taken() {
    let (input, mut writer) = pipe().unwrap();
    let mut reader = reader_of("stdin", input, &InputOptions::default());
    writer.write_all(b"a\nb\nc\n").unwrap();
    for line in ["1:a", "2:b", "3:c"] {
        assert_eq!(told(&reader.next_batch(1).unwrap().unwrap()), [line]);
    }
}

/// Gives a line for as long as it is asked, and counts what it gave.
struct Endless {
    line: Vec<u8>,
    given: Arc<AtomicU64>,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled + self.line.len() <= buf.len() {
            buf[filled..filled + self.line.len()].copy_from_slice(&self.line);
            filled += self.line.len();
        }
        self.given.fetch_add(filled as u64, Ordering::SeqCst);
        Ok(filled)
    }
}

#[tokio::test]
async fn a_full_channel_stops_the_reader_and_a_dropped_one_ends_it() {
    let given = Arc::new(AtomicU64::new(0));
    let line = b"0123456789abcde\n".to_vec();
    let input = Endless {
        line: line.clone(),
        given: Arc::clone(&given),
    };
    let watch = Arc::downgrade(&given);
    drop(given);
    let capacity = 4;
    let reader = reader_of("stdin", input, &InputOptions::default());
    let mut feed = spawn(reader, capacity).unwrap();
    let mut taken = 0;
    // In the channel, in the hand of the thread, and in the buffer.
    let ahead = (capacity as u64 + 1) * BATCH as u64 * 16 + 256 * 1024;
    for _ in 0..200 {
        match feed.recv().await {
            Some(Fed::Records(records)) => taken += records.len() as u64 * 16,
            other => panic!("{other:?}"),
        }
        let given = watch.upgrade().unwrap().load(Ordering::SeqCst);
        assert!(
            given <= taken + ahead + 256 * 1024,
            "{given} read, {taken} taken"
        );
    }
    drop(feed);
    while watch.upgrade().is_some() {
        thread::yield_now();
    }
}

#[tokio::test]
async fn the_feed_says_how_it_ended() {
    let reader = reader_of("stdin", &b"a\nb"[..], &InputOptions::default());
    let mut feed = spawn(reader, 0).unwrap();
    assert!(matches!(feed.recv().await, Some(Fed::Records(r)) if r.len() == 1));
    assert!(matches!(feed.recv().await, Some(Fed::Records(r)) if r.len() == 1));
    match feed.recv().await {
        Some(Fed::End(findings)) => assert_eq!(findings.records, 2),
        other => panic!("{other:?}"),
    }
    assert!(feed.recv().await.is_none());

    let reader = reader_of("stdin", &b"a,b\n"[..], &InputOptions::default());
    let mut feed = spawn(reader, 1).unwrap();
    match feed.recv().await {
        Some(Fed::Failed(error)) => assert!(matches!(error.fault, Fault::LinesOrCsv(_))),
        other => panic!("{other:?}"),
    }
    assert!(feed.recv().await.is_none());
}

/// Repeats a piece so many times, then gives a tail.
fn long(
    head: &'static [u8],
    piece: &'static [u8],
    times: u64,
    tail: &'static [u8],
) -> impl Read + Send {
    struct Repeat {
        piece: &'static [u8],
        left: u64,
        at: usize,
    }
    impl Read for Repeat {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let mut filled = 0;
            while filled < buf.len() && self.left > 0 {
                let n = (self.piece.len() - self.at).min(buf.len() - filled);
                buf[filled..filled + n].copy_from_slice(&self.piece[self.at..self.at + n]);
                filled += n;
                self.at += n;
                if self.at == self.piece.len() {
                    (self.at, self.left) = (0, self.left - 1);
                }
            }
            Ok(filled)
        }
    }
    let middle = Repeat {
        piece,
        left: times,
        at: 0,
    };
    head.chain(middle).chain(tail)
}

#[test]
fn a_record_of_any_length_is_passed_over_in_a_window_of_fixed_size() {
    // 64 MiB each; the buffer has no way to grow, so getting through is the proof.
    let megabytes = 64 * 1024 * 1024 / 16;
    let piece = b"aaaaaaaaaaaaaaaa";
    let mut reader = reader_of(
        "x.txt",
        long(b"a\n", piece, megabytes, b"\nb\n"),
        &InputOptions::default(),
    );
    let records = told(&drain(&mut reader, 512).unwrap());
    assert_eq!((records.len(), records[2].as_str()), (3, "3:b"));

    let piece = b"row, \"\"of\"\" text\n";
    let input = long(b"id,n\na,\"", piece, megabytes, b"\"\nb,c\n");
    let mut reader = reader_of("x.csv", input, &InputOptions::default());
    let records = told(&drain(&mut reader, 512).unwrap());
    assert_eq!(
        (records.len(), records[1].as_str()),
        (2, &*format!("{}:b", megabytes + 3))
    );
    assert!(
        records[0].contains(&format!("lines 2 to {}", megabytes + 2)),
        "{}",
        records[0]
    );
}

#[test]
fn a_decompression_bomb_is_passed_over_like_any_long_line() {
    let mut bomb = gzip(b"a\n");
    let zeros = gzip(&vec![b'0'; 1 << 20]);
    for _ in 0..64 {
        bomb.extend_from_slice(&zeros);
    }
    bomb.extend(gzip(b"\nb\n"));
    let records = told(&read("stdin", &bomb));
    assert_eq!(records.len(), 3);
    assert!(records[1].ends_with("(the record is over 64 KiB)"));
    assert_eq!(records[2], "3:b");
}
