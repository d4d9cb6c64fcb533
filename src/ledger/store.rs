//! What the engine writes: records, intents, answers. Plain functions over a connection in an open transaction.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;

use super::{
    Admission, Admitted, CallId, Intent, NewRecord, Reply,
    codes::{Kind, outcome_code, sql_int},
    error::{Fault, LedgerError},
    file::Opened,
    schema::RUN_SHIFT,
    tally::{Changes, Count},
};
use crate::outcome::Outcome;

/// Statements in use at the same time, rounded up: none is prepared twice.
const STATEMENTS: usize = 64;

/// A connection that writes, one transaction at a time, until the first failure.
pub(super) struct Store {
    pub(super) connection: Connection,
    path: Arc<Path>,
    pub(super) changes: Changes,
    failed: Option<LedgerError>,
}

/// The id of a record or call in the file.
pub(super) fn id(run: i64, number: u64) -> Result<i64, Fault> {
    match i64::try_from(number) {
        Ok(number) if number >> RUN_SHIFT == 0 => Ok(run << RUN_SHIFT | number),
        _ => Err(Fault::Contradiction(format!(
            "{number} is beyond what a run can hold"
        ))),
    }
}

impl Store {
    pub(super) fn new(opened: Opened) -> Self {
        let Opened { connection, path } = opened;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self {
            connection,
            path,
            changes: Changes::default(),
            failed: None,
        }
    }

