//! How many records a second the reader gives, by format.

use std::{fmt::Write as _, hint::black_box, io::Cursor};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use disband_batch::input::{BATCH, InputOptions, open_from};

const RECORDS: u64 = 200_000;

fn text(row: impl Fn(&mut String, u64) -> std::fmt::Result, head: &str) -> Vec<u8> {
    let mut text = head.to_owned();
    for n in 0..RECORDS {
        row(&mut text, n).expect("a string takes all that is written to it");
    }
    text.into_bytes()
}

fn read(bytes: Vec<u8>) -> u64 {
    let sources = vec![("stdin".into(), Box::new(Cursor::new(bytes)) as _)];
    let mut reader = open_from(sources, &InputOptions::default());
    let mut records = 0;
    while let Some(batch) = reader
        .next_batch(BATCH)
        .expect("the bench's input is sound")
    {
        records += black_box(batch).len() as u64;
    }
    assert_eq!(records, RECORDS);
    records
}

fn formats(c: &mut Criterion) {
    let lines = text(|text, n| writeln!(text, "@TGS#2{n:09X}"), "");
    let csv = text(
        |text, n| {
            writeln!(
                text,
                "@TGS#2{n:09X},Public,Room {n},user_{n:06},{},1620222426,1644972546",
                n % 200
            )
        },
        "GroupId,Type,Name,Owner_Account,MemberNum,CreateTime,LastMsgTime\n",
    );
    let quoted = text(
        |text, n| {
            writeln!(
                text,
                "\"@TGS#2{n:09X}\",\"Public\",\"Room \"\"{n}\"\", east\",\"user_{n:06}\""
            )
        },
        "\"GroupId\",\"Type\",\"Name\",\"Owner_Account\"\n",
    );
    let jsonl = text(
        |text, n| {
            writeln!(
                text,
                "{{\"GroupId\":\"@TGS#2{n:09X}\",\"Type\":\"Public\",\"Name\":\"Room {n}\",\"MemberNum\":{}}}",
                n % 200
            )
        },
        "",
    );
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, bytes) in [
        ("lines", lines),
        ("csv", csv),
        ("csv quoted", quoted),
        ("jsonl", jsonl),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(|| bytes.clone(), read, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
