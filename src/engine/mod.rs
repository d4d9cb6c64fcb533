//! The engine: from records to outcomes. Starts the stages, waits for all of them, and says how the run ended.
//!
//! ```text
//! input ──► feeder ──► dispatcher ──► worker ──► dispatcher ──► collector ──► report, observers
//! ```
//!
//! Every queue between them is bounded; the dispatcher alone decides what is called and when; the collector alone lets
//! anybody see an outcome, once the ledger holds it.

mod answers;
mod breaker;
mod collector;
mod dispatcher;
mod dry;
mod feeder;
mod herd;
mod intake;
mod intents;
mod job;
mod limits;
mod lookahead;
mod policy;
mod queue;
mod stop;
mod telling;
mod throttle;

pub use dry::dry_run;
pub use intake::{Intake, IntakeEnd};
pub use limits::{Limits, MaxFailures};
pub use stop::{Signal, StopReason, Stopper};

use std::{num::NonZeroU32, sync::Arc};

use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::{
    disband::Disband,
    input::PROGRAM,
    ledger::{LedgerError, RowFilter, RunLedger},
    observe::{Each, Observer, RowSink, Snapshot},
    outcome::Outcome,
    protect::ProtectList,
    retry::RetryPolicy,
    row::Row,
};

use collector::{Collector, Message};
use dispatcher::{Dispatcher, Parts};
use feeder::Feeder;
use intake::Seen;
use job::Job;

/// Batches of jobs between feeder and dispatcher: one being called, one waiting.
const JOB_BATCHES: usize = 1;
/// Rows fetched from the ledger at a time.
const PAGE: usize = 1024;

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Calls a second, retries included.
    pub rate: NonZeroU32,
    /// Calls in flight at most.
    pub concurrency: usize,
    /// When to give up on a group.
    pub retry: RetryPolicy,
    /// When to stop by itself.
    pub limits: Limits,
    /// IDs that are never called.
    pub protect: Arc<ProtectList>,
    /// The names of the sources, by index.
    pub sources: Arc<[Arc<str>]>,
}

/// Calls in flight at most, unless told otherwise: 200 a second at a latency of a second and a bit.
pub const CONCURRENCY: usize = 256;

/// Calls for one group, unless told otherwise, before it is `exhausted`.
pub const MAX_ATTEMPTS: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Plan {
    /// A plan for `rate` calls a second with everything else as the command line has it by default. The service takes 200
    /// a second from all of an app's programs together (API page "Disbanding a Group").
    pub fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            concurrency: CONCURRENCY,
            retry: RetryPolicy::new(MAX_ATTEMPTS),
            limits: Limits::default(),
            protect: Arc::default(),
            sources: Arc::from([Arc::from(PROGRAM)]),
        }
    }
}

/// Those who are told of a run as it goes.
pub struct Audience<S> {
    /// Told of rows, calls, notices and figures.
    pub observers: Vec<Box<dyn Observer + Send>>,
    /// Takes the rows.
    pub report: Option<S>,
}

impl<F: FnMut(Row) + Send + 'static> Audience<Each<F>> {
    /// Calls `row` with each row, once the ledger holds it, and tells nobody else.
    pub fn of_rows(row: F) -> Self {
        Self {
            observers: Vec::new(),
            report: Some(Each(row)),
        }
    }
}

/// Why a run could not be brought to an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A panic: what is durable stays so.
    #[error(
        "a part of the run broke down: a bug, please report it. The ledger is safe; go on with --resume"
    )]
    BrokenDown,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Why it stopped before everything was done, if it did.
    pub reason: Option<StopReason>,
    /// How its input ended.
    pub intake: IntakeEnd,
    /// The last figures, outcomes included.
    pub snapshot: Snapshot,
    /// The most calls that left within one second.
    pub max_in_one_second: usize,
}

/// Admits a whole input without calling anybody: for a run that must know how many groups there are.
///
/// Jobs stay in the ledger, to be taken from there ([`Intake::backlog`]). Ends early when `stopper` is asked.
pub async fn load(plan: &Plan, ledger: &RunLedger, intake: Intake, stopper: &Stopper) -> IntakeEnd {
    // Nobody is told yet: the rows are in the ledger, and reported from there when the run begins.
    let (collector, mut unheard) = mpsc::channel(1);
    let feeder = Feeder::new(plan, ledger, collector, stopper);
    let (end, ()) = tokio::join!(feeder.run(intake), async {
        while unheard.recv().await.is_some() {}
    });
    end
}

