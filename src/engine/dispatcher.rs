//! Decides what is called next and when: due retries before new groups, the intent in the ledger, the breaker, the
//! place among the calls in flight, the pacer's permit. One task owns all of it; no worker races another.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    disband::{Answer, Disband},
    ledger::{Before, LedgerError, RunLedger},
    observe::Snapshot,
    pace::{Departures, Pacer, Wait},
    wall::UnixMillis,
};

use super::{
    Plan,
    breaker::{Breaker, Leave},
    collector::Message,
    herd::HerdWatch,
    intake::Seen,
    intents::Intents,
    job::{Job, Prepared},
    limits::Watch,
    queue::{MOST_WAITING, Waiting},
    stop::{StopReason, Stopper},
    throttle::Throttle,
};

/// In a pause longer than this, intents are taken back.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// The service's window, and the wall clock's grain.
const WINDOW_MS: i64 = 1002;

/// What a worker brings back.
pub(super) type Returned = (Prepared, Answer);

/// The dispatcher.
pub(super) struct Dispatcher<D> {
    pub(super) service: Arc<D>,
    pub(super) plan: Arc<Plan>,
    pub(super) collector: mpsc::Sender<Message>,
    pub(super) stopper: Stopper,
    pub(super) seen: Arc<Seen>,
    began: Instant,

    jobs: mpsc::Receiver<Vec<Job>>,
    jobs_open: bool,
    queue: VecDeque<Job>,
    pub(super) waiting: Waiting,
    /// Groups whose attempts are used up in a row of failures that may yet turn out to be an outage.
    pub(super) held: Vec<super::answers::Held>,
    intents: Intents,
    pub(super) calls: JoinSet<Returned>,

    departures: Arc<Departures>,
    pub(super) pacer: Pacer,
    pub(super) throttle: Throttle,
    pub(super) breaker: Breaker,
    pub(super) herd: HerdWatch,
    pub(super) watch: Watch,
    /// A credential made because another was refused, until an answer shows that it holds.
    pub(super) unproven: Option<Unproven>,
    pub(super) counts: Counts,
    pub(super) next_tick: Duration,
}

/// A fresh credential that is tried with one call at a time.
#[derive(Debug)]
pub(super) struct Unproven {
    pub(super) credential: u64,
    pub(super) asking: bool,
    /// It was refused as well, at least once.
    pub(super) refused: bool,
}

/// What the dispatcher counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) retries: u64,
    pub(super) throttled: u64,
}

/// What the dispatcher leaves behind.
#[derive(Clone, Debug)]
pub(super) struct Dispatched {
    pub(super) snapshot: Snapshot,
    pub(super) max_in_one_second: usize,
}

/// What a dispatcher is made of.
pub(super) struct Parts<D> {
    pub(super) service: Arc<D>,
    pub(super) ledger: RunLedger,
    pub(super) plan: Arc<Plan>,
    pub(super) collector: mpsc::Sender<Message>,
    pub(super) stopper: Stopper,
    pub(super) seen: Arc<Seen>,
    pub(super) jobs: mpsc::Receiver<Vec<Job>>,
    pub(super) began: Instant,
    /// The number of the last call that the ledger knows of.
    pub(super) last_call: u64,
    /// The app's session before this one.
    pub(super) before: Option<Before>,
}

impl<D: Disband> Dispatcher<D> {
    pub(super) fn new(parts: Parts<D>) -> Self {
        let Parts {
            service,
            ledger,
            plan,
            collector,
            stopper,
            seen,
            jobs,
            began,
            last_call,
            before,
        } = parts;
        let departures = Departures::new(began);
        Self {
            service,
            collector,
            stopper,
            seen,
            began,
            jobs,
            jobs_open: true,
            queue: VecDeque::new(),
            waiting: Waiting::default(),
            held: Vec::new(),
            intents: Intents::new(ledger, began, last_call),
            calls: JoinSet::new(),
            pacer: Pacer::new(
                plan.rate,
                began.elapsed(),
                still_counted(before, UnixMillis::now()),
                Arc::clone(&departures),
            ),
            departures,
            throttle: Throttle::new(plan.rate.get()),
            breaker: Breaker::new(),
            herd: HerdWatch::default(),
            watch: Watch::new(plan.limits),
            unproven: None,
            counts: Counts::default(),
            next_tick: Duration::ZERO,
            plan,
        }
    }

