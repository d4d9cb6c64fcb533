//! The files in `sample-input/`.

use std::path::Path;

use super::*;

fn sample(name: &str) -> (Vec<Record>, Findings) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-input")
        .join(name);
    let mut reader = open(vec![Source::File(path)], &InputOptions::default()).unwrap();
    let records = drain(&mut reader, BATCH).unwrap();
    (records, reader.findings())
}

#[test]
fn the_clean_samples_are_read_without_a_complaint() {
    for (name, count) in [("groups.csv", 2000), ("ids.txt", 320), ("groups.jsonl", 40)] {
        let (records, findings) = sample(name);
        let expected = Findings {
            records: count,
            ..Findings::default()
        };
        assert_eq!(findings, expected, "{name}");
        assert_eq!(records.len() as u64, count);
    }
}

#[test]
fn the_ids_are_some_of_the_groups() {
    let (groups, _) = sample("groups.csv");
    let groups: std::collections::HashSet<&str> =
        groups.iter().map(|r| r.content.shown()).collect();
    let (ids, _) = sample("ids.txt");
    assert!(ids.iter().all(|id| groups.contains(id.content.shown())));
}

#[test]
fn the_messy_sample_gives_one_record_for_each_row() {
    let (records, findings) = sample("messy.csv");
    assert_eq!(findings.smells.len(), 1);
    let lines: Vec<String> = told(&records)
        .iter()
        .map(|line| line.replace('\n', "\\n").replace('\t', "\\t"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r###"
    2:@TGS#2J4SZEAEL
    3:@TGS#1QX7MD4R2
    4:@TGS#3TB9KQW5Z
    11:@TGS#_@TGS#cQVLVHIM62CJ
    12:live_2023_004711
    13:team #7; north
    14:sales, south 12
    15:desk "K7"
    16:=1+2
    17:0012
    18: room 12B 
    19:@TGS#2J4SZEAEL
    20!Ragged,@TGS#2RAGGED01 (the row has 2 fields, the header 4)
    21!Ragged,@TGS#2RAGGED02,Public,one,too many (the row has 5 fields, the header 4)
    22:
    23:
    24:
    25:课程_2023
    26:room 12
    27:＠TGS#2J4SZEAEL
    28:order-0000001-moved-to-archive-by-the-clean-up-of-2023
    29:room\t12
    30:room\n12
    32:@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cA1B2C3D4E5
    33:@PMG#_moderators
    34!Latin-1,caf�-12,Public,no UTF-8 in the ID (the text is not UTF-8)
    35:@TGS#2LATIN1NM
    36!"Stray quote"s,@TGS#2STRAYQT1,Public,text behind a closing quote (text stands after a closing quote (line 36 taken as one row))
    37:@TGS#2INCHES01
    39:@TGS#2LASTROW1
    "###);
}
