//! The table of runs.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row as SqlRow, types::Value};

use super::{
    codes::{outcome_code, sql_int, unsigned},
    error::Fault,
    query,
    run::{Input, NewRun, NoSuchRun, RunEnd, RunId, RunInfo, Session, Status},
    store::{self, Store},
    tally::{self, Count},
};
use crate::{outcome::Outcome, wall::UnixMillis};

/// Columns of [`run_info`], in its order.
macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "SELECT id, run_id, sdkappid, endpoint, identifier, options, version, host, pid,
                    started_at, finished_at, status, stop_reason, exit_code, input_complete,
                    (SELECT max(started_at) FROM sessions WHERE run = runs.id)
             FROM runs ",
            $rest
        )
    };
}

/// Enters a run and its first session; returns its number in the file.
pub(super) fn begin(connection: &Connection, new: &NewRun) -> Result<i64, Fault> {
    let session = &new.session;
    connection.execute(
        "INSERT INTO runs (run_id, sdkappid, endpoint, identifier, options, version, host, pid, started_at, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            new.run_id.as_str(),
            sql_int(new.sdkappid),
            &new.endpoint,
            &new.identifier,
            session.options.to_string(),
            &session.version,
            &session.host,
            session.pid,
            session.started_at.0,
            if new.confirmed { Status::Running } else { Status::Unconfirmed }.name(),
        ),
    )?;
    let run = connection.last_insert_rowid();
    for (index, input) in new.inputs.iter().enumerate() {
        connection.execute(
            "INSERT INTO inputs (run, idx, name, path) VALUES (?1, ?2, ?3, ?4)",
            (
                run,
                sql_int(index as u64),
                &*input.name,
                input.path.as_deref().map(path_value),
            ),
        )?;
    }
    enter_session(connection, run, session)?;
    Ok(run)
}

/// Goes on with a run: its status is `running` again, and calls that were never answered count as lost.
pub(super) fn resume(connection: &Connection, run: i64, session: &Session) -> Result<(), Fault> {
    let changed = connection.execute(
        "UPDATE runs SET status = 'running', finished_at = NULL, stop_reason = NULL, exit_code = NULL,
                         options = ?2, version = ?3, host = ?4, pid = ?5
         WHERE id = ?1",
        (
            run,
            session.options.to_string(),
            &session.version,
            &session.host,
            session.pid,
        ),
    )?;
    if changed != 1 {
        return Err(Fault::Contradiction(
            "the run to resume is not there".into(),
        ));
    }
    enter_session(connection, run, session)?;
    let mut lost =
        connection.prepare_cached("UPDATE calls SET may_have_acted = 1 WHERE id = ?1")?;
    let mut note = connection.prepare_cached(
        "UPDATE records SET attempts = attempts + 1, may_have_acted = 1, last_call = ?2,
                            started_at = coalesce(started_at, ?3)
         WHERE id = ?1",
    )?;
    for (call, seq, at) in query::unanswered(connection, run)? {
        lost.execute([call])?;
        let record = store::id(run, seq)?;
        note.execute((record, sql_int(query::number(call)), at.0))?;
    }
    Ok(())
}

fn enter_session(connection: &Connection, run: i64, session: &Session) -> Result<(), Fault> {
    connection.execute(
        "INSERT INTO sessions (run, started_at, options, version, host, pid, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running')",
        (
            run,
            session.started_at.0,
            session.options.to_string(),
            &session.version,
            &session.host,
            session.pid,
        ),
    )?;
    Ok(())
}

/// Notes that calls may follow.
pub(super) fn confirm(connection: &Connection, run: i64) -> Result<(), Fault> {
    connection.execute("UPDATE runs SET status = 'running' WHERE id = ?1", [run])?;
    Ok(())
}

/// Forgets the records of a run that called nobody, and notes why it was not begun.
pub(super) fn discard(connection: &Connection, run: i64, why: &str) -> Result<(), Fault> {
    connection.execute(
        "DELETE FROM records WHERE id BETWEEN ?1 << 40 AND (?1 << 40) + 1099511627775",
        [run],
    )?;
    connection.execute("DELETE FROM tallies WHERE run = ?1", [run])?;
    connection.execute(
        "UPDATE runs SET stop_reason = ?2, exit_code = 2, finished_at = ?3 WHERE id = ?1",
        (run, why, UnixMillis::now().0),
    )?;
    Ok(())
}

/// Notes how a run ended.
pub(super) fn finish(connection: &Connection, run: i64, end: &RunEnd) -> Result<(), Fault> {
    let (status, reason) = (end.status.name(), end.stop_reason.as_deref());
    connection.execute(
        "UPDATE runs SET status = ?2, stop_reason = ?3, exit_code = ?4, finished_at = ?5, input_complete = ?6
         WHERE id = ?1",
        (run, status, reason, end.exit_code, end.finished_at.0, end.input_complete),
    )?;
    connection.execute(
        "UPDATE sessions SET status = ?2, stop_reason = ?3, exit_code = ?4, finished_at = ?5
         WHERE id = (SELECT max(id) FROM sessions WHERE run = ?1)",
        (run, status, reason, end.exit_code, end.finished_at.0),
    )?;
    Ok(())
}

