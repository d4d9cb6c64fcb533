//! What is read how.

use super::*;

#[test]
fn lines_lose_the_white_space_around_them_and_nothing_else() {
    let text = b"\xef\xbb\xbfa\r\n\n  b c \t\n \r\n#x;y,\"z\"\r\n\xc2\xa0d\nlast";
    assert_eq!(
        told(&read("x.txt", text)),
        ["1:a", "3:b c", "5:#x;y,\"z\"", "6:\u{a0}d", "7:last"]
    );
}

#[test]
fn csv_cells_are_taken_as_they_stand() {
    let text = b"\xef\xbb\xbfName,GroupId,Type\r\n\
        \"Tea, \"\"green\"\"\",@TGS#1,Public\r\n\
        \"two\nlines\", spaced ,x\n\
        \r\n\n\
        a,\"with\nnewline\",b\n\
        5\" screen,\"a\"\"b,c;d\",\n\
        ,,\r\n\
        \"n\",\"\",\"t\"\r\n\
        z,last,\"y\"";
    assert_eq!(
        told(&read("x.csv", text)),
        [
            "2:@TGS#1",
            "3: spaced ",
            "7:with\nnewline",
            "9:a\"b,c;d",
            "10:",
            "11:",
            "12:last"
        ]
    );
}

#[test]
fn a_carriage_return_ends_a_row_only_before_a_line_feed() {
    assert_eq!(
        told(&read("x.csv", b"n,id\r\na,b\rc\r\nd,\"e\r\"\r\nf,g\r")),
        ["2:b\rc", "3:e\r", "4:g"]
    );
    assert_eq!(told(&read("x.txt", b"a\rb\r\nc\r")), ["1:a\rb", "2:c"]);
}

#[test]
fn every_delimiter_is_found_in_the_header() {
    let table: [(&str, &str, &str, &str); 12] = [
        ("x.csv", "GroupId,Name\na,b\n", "", "a"),
        ("x.csv", "Name;GroupId\nb;a\n", "", "a"),
        ("x.csv", "Name\tGroupId\nb\ta\n", "", "a"),
        ("x.tsv", "Name\tGroup Id\n;,\ta\n", "", "a"),
        ("x.csv", "Name|GroupId\nb|a\n", "--delimiter |", "a"),
        ("x.csv", "\"Name, full\";GroupId\nb;a\n", "", "a"),
        ("x.csv", "Name, full;GroupId\nb;a\n", "", "a"),
        ("x.csv", "Rooms\na;b\n", "", "a;b"),
        ("x.csv", "b,a,c\n", "--no-header --column 2", "a"),
        ("x.csv", "a\n", "--no-header", "a"),
        ("x.csv", "x,Room\nb,a\n", "--column ROOM", "a"),
        ("stdin", "x,y\nb,a\n", "--column 2", "a"),
    ];
    for (name, text, words, id) in table {
        let (records, _) = read_with(name, text.as_bytes(), &options(words)).unwrap();
        let ids: Vec<&str> = records.iter().map(|r| r.content.shown()).collect();
        assert_eq!(ids, [id], "{name} {text:?} {words}");
    }
}

#[test]
fn the_format_is_told_by_option_then_name_then_content() {
    let table: [(&str, &str, &str, &[&str]); 17] = [
        ("stdin", "a\nb\n", "", &["a", "b"]),
        ("stdin", "GroupId\na\n", "", &["a"]),
        ("stdin", "\"groupid\"\n\"a\"\n", "", &["a"]),
        ("stdin", "\n \nid;name\na;b\n", "", &["a"]),
        ("stdin", "{\"id\":\"a\"}\n", "", &["a"]),
        ("stdin", "{ \"room\" : \"a\"}\n", "--column room", &["a"]),
        ("stdin", "{room}\n[b]\n", "", &["{room}", "[b]"]),
        ("stdin", "a b#c=d\n", "", &["a b#c=d"]),
        ("stdin", "a,b\n\"c\"\n", "--format lines", &["a,b", "\"c\""]),
        ("stdin", "\"a\"\n", "--no-header", &["a"]),
        (
            "x.txt",
            "a,b\n{\"id\":\"c\"}\n",
            "",
            &["a,b", "{\"id\":\"c\"}"],
        ),
        ("X.IDS", "id\na\n", "", &["id", "a"]),
        ("x.csv", "a\nb\n", "--format lines", &["a", "b"]),
        (
            "x.ndjson",
            "{\"GROUPID\":\"a\"}\n\n{\"id\":\"b\"}",
            "",
            &["a", "b"],
        ),
        ("x.csv.gz", "Rooms\na\n", "", &["a"]),
        ("x.data", "a\n", "", &["a"]),
        ("no-ending", "id,x\na,b", "", &["a"]),
    ];
    for (name, text, words, ids) in table {
        let (records, _) = read_with(name, text.as_bytes(), &options(words)).unwrap();
        let read: Vec<&str> = records.iter().map(|r| r.content.shown()).collect();
        assert_eq!(read, ids, "{name} {text:?} {words}");
        assert!(
            records
                .iter()
                .all(|r| matches!(r.content, Content::Text(_)))
        );
    }
}

