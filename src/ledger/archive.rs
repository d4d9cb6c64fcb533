//! The ledger's past, and its present as others see it.

use std::{path::Path, sync::Arc};

use super::{
    error::{Fault, LedgerError},
    file::{self, Opened},
    handle::names,
    history,
    query::{self, OpenCalls, RowFilter},
    run::{NoSuchRun, RunInfo},
};
use crate::row::Row;

/// The ledger, open for reading beside whoever writes it: for `runs`, `report`, and the choice of a run to resume.
pub struct Archive {
    opened: Opened,
}

impl Archive {
    /// Opens the ledger in the state directory.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] where nothing was recorded yet, [`LedgerError::Older`] where a writer has to come
    /// first, or another one.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        let opened = file::open_for_reading(dir)?;
        Ok(Self { opened })
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn runs(&self) -> Result<Vec<RunInfo>, LedgerError> {
        self.read(history::runs)
    }

    /// The run of this name, or the only one whose name begins like that.
    ///
    /// # Errors
    /// [`LedgerError`]; inside, [`NoSuchRun`].
    pub fn find_run(&self, wanted: &str) -> Result<Result<RunInfo, NoSuchRun>, LedgerError> {
        self.read(|connection| history::find_run(connection, wanted))
    }

    /// The newest run of the app that has work left.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn newest_unfinished(&self, sdkappid: u64) -> Result<Option<RunInfo>, LedgerError> {
        self.read(|connection| history::newest_unfinished(connection, sdkappid))
    }

    /// Prepares to read a run's report rows. Looks through all its calls once, for those without an answer.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn report(&self, info: &RunInfo) -> Result<RunReport<'_>, LedgerError> {
        Ok(RunReport {
            archive: self,
            run: info.key,
            names: names(info),
            open: self.read(|connection| query::open_calls(connection, info.key))?,
        })
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        work(&self.opened.connection).map_err(|fault| fault.about(&self.opened.path))
    }
}

/// A run's report rows, read while the run may be going on.
pub struct RunReport<'a> {
    archive: &'a Archive,
    run: i64,
    names: Arc<[Arc<str>]>,
    open: OpenCalls,
}

impl RunReport<'_> {
    /// The next rows, by number, after the given one; none at the end. Each page is read at its own moment, so that a
    /// slow reader of a report does not hold up the writer's log: with [`RowFilter::All`] each record still comes once.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn rows(
        &self,
        filter: RowFilter,
        after_seq: u64,
        limit: usize,
    ) -> Result<Vec<Row>, LedgerError> {
        self.archive.read(|connection| {
            let page = (filter, after_seq, limit);
            query::rows(connection, self.run, &self.names, &self.open, page)
        })
    }
}
