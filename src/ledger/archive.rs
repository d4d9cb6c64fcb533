//! The ledger's past, and its present as others see it.

use std::{path::Path, sync::Arc};

use super::{
    CallId,
    answers::{self, AnsweredCall},
    error::{Fault, LedgerError},
    file::{self, Opened},
    handle::names,
    history,
    query::{self, OpenCalls, RowFilter},
    run::{NoSuchRun, RunInfo},
};
use crate::{row::Row, wall::UnixMillis};

/// Rows or calls that are held at a time.
const PAGE: usize = 1024;

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

    /// Does all reading of `work` on the ledger as it is now, so that its figures agree with each other though a run may
    /// be going on. Meanwhile the writer's log only grows, so `work` must not wait for anybody.
    ///
    /// # Errors
    /// Those of `work`, and [`LedgerError`].
    pub fn at_one_moment<T, E: From<LedgerError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        // Nothing is written, so it is rolled back when it goes.
        let _moment = self.read(|connection| Ok(connection.unchecked_transaction()?))?;
        work(self)
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

    fn read<'a, T>(
        &'a self,
        work: impl FnOnce(&'a rusqlite::Connection) -> Result<T, Fault>,
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
    /// All rows that the filter lets through, read as [`Self::rows`] does. Ends with the first error.
    pub fn each_row(
        &self,
        filter: RowFilter,
    ) -> impl Iterator<Item = Result<Row, LedgerError>> + '_ {
        paged(
            move |after| self.rows(filter, after, PAGE),
            |row: &Row| row.seq,
        )
    }

    /// All answered calls in the order in which they were decided. Ends with the first error.
    pub fn each_answer(&self) -> impl Iterator<Item = Result<AnsweredCall, LedgerError>> + '_ {
        let page = |after| {
            self.archive
                .read(|connection| answers::page(connection, self.run, CallId(after), PAGE))
        };
        paged(page, |answer: &AnsweredCall| answer.call.0)
    }

    /// When the first and the last answer came; none if there was none.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn first_and_last_answer(&self) -> Result<Option<(UnixMillis, UnixMillis)>, LedgerError> {
        self.archive
            .read(|connection| answers::first_and_last(connection, self.run))
    }

    /// When the run's sessions began, in their order.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn session_starts(&self) -> Result<Vec<UnixMillis>, LedgerError> {
        self.archive
            .read(|connection| answers::session_starts(connection, self.run))
    }
}

/// Hands out one by one what `next` reads in pages, until one is empty or an error. `next` is given the number of the
/// last item before.
fn paged<T>(
    mut next: impl FnMut(u64) -> Result<Vec<T>, LedgerError>,
    number: fn(&T) -> u64,
) -> impl Iterator<Item = Result<T, LedgerError>> {
    let mut page = Vec::new().into_iter();
    let (mut after, mut over) = (0, false);
    std::iter::from_fn(move || {
        if page.len() == 0 && !over {
            match next(after) {
                Ok(items) => {
                    over = items.is_empty();
                    after = items.last().map_or(after, number);
                    page = items.into_iter();
                }
                Err(error) => {
                    over = true;
                    return Some(Err(error));
                }
            }
        }
        page.next().map(Ok)
    })
}
