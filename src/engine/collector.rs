//! Makes answers durable, and only then lets anybody see them.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{
    ledger::{Reply, RunLedger},
    observe::{Called, Notice, Observer, RowSink, SinkFailed, Snapshot},
    outcome::Tally,
    row::Row,
};

use super::stop::{StopReason, Stopper};

/// Answers that arrive within this of each other share a commit: at 200 a second ten do. Nobody waits for
/// them but the report.
const GATHER: Duration = Duration::from_millis(50);
/// So many answers are a batch worth committing at once.
const BATCH: usize = 512;
/// Messages on their way to the collector: enough for a few commits at any rate that a machine bears.
pub(super) const CAPACITY: usize = 4096;

/// What the collector is told.
#[derive(Debug)]
pub(super) enum Message {
    /// A call was answered, and perhaps settles a record.
    Answered(Box<(Reply, Option<Row>)>),
    /// Records were settled at admission; the ledger has them already.
    Admitted(Vec<Row>),
    /// A person should be told.
    Notice(Notice),
    /// The figures now; the collector knows the outcomes.
    Tick(Box<Snapshot>),
}

/// The collector.
pub(super) struct Collector<S> {
    pub(super) ledger: RunLedger,
    pub(super) observers: Vec<Box<dyn Observer + Send>>,
    pub(super) report: Option<S>,
    pub(super) stopper: Stopper,
    pub(super) tally: Tally,
}

impl<S: RowSink> Collector<S> {
    /// Takes messages until there can be no more, and gives itself back for the end of the run.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) -> Self {
        let mut batch = Vec::with_capacity(BATCH);
        let mut durable = true;
        while messages.recv_many(&mut batch, BATCH).await > 0 {
            gather(&mut messages, &mut batch).await;
            durable = durable && self.make_durable(&mut batch).await;
            match durable {
                true => self.show(&mut batch).await,
                // Nothing is shown that the disk does not hold; the stop is on its way.
                false => batch.clear(),
            }
        }
        self
    }

    /// Writes rows that the ledger already holds.
    pub(super) async fn write(&mut self, rows: Vec<Row>) {
        let Some(report) = &mut self.report else {
            return;
        };
        if rows.is_empty() {
            return;
        }
        if let Err(failure) = report.write(rows).await {
            self.report = None;
            self.report_failed(failure);
        }
    }

    /// Waits until the report is complete.
    pub(super) async fn finish(&mut self) {
        if let Some(report) = self.report.take()
            && let Err(failure) = report.finish().await
        {
            self.report_failed(failure);
        }
    }

    fn report_failed(&self, failure: SinkFailed) {
        self.stopper.stop(match failure {
            SinkFailed::ReaderGone => StopReason::ReaderGone,
            SinkFailed::Trouble(text) => StopReason::Trouble(text),
        });
    }

    /// Tells everybody that the run is over.
    pub(super) fn end(&mut self, mut snapshot: Snapshot) {
        snapshot.outcomes = self.tally;
        for observer in &mut self.observers {
            observer.end(&snapshot);
        }
    }

    async fn make_durable(&mut self, batch: &mut [Message]) -> bool {
        let replies: Vec<Reply> = batch
            .iter_mut()
            .filter_map(|message| match message {
                Message::Answered(answered) => Some(answered.0.clone()),
                _ => None,
            })
            .collect();
        if replies.is_empty() {
            return true;
        }
        let done = self.ledger.record(replies).await;
        if let Err(error) = &done {
            self.stopper.stop(StopReason::Trouble(error.to_string()));
        }
        done.is_ok()
    }

    async fn show(&mut self, batch: &mut Vec<Message>) {
        let mut rows = Vec::new();
        for message in batch.drain(..) {
            match message {
                Message::Answered(answered) => {
                    let (reply, row) = *answered;
                    let called = Called {
                        code: reply.code,
                        http_status: reply.http_status,
                        latency: reply.latency,
                    };
                    self.tell(|observer| observer.called(&called));
                    rows.extend(row);
                }
                Message::Admitted(admitted) => rows.extend(admitted),
                Message::Notice(notice) => self.tell(|observer| observer.notice(&notice)),
                Message::Tick(mut snapshot) => {
                    snapshot.outcomes = self.tally;
                    self.tell(|observer| observer.tick(&snapshot));
                }
            }
        }
        for row in &rows {
            self.tally.add(row.outcome);
            self.tell(|observer| observer.row(row));
        }
        self.write(rows).await;
    }

    fn tell(&mut self, mut what: impl FnMut(&mut (dyn Observer + Send))) {
        for observer in &mut self.observers {
            what(observer.as_mut());
        }
    }
}

/// Waits a moment for more, so that many answers share one commit.
async fn gather(messages: &mut mpsc::Receiver<Message>, batch: &mut Vec<Message>) {
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match timeout_at(until, messages.recv_many(batch, room)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
