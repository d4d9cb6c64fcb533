//! What the rest of the program holds: the ledger, and one run of it.

use std::{path::Path, sync::Arc};

use super::{
    Admitted, CallId, Intent, NewRecord, Pending, Reply,
    error::{Fault, LedgerError},
    file::{self, Opened},
    history, query,
    query::{OpenCalls, RowFilter},
    run::{NewRun, NoSuchRun, RunEnd, RunInfo, Session},
    store::Store,
    tally::RunTally,
    writer::Writer,
};
use crate::row::Row;

/// The ledger, open for writing. Closes in order once it and all its [`RunLedger`]s are gone.
#[derive(Clone)]
pub struct Ledger {
    writer: Arc<Writer>,
}

impl Ledger {
    /// Opens the ledger in the state directory, on a thread of its own. Creates what is not there, for the owner only,
    /// and brings a ledger of an older version up to date.
    ///
    /// # Errors
    /// Every [`LedgerError`] but [`LedgerError::Gone`], [`LedgerError::Missing`] and [`LedgerError::Older`].
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::on_thread(file::open(dir)?)
    }

    /// A ledger that keeps nothing: in memory, on a thread of its own. For measuring what the disk costs.
    ///
    /// # Errors
    /// [`LedgerError::Io`] if there is no memory or thread to be had.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Self::on_thread(file::in_memory()?)
    }

    /// A ledger that keeps nothing and does its work on the caller's thread, so that a paused clock stands still
    /// meanwhile.
    ///
    /// # Errors
    /// [`LedgerError::Io`] if there is no memory to be had.
    pub fn inline() -> Result<Self, LedgerError> {
        Ok(Self {
            writer: Arc::new(Writer::inline(file::in_memory()?)),
        })
    }

    /// A ledger for a dry run: in a nameless temporary file, never synced, gone when closed; its memory stays flat.
    ///
    /// # Errors
    /// [`LedgerError`] if the temporary file cannot be made.
    pub fn throwaway() -> Result<Self, LedgerError> {
        Self::on_thread(file::throwaway()?)
    }

    fn on_thread(opened: Opened) -> Result<Self, LedgerError> {
        let path = Arc::clone(&opened.path);
        match Writer::on_thread(opened) {
            Ok(writer) => Ok(Self {
                writer: Arc::new(writer),
            }),
            Err(error) => Err(LedgerError::from_io(&path, &error)),
        }
    }

    /// Enters a new run.
    ///
    /// # Errors
    /// [`LedgerError`]; the run's ID must be new.
    pub async fn begin(&self, new: NewRun) -> Result<RunLedger, LedgerError> {
        let names = new.inputs.iter().map(|i| Arc::clone(&i.name)).collect();
        let run = self
            .writer
            .execute(move |store| history::begin(&store.connection, &new))
            .await?;
        Ok(self.run(run, names))
    }

    /// Goes on with a run: from now on its unanswered calls count as lost, which is what they are if their process is
    /// dead. Only the holder of the app's lock may call this.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn resume(&self, info: &RunInfo, session: Session) -> Result<RunLedger, LedgerError> {
        let run = info.key;
        self.writer
            .execute(move |store| history::resume(&store.connection, run, &session))
            .await?;
        Ok(self.run(run, names(info)))
    }

    /// The run of this name, or the only one whose name begins like that.
    ///
    /// # Errors
    /// [`LedgerError`]; inside, [`NoSuchRun`].
    pub async fn find_run(&self, wanted: &str) -> Result<Result<RunInfo, NoSuchRun>, LedgerError> {
        let wanted = wanted.to_owned();
        self.writer
            .execute(move |store| history::find_run(&store.connection, &wanted))
            .await
    }

    /// The newest run of the app that has work left.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn newest_unfinished(&self, sdkappid: u64) -> Result<Option<RunInfo>, LedgerError> {
        self.writer
            .execute(move |store| history::newest_unfinished(&store.connection, sdkappid))
            .await
    }

    /// Transactions committed since it was opened.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    pub(super) fn run(&self, run: i64, names: Arc<[Arc<str>]>) -> RunLedger {
        RunLedger {
            writer: Arc::clone(&self.writer),
            run,
            names,
        }
    }

    #[cfg(test)]
    pub(super) async fn sql(&self, sql: &'static str) -> Result<(), LedgerError> {
        self.writer
            .execute(move |store| Ok(store.connection.execute_batch(sql)?))
            .await
    }
}

