//! Groups that wait for their next try: the one place where waiting is done.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::job::Job;

/// So many groups wait at most before no new ones are begun: a run that fails slowly must not grow.
pub(super) const MOST_WAITING: usize = 10_000;

/// Groups by the moment when they are due.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    heap: BinaryHeap<Reverse<Entry>>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry {
    due: Duration,
    /// Among groups due at the same moment the first come are first.
    order: u64,
    job: Job,
}

impl Waiting {
    /// Waits until `due`.
    pub(super) fn push(&mut self, due: Duration, job: Job) {
        self.inserted += 1;
        self.heap.push(Reverse(Entry {
            due,
            order: self.inserted,
            job,
        }));
    }

    /// The next group that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Job> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.job)
    }

    /// When the next group is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}

impl Entry {
    fn key(&self) -> (Duration, u64) {
        (self.due, self.order)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