#[test]
fn a_bad_row_is_malformed_and_the_next_one_is_read() {
    let text = b"id,name,type\n\
        a,b\n\
        c,d,e,f,g\n\
        \xff\xfe,x,y\n\
        ok,\xff,y\n\
        \"q\"r,x,y\n\
        fine,x,y\n";
    assert_eq!(
        told(&read("x.csv", text)),
        [
            "2!a,b (the row has 2 fields, the header 3)",
            "3!c,d,e,f,g (the row has 5 fields, the header 3)",
            "4!\u{fffd}\u{fffd},x,y (the text is not UTF-8)",
            "5:ok",
            "6!\"q\"r,x,y (text stands after a closing quote (line 6 taken as one row))",
            "7:fine",
        ]
    );
    let (records, _) = read_with("x.csv", b"a,b\nc\n", &options("--no-header --column 1")).unwrap();
    assert_eq!(
        told(&records),
        ["1:a", "2!c (the row has 1 field, the first row 2)"]
    );
    assert_eq!(
        told(&read("x.txt", b"a\n\xc3\x28\nb\n")),
        ["1:a", "2!\u{fffd}( (the text is not UTF-8)", "3:b"]
    );
    assert_eq!(
        told(&read(
            "x.jsonl",
            b"{\"id\":\"a\"}\n{\"id\":7}\n[]\n{\"id\":\"\xff\"}\n{\"id\":\"b\"}"
        )),
        [
            "1:a",
            "2!{\"id\":7} (\"id\" holds a number, not a string)",
            "3![] (the line is no JSON object)",
            "4!{\"id\":\"\u{fffd}\"} (the text is not UTF-8)",
            "5:b",
        ]
    );
}

