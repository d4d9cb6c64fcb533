//! Counts of a run, kept with every commit.

use rusqlite::Connection;

use super::{CallId, codes::unsigned, error::Fault};
use crate::{
    outcome::{Outcome, Tally},
    wall::UnixMillis,
};

/// What a run comes to so far, all its sessions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records in the ledger.
    pub records: u64,
    /// Those with a definite outcome.
    pub outcomes: Tally,
    /// Those without: first candidates that are not settled.
    pub pending: u64,
    /// Calls intended and not withdrawn.
    pub calls: u64,
    /// Those that were not the first for their group.
    pub retries: u64,
}

/// [`Counts`] of a run, and what its app did last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTally {
    /// What the run comes to.
    pub counts: Counts,
    /// The last call number that the run used.
    pub last_call: Option<CallId>,
    /// The app's session before this one, in this or any other run: what the pace has to go on from.
    pub before: Option<Before>,
}

/// How the app's session before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// When; none if its process was killed, and nobody knows.
    pub ended_at: Option<UnixMillis>,
    /// Calls that may have left in its last second; the greatest number stands for a thousand or more.
    pub last_calls: u32,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Outcome(Outcome),
    Pending,
    Calls,
    Retries,
}

impl Count {
    const fn name(self) -> &'static str {
        match self {
            Self::Outcome(outcome) => outcome.name(),
            Self::Pending => "pending",
            Self::Calls => "calls",
            Self::Retries => "retries",
        }
    }
}

/// Changes of counts that wait for the end of the transaction. Few: runs that write at once, times things counted.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<(i64, Count, i64)>);

impl Changes {
    /// Notes that there are `by` more (or fewer).
    pub(super) fn add(&mut self, run: i64, count: Count, by: i64) {
        match self.0.iter_mut().find(|c| c.0 == run && c.1 == count) {
            Some(change) => change.2 += by,
            None => self.0.push((run, count, by)),
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Writes them into the open transaction.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO tallies (run, what, n) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for (run, count, by) in self.0.drain(..).filter(|change| change.2 != 0) {
            statement.execute((run, count.name(), by))?;
        }
        Ok(())
    }
}

/// Reads the counts of a run.
pub(super) fn counts(connection: &Connection, run: i64) -> Result<Counts, Fault> {
    let mut statement = connection.prepare_cached("SELECT what, n FROM tallies WHERE run = ?1")?;
    let mut rows = statement.query([run])?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        let what = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let n = unsigned(row, 1)?;
        match what {
            "pending" => counts.pending = n,
            "calls" => counts.calls = n,
            "retries" => counts.retries = n,
            name => match name.parse() {
                Ok(outcome) => counts.outcomes.add_many(outcome, n),
                Err(_) => return Err(Fault::Damaged(format!("it counts {name:?}"))),
            },
        }
    }
    counts.records = counts.pending + counts.outcomes.total();
    Ok(counts)
}