/// The names of a run's inputs, as rows show them.
pub(super) fn names(info: &RunInfo) -> Arc<[Arc<str>]> {
    info.inputs.iter().map(|i| Arc::clone(&i.name)).collect()
}

/// One run's part of the ledger. Every future resolves when its batch is durable; requests take effect in the order in
/// which they were first polled.
///
/// All methods fail with a [`LedgerError`], and after the first failure with always the same.
#[derive(Clone)]
pub struct RunLedger {
    writer: Arc<Writer>,
    run: i64,
    names: Arc<[Arc<str>]>,
}

impl RunLedger {
    /// Enters records; returns what each turned out to be, in the same order.
    ///
    /// Large batches are cheaper: IDs in no order touch a page of the index each, and a commit writes a page once
    /// however many of its entries are new. At 300,000 records batches of 4,096 take about a third less CPU than batches of 256.
    ///
    /// # Errors
    /// [`LedgerError`]; a record's number must be new in the run.
    pub async fn admit(&self, batch: Vec<NewRecord>) -> Result<Vec<Admitted>, LedgerError> {
        self.write(move |store, run| store.admit(run, &batch)).await
    }

    /// Enters calls that are about to be made.
    ///
    /// # Errors
    /// [`LedgerError`]; a call's number must be new in the run.
    pub async fn intend(&self, batch: Vec<Intent>) -> Result<(), LedgerError> {
        self.write(move |store, run| store.intend(run, &batch))
            .await
    }

    /// Enters answers, and settles the records that they settle.
    ///
    /// # Errors
    /// [`LedgerError`]; a call must have been intended and have no answer yet, a record have no outcome yet.
    pub async fn record(&self, batch: Vec<Reply>) -> Result<(), LedgerError> {
        self.write(move |store, run| store.record(run, &batch))
            .await
    }

    /// Takes back intents whose calls were never sent: they count neither as attempts nor as perhaps sent.
    ///
    /// # Errors
    /// [`LedgerError`]; a call must have been intended and have no answer.
    pub async fn withdraw(&self, calls: Vec<CallId>) -> Result<(), LedgerError> {
        self.write(move |store, run| store.withdraw(run, &calls))
            .await
    }

    /// Gives records that ended `failed` or `exhausted` another try; returns how many. What is known of their calls stays.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn retry_failed(&self) -> Result<u64, LedgerError> {
        self.write(history::retry_failed).await
    }

    /// Records without a definite outcome, by number, after the given one (0 for the first page).
    ///
    /// What it says of attempts covers answered calls and those that an earlier process left unanswered.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn pending(&self, after_seq: u64, limit: usize) -> Result<Vec<Pending>, LedgerError> {
        self.write(move |store, run| query::pending(&store.connection, run, after_seq, limit))
            .await
    }

    /// Number and text of all records, by number, after the given one: to verify that an input read again is the same.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn page(
        &self,
        after_seq: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Box<str>)>, LedgerError> {
        self.write(move |store, run| query::page(&store.connection, run, after_seq, limit))
            .await
    }

    /// Report rows, by number, after the given one. Those of records without a definite outcome say `not_attempted`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn rows(
        &self,
        filter: RowFilter,
        after_seq: u64,
        limit: usize,
    ) -> Result<Vec<Row>, LedgerError> {
        let names = Arc::clone(&self.names);
        self.write(move |store, run| {
            let page = (filter, after_seq, limit);
            query::rows(&store.connection, run, &names, &OpenCalls::new(), page)
        })
        .await
    }

    /// What the run comes to so far.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn tally(&self) -> Result<RunTally, LedgerError> {
        self.write(|store, run| query::tally(&store.connection, run))
            .await
    }

    /// Notes that the user agreed, or had nothing to agree to. Before that, the run can't be resumed.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn confirm(&self) -> Result<(), LedgerError> {
        self.write(|store, run| history::confirm(&store.connection, run))
            .await
    }

    /// Forgets the records of a run that called nobody, and notes why it was not begun.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn discard(&self, why: String) -> Result<(), LedgerError> {
        self.write(move |store, run| history::discard(&store.connection, run, &why))
            .await
    }

    /// Notes how the run ended.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn finish(&self, end: RunEnd) -> Result<(), LedgerError> {
        self.write(move |store, run| history::finish(&store.connection, run, &end))
            .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store, i64) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let run = self.run;
        self.writer.execute(move |store| work(store, run)).await
    }
}