/// Disbands every group of `intake` that has no outcome yet, and reports every record once.
///
/// Rows that the ledger holds already (of earlier sessions, or of loading) come first, those without an outcome at the
/// end last.
///
/// # Errors
/// [`RunError`] if the ledger can't be read at the beginning; a failure later stops the run and is its [`End::reason`].
pub async fn run<D: Disband, S: RowSink>(
    service: Arc<D>,
    ledger: RunLedger,
    plan: Plan,
    intake: Intake,
    audience: Audience<S>,
    stopper: Stopper,
) -> Result<End, RunError> {
    let began = Instant::now();
    let plan = Arc::new(plan);
    let known = ledger.tally().await?;
    let seen = Arc::new(Seen::default());
    seen.set(known.counts.records, intake.live.is_none());
    let mut collector = Collector::new(&ledger, audience, &stopper, known.counts.outcomes);
    replay(&ledger, &mut collector, RowFilter::Settled).await?;

    let (messages, inbox) = mpsc::channel::<Message>(collector::CAPACITY);
    let (job_sender, jobs) = mpsc::channel::<Vec<Job>>(JOB_BATCHES);
    let feeder = Feeder::new(&plan, &ledger, messages.clone(), &stopper);
    let feeder = feeder.handing_out(job_sender, &seen);
    let dispatcher = Dispatcher::new(Parts {
        service,
        ledger: ledger.clone(),
        plan: Arc::clone(&plan),
        collector: messages,
        stopper: stopper.clone(),
        seen,
        jobs,
        began,
        last_call: known.last_call.map_or(0, |call| call.0),
        before: known.before,
    });
    let feeder = tokio::spawn(feeder.run(intake));
    let dispatcher = tokio::spawn(dispatcher.run());
    let collector = tokio::spawn(collector.run(inbox));

    let intake = joined(feeder, &stopper).await.unwrap_or_default();
    let dispatched = joined(dispatcher, &stopper).await;
    let collector = joined(collector, &stopper).await;
    let (Some(dispatched), Some(mut collector)) = (dispatched, collector) else {
        return Err(RunError::BrokenDown);
    };
    let mut snapshot = dispatched.snapshot;
    if let Err(error) = conclude(&ledger, &mut collector, &stopper, &mut snapshot).await {
        stopper.stop(StopReason::Trouble(error.to_string()));
    }
    snapshot.total = intake.complete.then_some(snapshot.records);
    snapshot.outcomes = collector.tally;
    collector.finish(&snapshot).await;
    Ok(End {
        reason: stopper.reason(),
        intake,
        snapshot,
        max_in_one_second: dispatched.max_in_one_second,
    })
}

/// Reports what has no outcome, and counts from the ledger, which knows best.
async fn conclude<S: RowSink>(
    ledger: &RunLedger,
    collector: &mut Collector<S>,
    stopper: &Stopper,
    snapshot: &mut Snapshot,
) -> Result<(), LedgerError> {
    if !stopper.is_at_once() {
        replay(ledger, collector, RowFilter::Unsettled).await?;
    }
    let counts = ledger.tally().await?.counts;
    collector.tally = counts.outcomes;
    collector
        .tally
        .add_many(Outcome::NotAttempted, counts.pending);
    snapshot.records = counts.records;
    Ok(())
}

/// Writes rows from the ledger into the report.
async fn replay<S: RowSink>(
    ledger: &RunLedger,
    collector: &mut Collector<S>,
    which: RowFilter,
) -> Result<(), LedgerError> {
    let mut after = 0;
    loop {
        let rows = ledger.rows(which, after, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.seq;
        collector.write(rows).await;
    }
}

/// A stage's end; a stage that panicked stops the run.
async fn joined<T>(stage: JoinHandle<T>, stopper: &Stopper) -> Option<T> {
    match stage.await {
        Ok(value) => Some(value),
        Err(error) => {
            stopper.stop(StopReason::Trouble(format!(
                "a part of the run broke down ({error}): a bug, please report it"
            )));
            stopper.insist();
            None
        }
    }
}
