//! What is read back of a run: records in the order of the input, a page at a time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row as SqlRow};

use super::{
    CallId, Pending,
    codes::{outcome_of, sql_int, unsigned},
    error::Fault,
    schema::RUN_SHIFT,
    tally::{self, Before, RunTally},
};
use crate::{group::GroupId, row::Row, wall::UnixMillis};

/// Which records a page of report rows is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFilter {
    /// All of them.
    All,
    /// Those with a definite outcome.
    Settled,
    /// Those without: their rows say `not_attempted`.
    Unsettled,
    /// Those that ended as a failure: `failed`, `exhausted`, `invalid`.
    Failures,
    /// Those whose row may hold an error: failures, the gone ones that took more than a success, and those without an
    /// outcome that were called.
    Troubled,
}

/// Calls of a run whose answers are not known (yet), by record. Never more than were in flight when a process died.
pub(super) type OpenCalls = HashMap<u64, u32>;

/// Calls of an earlier session that are looked at: more than a second's worth, unless the app has bought a great deal.
const LAST_CALLS: u32 = 1000;
/// An intent waits for its call no longer than this, but in an outage, and then little is called.
const LAST_CALLS_MS: i64 = 60_000;

/// Splits an id of the file into what it numbers.
pub(super) const fn number(id: i64) -> u64 {
    (id & ((1 << RUN_SHIFT) - 1)).cast_unsigned()
}

/// The ids of a run's rows after the given number: first and last.
pub(super) fn span(run: i64, after: u64) -> (i64, i64) {
    let start = run << RUN_SHIFT;
    let after = sql_int(after);
    (
        start.saturating_add(after).saturating_add(1),
        start | ((1 << RUN_SHIFT) - 1),
    )
}

/// Number and text of all records.
pub(super) fn page(
    connection: &Connection,
    run: i64,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Box<str>)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, group_id FROM records WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
    )?;
    let (first, last) = span(run, after);
    let mut rows = statement.query((first, last, sql_int(limit as u64)))?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push((number(row.get(0)?), text(row, 1)?.into()));
    }
    Ok(page)
}

/// Records without a definite outcome.
pub(super) fn pending(
    connection: &Connection,
    run: i64,
    after: u64,
    limit: usize,
) -> Result<Vec<Pending>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, group_id, source, line, attempts, may_have_acted, started_at FROM records
         WHERE id BETWEEN ?1 AND ?2 AND outcome IS NULL ORDER BY id LIMIT ?3",
    )?;
    let (first, last) = span(run, after);
    let mut rows = statement.query((first, last, sql_int(limit as u64)))?;
    let mut pending = Vec::new();
    while let Some(row) = rows.next()? {
        let group = text(row, 1)?;
        pending.push(Pending {
            seq: number(row.get(0)?),
            group: GroupId::try_from(group)
                .map_err(|why| Fault::Damaged(format!("{group:?} is no group ID: {why}")))?,
            source: row.get(2)?,
            line: unsigned(row, 3)?,
            attempts: row.get(4)?,
            may_have_acted: row.get(5)?,
            started_at: row.get::<_, Option<i64>>(6)?.map(UnixMillis),
        });
    }
    Ok(pending)
}

/// The part of the query that all filters share; a macro, for `concat!` takes literals only.
macro_rules! rows_sql {
    () => {
        "SELECT r.id, r.group_id, r.outcome, r.attempts, r.started_at, r.source, r.line, r.detail,
                c.code, c.info, c.http_status, c.latency_us, c.answered_at
         FROM records r LEFT JOIN calls c ON c.id = (r.run << 40) + r.last_call
         WHERE r.id BETWEEN ?1 AND ?2"
    };
}

/// Report rows in the order of the input. `names` are those of the run's inputs.
pub(super) fn rows(
    connection: &Connection,
    run: i64,
    names: &[Arc<str>],
    open: &OpenCalls,
    (filter, after, limit): (RowFilter, u64, usize),
) -> Result<Vec<Row>, Fault> {
    let mut statement = connection.prepare_cached(match filter {
        RowFilter::All => concat!(rows_sql!(), " ORDER BY r.id LIMIT ?3"),
        RowFilter::Settled => {
            concat!(
                rows_sql!(),
                " AND r.outcome IS NOT NULL ORDER BY r.id LIMIT ?3"
            )
        }
        RowFilter::Unsettled => {
            concat!(rows_sql!(), " AND r.outcome IS NULL ORDER BY r.id LIMIT ?3")
        }
        RowFilter::Failures => concat!(
            rows_sql!(),
            " AND r.outcome IN (4, 5, 6) ORDER BY r.id LIMIT ?3"
        ),
        RowFilter::Troubled => concat!(
            rows_sql!(),
            " AND (r.outcome IN (2, 3, 4, 5, 6) OR (r.outcome IS NULL AND r.last_call IS NOT NULL))
              ORDER BY r.id LIMIT ?3"
        ),
    })?;
    let (first, last) = span(run, after);
    let mut found = statement.query((first, last, sql_int(limit as u64)))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(report_row(row, names, open)?);
    }
    Ok(rows)
}

