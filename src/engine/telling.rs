//! What the dispatcher tells those who watch.

use std::time::Duration;

use crate::{
    disband::Disband,
    observe::{Health, Notice, Snapshot},
};

use super::{collector::Message, dispatcher::Dispatcher};

/// How often those who watch are told the figures.
const TICK: Duration = Duration::from_millis(200);

impl<D: Disband> Dispatcher<D> {
    /// Tells the figures, now and then.
    pub(super) async fn tick(&mut self, now: Duration) {
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            let snapshot = Box::new(self.snapshot(now));
            self.tell(Message::Tick(snapshot)).await;
        }
    }

    /// The figures now.
    pub(super) fn snapshot(&self, now: Duration) -> Snapshot {
        let health = match self.breaker.open() {
            None => Health::Answering,
            Some((since, next_probe)) => Health::Unreachable {
                since: now.saturating_sub(since),
                next_probe: next_probe.saturating_sub(now),
            },
        };
        Snapshot {
            elapsed: now,
            records: self.seen.records(),
            total: self.seen.total(),
            outcomes: Default::default(),
            calls: self.counts.calls,
            retries: self.counts.retries,
            throttled: self.counts.throttled,
            in_flight: self.calls.len(),
            waiting: self.waiting.len() + self.held.len(),
            effective_rate: self.pacer.effective_rate(),
            rate: self.plan.rate.get(),
            health,
            draining: self.stopper.is_asked(),
        }
    }

    /// Tells a person something.
    pub(super) async fn notice(&mut self, warning: bool, text: String) {
        self.tell(Message::Notice(Notice {
            warning,
            text: text.into(),
        }))
        .await;
    }

    /// Tells the collector, which outlives the dispatcher; slow disks slow the run here.
    pub(super) async fn tell(&mut self, message: Message) {
        let _unused = self.collector.send(message).await.is_ok();
    }
}
