//! Makes answers durable, and only then lets anybody see them.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    ledger::{Reply, RunLedger},
    observe::{Called, Notice, Observer, RowSink, SinkFailed, Snapshot},
    outcome::Tally,
    row::Row,
};

use super::{
    Audience,
    stop::{StopReason, Stopper},
};

/// Answers that arrive within this of each other share a commit: at 200 a second ten do. Nobody waits for
/// them but the report.
const GATHER: Duration = Duration::from_millis(50);
/// So many answers are a batch worth committing at once.
const BATCH: usize = 512;
/// Messages on their way to the collector: enough for a few commits at any rate that a machine bears.
pub(super) const CAPACITY: usize = 4096;

/// What a report gets to take its last rows, once a signal has insisted: plenty for a disk.
const LAST_ROWS: Duration = Duration::from_millis(300);

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
    ledger: RunLedger,
    observers: Vec<Box<dyn Observer + Send>>,
    report: Option<S>,
    stopper: Stopper,
    pub(super) tally: Tally,
}

impl<S: RowSink> Collector<S> {
    /// A collector that goes on from `tally`.
    pub(super) fn new(
        ledger: &RunLedger,
        audience: Audience<S>,
        stopper: &Stopper,
        tally: Tally,
    ) -> Self {
        Self {
            ledger: ledger.clone(),
            observers: audience.observers,
            report: audience.report,
            stopper: stopper.clone(),
            tally,
        }
    }

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
        match unless_insisted(&self.stopper, report.write(rows)).await {
            Some(Ok(())) => {}
            Some(Err(failure)) => {
                self.report = None;
                self.report_failed(failure);
            }
            None => self.report = None,
        }
    }

    /// Tells everybody that the run is over, with these last figures, and waits until the report is complete.
    pub(super) async fn finish(mut self, snapshot: &Snapshot) {
        for observer in &mut self.observers {
            observer.end(snapshot);
        }
        if let Some(report) = self.report.take()
            && let Some(Err(failure)) = unless_insisted(&self.stopper, report.finish()).await
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

/// Waits for the report, but not much longer once a signal has insisted: whoever reads it from a pipe may never read on.
async fn unless_insisted<T>(stopper: &Stopper, done: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = done => Some(done),
        () = async {
            stopper.at_once().await;
            sleep(LAST_ROWS).await;
        } => None,
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
