//! What the file holds, and how older files are brought up to date.
//!
//! Tables (all times are milliseconds since the Unix epoch):
//!
//! - `runs`: one row a run: app, endpoint, identifier, options, when, on which host, how it ended.
//! - `sessions`: one row for each time a run was started or resumed.
//! - `inputs`: what the run read, in order: the name as reports show it, and the file to read again.
//! - `records`: one row for each input record. `id` is `run << 40 | seq`, so that a run's records lie side by side in
//!   input order and need no further key. `kind` says what it was when it was read and never changes; `outcome` is NULL
//!   until it is definite. The unique index over candidates finds duplicates within a run, and is at the same time the
//!   index that knows every run that ever met a group.
//! - `calls`: one row for each call, written before it leaves; `id` is `run << 40 | call`. `may_have_acted` is NULL
//!   while no answer is known, and `answered_at` stays NULL for ever where the answer was lost with the process.
//! - `tallies`: the counts of each run, kept with every commit, so that nobody has to count ten million rows.
//! - `outcomes`, `kinds`: what the numbers in `records` mean.
//!
//! Views for people: `group_history` (who called this group, when, and what came of it), `report` (a row for each
//! record) and `call_log` (every call), with names and RFC 3339 times.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Fault;

/// "DBLg": says that a SQLite file is a ledger of this program.
pub(super) const APPLICATION_ID: i64 = 0x4442_4c67;

/// Bits of a record's or call's id that number it within its run.
pub(super) const RUN_SHIFT: u32 = 40;

/// A step from one version of the file to the next; the version is the number of steps taken.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All steps, in order. Never change one that was released: add another.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "runs, records and calls",
        sql: include_str!("schema/1_tables.sql"),
    },
    Migration {
        name: "views for people",
        sql: include_str!("schema/2_views.sql"),
    },
];

/// The version that this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// What a file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// An empty file.
    Fresh,
    /// A ledger of this version.
    Ledger(i64),
    /// Something else.
    Foreign,
}

/// Reads what the file says that it is.
pub(super) fn identify(connection: &Connection) -> Result<Identity, Fault> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (id, version) = (read("application_id")?, read("user_version")?);
    if id == APPLICATION_ID {
        return Ok(Identity::Ledger(version));
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if id == 0 && version == 0 && tables == 0 {
        Identity::Fresh
    } else {
        Identity::Foreign
    })
}

/// Takes the steps that the file lacks, all in one transaction. Nothing happens to a file that lacks none.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    migrate_to(connection, VERSION)
}

fn migrate_to(connection: &mut Connection, version: i64) -> Result<(), Fault> {
    if identify(connection)? == Identity::Ledger(version) {
        return Ok(());
    }
    // Looks again under the lock: another process may have been quicker.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = match identify(&transaction)? {
        Identity::Fresh => 0,
        Identity::Ledger(found) => found,
        Identity::Foreign => return Ok(()),
    };
    for (step, number) in MIGRATIONS.iter().zip(1..=version) {
        if number > found {
            tracing::debug!(number, name = step.name, "the ledger's schema moves on");
            transaction.execute_batch(step.sql)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(connection: &Connection) -> Vec<(String, String)> {
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_older_ledger_ends_up_like_a_new_one() {
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        for older in 1..VERSION {
            let mut old = Connection::open_in_memory().unwrap();
            migrate_to(&mut old, older).unwrap();
            assert_eq!(identify(&old).unwrap(), Identity::Ledger(older));
            assert_ne!(objects(&old), objects(&new));
            migrate(&mut old).unwrap();
            assert_eq!(identify(&old).unwrap(), Identity::Ledger(VERSION));
            assert_eq!(objects(&old), objects(&new));
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(identify(&connection).unwrap(), Identity::Fresh);
        migrate(&mut connection).unwrap();
        let (before, changes) = (objects(&connection), connection.total_changes());
        migrate(&mut connection).unwrap();
        assert_eq!(
            (before, changes),
            (objects(&connection), connection.total_changes())
        );
    }

    #[test]
    fn a_foreign_database_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t(x)").unwrap();
        assert_eq!(identify(&connection).unwrap(), Identity::Foreign);
        migrate(&mut connection).unwrap();
        assert_eq!(objects(&connection).len(), 1);
    }
}
