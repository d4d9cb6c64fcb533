//! What is refused, and in which words.

use super::*;

fn refusal(name: &str, bytes: &[u8], words: &str) -> String {
    match read_with(name, bytes, &options(words)) {
        Ok((records, _)) => panic!("{name} was read: {:?}", told(&records)),
        Err(error) => {
            assert!(!error.hint().is_empty());
            error.to_string()
        }
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let table: [(&str, &str, &str, &str); 24] = [
        (
            "stdin",
            "a,b\n",
            "",
            r#"stdin, line 1: the first line, "a,b", could be a plain line or a CSV row, and no column has a known name"#,
        ),
        (
            "stdin",
            "\n\na;b\n",
            "",
            r#"stdin, line 3: the first line, "a;b", could be a plain line or a CSV row, and no column has a known name"#,
        ),
        (
            "stdin",
            "\"a\"\n",
            "",
            r#"stdin, line 1: the first line, "\"a\"", could be a plain line or a CSV row, and no column has a known name"#,
        ),
        (
            "x.txt",
            "GroupId,Name\na,b\n",
            "",
            r#"x.txt, line 1: named as plain lines, but it begins with a CSV header: "GroupId,Name""#,
        ),
        (
            "x.csv",
            "room,name\na,b\n",
            "",
            r#"x.csv, line 1: none is named GroupId, group_id, groupid, group id or id; its columns are "room", "name""#,
        ),
        (
            "x.csv",
            "room;name,x\n",
            "",
            "x.csv, line 1: the header could be divided at `,` or `;`, and it cannot be told which",
        ),
        (
            "x.csv",
            "id;name\tx,id\n",
            "",
            "x.csv, line 1: the header could be divided at `,` or `;` or a tab, and it cannot be told which",
        ),
        (
            "x.csv",
            "a,b;c\n",
            "--no-header --column 1",
            "x.csv, line 1: the header could be divided at `,` or `;`, and it cannot be told which",
        ),
        (
            "x.csv",
            "id,GroupId\n",
            "",
            r#"x.csv, line 1: more than one column or key could hold the group ID: "id", "GroupId""#,
        ),
        (
            "x.csv",
            "@TGS#1\n@TGS#2\n",
            "",
            r#"x.csv, line 1: the header holds a group ID, "@TGS#1": the file seems to have no header"#,
        ),
        (
            "x.csv",
            "id|name\na|b\n",
            "",
            r#"x.csv, line 1: the header, "id|name", has one column only, and that looks like several or like something else"#,
        ),
        (
            "x.csv",
            "id,\"name\na,b\n",
            "",
            "x.csv, line 1: the first row cannot be read: a quote in it is never closed",
        ),
        (
            "x.csv",
            "a,b\n",
            "--no-header",
            "x.csv, line 1: without a header it cannot be told which of the 2 columns holds the group ID",
        ),
        (
            "x.csv",
            "a,b\n",
            "--no-header --column id",
            r#"x.csv, line 1: without a header no column has a name, so "id" cannot be found"#,
        ),
        (
            "x.csv",
            "a,b\n",
            "--column 3",
            "x.csv, line 1: there is no column 3: the first row has 2",
        ),
        (
            "x.jsonl",
            "{\"a\":1,\"b\":2}\n",
            "",
            r#"x.jsonl, line 1: none is named GroupId, group_id, groupid, group id or id; the first object's keys are "a", "b""#,
        ),
        (
            "x.jsonl",
            "{\"a\":1}\n",
            "--column room",
            r#"x.jsonl, line 1: there is none named "room"; the first object's key is "a""#,
        ),
        (
            "x.jsonl",
            "{\"id\":\"a\",\"GroupId\":\"b\"}\n",
            "",
            r#"x.jsonl, line 1: more than one column or key could hold the group ID: "id", "GroupId""#,
        ),
        (
            "x.jsonl",
            "{\"id\":\"a\"}\n",
            "--column 1",
            "x.jsonl, line 1: --column with a number means nothing for JSONL",
        ),
        (
            "x.jsonl",
            "{\n\"id\":\"a\"}\n",
            "",
            "x.jsonl, line 1: this is a JSON document, not one JSON object on each line",
        ),
        (
            "stdin",
            "[{\"id\":\"a\"}]\n",
            "",
            "stdin, line 1: this is a JSON document, not one JSON object on each line",
        ),
        (
            "x.json",
            "{\n",
            "",
            "x.json, line 1: this is a JSON document, not one JSON object on each line",
        ),
        (
            "x.txt",
            "a\n",
            "--column id",
            "x.txt, line 1: --column means nothing for plain lines",
        ),
        (
            "stdin",
            "a\n",
            "--format lines --delimiter ;",
            "stdin, line 1: --delimiter means nothing for plain lines",
        ),
    ];
    for (name, text, words, message) in table {
        assert_eq!(refusal(name, text.as_bytes(), words), message);
    }
}

#[test]
fn what_is_no_utf8_text_is_refused() {
    let utf16: Vec<u8> = "GroupId\na\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = "a\r\nb\r\n"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let marked = [b"\xff\xfe", &utf16[..]].concat();
    for bytes in [
        utf16,
        big,
        marked,
        b"\xfe\xff".to_vec(),
        gzip(b"\xff\xfea\0"),
    ] {
        assert_eq!(
            refusal("x.csv", &bytes, ""),
            "x.csv: the text is UTF-16, not UTF-8"
        );
    }
    assert_eq!(
        refusal("x.xlsx", b"PK\x03\x04...", ""),
        "x.xlsx: this is no text: it is a ZIP archive or a spreadsheet"
    );
    assert_eq!(
        refusal("stdin", &gzip(&zstd(b"a\n")), ""),
        "stdin: what is inside the compression is compressed again"
    );
    assert_eq!(
        refusal("x.csv", "x".repeat(70_000).as_bytes(), ""),
        "x.csv, line 1: the first line is over 64 KiB, so neither format nor columns can be told from it"
    );
}

#[test]
fn a_cut_or_damaged_stream_fails_after_the_whole_lines_before_the_damage() {
    // Digits of a fixed multiplicative sequence, so that the text does not shrink to nothing.
    let mut text = String::new();
    let mut x = 1_u64;
    for _ in 0..50_000 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(&format!("g{x}\n"));
    }
    let lines: Vec<&str> = text.lines().collect();
    for (packed, name) in [
        (gzip(text.as_bytes()), "gzip"),
        (zstd(text.as_bytes()), "zstd"),
    ] {
        let cut = &packed[..packed.len() / 2];
        let mut reader = reader_of("x", Pieces::new(cut, &[4096]), &InputOptions::default());
        let mut whole = Vec::new();
        let error = loop {
            match reader.next_batch(100) {
                Ok(batch) => whole.extend(batch.expect("a cut stream looked whole")),
                Err(error) => break error,
            }
        };
        assert!(whole.len() > 1000);
        assert!(
            whole
                .iter()
                .zip(lines.iter())
                .all(|(r, l)| r.content.shown() == *l)
        );
        assert_eq!(
            error.to_string(),
            format!(
                "x, line {}: the {name} stream is cut off: it ends in the middle",
                whole.len() + 1
            )
        );
        assert!(
            reader.next_batch(1).unwrap().is_none(),
            "a failed reader is at its end"
        );
    }
    let garbage = [gzip(b"a\n"), b"garbage behind it".to_vec()].concat();
    let mut reader = reader_of(
        "x",
        Pieces::new(&garbage, &[usize::MAX]),
        &InputOptions::default(),
    );
    assert_eq!(told(&reader.next_batch(9).unwrap().unwrap()), ["1:a"]);
    let error = reader.next_batch(9).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("x, line 2: the gzip stream is damaged"),
        "{error}"
    );
}

