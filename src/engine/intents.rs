//! The intents of the next calls, made durable so far ahead that no permit waits for the disk.

use std::{collections::VecDeque, future::Future, pin::Pin};

use tokio::time::Instant;

use crate::{
    ledger::{CallId, Intent, LedgerError, RunLedger},
    wall::UnixMillis,
};

use super::{
    job::{Job, Prepared},
    lookahead::Lookahead,
};

type Durable = Pin<Box<dyn Future<Output = Result<(), LedgerError>> + Send>>;

/// Calls whose intents are in the ledger, or on their way into it.
pub(super) struct Intents {
    ledger: RunLedger,
    began: Instant,
    last_call: u64,
    lookahead: Lookahead,
    ready: VecDeque<Prepared>,
    asked: Option<(Vec<Prepared>, Instant, Durable)>,
}

impl Intents {
    /// None yet; `last_call` is the number of the last call that the ledger knows of.
    pub(super) fn new(ledger: RunLedger, began: Instant, last_call: u64) -> Self {
        Self {
            ledger,
            began,
            last_call,
            lookahead: Lookahead::default(),
            ready: VecDeque::new(),
            asked: None,
        }
    }

    /// How many may leave at once.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether the ledger is busy with some.
    pub(super) fn asked(&self) -> bool {
        self.asked.is_some()
    }

    /// How many to ask for now at `rate` calls a second. Topped up when half is used, so that calls share a commit.
    pub(super) fn wanted(&self, rate: f64) -> usize {
        let ahead = self.lookahead.calls(rate);
        match self.asked() || self.ready.len() > ahead / 2 {
            true => 0,
            false => ahead.saturating_sub(self.ready.len()),
        }
    }

    /// Asks the ledger for the intents of calls for these, while it is busy with no others.
    pub(super) fn ask(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let mut intents = Vec::with_capacity(jobs.len());
        let mut prepared = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let at = UnixMillis::now();
            job.started_at.get_or_insert(at);
            job.attempts += 1;
            self.last_call += 1;
            let call = CallId(self.last_call);
            let (seq, attempt) = (job.seq, job.attempts);
            intents.push(Intent {
                call,
                seq,
                attempt,
                at,
            });
            prepared.push(Prepared { call, job });
        }
        let ledger = self.ledger.clone();
        let durable = Box::pin(async move { ledger.intend(intents).await });
        self.asked = Some((prepared, Instant::now(), durable));
    }

    /// Waits until those that were asked for are durable and ready; forever where none were. Cancel-safe.
    pub(super) async fn durable(&mut self) -> Result<(), LedgerError> {
        let Some((_, _, durable)) = &mut self.asked else {
            return std::future::pending().await;
        };
        let durable = durable.await;
        let Some((prepared, asked, _)) = self.asked.take() else {
            return durable;
        };
        durable?;
        self.lookahead.took(asked.elapsed(), self.began.elapsed());
        // Retries are due already; nobody waits for a group's first call.
        let is_retry = |prepared: &Prepared| prepared.job.was_called();
        let (retries, new): (Vec<_>, Vec<_>) = prepared.into_iter().partition(is_retry);
        for retry in retries.into_iter().rev() {
            self.ready.push_front(retry);
        }
        self.ready.extend(new);
        Ok(())
    }

    /// The next call to leave.
    pub(super) fn next(&mut self) -> Option<Prepared> {
        self.ready.pop_front()
    }

    /// Takes back those that have not left: nobody need wonder about them later. Their groups come back in order.
    pub(super) async fn withdraw(&mut self) -> (Vec<Job>, Result<(), LedgerError>) {
        if self.ready.is_empty() {
            return (Vec::new(), Ok(()));
        }
        let calls = self.ready.iter().map(|prepared| prepared.call).collect();
        let withdrawn = self.ledger.withdraw(calls).await;
        let jobs = self.ready.drain(..).map(|Prepared { mut job, .. }| {
            job.attempts -= 1;
            job.started_at = job.started_at.filter(|_| job.attempts > 0);
            job
        });
        (jobs.collect(), withdrawn)
    }
}
