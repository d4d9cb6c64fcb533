//! What the ledger costs: a record's whole way through it, on disk and in memory, and what a resume reads.
//!
//! `ledger/cycle`: admit, intend, answer and settle, by batch size, one after the other: on disk each batch waits for
//! three syncs that an engine overlaps. `ledger/resume`: rows a second of the search for lost answers, of the
//! verification of an input, of the search for unsettled records, and of the report.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should say so and end"
)]

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use disband_batch::{
    group::GroupId,
    ledger::{
        Admission, CallId, Input, Intent, Ledger, NewRecord, NewRun, Reply, RowFilter, RunId,
        RunLedger, Session, Settlement,
    },
    outcome::Outcome,
    wall::UnixMillis,
};
use tokio::runtime::{Builder, Runtime};

/// Records that a resume finds.
const RESUMED: u64 = 200_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn begin(runtime: &Runtime, ledger: &Ledger, random: u32) -> RunLedger {
    let new = NewRun {
        run_id: RunId::new(UnixMillis::now(), random),
        sdkappid: 1_400_000_000,
        endpoint: "https://console.tim.qq.com".into(),
        identifier: "administrator".into(),
        inputs: vec![Input {
            name: "groups.csv".into(),
            path: None,
        }],
        session: Session {
            started_at: UnixMillis::now(),
            options: serde_json::json!({}),
            version: "0.1.0".into(),
            host: "bench".into(),
            pid: 1,
        },
    };
    runtime.block_on(ledger.begin(new)).unwrap()
}

/// IDs as the service makes them: in no order, so that the index is hit all over.
fn record(seq: u64) -> NewRecord {
    let scattered = seq.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let group = GroupId::try_from(format!("@TGS#2{scattered:016X}").as_str()).unwrap();
    NewRecord {
        seq,
        source: 0,
        line: seq + 1,
        admission: Admission::Candidate(group),
    }
}

fn intent(seq: u64) -> Intent {
    Intent {
        call: CallId(seq),
        seq,
        attempt: 1,
        at: UnixMillis(1_795_428_900_000 + (seq / 200).cast_signed()),
    }
}

fn reply(seq: u64) -> Reply {
    let at = intent(seq).at;
    Reply {
        call: CallId(seq),
        seq,
        at: UnixMillis(at.0 + 50),
        code: Some(0),
        info: "".into(),
        http_status: Some(200),
        latency: Duration::from_micros(48_000 + seq % 5_000),
        may_have_acted: false,
        settles: Some(Settlement {
            outcome: Outcome::Disbanded,
            attempts: 1,
            started_at: at,
        }),
    }
}

type Batches = (Vec<NewRecord>, Vec<Intent>, Vec<Reply>);

fn batches(from: u64, size: u64) -> Batches {
    let seqs = from + 1..=from + size;
    (
        seqs.clone().map(record).collect(),
        seqs.clone().map(intent).collect(),
        seqs.map(reply).collect(),
    )
}

async fn cycle(run: &RunLedger, (records, intents, replies): Batches) {
    run.admit(records).await.unwrap();
    run.intend(intents).await.unwrap();
    run.record(replies).await.unwrap();
}

fn cycles(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("ledger/cycle");
    for size in [1, 16, 64, 256, 1024] {
        group.throughput(Throughput::Elements(size));
        let dir = tempfile::tempdir().unwrap();
        let ledgers = [
            ("disk", Ledger::open(dir.path()).unwrap()),
            ("memory", Ledger::in_memory().unwrap()),
            ("throwaway", Ledger::throwaway().unwrap()),
            ("inline", Ledger::inline().unwrap()),
        ];
        for (random, (name, ledger)) in ledgers.iter().enumerate() {
            let run = begin(&runtime, ledger, random as u32);
            let mut done = 0;
            group.bench_function(BenchmarkId::new(*name, size), |b| {
                b.iter_batched(
                    || {
                        done += size;
                        batches(done - size, size)
                    },
                    |batches| runtime.block_on(cycle(&run, batches)),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn filled(runtime: &Runtime, dir: &Path) -> (Ledger, RunLedger) {
    let ledger = Ledger::open(dir).unwrap();
    let run = begin(runtime, &ledger, 0);
    for from in (0..RESUMED).step_by(1_000) {
        runtime.block_on(cycle(&run, batches(from, 1_000)));
    }
    // One record that is left, at the very end: what a resume has to search for.
    runtime
        .block_on(run.admit(vec![record(RESUMED + 1)]))
        .unwrap();
    (ledger, run)
}

/// Reads pages to the end; `next` returns the last number of the page after the given one.
async fn read_through<F: AsyncFnMut(u64) -> Option<u64>>(mut next: F) {
    let mut after = 0;
    while let Some(last) = next(after).await {
        after = last;
    }
}

fn resume(c: &mut Criterion) {
    let runtime = runtime();
    let dir = tempfile::tempdir().unwrap();
    let (ledger, run) = filled(&runtime, dir.path());
    let mut group = c.benchmark_group("ledger/resume");
    group.throughput(Throughput::Elements(RESUMED));
    group.sample_size(20);
    let info = runtime.block_on(ledger.newest_unfinished(1_400_000_000));
    let info = info.unwrap().unwrap();
    group.bench_function("begin_again", |b| {
        b.iter(|| {
            let resumed = ledger.resume(&info, info.session.clone());
            runtime.block_on(resumed).unwrap()
        });
    });
    group.bench_function("page", |b| {
        b.iter(|| {
            runtime.block_on(read_through(async |after| {
                let page = run.page(after, 4_096).await.unwrap();
                black_box(page).last().map(|(seq, _)| *seq)
            }));
        });
    });
    group.bench_function("pending", |b| {
        b.iter(|| {
            runtime.block_on(read_through(async |after| {
                let page = run.pending(after, 4_096).await.unwrap();
                black_box(page).last().map(|pending| pending.seq)
            }));
        });
    });
    group.bench_function("rows", |b| {
        b.iter(|| {
            runtime.block_on(read_through(async |after| {
                let page = run.rows(RowFilter::All, after, 4_096).await.unwrap();
                black_box(page).last().map(|row| row.seq)
            }));
        });
    });
    group.finish();
}

criterion_group!(benches, cycles, resume);
criterion_main!(benches);
