//! Runs the real engine, limiter, retry queue and ledger (SQLite in memory) on tokio's paused clock.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use disband_batch::{
    engine::{self, Audience, End, Intake, Limits, Plan, Stopper},
    input::{Fed, Feed, Findings},
    ledger::{Input, Ledger, NewRun, RunId, RunLedger, Session},
    observe::{RowSink, SinkFailed},
    outcome::{Outcome, Tally},
    protect::ProtectList,
    record::{Content, Record},
    retry::RetryPolicy,
    row::Row,
    wall::UnixMillis,
};
use tokio::sync::mpsc;

use crate::scripted::Scripted;

/// Keeps the rows where the test can see them.
#[derive(Clone, Default)]
pub(crate) struct Rows(pub(crate) Arc<Mutex<Vec<Row>>>);

impl RowSink for Rows {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), SinkFailed> {
        self.0.lock().unwrap().extend(rows);
        Ok(())
    }
}

pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) groups: u64,
    pub(crate) keep_rows: bool,
    /// After its groups the input neither says more nor ends.
    pub(crate) falls_silent: bool,
    pub(crate) stopper: Stopper,
}

pub(crate) struct Done {
    pub(crate) end: End,
    pub(crate) rows: Vec<Row>,
    pub(crate) outcomes: Tally,
    /// Calls that the ledger knows of.
    pub(crate) intended: u64,
    pub(crate) took: Duration,
}

impl Done {
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome)
    }
}

pub(crate) fn plan(rate: u32) -> Plan {
    Plan {
        rate: NonZeroU32::new(rate).unwrap(),
        concurrency: 256,
        retry: RetryPolicy::new(NonZeroU32::new(5).unwrap()),
        limits: Limits {
            max_failures: None,
            max_outage: Duration::from_secs(1800),
            max_duration: None,
            max_called: None,
        },
        protect: Arc::new(ProtectList::default()),
        sources: Arc::from([Arc::from("list")]),
    }
}

impl Run {
    pub(crate) fn of(groups: u64) -> Self {
        Self {
            plan: plan(200),
            groups,
            keep_rows: true,
            falls_silent: false,
            stopper: Stopper::default(),
        }
    }

    pub(crate) async fn against(self, service: &Arc<Scripted>) -> Done {
        let began = tokio::time::Instant::now();
        let ledger = begin().await;
        let intake = Intake {
            backlog: false,
            live: Some(feed(self.groups, self.falls_silent)),
            first: Vec::new(),
            is_stream: self.falls_silent,
        };
        let rows = Rows::default();
        let audience = Audience {
            observers: Vec::new(),
            report: self.keep_rows.then(|| rows.clone()),
        };
        let end = engine::run(
            Arc::clone(service),
            ledger.clone(),
            self.plan,
            intake,
            audience,
            self.stopper,
        );
        let end = end.await.unwrap();
        let counts = ledger.tally().await.unwrap().counts;
        let rows = std::mem::take(&mut *rows.0.lock().unwrap());
        Done {
            end,
            rows,
            outcomes: counts.outcomes,
            intended: counts.calls,
            took: began.elapsed(),
        }
    }
}

/// Records without an end of memory: made as they are asked for.
fn feed(groups: u64, falls_silent: bool) -> Feed {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        for first in (1..=groups).step_by(512) {
            let batch = (first..=groups.min(first + 511)).map(record).collect();
            if sender.send(Fed::Records(batch)).await.is_err() {
                return;
            }
        }
        if falls_silent {
            sender.closed().await;
        }
        sender.send(Fed::End(Findings::default())).await.ok();
    });
    Feed::of(receiver)
}

fn record(seq: u64) -> Record {
    Record {
        seq,
        source: 0,
        line: seq,
        content: Content::Text(format!("g{seq}").into()),
    }
}

async fn begin() -> RunLedger {
    let ledger = Ledger::inline().unwrap();
    let now = UnixMillis::now();
    let session = Session {
        started_at: now,
        options: serde_json::Value::Null,
        version: "test".into(),
        host: "test".into(),
        pid: 1,
    };
    let new = NewRun {
        run_id: RunId::new(now, 1),
        sdkappid: 1_400_000_000,
        endpoint: "virtual".into(),
        identifier: "administrator".into(),
        inputs: vec![Input {
            name: "list".into(),
            path: None,
        }],
        confirmed: true,
        session,
    };
    ledger.begin(new).await.unwrap()
}
