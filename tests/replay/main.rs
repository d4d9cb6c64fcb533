//! The seeds of the fuzz targets and bytes made here, through the same entries as the targets: for every machine, in
//! seconds. `fuzz/run-briefly.sh` goes further where it can.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod entry;

use std::{fs, path::Path};

use entry::ENTRIES;
use proptest::prelude::*;

#[test]
fn every_seed_is_read_as_it_must_be() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/seeds");
    for (name, entry) in ENTRIES {
        let mut count = 0;
        for seed in fs::read_dir(seeds.join(name)).unwrap() {
            let path = seed.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            entry(&bytes);
            // Cut short anywhere, as a broken connection cuts it.
            for at in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
                entry(&bytes[..at]);
            }
            count += 1;
        }
        assert!(count > 0, "{name} has no seeds");
    }
}

/// Pieces of what these formats are made of, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"GroupId",
        b"id",
        b"@TGS#2",
        b"@TGS#_",
        b"@TOPIC#_",
        b"@PMG#_",
        b",",
        b";",
        b"\t",
        b"\"",
        b"\"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\u0000",
        b"\\",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\0",
        b"\xe7\xbe\xa4",
        b"\xff",
        b"0",
        b"-1",
        b"1e9",
        b"null",
        b"true",
        b"\"OK\"",
        b"\"FAIL\"",
        b"\"ActionStatus\"",
        b"\"ErrorCode\"",
        b"\"ErrorInfo\"",
        b"\"GroupId\":\"a\"",
        b"TLS.ver",
        b"*",
        b"-",
        b"_",
    ];
    let piece = prop_oneof![
        6 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A seed with a few bytes changed, added or lost.
fn hurt(mut seed: Vec<u8>, hurts: Vec<(usize, u8, u8)>) -> Vec<u8> {
    for (at, how, byte) in hurts {
        let at = at % (seed.len() + 1);
        match how % 3 {
            0 => seed.insert(at, byte),
            1 if at < seed.len() => seed[at] = byte,
            _ => drop(seed.drain(at..(at + usize::from(byte)).min(seed.len()))),
        }
    }
    seed
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/seeds");
    let mut paths: Vec<_> = ENTRIES
        .iter()
        .flat_map(|(name, _)| fs::read_dir(folder.join(name)).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn pieces_of_the_formats_in_any_order_break_nothing(bytes in pieces()) {
        for (_, entry) in ENTRIES {
            entry(&bytes);
        }
    }

    #[test]
    fn seeds_that_were_hurt_break_nothing(
        seed in proptest::sample::select(seeds()),
        hurts in proptest::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..6),
    ) {
        let bytes = hurt(seed, hurts);
        for (_, entry) in ENTRIES {
            entry(&bytes);
        }
    }

    #[test]
    fn no_bytes_break_anything(bytes: Vec<u8>) {
        for (_, entry) in ENTRIES {
            entry(&bytes);
        }
    }
}