#[test]
fn a_zstd_stream_with_a_huge_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.write_all(&b"a\n".repeat(100_000)).unwrap();
    assert_eq!(
        refusal("x.zst", &encoder.finish().unwrap(), ""),
        "x.zst, line 1: the zstd stream needs a window of more than 8 MiB"
    );
}

#[test]
fn files_are_looked_into_before_any_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(path(name), bytes).unwrap();
        Source::File(path(name))
    };
    let good = put("good.csv", b"id,n\na,\nb,\n");
    let bad = put("bad.csv", b"room,n\nc,\n");
    let fails = |sources: Vec<Source>| {
        let error = open(sources, &InputOptions::default()).unwrap_err();
        error
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        fails(vec![good.clone(), bad]),
        r#"bad.csv, line 1: none is named GroupId, group_id, groupid, group id or id; its columns are "room", "n""#
    );
    assert_eq!(
        fails(vec![good.clone(), Source::File(path("none.csv"))]),
        "none.csv: there is no such file"
    );
    std::fs::create_dir(path("folder")).unwrap();
    assert_eq!(
        fails(vec![Source::File(path("folder"))]),
        "folder: this is a directory, not a file"
    );
    assert_eq!(
        fails(vec![Source::Stdin, Source::Stdin]),
        "stdin: standard input is named more than once, and can be read only once"
    );
    let lines = put("more.txt", b"c\n");
    let null = Source::File("/dev/null".into());
    let mut reader = open(vec![good, null, lines], &InputOptions::default()).unwrap();
    assert_eq!(told(&drain(&mut reader, 9).unwrap()), ["2:a", "3:b", "1:c"]);
}

#[test]
fn an_error_of_the_system_keeps_the_last_whole_record_and_drops_the_cut_one() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    let input = io::Cursor::new(b"a\nb\ncut-o").chain(Fails);
    let mut reader = reader_of("stdin", input, &InputOptions::default());
    assert_eq!(
        told(&reader.next_batch(9).unwrap().unwrap()),
        ["1:a", "2:b"]
    );
    let error = reader.next_batch(9).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("stdin, line 3: reading stopped:"),
        "{error}"
    );
}

#[test]
fn names_from_the_input_cannot_act_on_a_terminal() {
    let message = refusal("x.csv", b"\x1b[2Jroom,b\n", "");
    assert!(!message.contains('\x1b'), "{message:?}");
    let message = refusal("x.csv", format!("{},b\n", "x".repeat(999)).as_bytes(), "");
    assert!(message.len() < 500);
}