    /// Does `work` in one transaction. The first failure is kept: nothing is written after it.
    pub(super) fn commit<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.attempt(work).map_err(|fault| {
            self.changes.clear();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                // Harmless: a transaction that never commits is rolled back by whoever opens the file next.
                tracing::debug!(%error, "the ledger's last transaction could not be rolled back");
            }
            let error = fault.about(&self.path);
            self.failed = Some(error.clone());
            error
        })
    }

    fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let value = work(self)?;
        self.changes.write(&self.connection)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(value)
    }

    /// Enters records; says of each what it turned out to be.
    pub(super) fn admit(&mut self, run: i64, batch: &[NewRecord]) -> Result<Vec<Admitted>, Fault> {
        let mut candidate = self.connection.prepare_cached(
            "INSERT INTO records (id, kind, source, line, group_id) VALUES (?1, 0, ?2, ?3, ?4)
             ON CONFLICT (group_id, run) WHERE kind = 0 DO NOTHING",
        )?;
        let mut settled = self.connection.prepare_cached(
            "INSERT INTO records (id, kind, source, line, group_id, outcome, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let mut admitted = Vec::with_capacity(batch.len());
        for record in batch {
            let id = id(run, record.seq)?;
            let line = sql_int(record.line);
            let (kind, outcome, text, detail) = match &record.admission {
                Admission::Candidate(group) => {
                    if candidate.execute((id, record.source, line, group.as_str()))? == 1 {
                        admitted.push(Admitted::First);
                        continue;
                    }
                    (Kind::Duplicate, Outcome::Duplicate, group.as_str(), None)
                }
                Admission::Invalid { shown, reason } => {
                    (Kind::Invalid, Outcome::Invalid, &**shown, Some(&**reason))
                }
                Admission::Protected(group) => {
                    (Kind::Protected, Outcome::Protected, group.as_str(), None)
                }
            };
            let code = outcome_code(outcome);
            settled.execute((id, kind as i64, record.source, line, text, code, detail))?;
            self.changes.add(run, Count::Outcome(outcome), 1);
            admitted.push(match kind {
                Kind::Duplicate => Admitted::Duplicate,
                _ => Admitted::Settled,
            });
        }
        let first = admitted.iter().filter(|a| **a == Admitted::First).count();
        self.changes.add(run, Count::Pending, first as i64);
        Ok(admitted)
    }

    /// Notes that calls are about to be made.
    pub(super) fn intend(&mut self, run: i64, batch: &[Intent]) -> Result<(), Fault> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO calls (id, record_seq, attempt, intended_at) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for intent in batch {
            let seq = id(0, intent.seq)?;
            insert.execute((id(run, intent.call.0)?, seq, intent.attempt, intent.at.0))?;
        }
        let retries = batch.iter().filter(|intent| intent.attempt > 1).count();
        self.changes.add(run, Count::Calls, batch.len() as i64);
        self.changes.add(run, Count::Retries, retries as i64);
        Ok(())
    }

    /// Notes answers, and settles the records that they settle.
    pub(super) fn record(&mut self, run: i64, batch: &[Reply]) -> Result<(), Fault> {
        let mut answer = self.connection.prepare_cached(
            "UPDATE calls SET answered_at = ?2, http_status = ?3, code = ?4, latency_us = ?5, info = ?6,
                              may_have_acted = ?7
             WHERE id = ?1 AND may_have_acted IS NULL AND withdrawn = 0",
        )?;
        let mut settle = self.connection.prepare_cached(
            "UPDATE records SET outcome = ?2, attempts = ?3, started_at = ?4, last_call = ?5,
                                may_have_acted = may_have_acted | ?6
             WHERE id = ?1 AND outcome IS NULL",
        )?;
        let mut note = self.connection.prepare_cached(
            "UPDATE records SET attempts = attempts + 1, last_call = ?2, may_have_acted = may_have_acted | ?3,
                                started_at = coalesce(started_at, (SELECT intended_at FROM calls WHERE id = ?4))
             WHERE id = ?1 AND outcome IS NULL",
        )?;
        for reply in batch {
            let (call, seq) = (id(run, reply.call.0)?, id(run, reply.seq)?);
            let latency = i64::try_from(reply.latency.as_micros()).unwrap_or(i64::MAX);
            let info = Some(&*reply.info).filter(|info| !info.is_empty());
            let acted = reply.may_have_acted;
            let status = reply.http_status;
            if answer.execute((call, reply.at.0, status, reply.code, latency, info, acted))? != 1 {
                return Err(no_open_call(reply.call));
            }
            let last = id(0, reply.call.0)?;
            let changed = match &reply.settles {
                None => note.execute((seq, last, acted, call))?,
                Some(end) => {
                    let Some(outcome) = outcome_code(end.outcome) else {
                        return Err(Fault::Contradiction(format!(
                            "record {} was to be settled as {}",
                            reply.seq, end.outcome
                        )));
                    };
                    self.changes.add(run, Count::Outcome(end.outcome), 1);
                    self.changes.add(run, Count::Pending, -1);
                    settle.execute((seq, outcome, end.attempts, end.started_at.0, last, acted))?
                }
            };
            if changed != 1 {
                return Err(Fault::Contradiction(format!(
                    "record {} is not there or already has its outcome",
                    reply.seq
                )));
            }
        }
        Ok(())
    }

    /// Takes back intents whose calls were never sent.
    pub(super) fn withdraw(&mut self, run: i64, calls: &[CallId]) -> Result<(), Fault> {
        let mut withdraw = self.connection.prepare_cached(
            "UPDATE calls SET withdrawn = 1 WHERE id = ?1 AND may_have_acted IS NULL AND withdrawn = 0",
        )?;
        let mut attempt = self
            .connection
            .prepare_cached("SELECT attempt FROM calls WHERE id = ?1")?;
        for call in calls {
            let id = id(run, call.0)?;
            if withdraw.execute([id])? != 1 {
                return Err(no_open_call(*call));
            }
            let retry = attempt.query_row([id], |row| row.get::<_, u32>(0))? > 1;
            self.changes.add(run, Count::Calls, -1);
            self.changes.add(run, Count::Retries, -i64::from(retry));
        }
        Ok(())
    }

    /// Moves the log into the file, as the last act of a writer. What is in the log is as durable as what is in the file,
    /// so a failure here takes nothing away.
    pub(super) fn close(self) {
        if self.failed.is_none()
            && let Err(error) =
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::debug!(%error, "the ledger's log stays beside it");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::debug!(%error, "the ledger was not closed in order");
        }
    }
}

fn no_open_call(call: CallId) -> Fault {
    Fault::Contradiction(format!(
        "call {} was never intended, or has been answered or withdrawn",
        call.0
    ))
}
