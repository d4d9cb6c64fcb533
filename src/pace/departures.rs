//! When calls really leave, as told by those who write them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::disband::Departure;

/// Permits that are out, and the departures not yet seen by the pacer.
#[derive(Debug)]
pub struct Departures {
    began: Instant,
    outstanding: AtomicUsize,
    unseen: Mutex<Vec<Duration>>,
    changed: Notify,
}

impl Departures {
    /// None yet; times are told as spans since `began`.
    pub fn new(began: Instant) -> Arc<Self> {
        let (outstanding, unseen, changed) = Default::default();
        Arc::new(Self {
            began,
            outstanding,
            unseen,
            changed,
        })
    }

    /// Resolves when a permit was used or given back since the last time it did.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn slip(all: &Arc<Self>) -> Slip {
        all.outstanding.fetch_add(1, Ordering::AcqRel);
        Slip {
            all: Arc::clone(all),
            left: AtomicBool::new(false),
        }
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    /// Tells `see` each departure once, oldest first.
    pub(super) fn drain(&self, mut see: impl FnMut(Duration)) {
        let mut unseen = self.unseen.lock().unwrap_or_else(PoisonError::into_inner);
        for at in unseen.drain(..) {
            see(at);
        }
    }
}

/// A permit for one call. Given back when dropped unused.
#[derive(Debug)]
pub struct Slip {
    all: Arc<Departures>,
    left: AtomicBool,
}

impl Departure for Slip {
    fn departed(&self) {
        if self.left.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut unseen = self
            .all
            .unseen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the times never run backwards.
        unseen.push(self.all.began.elapsed());
        self.all.outstanding.fetch_sub(1, Ordering::AcqRel);
        drop(unseen);
        self.all.changed.notify_one();
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        if !self.left.load(Ordering::Acquire) {
            self.all.outstanding.fetch_sub(1, Ordering::AcqRel);
            self.all.changed.notify_one();
        }
    }
}
