//! Admission: from a record to a job, or to an outcome at once.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{sync::mpsc, time::timeout_at};

use crate::{
    group::GroupId,
    input::{Fed, Feed},
    ledger::{Admission, Admitted, LedgerError, NewRecord, Pending, RunLedger},
    outcome::Outcome,
    protect::ProtectList,
    record::{Content, Record},
    row::Row,
};

use super::{
    Plan,
    collector::Message,
    intake::{Intake, IntakeEnd, Seen},
    job::Job,
    stop::{StopReason, Stopper},
};

/// Records admitted in one transaction at most: large enough that the index of IDs is written page by page.
const BATCH: usize = 4096;
/// How long a stopped run goes on reading its input, where the input is a stream (contract, "Outcomes").
const DRAIN: Duration = Duration::from_secs(5);

/// The feeder.
pub(super) struct Feeder {
    ledger: RunLedger,
    protect: Arc<ProtectList>,
    sources: Arc<[Arc<str>]>,
    seen: Arc<Seen>,
    collector: mpsc::Sender<Message>,
    stopper: Stopper,
    /// Where jobs go; none once the run was stopped, or while an input is only loaded.
    jobs: Option<mpsc::Sender<Vec<Job>>>,
}

impl Feeder {
    /// A feeder that admits records and hands out no jobs.
    pub(super) fn new(
        plan: &Plan,
        ledger: &RunLedger,
        collector: mpsc::Sender<Message>,
        stopper: &Stopper,
    ) -> Self {
        Self {
            ledger: ledger.clone(),
            protect: Arc::clone(&plan.protect),
            sources: Arc::clone(&plan.sources),
            seen: Arc::default(),
            collector,
            stopper: stopper.clone(),
            jobs: None,
        }
    }

    /// Hands out jobs, and lets others see how far it is.
    pub(super) fn handing_out(self, jobs: mpsc::Sender<Vec<Job>>, seen: &Arc<Seen>) -> Self {
        Self {
            jobs: Some(jobs),
            seen: Arc::clone(seen),
            ..self
        }
    }

    /// Feeds all there is.
    pub(super) async fn run(mut self, intake: Intake) -> IntakeEnd {
        let end = match self.feed(intake).await {
            Ok(end) => end,
            Err(error) => {
                self.stopper.stop(StopReason::Trouble(error.to_string()));
                IntakeEnd::default()
            }
        };
        self.seen.set(self.seen.records(), end.complete);
        end
    }

    async fn feed(&mut self, intake: Intake) -> Result<IntakeEnd, LedgerError> {
        if intake.backlog {
            self.backlog().await?;
        }
        self.admit(intake.first).await?;
        match intake.live {
            None => Ok(IntakeEnd {
                complete: true,
                findings: None,
            }),
            Some(live) => self.live(live, intake.is_stream).await,
        }
    }

    /// Hands out what the ledger holds without an outcome, page by page.
    async fn backlog(&mut self) -> Result<(), LedgerError> {
        let mut after = 0;
        while self.jobs.is_some() && !self.stopper.is_asked() {
            let page = self.ledger.pending(after, BATCH).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.seq;
            let (protected, page): (Vec<_>, Vec<_>) = page
                .into_iter()
                .partition(|pending| self.protect.matches(pending.group.as_str()));
            self.protect_late(protected).await?;
            self.hand_out(page.into_iter().map(Job::new).collect())
                .await;
        }
        Ok(())
    }

    /// Settles groups that were not protected when they were read, and are now.
    async fn protect_late(&mut self, protected: Vec<Pending>) -> Result<(), LedgerError> {
        if protected.is_empty() {
            return Ok(());
        }
        self.ledger
            .protect(protected.iter().map(|pending| pending.seq).collect())
            .await?;
        let rows = protected.into_iter().map(|pending| {
            let source = source_name(&self.sources, pending.source);
            let place = (pending.seq, source, pending.line);
            Row {
                attempts: pending.attempts,
                started_at: pending.started_at,
                ..Row::not_called(place, pending.group.as_str().into(), Outcome::Protected)
            }
        });
        let rows = Message::Admitted(rows.collect());
        // The collector outlives the feeder; if it is gone, the run is over.
        let _unused = self.collector.send(rows).await.is_ok();
        Ok(())
    }

