//! The numbers that stand for words in the file. They are for ever: never give one another meaning.

use rusqlite::Row as SqlRow;

use super::error::Fault;
use crate::outcome::Outcome;

/// `records.kind`: what a record was when it was read, unless it was a candidate. Those are 0, which stands in the
/// statements themselves: SQLite uses a partial index only where it can see its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Duplicate = 1,
    Invalid = 2,
    Protected = 3,
}

/// `records.outcome`; none for [`Outcome::NotAttempted`], which is what a record without outcome is called in a report.
pub(super) const fn outcome_code(outcome: Outcome) -> Option<i64> {
    Some(match outcome {
        Outcome::Disbanded => 1,
        Outcome::AlreadyGone => 2,
        Outcome::PresumedDisbanded => 3,
        Outcome::Failed => 4,
        Outcome::Exhausted => 5,
        Outcome::Invalid => 6,
        Outcome::Duplicate => 7,
        Outcome::Protected => 8,
        Outcome::WouldDisband => 9,
        Outcome::NotAttempted => return None,
    })
}

/// A number as SQLite holds it; one beyond its range cannot come from counting anything.
pub(super) fn sql_int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that is never negative.
pub(super) fn unsigned(row: &SqlRow<'_>, column: usize) -> Result<u64, Fault> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Fault::Damaged(format!("{value} stands where it cannot")))
}

/// What a `records.outcome` stands for.
pub(super) fn outcome_of(code: Option<i64>) -> Result<Outcome, Fault> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome_code(*outcome) == code)
        .ok_or_else(|| Fault::Damaged(format!("there is no outcome with the number {code:?}")))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::ledger::schema;

    #[test]
    fn codes_and_names_agree_with_the_tables_in_the_file() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let names = |table: &str| -> Vec<(i64, String)> {
            let sql = format!("SELECT code, name FROM {table} ORDER BY code");
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let mut outcomes: Vec<_> = Outcome::ALL
            .into_iter()
            .filter_map(|o| Some((outcome_code(o)?, o.name().to_owned())))
            .collect();
        outcomes.sort();
        assert_eq!(names("outcomes"), outcomes);
        let kinds = [
            (0, "candidate"),
            (Kind::Duplicate as i64, "duplicate"),
            (Kind::Invalid as i64, "invalid"),
            (Kind::Protected as i64, "protected"),
        ]
        .map(|(kind, name)| (kind, name.to_owned()));
        assert_eq!(names("kinds"), kinds);
    }

    #[test]
    fn every_outcome_comes_back_from_its_code() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome_of(outcome_code(outcome)).unwrap(), outcome);
        }
        assert!(matches!(outcome_of(Some(77)), Err(Fault::Damaged(_))));
    }
}
