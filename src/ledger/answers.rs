//! The calls of a run that were answered: what a report's charts and error counts are made of.

use std::time::Duration;

use rusqlite::{Connection, Row as SqlRow};

use super::{
    CallId,
    codes::sql_int,
    error::Fault,
    query::{number, span},
};
use crate::wall::UnixMillis;

/// A call that was answered, or whose time ran out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredCall {
    /// The call.
    pub call: CallId,
    /// Which try it was for its group, from 1, over all sessions.
    pub attempt: u32,
    /// When it was decided.
    pub intended_at: UnixMillis,
    /// When the answer came.
    pub answered_at: UnixMillis,
    /// `ErrorCode`, if the service itself answered.
    pub code: Option<i64>,
    /// `ErrorInfo`, or the transport's fault; none for success.
    pub info: Option<Box<str>>,
    /// HTTP status, if an HTTP answer came.
    pub http_status: Option<u16>,
    /// How long it took.
    pub latency: Duration,
}

/// Answered calls in the order in which they were decided.
pub(super) fn page(
    connection: &Connection,
    run: i64,
    after: CallId,
    limit: usize,
) -> Result<Vec<AnsweredCall>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, attempt, intended_at, answered_at, code, CASE WHEN code IS NOT 0 THEN info END, http_status,
                latency_us
         FROM calls WHERE id BETWEEN ?1 AND ?2 AND answered_at IS NOT NULL ORDER BY id LIMIT ?3",
    )?;
    let (first, last) = span(run, after.0);
    let calls = statement
        .query_map((first, last, sql_int(limit as u64)), answered_call)?
        .collect::<Result<_, _>>()?;
    Ok(calls)
}

fn answered_call(row: &SqlRow<'_>) -> rusqlite::Result<AnsweredCall> {
    let latency_us: Option<i64> = row.get(7)?;
    Ok(AnsweredCall {
        call: CallId(number(row.get(0)?)),
        attempt: row.get(1)?,
        intended_at: UnixMillis(row.get(2)?),
        answered_at: UnixMillis(row.get(3)?),
        code: row.get(4)?,
        info: row.get(5)?,
        http_status: row.get(6)?,
        latency: Duration::from_micros(latency_us.unwrap_or(0).unsigned_abs()),
    })
}

/// When the first and the last answer of a run came. Reads all its calls once.
pub(super) fn first_and_last(
    connection: &Connection,
    run: i64,
) -> Result<Option<(UnixMillis, UnixMillis)>, Fault> {
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached(
            "SELECT min(answered_at), max(answered_at) FROM calls WHERE id BETWEEN ?1 AND ?2",
        )?
        .query_row(span(run, 0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(first.zip(last).map(|(a, b)| (UnixMillis(a), UnixMillis(b))))
}

/// When the run's sessions began, in their order.
pub(super) fn session_starts(connection: &Connection, run: i64) -> Result<Vec<UnixMillis>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT started_at FROM sessions WHERE run = ?1 ORDER BY id")?;
    let starts = statement
        .query_map([run], |row| row.get(0).map(UnixMillis))?
        .collect::<Result<_, _>>()?;
    Ok(starts)
}