    /// Calls until there is nothing more to call, or the run is stopped and the calls in flight are answered.
    pub(super) async fn run(mut self) -> Dispatched {
        loop {
            let now = self.now();
            if let Some(reason) = self.watch.reached(now) {
                self.stopper.stop(reason);
            }
            if self.intents.ready() > self.ahead(now) {
                self.recall().await;
            }
            self.prepare();
            let next_permit = self.send(now);
            // What has just left makes room: without this the next intents would wait for the next event, and where
            // answers take long that is the next tick.
            self.prepare();
            self.tick(now).await;
            if self.is_over().await {
                break;
            }
            self.next_event(now, next_permit).await;
        }
        if !self.stopper.is_at_once() {
            let (_, withdrawn) = self.intents.withdraw().await;
            self.stop_without_ledger(withdrawn);
        }
        Dispatched {
            snapshot: self.snapshot(self.now()),
            max_in_one_second: self.pacer.max_in_one_second(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Prepares the next calls.
    fn prepare(&mut self) {
        if self.stopper.is_asked() || self.intents.asked() {
            return;
        }
        let now = self.now();
        let wanted = match self.ahead(now) {
            usize::MAX => self.intents.wanted(self.pacer.effective_rate()),
            few => few.saturating_sub(self.intents.ready()),
        };
        let jobs = std::iter::from_fn(|| self.next_job(now)).take(wanted);
        let jobs = jobs.collect();
        self.intents.ask(jobs);
    }

    /// The next group to call: one whose retry is due, else a new one.
    fn next_job(&mut self, now: Duration) -> Option<Job> {
        // A probe may be early: it is asked of a group that was called before, where there is one.
        let due = self.breaker.open().map_or(now, |_| Duration::MAX);
        if let Some(job) = self.waiting.pop_due(due) {
            return Some(job);
        }
        // While even a fresh credential is refused, no group is called that was not refused before.
        let refused = self.unproven.as_ref().is_some_and(|fresh| fresh.refused);
        if refused || self.waiting.len() >= MOST_WAITING || !self.watch.may_begin() {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.watch.group_called();
        Some(job)
    }

    /// How many intents may be ready, where calls go out one at a time or not at all; else as many as the disk needs.
    fn ahead(&self, now: Duration) -> usize {
        if self.throttle.paused_until() > now + LONG_PAUSE {
            0
        } else if self.breaker.open().is_some() || self.unproven.is_some() {
            1
        } else {
            usize::MAX
        }
    }

    /// Takes back what was prepared, for no intent stays in doubt while nothing is sent. Groups that were called before are
    /// better probes as well: a group's own trouble is often over at the second call.
    async fn recall(&mut self) {
        let (jobs, withdrawn) = self.intents.withdraw().await;
        self.stop_without_ledger(withdrawn);
        let now = self.now();
        for job in jobs.into_iter().rev() {
            if job.was_called() {
                self.waiting.push(now, job);
            } else {
                self.watch.group_recalled();
                self.queue.push_front(job);
            }
        }
    }

    /// Without its ledger, a run calls nobody.
    fn stop_without_ledger(&self, done: Result<(), LedgerError>) {
        if let Err(error) = done {
            self.stopper.stop(StopReason::Trouble(error.to_string()));
        }
    }

    /// Sends what is ready and permitted; says when to ask for the next permit.
    fn send(&mut self, now: Duration) -> Option<Wait> {
        let rate = self.throttle.rate(now);
        self.pacer.set_effective_rate(rate, now);
        while self.intents.ready() > 0 && !self.stopper.is_asked() {
            if self.calls.len() >= self.plan.concurrency
                || self.unproven.as_ref().is_some_and(|fresh| fresh.asking)
            {
                return None;
            }
            let earliest = self.throttle.paused_until();
            if earliest > now {
                return Some(Wait::Until(earliest));
            }
            match self.breaker.leave(now) {
                Leave::Granted => {}
                Leave::Until(then) => return Some(Wait::Until(then)),
                Leave::AfterAnswer => return None,
            }
            let slip = match self.pacer.permit(self.now()) {
                Ok(slip) => slip,
                Err(wait) => return Some(wait),
            };
            let mut prepared = self.intents.next()?;
            self.breaker.sent(now);
            self.counts.calls += 1;
            self.counts.retries += u64::from(!prepared.job.first_call());
            prepared.job.sent_in_row = self.breaker.row();
            if let Some(fresh) = &mut self.unproven {
                fresh.asking = true;
            }
            let service = Arc::clone(&self.service);
            self.calls.spawn(async move {
                let answer = service.disband(&prepared.job.group, Arc::new(slip)).await;
                (prepared, answer)
            });
        }
        None
    }

    /// Whether everything is done, or was stopped and drained.
    async fn is_over(&mut self) -> bool {
        if self.stopper.is_at_once() {
            return true;
        }
        if self.stopper.is_asked() {
            return self.calls.is_empty() && !self.intents.asked();
        }
        let busy = !self.calls.is_empty()
            || self.intents.asked()
            || self.intents.ready() > 0
            || self.waiting.len() > 0;
        self.watch.wants(busy || !self.queue.is_empty(), self.now());
        if busy {
            return false;
        }
        if !self.held.is_empty() {
            self.settle_held().await; // Nobody is left whose answer could tell an outage from bad luck.
        }
        if !self.queue.is_empty() && !self.watch.may_begin() {
            self.stopper.stop(StopReason::Limit);
            return true;
        }
        self.queue.is_empty() && !self.jobs_open
    }

    /// Waits until there is something to do, and takes it in.
    async fn next_event(&mut self, now: Duration, permit: Option<Wait>) {
        let wake = self.next_deadline(now, permit);
        let stopping = self.stopper.is_asked();
        tokio::select! {
            biased;
            Some(returned) = self.calls.join_next() => {
                self.returned(returned).await;
                while let Some(returned) = self.calls.try_join_next() {
                    self.returned(returned).await;
                }
            }
            durable = self.intents.durable() => self.stop_without_ledger(durable),
            jobs = self.jobs.recv(), if self.jobs_open && self.queue.is_empty() && !stopping => match jobs {
                Some(jobs) => self.queue.extend(jobs),
                None => self.jobs_open = false,
            },
            () = self.departures.changed(), if permit == Some(Wait::ForDeparture) => {}
            () = self.stopper.asked(), if !stopping => {}
            () = self.stopper.at_once(), if stopping => {}
            () = sleep_until(self.began + wake) => {}
        }
    }

    fn next_deadline(&self, now: Duration, permit: Option<Wait>) -> Duration {
        let permit = match permit {
            Some(Wait::Until(then)) => Some(then),
            _ => None,
        };
        let retry = self
            .waiting
            .next_due()
            .filter(|_| !self.intents.asked())
            .filter(|due| *due > now);
        [
            permit,
            retry,
            self.watch
                .next_deadline()
                .filter(|_| !self.stopper.is_asked()),
        ]
        .into_iter()
        .flatten()
        .fold(self.next_tick, Duration::min)
    }

    async fn returned(&mut self, returned: Result<Returned, tokio::task::JoinError>) {
        match returned {
            Ok((prepared, answer)) => self.answered(prepared, answer).await,
            Err(error) => {
                let text = format!(
                    "a call broke down ({error}): a bug, please report it; its group counts as perhaps called"
                );
                self.stopper.stop(StopReason::Trouble(text));
            }
        }
    }
}

/// Calls of the app's session before this one that may still be in the service's window of one second.
fn still_counted(before: Option<Before>, now: UnixMillis) -> u32 {
    match before {
        // By its clock, which may have been set since: then it counts rather than not.
        Some(Before {
            ended_at: Some(ended_at),
            ..
        }) if now.0.saturating_sub(ended_at.0) > WINDOW_MS => 0,
        Some(before) => before.last_calls,
        None => 0,
    }
}