    async fn live(&mut self, mut live: Feed, is_stream: bool) -> Result<IntakeEnd, LedgerError> {
        let mut records = Vec::new();
        loop {
            let next = match records.is_empty() {
                true => self.next(&mut live, is_stream).await,
                // More than is there already is not waited for: the first call must not wait for a slow producer.
                false => live.recv().now_or_never().flatten(),
            };
            match next {
                Some(Fed::Records(more)) => {
                    records.extend(more);
                    if records.len() < BATCH {
                        continue;
                    }
                }
                Some(Fed::End(findings)) => {
                    self.admit(records).await?;
                    return Ok(IntakeEnd {
                        complete: true,
                        findings: Some(findings),
                    });
                }
                Some(Fed::Failed(error)) => {
                    self.admit(records).await?;
                    self.stopper.stop(StopReason::Trouble(error.to_string()));
                    return Ok(IntakeEnd::default());
                }
                None if records.is_empty() => return Ok(IntakeEnd::default()),
                None => {}
            }
            self.admit(std::mem::take(&mut records)).await?;
        }
    }

    /// The next of the input; nothing where a stopped run has waited long enough for a stream.
    async fn next(&mut self, live: &mut Feed, is_stream: bool) -> Option<Fed> {
        if !self.stopper.is_asked() {
            tokio::select! {
                next = live.recv() => return next,
                () = self.stopper.asked() => {}
            }
        }
        let patience = if is_stream {
            DRAIN
        } else {
            Duration::from_secs(u32::MAX.into())
        };
        let until = self.stopper.asked_at() + patience;
        tokio::select! {
            next = timeout_at(until, live.recv()) => next.ok().flatten(),
            () = self.stopper.at_once() => None,
        }
    }

    async fn admit(&mut self, records: Vec<Record>) -> Result<(), LedgerError> {
        let Some(last) = records.last() else {
            return Ok(());
        };
        let seen = last.seq;
        let records: Vec<NewRecord> = records
            .into_iter()
            .map(|record| self.classify(record))
            .collect();
        let admitted = self.ledger.admit(records.clone()).await?;
        self.seen.set(seen, false);
        let (mut jobs, mut rows) = (Vec::with_capacity(records.len()), Vec::new());
        for (record, admitted) in records.into_iter().zip(admitted) {
            match self.place(record, admitted) {
                Ok(job) => jobs.push(job),
                Err(row) => rows.push(*row),
            }
        }
        if !rows.is_empty() {
            // The collector outlives the feeder; if it is gone, the run is over.
            let _unused = self.collector.send(Message::Admitted(rows)).await.is_ok();
        }
        self.hand_out(jobs).await;
        Ok(())
    }

    fn classify(&self, record: Record) -> NewRecord {
        let Record {
            seq,
            source,
            line,
            content,
        } = record;
        let admission = match content {
            Content::Malformed { shown, reason } => Admission::Invalid { shown, reason },
            Content::Text(text) => match GroupId::try_from(&*text) {
                Err(reason) => Admission::Invalid {
                    shown: text,
                    reason: reason.to_string().into(),
                },
                Ok(group) if self.protect.matches(group.as_str()) => Admission::Protected(group),
                Ok(group) => Admission::Candidate(group),
            },
        };
        NewRecord {
            seq,
            source,
            line,
            admission,
        }
    }

    /// A job for a group that is to be called, else the row of what became of the record.
    fn place(&self, record: NewRecord, admitted: Admitted) -> Result<Job, Box<Row>> {
        let NewRecord {
            seq,
            source,
            line,
            admission,
        } = record;
        let row = |outcome, group_id, error_info| {
            let place = (seq, source_name(&self.sources, source), line);
            Box::new(Row {
                error_info,
                ..Row::not_called(place, group_id, outcome)
            })
        };
        match (admission, admitted) {
            (Admission::Candidate(group), Admitted::First) => {
                let (attempts, may_have_acted, started_at) = Default::default();
                Ok(Job::new(Pending {
                    seq,
                    group,
                    source,
                    line,
                    attempts,
                    may_have_acted,
                    started_at,
                }))
            }
            (Admission::Candidate(group), _) => {
                Err(row(Outcome::Duplicate, group.as_str().into(), None))
            }
            (Admission::Protected(group), _) => {
                Err(row(Outcome::Protected, group.as_str().into(), None))
            }
            (Admission::Invalid { shown, reason }, _) => {
                Err(row(Outcome::Invalid, shown, Some(reason)))
            }
        }
    }

    async fn hand_out(&mut self, jobs: Vec<Job>) {
        let Some(sender) = &self.jobs else { return };
        if jobs.is_empty() {
            return;
        }
        let taken = tokio::select! {
            sent = sender.send(jobs) => sent.is_ok(),
            () = self.stopper.asked() => false,
        };
        if !taken {
            self.jobs = None; // The rest of the input is only read.
        }
    }
}

/// The name of a source by its index.
pub(super) fn source_name(sources: &[Arc<str>], source: u32) -> Arc<str> {
    sources
        .get(source as usize)
        .cloned()
        .unwrap_or_else(|| "".into())
}
