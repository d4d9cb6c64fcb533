//! What holds for all inputs.

use proptest::{collection::vec, prelude::*};

use super::*;

/// Text made of what is special somewhere.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\r",
        "\"",
        "\"\"",
        ",",
        ";",
        "\t",
        " ",
        "id",
        "GroupId",
        "name",
        "@TGS#1",
        "x",
        "{\"id\":\"a\"}",
        "{",
        "}",
        ":",
        "[",
        "\u{feff}",
        "群",
        "\0",
        "P",
        "BZh9",
    ]);
    let token = prop_oneof![
        12 => token.prop_map(|t| t.as_bytes().to_vec()),
        1 => Just(vec![0xff]),
        1 => Just(vec![b'y'; 40_000]),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn any_options() -> impl Strategy<Value = InputOptions> {
    prop::sample::select(vec![
        "",
        "--format csv",
        "--format lines",
        "--format jsonl",
        "--format csv --no-header --column 1",
        "--format csv --delimiter ;",
        "--column id",
        "--no-header",
    ])
    .prop_map(options)
}

/// All that can be seen of a reading: the records before the end, and the end.
fn outcome(
    bytes: &[u8],
    sizes: &[usize],
    max: usize,
    options: &InputOptions,
) -> (Vec<Record>, String) {
    let mut reader = reader_of("x", Pieces::new(bytes, sizes), options);
    let mut records = Vec::new();
    loop {
        match reader.next_batch(max) {
            Ok(Some(batch)) => records.extend(batch),
            Ok(None) => return (records, format!("{:?}", reader.findings())),
            Err(error) => return (records, error.to_string()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_sizes_of_reads_and_batches_change_nothing(
        bytes in tricky(),
        sizes in vec(1_usize..6, 1..4),
        max in 1_usize..5,
        packed in 0..3,
        options in any_options(),
    ) {
        let bytes = match packed {
            0 => bytes,
            1 => gzip(&bytes),
            _ => zstd(&bytes),
        };
        let whole = outcome(&bytes, &[usize::MAX], 512, &options);
        prop_assert_eq!(&outcome(&bytes, &sizes, max, &options), &whole);
        prop_assert_eq!(&outcome(&bytes, &[1], 512, &options), &whole);
    }

    #[test]
    fn random_bytes_neither_panic_nor_yield_long_records(
        bytes in vec(any::<u8>(), 0..600),
        options in any_options(),
    ) {
        for record in outcome(&bytes, &[usize::MAX], 512, &options).0 {
            prop_assert!(record.line >= 1 && record.content.shown().len() <= 64 * 1024);
        }
    }

    #[test]
    fn what_the_csv_crate_writes_is_read_back(
        rows in vec((any::<String>(), any::<String>(), any::<String>()), 0..20),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        crlf in any::<bool>(),
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .from_writer(Vec::new());
        writer.write_record(["Name", "GroupId", "Type"]).unwrap();
        for (name, id, kind) in &rows {
            writer.write_record([name, id, kind]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let read: Vec<Content> = read("x.csv", &bytes).into_iter().map(|r| r.content).collect();
        let written: Vec<Content> =
            rows.iter().map(|(_, id, _)| Content::Text(id.as_str().into())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn lines_are_the_lines_of_the_text(text in "[ -~\n\t]{0,200}") {
        let (records, _) = read_with("x", text.as_bytes(), &options("--format lines")).unwrap();
        let read: Vec<String> = told(&records);
        let lines: Vec<String> = text
            .split('\n')
            .enumerate()
            .map(|(i, line)| (i + 1, line.trim_ascii()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(i, line)| format!("{i}:{line}"))
            .collect();
        prop_assert_eq!(read, lines);
    }

    #[test]
    fn what_serde_json_writes_is_read_back(ids in vec(any::<String>(), 0..20)) {
        let text: String = ids
            .iter()
            .map(|id| format!("{}\n", serde_json::json!({"Name": id, "GroupId": id, "n": [1, {"id": 2}]})))
            .collect();
        let read: Vec<Content> =
            read("x.jsonl", text.as_bytes()).into_iter().map(|r| r.content).collect();
        let written: Vec<Content> =
            ids.iter().map(|id| Content::Text(id.as_str().into())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_row_begins_on_the_line_where_its_bytes_begin(
        rows in vec(("[a-z]{1,5}", "[a-z\n]{0,5}", 0_usize..3), 1..20),
    ) {
        let mut text = "name,id\n".to_owned();
        let mut begins = Vec::new();
        for (id, name, blank) in &rows {
            text.push_str(&"\r\n".repeat(*blank));
            begins.push(text.matches('\n').count() as u64 + 1);
            text.push_str(&format!("\"{name}\",{id}\n"));
        }
        let lines: Vec<u64> = read("x.csv", text.as_bytes()).iter().map(|r| r.line).collect();
        prop_assert_eq!(lines, begins);
    }
}
