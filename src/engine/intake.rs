//! What a run takes in, how far it is, and how it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{
    input::{Feed, Findings, InputError},
    record::Record,
};

/// Where groups come from.
#[derive(Debug)]
pub struct Intake {
    /// Records that the ledger holds without an outcome come first: a resumed or a preloaded run.
    pub backlog: bool,
    /// Then those that are still to be read, if any.
    pub live: Option<Feed>,
    /// Records read already that follow what the ledger holds, before `live`.
    pub first: Vec<Record>,
    /// A stream, whose end a stopped run awaits only for a while.
    pub is_stream: bool,
}

impl Intake {
    /// A new run's groups, from an iterator that always ends.
    ///
    /// # Errors
    /// [`InputError`] when the system has no room for the iterator's thread.
    pub fn of_ids<I>(ids: I) -> Result<Self, InputError>
    where
        I: IntoIterator<Item: Into<Box<str>>>,
        I::IntoIter: Send + 'static,
    {
        Feed::of_ids(ids).map(Self::of)
    }

    /// A new run's groups, from a feed whose end is always awaited.
    pub fn of(feed: Feed) -> Self {
        Self {
            backlog: false,
            live: Some(feed),
            first: Vec::new(),
            is_stream: false,
        }
    }
}

/// How the input ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeEnd {
    /// The input was read to its end, and the ledger holds all of it.
    pub complete: bool,
    /// What smelled.
    pub findings: Option<Findings>,
}

/// What admission has seen, for all to read.
#[derive(Debug, Default)]
pub(super) struct Seen {
    records: AtomicU64,
    all: AtomicBool,
}

impl Seen {
    pub(super) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// The number of all records, once the input was read to its end.
    pub(super) fn total(&self) -> Option<u64> {
        self.all.load(Ordering::Relaxed).then(|| self.records())
    }

    pub(super) fn set(&self, records: u64, all: bool) {
        self.records.store(records, Ordering::Relaxed);
        self.all.store(all, Ordering::Relaxed);
    }
}
