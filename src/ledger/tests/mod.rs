//! Tests of the ledger as a whole; what is only arithmetic is tested beside it.

mod archive;
mod crash;
mod faults;
mod files;
mod model;
mod semantics;

use std::{future::Future, path::PathBuf, time::Duration};

use super::*;

/// The app of the tests' runs.
const APP: u64 = 1_400_000_000;

/// Waits on a runtime of its own.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.build().unwrap().block_on(future)
}

fn session() -> Session {
    Session {
        started_at: UnixMillis(1_000),
        options: serde_json::json!({ "rate": 200 }),
        version: "0.1.0".into(),
        host: "here".into(),
        pid: 7,
    }
}

fn new_run(number: u32) -> NewRun {
    NewRun {
        run_id: RunId::new(UnixMillis(0), number),
        sdkappid: APP,
        endpoint: "https://console.tim.qq.com".into(),
        identifier: "administrator".into(),
        inputs: vec![
            Input {
                name: "a.csv".into(),
                path: Some(PathBuf::from("/in/a.csv")),
            },
            Input {
                name: "stdin".into(),
                path: None,
            },
        ],
        confirmed: true,
        session: session(),
    }
}

fn group(text: &str) -> GroupId {
    GroupId::try_from(text).unwrap()
}

fn candidate(seq: u64, id: &str) -> NewRecord {
    NewRecord {
        seq,
        source: 0,
        line: seq + 1,
        admission: Admission::Candidate(group(id)),
    }
}

fn intent(call: u64, seq: u64, attempt: u32) -> Intent {
    Intent {
        call: CallId(call),
        seq,
        attempt,
        at: UnixMillis(10_000 + call.cast_signed()),
    }
}

/// An answer that settles nothing.
fn busy(call: u64, seq: u64) -> Reply {
    Reply {
        call: CallId(call),
        seq,
        at: UnixMillis(20_000 + call.cast_signed()),
        code: Some(10002),
        info: "try again".into(),
        http_status: Some(200),
        latency: Duration::from_micros(1_234),
        may_have_acted: true,
        settles: None,
    }
}

/// The answer to the first call, which settles the record.
fn done(call: u64, seq: u64) -> Reply {
    settled(call, seq, Outcome::Disbanded, 1, call)
}

fn settled(call: u64, seq: u64, outcome: Outcome, attempts: u32, first_call: u64) -> Reply {
    Reply {
        code: Some(0),
        info: "".into(),
        may_have_acted: false,
        settles: Some(Settlement {
            outcome,
            attempts,
            started_at: intent(first_call, seq, 1).at,
        }),
        ..busy(call, seq)
    }
}

fn end(status: Status) -> RunEnd {
    RunEnd {
        status,
        stop_reason: (status == Status::Stopped).then(|| "--limit was reached".into()),
        exit_code: 4,
        input_complete: true,
        finished_at: UnixMillis(99_000),
    }
}

/// The run's rows, all pages.
async fn all_rows(run: &RunLedger) -> Vec<crate::row::Row> {
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row: &crate::row::Row| row.seq);
        let page = run.rows(RowFilter::All, after, 3).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}
