//! How a run is brought to its end: recorded, summed up, told.

use tokio::time::Instant;

use crate::{
    engine::{End, Signal, StopReason},
    error::Error,
    exit::ExitCode,
    ledger::RunEnd,
    outcome::{Class, Outcome},
    progress::Screen,
    report::{
        human::Closing,
        summary::{Status, Summary},
    },
    settings::RunSettings,
    tencent::codes,
    wall::UnixMillis,
};

use super::{super::callee::Callee, consent, outputs::Outputs, session::Session};

/// The commonest errors that are told.
const ERRORS: usize = 10;

/// A run whose engine has stopped.
pub(super) struct Closed<'a> {
    pub(super) settings: &'a RunSettings,
    pub(super) screen: &'a Screen,
    pub(super) callee: &'a Callee,
    pub(super) began: (UnixMillis, Instant),
    pub(super) end: End,
}

impl Closed<'_> {
    /// Records the end and tells of it.
    pub(super) async fn close(self, session: Session, outputs: Outputs) -> Result<ExitCode, Error> {
        let (status, exit) = judge(&self.end);
        let recorded = self.record(&session, status, exit).await;
        let exit = if recorded.is_err() {
            ExitCode::Stopped
        } else {
            exit
        };
        let summary = self.summary(&session, &outputs, status, exit).await;
        let mut trouble: Vec<String> = recorded
            .err()
            .map(|error| error.to_string())
            .into_iter()
            .collect();
        if let Some(target) = &outputs.summary
            && let Err(error) = target.write(&summary)
        {
            trouble.push(error.to_string());
        }
        self.tell(&outputs, &summary);
        if let Some(Err(error)) = outputs
            .metrics
            .and_then(|metrics| metrics.into_inner())
            .map(|metrics| metrics.finish(exit.number(), UnixMillis::now()))
        {
            tracing::warn!("{error}");
        }
        match trouble.is_empty() {
            true => Ok(exit),
            false => Err(Error::new(ExitCode::Stopped, trouble.join("; "))),
        }
    }

    async fn record(
        &self,
        session: &Session,
        status: Status,
        exit: ExitCode,
    ) -> Result<(), crate::ledger::LedgerError> {
        let Ok(run) = session.ledger() else {
            return Ok(());
        };
        let end = RunEnd {
            status: recorded(status),
            stop_reason: self.stop_reason(),
            exit_code: exit.number(),
            input_complete: self.end.intake.complete,
            finished_at: UnixMillis::now(),
        };
        run.finish(end).await
    }

    /// Why the run stopped, and what to do about it where that is known.
    fn stop_reason(&self) -> Option<String> {
        let reason = self.end.reason.as_ref()?;
        match reason {
            StopReason::Refused {
                code: Some(code), ..
            } => Some(format!("{reason}. {}", codes::explain(*code).advice)),
            _ => Some(reason.to_string()),
        }
    }

    async fn summary(
        &self,
        session: &Session,
        outputs: &Outputs,
        status: Status,
        exit: ExitCode,
    ) -> Summary {
        let (snapshot, duration_s) = (&self.end.snapshot, self.began.1.elapsed().as_secs_f64());
        let mut warnings = outputs.statistics.with(|statistics| statistics.warnings());
        warnings.extend(self.late_warnings(session, &warnings).await);
        Summary {
            run_id: session.run_id().to_string(),
            status,
            stop_reason: self.stop_reason().filter(|_| status != Status::Finished),
            exit_code: exit.number(),
            sdkappid: self.callee.sdkappid(),
            endpoint: self.callee.endpoint().to_owned(),
            input_records: snapshot.records,
            outcomes: snapshot.outcomes,
            warnings,
            calls: snapshot.calls,
            retries: snapshot.retries,
            started_at: self.began.0,
            finished_at: UnixMillis::now(),
            duration_s,
            mean_calls_per_s: Summary::mean(snapshot.calls, snapshot.elapsed.as_secs_f64()),
            max_calls_in_one_second: self.end.max_in_one_second as u64,
            latency_ms: outputs
                .statistics
                .with(|statistics| statistics.latency_ms()),
        }
    }

    /// What could only be noticed once all was read, and whether all was read.
    async fn late_warnings(&self, session: &Session, told: &[String]) -> Vec<String> {
        let mut late = match session.ledger() {
            Ok(run) => consent::smells(&self.end.intake, run)
                .await
                .unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        late.retain(|warning| !told.contains(warning));
        if !self.end.intake.complete {
            late.push("the input was not read to its end: what was not read has no row".to_owned());
        }
        for warning in &late {
            tracing::warn!("{warning}");
        }
        late
    }

    fn tell(&self, outputs: &Outputs, summary: &Summary) {
        let errors = outputs
            .statistics
            .with(|statistics| statistics.commonest_errors(ERRORS));
        let closing = Closing {
            summary,
            errors: &errors,
            advice: &|code| code.map(|code| codes::explain(code).advice),
            report: Some(outputs.report_name()),
            command: &self.command(),
        };
        // A window that ended as asked is no trouble: cron mails what is said.
        let no_trouble = [ExitCode::Finished, ExitCode::WorkLeft].map(ExitCode::number);
        if self.settings.quiet && no_trouble.contains(&summary.exit_code) {
            return;
        }
        let text = closing.render(self.screen.width(), self.screen.colour());
        // Stderr is closed: there is nobody to tell.
        let _unused = self.screen.print(&text).is_ok();
    }

    /// The command to go on with, as far as it can be given without repeating what may be secret or long.
    fn command(&self) -> String {
        match &self.settings.service {
            crate::settings::Service::Simulated { .. } => "disband-batch --simulate".to_owned(),
            crate::settings::Service::Live(account) => {
                format!("disband-batch --sdkappid {}", account.sdkappid)
            }
        }
    }
}

/// How the run ended, and with which exit code.
fn judge(end: &End) -> (Status, ExitCode) {
    let outcomes = &end.snapshot.outcomes;
    let work_left = outcomes.get(Outcome::NotAttempted) > 0
        || !end.intake.complete
        || outcomes.total() < end.snapshot.records;
    match &end.reason {
        Some(StopReason::Signal(Signal::Interrupt)) => (Status::Interrupted, ExitCode::Interrupted),
        Some(StopReason::Signal(_)) => (Status::Interrupted, ExitCode::Terminated),
        Some(
            StopReason::Refused { .. }
            | StopReason::MaxFailures { .. }
            | StopReason::MaxOutage
            | StopReason::Trouble(_),
        ) => (Status::Stopped, ExitCode::Stopped),
        Some(StopReason::MaxDuration | StopReason::Limit | StopReason::ReaderGone) if work_left => {
            (Status::Stopped, ExitCode::WorkLeft)
        }
        _ if outcomes.of_class(Class::Failure) > 0 => (Status::Finished, ExitCode::Failures),
        _ => (Status::Finished, ExitCode::Finished),
    }
}

fn recorded(status: Status) -> crate::ledger::Status {
    match status {
        Status::Finished => crate::ledger::Status::Finished,
        Status::Stopped => crate::ledger::Status::Stopped,
        Status::Interrupted => crate::ledger::Status::Interrupted,
    }
}
