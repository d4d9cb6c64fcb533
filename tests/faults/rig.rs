//! Runs the real engine and the real client against the simulator, in this process.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use disband_batch::{
    engine::{self, Audience, End, Intake, Limits, Plan, StopReason, Stopper},
    input::{Fed, Feed, Findings},
    ledger::{Input, Ledger, NewRun, RunId, RunLedger, Session},
    observe::{Notice, Observer, RowSink, SinkFailed},
    outcome::Outcome,
    protect::ProtectList,
    record::{Content, Record},
    retry::RetryPolicy,
    row::Row,
    secret::Secret,
    simulator::{Simulator, SimulatorOptions},
    tencent::{
        client::{Client, ClientSettings},
        credential::{Credentials, LIFETIME, Moment},
        hosts::Hosts,
    },
    wall::UnixMillis,
};
use tokio::sync::mpsc;

/// Attempts of a group in these tests: enough for a first, a middle and a last one.
pub(crate) const ATTEMPTS: u32 = 3;

/// What a run is made of; change what matters.
pub(crate) struct Rig {
    pub(crate) plan: Plan,
    pub(crate) timeout: Duration,
    pub(crate) hosts: Hosts,
    pub(crate) credentials: Credentials,
    pub(crate) stopper: Stopper,
    pub(crate) observers: Vec<Box<dyn Observer + Send>>,
}

/// What came of a run.
pub(crate) struct Done {
    pub(crate) end: End,
    pub(crate) rows: HashMap<String, Row>,
    pub(crate) notices: Vec<Notice>,
}

impl Done {
    /// The row of a group.
    pub(crate) fn row(&self, group: &str) -> &Row {
        self.rows
            .get(group)
            .unwrap_or_else(|| panic!("no row for {group:?}"))
    }

    pub(crate) fn outcome(&self, group: &str) -> Outcome {
        self.row(group).outcome
    }

    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.end.snapshot.outcomes.get(outcome)
    }

    /// The code with which everybody was refused.
    pub(crate) fn refused(&self) -> Option<i64> {
        match &self.end.reason {
            Some(StopReason::Refused { code, .. }) => *code,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) fn said(&self, words: &str) -> bool {
        self.notices
            .iter()
            .any(|notice| notice.text.contains(words))
    }
}

/// A simulator without a rate limit, that remembers everything.
pub(crate) fn options() -> SimulatorOptions {
    SimulatorOptions {
        rate_limit: None,
        log_capacity: 100_000,
        ..SimulatorOptions::plain()
    }
}

pub(crate) fn simulator() -> Simulator {
    Simulator::start(options()).unwrap()
}

/// Signs with the simulator's key.
pub(crate) fn with_key() -> Credentials {
    let options = options();
    let key = Secret::new(options.key.expose().to_owned());
    Credentials::signing(
        key,
        &options.identifier,
        options.sdkappid,
        LIFETIME,
        Moment::now(),
    )
}

/// A UserSig from elsewhere.
pub(crate) fn without_key(lifetime: Duration) -> Credentials {
    Credentials::made_elsewhere(Secret::new(options().usersig(lifetime)), Moment::now())
}

impl Rig {
    /// Against this simulator: fast, patient, with retries within milliseconds.
    pub(crate) fn of(simulator: &Simulator) -> Self {
        Self {
            plan: Plan {
                rate: NonZeroU32::new(2000).unwrap(),
                concurrency: 64,
                retry: RetryPolicy {
                    max_attempts: NonZeroU32::new(ATTEMPTS).unwrap(),
                    base: Duration::from_millis(2),
                    cap: Duration::from_millis(5),
                },
                limits: Limits {
                    max_failures: None,
                    max_outage: Duration::from_secs(60),
                    max_duration: None,
                    max_called: None,
                },
                protect: Arc::new(ProtectList::default()),
                sources: Arc::from([Arc::from("list")]),
            },
            timeout: Duration::from_secs(10),
            hosts: Hosts::only(simulator.url().parse().unwrap()),
            credentials: with_key(),
            stopper: Stopper::default(),
            observers: Vec::new(),
        }
    }

    pub(crate) async fn run(self, groups: impl IntoIterator<Item = String>) -> Done {
        let options = options();
        let client = Client::new(ClientSettings {
            sdkappid: options.sdkappid,
            identifier: options.identifier,
            hosts: self.hosts,
            credentials: self.credentials,
            timeout: self.timeout,
            connect_timeout: self.timeout,
            concurrency: self.plan.concurrency,
        });
        let ledger = begin().await;
        let groups: Vec<String> = groups.into_iter().collect();
        let records = groups.len();
        let intake = Intake {
            backlog: false,
            live: Some(feed(groups)),
            first: Vec::new(),
            is_stream: false,
        };
        let (rows, notices) = (Rows::default(), Notices::default());
        let mut observers = self.observers;
        observers.push(Box::new(notices.clone()));
        let audience = Audience {
            observers,
            report: Some(rows.clone()),
        };
        let client = Arc::new(client.unwrap());
        let end = engine::run(client, ledger, self.plan, intake, audience, self.stopper).await;
        let rows = std::mem::take(&mut *rows.0.lock().unwrap());
        assert_eq!(rows.len(), records, "one row for each record");
        let rows: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.group_id.to_string(), row))
            .collect();
        assert_eq!(rows.len(), records, "each record has its own row");
        let notices = std::mem::take(&mut *notices.0.lock().unwrap());
        Done {
            end: end.unwrap(),
            rows,
            notices,
        }
    }
}

/// Keeps the rows where the test can see them.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Vec<Row>>>);

impl RowSink for Rows {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), SinkFailed> {
        self.0.lock().unwrap().extend(rows);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Observer for Notices {
    fn notice(&mut self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}

fn feed(groups: Vec<String>) -> Feed {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let records: Vec<_> = (1..)
            .zip(groups)
            .map(|(seq, group)| Record {
                seq,
                source: 0,
                line: seq,
                content: Content::Text(group.into()),
            })
            .collect();
        for batch in records.chunks(512) {
            if sender.send(Fed::Records(batch.to_vec())).await.is_err() {
                return;
            }
        }
        sender.send(Fed::End(Findings::default())).await.ok();
    });
    Feed::of(receiver)
}

async fn begin() -> RunLedger {
    let now = UnixMillis::now();
    let session = Session {
        started_at: now,
        options: serde_json::Value::Null,
        version: "test".into(),
        host: "test".into(),
        pid: 1,
    };
    let options = options();
    let new = NewRun {
        run_id: RunId::new(now, 1),
        sdkappid: options.sdkappid,
        endpoint: "simulator".into(),
        identifier: options.identifier,
        inputs: vec![Input {
            name: "list".into(),
            path: None,
        }],
        confirmed: true,
        session,
    };
    Ledger::inline().unwrap().begin(new).await.unwrap()
}