/// Takes the outcome back from records that ended `failed` or `exhausted`; returns how many. Their calls stay.
pub(super) fn retry_failed(store: &mut Store, run: i64) -> Result<u64, Fault> {
    let mut again = 0;
    for outcome in [Outcome::Failed, Outcome::Exhausted] {
        let changed = store.connection.execute(
            "UPDATE records SET outcome = NULL WHERE id BETWEEN ?1 << 40 AND (?1 << 40) + 1099511627775 AND outcome = ?2",
            (run, outcome_code(outcome)),
        )?;
        let by = i64::try_from(changed).unwrap_or(i64::MAX);
        store.changes.add(run, Count::Outcome(outcome), -by);
        store.changes.add(run, Count::Pending, by);
        again += changed as u64;
    }
    Ok(again)
}

/// Settles records without an outcome as `protected`.
pub(super) fn protect(store: &mut Store, run: i64, seqs: &[u64]) -> Result<(), Fault> {
    let mut settled = 0;
    for seq in seqs {
        let changed = store
            .connection
            .prepare_cached("UPDATE records SET outcome = ?2 WHERE id = ?1 AND outcome IS NULL")?
            .execute((store::id(run, *seq)?, outcome_code(Outcome::Protected)))?;
        settled += i64::try_from(changed).unwrap_or(i64::MAX);
    }
    store
        .changes
        .add(run, Count::Outcome(Outcome::Protected), settled);
    store.changes.add(run, Count::Pending, -settled);
    Ok(())
}

/// All runs, newest first.
pub(super) fn runs(connection: &Connection) -> Result<Vec<RunInfo>, Fault> {
    list(connection, select_runs!("ORDER BY id DESC"), [])
}

/// The run of this name, or the only one whose name begins like that.
pub(super) fn find_run(
    connection: &Connection,
    wanted: &str,
) -> Result<Result<RunInfo, NoSuchRun>, Fault> {
    let exact = list(connection, select_runs!("WHERE run_id = ?1"), [wanted])?;
    let found = match exact.is_empty() {
        false => exact,
        true => list(
            connection,
            select_runs!("WHERE substr(run_id, 1, length(?1)) = ?1 ORDER BY id DESC LIMIT 2"),
            [wanted],
        )?,
    };
    let wanted = Box::from(wanted);
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(first), Some(second)) => Err(NoSuchRun::Ambiguous {
            wanted,
            first: first.run_id,
            second: second.run_id,
        }),
        (None, _) => Err(NoSuchRun::Unknown { wanted }),
    })
}

/// The newest run of the app that has work left.
pub(super) fn newest_unfinished(
    connection: &Connection,
    sdkappid: u64,
) -> Result<Option<RunInfo>, Fault> {
    let sql = select_runs!(
        "WHERE sdkappid = ?1 AND status NOT IN ('finished', 'unconfirmed') ORDER BY id DESC LIMIT 1"
    );
    Ok(list(connection, sql, [sql_int(sdkappid)])?.pop())
}

fn list(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<RunInfo>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(run_info(connection, row)?);
    }
    Ok(runs)
}

fn run_info(connection: &Connection, row: &SqlRow<'_>) -> Result<RunInfo, Fault> {
    let damaged = |what: &str| Fault::Damaged(format!("a run's {what} cannot be read"));
    let key = row.get(0)?;
    let run_id: String = row.get(1)?;
    let options: String = row.get(5)?;
    let status: String = row.get(11)?;
    let started_at = UnixMillis(row.get(9)?);
    Ok(RunInfo {
        key,
        run_id: run_id.parse::<RunId>().map_err(|_| damaged("ID"))?,
        sdkappid: unsigned(row, 2)?,
        endpoint: row.get(3)?,
        identifier: row.get(4)?,
        inputs: inputs(connection, key)?,
        started_at,
        session: Session {
            started_at: row
                .get::<_, Option<i64>>(15)?
                .map_or(started_at, UnixMillis),
            options: serde_json::from_str(&options).map_err(|_| damaged("options"))?,
            version: row.get(6)?,
            host: row.get(7)?,
            pid: row.get(8)?,
        },
        finished_at: row.get::<_, Option<i64>>(10)?.map(UnixMillis),
        status: Status::of_name(&status).ok_or_else(|| damaged("status"))?,
        stop_reason: row.get(12)?,
        exit_code: row.get(13)?,
        input_complete: row.get(14)?,
        counts: tally::counts(connection, key)?,
    })
}

fn inputs(connection: &Connection, run: i64) -> Result<Vec<Input>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT name, path FROM inputs WHERE run = ?1 ORDER BY idx")?;
    let inputs = statement
        .query_map([run], |row| {
            Ok(Input {
                name: row.get(0)?,
                path: row.get::<_, Option<Value>>(1)?.and_then(value_path),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(inputs)
}

/// A path as text where it is UTF-8, so that people can read it, else as the bytes that it is.
fn path_value(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => Value::Text(text.to_owned()),
        #[cfg(unix)]
        None => Value::Blob(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()),
        #[cfg(not(unix))]
        None => Value::Text(path.to_string_lossy().into_owned()),
    }
}

fn value_path(value: Value) -> Option<PathBuf> {
    match value {
        Value::Text(text) => Some(text.into()),
        #[cfg(unix)]
        Value::Blob(bytes) => {
            let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
            Some(name.into())
        }
        _ => None,
    }
}