fn report_row(row: &SqlRow<'_>, names: &[Arc<str>], open: &OpenCalls) -> Result<Row, Fault> {
    let seq = number(row.get(0)?);
    let code: Option<i64> = row.get(2)?;
    let unknown = if code.is_none() { open.get(&seq) } else { None };
    let source: u32 = row.get(5)?;
    let detail: Option<Box<str>> = row.get(7)?;
    let info: Option<Box<str>> = row.get(9)?;
    let latency: Option<i64> = row.get(11)?;
    Ok(Row {
        seq,
        group_id: text(row, 1)?.into(),
        outcome: outcome_of(code)?,
        error_code: row.get(8)?,
        error_info: detail.or(info),
        attempts: row.get::<_, u32>(3)? + unknown.copied().unwrap_or(0),
        http_status: row.get(10)?,
        latency: latency.map(|us| Duration::from_micros(us.unsigned_abs())),
        started_at: row.get::<_, Option<i64>>(4)?.map(UnixMillis),
        finished_at: row.get::<_, Option<i64>>(12)?.map(UnixMillis),
        source: names
            .get(source as usize)
            .cloned()
            .ok_or_else(|| Fault::Damaged(format!("record {seq} comes from no input")))?,
        line: unsigned(row, 6)?,
    })
}

/// Calls that were intended and neither answered nor withdrawn nor given up as lost: id, record, time.
///
/// Reads all calls of the run once; an index would cost more with every call than this does at a resume.
pub(super) fn unanswered(
    connection: &Connection,
    run: i64,
) -> Result<Vec<(i64, u64, UnixMillis)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, record_seq, intended_at FROM calls
         WHERE id BETWEEN ?1 AND ?2 AND may_have_acted IS NULL AND withdrawn = 0 ORDER BY id",
    )?;
    let mut rows = statement.query(span(run, 0))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push((row.get(0)?, unsigned(row, 1)?, UnixMillis(row.get(2)?)));
    }
    Ok(calls)
}

/// [`unanswered`], counted by record.
pub(super) fn open_calls(connection: &Connection, run: i64) -> Result<OpenCalls, Fault> {
    let mut open = OpenCalls::new();
    for (_, seq, _) in unanswered(connection, run)? {
        *open.entry(seq).or_default() += 1;
    }
    Ok(open)
}

/// Counts of the run, its last call, and the newest one of its app.
pub(super) fn tally(connection: &Connection, run: i64) -> Result<RunTally, Fault> {
    Ok(RunTally {
        counts: tally::counts(connection, run)?,
        last_call: last_call(connection, run)?,
        before: before(connection, run)?,
    })
}

/// The session of the run's app before its newest one, which is the asker's.
fn before(connection: &Connection, run: i64) -> Result<Option<Before>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT s.run, s.finished_at FROM sessions s JOIN runs n ON n.id = s.run
         WHERE n.sdkappid = (SELECT sdkappid FROM runs WHERE id = ?1) ORDER BY s.id DESC LIMIT 1 OFFSET 1",
    )?;
    let session = statement
        .query_row([run], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let Some((earlier, ended_at)) = session else {
        return Ok(None);
    };
    let mut calls = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT intended_at AS at, max(intended_at) OVER () AS newest
             FROM (SELECT intended_at FROM calls WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3))
         WHERE at >= newest - ?4",
    )?;
    let (first, last) = span(earlier, 0);
    let last_calls = calls.query_row((first, last, LAST_CALLS, LAST_CALLS_MS), |row| row.get(0))?;
    let last_calls = if last_calls == LAST_CALLS {
        u32::MAX
    } else {
        last_calls
    };
    Ok(Some(Before {
        ended_at: ended_at.map(UnixMillis),
        last_calls,
    }))
}

fn last_call(connection: &Connection, run: i64) -> Result<Option<CallId>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM calls WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let last = statement
        .query_row(span(run, 0), |row| Ok(CallId(number(row.get(0)?))))
        .optional()?;
    Ok(last)
}

/// A text column without a copy.
fn text<'row>(row: &'row SqlRow<'_>, column: usize) -> Result<&'row str, Fault> {
    Ok(row
        .get_ref(column)?
        .as_str()
        .map_err(rusqlite::Error::from)?)
}