#[test]
fn a_stray_quote_swallows_rows_into_one_record_up_to_the_next_quote() {
    assert_eq!(
        told(&read("x.csv", b"id,name\na,\"b\nc,d\ne,\"f\"\ng,h\n")),
        [
            "2!a,\"b\nc,d\ne,\"f\" (text stands after a closing quote (lines 2 to 4 taken as one row))",
            "5:g"
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_takes_no_row_behind_it_for_a_record() {
    let mut text = b"id,name\na,b\nc,\"d\ne,f\n".to_vec();
    let told_of = |text: &[u8]| told(&read("x.csv", text));
    assert_eq!(
        told_of(&text),
        [
            "2:a",
            "3!c,\"d\ne,f (a quote is opened and never closed (lines 3 to 4 taken as one row))"
        ]
    );
    assert_eq!(
        smells("x.csv", &text),
        ["x.csv: a quote is never closed, so lines 3 to 4 were read as one malformed record"]
    );
    text.extend("x,y\n".repeat(100_000).bytes());
    let records = told_of(&text);
    assert_eq!(records.len(), 2);
    assert!(
        records[1]
            .ends_with("(a quote is opened and never closed (lines 3 to 100004 taken as one row))"),
        "{}",
        records[1]
    );
}

#[test]
fn a_record_may_have_64_kib_and_not_a_byte_more() {
    let limit = 64 * 1024;
    for end in ["\n", "\r\n", ""] {
        let fits = "x".repeat(limit);
        let over = "x".repeat(limit + 1);
        let both = |a: &str, b: &str| format!("{a}{end}{b}");
        let lines = read("x.txt", both(&fits, "\n").as_bytes());
        assert_eq!(lines[0].content.shown().len(), limit, "{end:?}");
        let lines = told(&read("x.txt", format!("{over}\nnext{end}").as_bytes()));
        assert!(
            lines[0].ends_with("… (the record is over 64 KiB)"),
            "{end:?}"
        );
        assert_eq!(lines[1], "2:next");

        let row = format!("id,n\na,{}", &fits[2..]);
        assert_eq!(told(&read("x.csv", both(&row, "").as_bytes())), ["2:a"]);
        let row = format!("id,n\na,{}\nnext,{end}", &over[2..]);
        let rows = told(&read("x.csv", row.as_bytes()));
        assert!(
            rows[0].ends_with("… (the record is over 64 KiB)"),
            "{end:?}"
        );
        assert_eq!(rows[1], "3:next");
    }
    let json = format!(
        "{{\"id\":\"a\"}}\n{{\"id\":\"{}\"}}\n{{\"id\":\"b\"}}\n",
        "x".repeat(limit)
    );
    let objects = told(&read("x.jsonl", json.as_bytes()));
    assert!(objects[1].ends_with("(the record is over 64 KiB)"));
    assert_eq!(objects[2], "3:b");
}

#[test]
fn an_oversized_quoted_field_is_passed_over_to_its_closing_quote() {
    let inside = "victim,x\n".repeat(20_000);
    let text = format!("id,name\na,\"{inside}\"\nb,c\n");
    assert_eq!(
        told(&read("x.csv", text.as_bytes()))
            .iter()
            .map(|t| t.split('…').next_back().unwrap())
            .collect::<Vec<_>>(),
        [" (the record is over 64 KiB (lines 2 to 20002))", "20003:b"]
    );
}

#[test]
fn compression_is_told_by_the_first_bytes_whatever_the_name() {
    let text = b"id,name\na,b\nc,d\n";
    let twice = [gzip(b"id,name\na,b"), gzip(b"\nc,d\n")].concat();
    let frames = [zstd(b"id,name\na"), zstd(b",b\nc,d\n")].concat();
    for bytes in [gzip(text), zstd(text), twice, frames] {
        for name in ["stdin", "x.csv", "x.csv.zst"] {
            assert_eq!(told(&read(name, &bytes)), ["2:a", "3:c"]);
        }
    }
    assert_eq!(told(&read("x", &gzip(b"\xef\xbb\xbfa\n"))), ["1:a"]);
    assert_eq!(told(&read("x", &gzip(b""))), [""; 0]);
}

#[test]
fn records_are_numbered_through_all_sources() {
    let sources: Vec<(_, Box<dyn Read + Send>)> = vec![
        ("a.txt".into(), Box::new(&b"1\n2"[..])),
        ("b.csv".into(), Box::new(&b""[..])),
        ("c.csv".into(), Box::new(&b"id,x\n3,\n"[..])),
    ];
    let mut reader = open_from(sources, &InputOptions::default());
    let records = drain(&mut reader, 100).unwrap();
    let all: Vec<_> = records.iter().map(|r| (r.seq, r.source, r.line)).collect();
    assert_eq!(all, [(1, 0, 1), (2, 0, 2), (3, 2, 2)]);
    assert_eq!(reader.sources()[2].as_ref(), "c.csv");
    let findings = reader.findings();
    assert_eq!((findings.records, findings.malformed), (3, 0));
    insta::assert_snapshot!(
        findings.smells.iter().map(|s| format!("{s}\n")).collect::<String>(),
        @r"
    a.txt ends without a newline in line 2: if it was cut off, its last ID is a part of another
    b.csv holds no records
    all 3 IDs are numbers: if a spreadsheet wrote them, zeros may be lost
    "
    );
}

#[test]
fn what_smells_is_told_and_what_does_not_is_not() {
    assert_eq!(smells("x.txt", b"a\nb\n"), [""; 0]);
    assert_eq!(smells("x.csv", b"id\n@TGS#1\n"), [""; 0]);
    assert_eq!(
        smells("x.csv", b"Rooms\na\n"),
        [
            "x.csv: the first line, \"Rooms\", was taken for the column's name; if it is a group ID, say --no-header"
        ]
    );
    assert_eq!(
        smells("x.txt", b"\nGroupId\na\n"),
        [
            "x.txt, line 2: this looks like a column's name, but is taken for a group ID as every plain line"
        ]
    );
    assert_eq!(
        smells("x.csv", b"id,n\n1.2E+11,\n007,"),
        [
            "x.csv ends without a newline in line 3: if it was cut off, its last ID is a part of another",
            "all 2 IDs are numbers: if a spreadsheet wrote them, zeros may be lost"
        ]
    );
    assert_eq!(
        smells("x.txt", b"7\n"),
        ["the only ID is a number: if a spreadsheet wrote it, zeros may be lost"]
    );
}
