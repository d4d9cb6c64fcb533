//! A dry run: everything but the calls. There is no service here to send to.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::{
    ledger::RunLedger,
    observe::{RowSink, Snapshot},
    outcome::{Outcome, Tally},
    row::Row,
};

use super::{
    Audience, End, Intake, JOB_BATCHES, Plan, RunError, Stopper,
    collector::{self, Collector, Message},
    feeder::{Feeder, source_name},
    intake::Seen,
    job::Job,
    joined,
};

/// Admits every record and reports what would become of it.
///
/// # Errors
/// [`RunError`] if the throwaway ledger fails.
pub async fn dry_run<S: RowSink>(
    ledger: RunLedger,
    plan: Plan,
    intake: Intake,
    audience: Audience<S>,
    stopper: Stopper,
    idle: Snapshot,
) -> Result<End, RunError> {
    let seen = Arc::new(Seen::default());
    let (messages, inbox) = mpsc::channel::<Message>(collector::CAPACITY);
    let (job_sender, mut jobs) = mpsc::channel::<Vec<Job>>(JOB_BATCHES);
    let feeder = Feeder::new(&plan, &ledger, messages.clone(), &stopper);
    let feeder = feeder.handing_out(job_sender, &seen);
    let collector = Collector::new(&ledger, audience, &stopper, Tally::default());
    let feeder = tokio::spawn(feeder.run(intake));
    let collector = tokio::spawn(collector.run(inbox));
    while let Some(jobs) = jobs.recv().await {
        let rows = jobs
            .into_iter()
            .map(|job| would_disband(&job, &plan))
            .collect();
        let _unused = messages.send(Message::Admitted(rows)).await.is_ok();
    }
    drop(messages);
    let intake = joined(feeder, &stopper).await.unwrap_or_default();
    let Some(collector) = joined(collector, &stopper).await else {
        return Err(RunError::BrokenDown);
    };
    let snapshot = Snapshot {
        records: seen.records(),
        total: seen.total(),
        outcomes: collector.tally,
        ..idle
    };
    collector.finish(&snapshot).await;
    Ok(End {
        reason: stopper.reason(),
        intake,
        snapshot,
        max_in_one_second: 0,
    })
}

fn would_disband(job: &Job, plan: &Plan) -> Row {
    let place = (job.seq, source_name(&plan.sources, job.source), job.line);
    Row::not_called(place, job.group.as_str().into(), Outcome::WouldDisband)
}
