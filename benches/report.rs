//! Rows a second into each report format. At 200 calls a second a row may take 5 ms; a resumed run of ten million
//! groups writes its earlier rows again, so it should take about a microsecond.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disband_batch::{
    escape::Escaped,
    outcome::Outcome,
    report::{Format, Rows},
    row::Row,
    wall::UnixMillis,
};

const ROWS: usize = 1_000;

fn rows() -> Vec<Row> {
    let source: Arc<str> = "groups.csv".into();
    (1..=ROWS as u64)
        .map(|seq| {
            let fails = seq % 20 == 0;
            Row {
                seq,
                group_id: format!("@TGS#2{seq:08}AEL").into(),
                outcome: if fails {
                    Outcome::Failed
                } else {
                    Outcome::Disbanded
                },
                error_code: Some(if fails { 10007 } else { 0 }),
                error_info: fails
                    .then(|| "this \"type\" can not be destroyed, please check".into()),
                attempts: 1,
                http_status: Some(200),
                latency: Some(Duration::from_micros(40_000 + seq)),
                started_at: Some(UnixMillis(1_700_000_000_000)),
                finished_at: Some(UnixMillis(1_700_000_000_041)),
                source: Arc::clone(&source),
                line: seq + 1,
            }
        })
        .collect()
}

fn report(c: &mut Criterion) {
    let rows = rows();
    let mut group = c.benchmark_group("report");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, format) in [("csv", Format::Csv), ("jsonl", Format::Jsonl)] {
        group.bench_function(name, |b| {
            let mut report = Rows::begin(format, std::io::sink()).expect("a sink takes everything");
            b.iter(|| {
                for row in &rows {
                    report
                        .write(black_box(row))
                        .expect("a sink takes everything");
                }
            });
        });
    }
    group.finish();
}

fn escape(c: &mut Criterion) {
    let text = "this \"type\" can not be destroyed, please check 该群组类型不支持此操作";
    c.bench_function("escape", |b| {
        b.iter(|| Escaped(black_box(text)).to_string())
    });
}

criterion_group!(benches, report, escape);
criterion_main!(benches);
