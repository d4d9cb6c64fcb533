//! Who executes: a thread that commits whatever has gathered, or the caller itself.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    error::{Fault, LedgerError},
    file::Opened,
    store::Store,
};

/// Requests that may wait for the thread, and at most so many share one commit. A request is a batch, so this is far
/// more than an engine keeps open; it bounds what a stalled disk can gather.
const WAITING: usize = 256;

/// A request, with the way back to who asked.
trait Job: Send {
    /// Does it, in an open transaction.
    fn work(&mut self, store: &mut Store) -> Result<(), Fault>;
    /// Says how the transaction ended.
    fn answer(self: Box<Self>, end: Result<(), LedgerError>);
}

struct Request<F, T> {
    work: Option<F>,
    value: Option<T>,
    back: oneshot::Sender<Result<T, LedgerError>>,
}

impl<F, T> Job for Request<F, T>
where
    F: FnOnce(&mut Store) -> Result<T, Fault> + Send,
    T: Send,
{
    fn work(&mut self, store: &mut Store) -> Result<(), Fault> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(store)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<(), LedgerError>) {
        let Self { value, back, .. } = *self;
        let answer = end.and_then(|()| value.ok_or(LedgerError::Gone));
        // Nobody may be waiting any more; what was written is durable all the same.
        let _ = back.send(answer);
    }
}

/// Executes requests on a ledger. Dropping the last one closes the ledger in order.
pub(super) struct Writer {
    way: Way,
    commits: Arc<AtomicU64>,
}

enum Way {
    Thread {
        jobs: Option<mpsc::Sender<Box<dyn Job>>>,
        thread: Option<JoinHandle<()>>,
    },
    Inline(Mutex<Option<Store>>),
}

impl Writer {
    /// Gives the ledger a thread of its own.
    pub(super) fn on_thread(opened: Opened) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&commits);
        let thread = thread::Builder::new()
            .name("ledger".into())
            .spawn(move || serve(Store::new(opened), waiting, &counter))?;
        Ok(Self {
            way: Way::Thread {
                jobs: Some(jobs),
                thread: Some(thread),
            },
            commits,
        })
    }

    /// Lets callers do the work themselves, before their future is first pending.
    pub(super) fn inline(opened: Opened) -> Self {
        Self {
            way: Way::Inline(Mutex::new(Some(Store::new(opened)))),
            commits: Arc::default(),
        }
    }

    /// Transactions committed so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Does `work` in a transaction, together with whatever else waits; resolves once that is durable.
    pub(super) async fn execute<F, T>(&self, work: F) -> Result<T, LedgerError>
    where
        F: FnOnce(&mut Store) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        match &self.way {
            Way::Inline(store) => {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                let value = store.as_mut().ok_or(LedgerError::Gone)?.commit(work)?;
                self.commits.fetch_add(1, Ordering::Relaxed);
                Ok(value)
            }
            Way::Thread { jobs, .. } => {
                let (back, answer) = oneshot::channel();
                let request = Box::new(Request {
                    work: Some(work),
                    value: None,
                    back,
                });
                let jobs = jobs.as_ref().ok_or(LedgerError::Gone)?;
                jobs.send(request).await.map_err(|_| LedgerError::Gone)?;
                answer.await.unwrap_or(Err(LedgerError::Gone))
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        match &mut self.way {
            Way::Thread { jobs, thread } => {
                drop(jobs.take());
                if let Some(thread) = thread.take()
                    && thread.join().is_err()
                {
                    tracing::error!("{}", LedgerError::Gone);
                }
            }
            Way::Inline(store) => {
                let store = store.get_mut().unwrap_or_else(PoisonError::into_inner);
                if let Some(store) = store.take() {
                    store.close();
                }
            }
        }
    }
}

/// Commits whatever has gathered, in the order in which it came, until nobody can ask any more.
fn serve(mut store: Store, mut waiting: mpsc::Receiver<Box<dyn Job>>, commits: &AtomicU64) {
    let mut batch = Vec::with_capacity(WAITING);
    while waiting.blocking_recv_many(&mut batch, WAITING) > 0 {
        let end = store.commit(|store| batch.iter_mut().try_for_each(|job| job.work(store)));
        if end.is_ok() {
            commits.fetch_add(1, Ordering::Relaxed);
        }
        for job in batch.drain(..) {
            job.answer(end.clone());
        }
    }
    store.close();
}
