//! The main job, put together: settings, input, ledger, service, engine, report.

mod closing;
mod consent;
mod inputs;
mod lifetime;
mod outputs;
mod session;
mod signals;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::{
    engine::{
        self, Audience, End, Intake, IntakeEnd, Limits, MaxFailures, Plan, StopReason, Stopper,
    },
    error::Error,
    exit::ExitCode,
    ledger::RunInfo,
    observe::{Health, Snapshot},
    outcome::Tally,
    progress::Screen,
    protect::ProtectList,
    retry::RetryPolicy,
    settings::{Consent, Mode, RunSettings},
    wall::UnixMillis,
};

use super::callee::Callee;
use closing::Closed;
use inputs::Opened;
use outputs::{Outputs, Sink};
use session::Session;

/// Does the main job.
///
/// # Errors
/// [`Error`] where nobody was called (2, 75), or where the end of the run could not be recorded (3). A run that stopped
/// is no error: its exit code says why.
pub(super) fn run(
    settings: &RunSettings,
    screen: &Screen,
    warnings: Vec<String>,
) -> Result<ExitCode, Error> {
    // One thread for everything but disk and input: no call waits for a wake-up between cores.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Error::new(ExitCode::Usage, error))?;
    let done = runtime.block_on(Job { settings, screen }.run(warnings));
    // A reader blocked on stdin is not waited for.
    runtime.shutdown_background();
    done
}

/// What a run may begin with.
struct Ready {
    intake: Intake,
    /// An earlier session did not read its stream to the end, and this one can't.
    unread: bool,
    /// What was noticed on the way.
    warnings: Vec<String>,
}

/// The job and where it is seen.
#[derive(Clone, Copy)]
struct Job<'a> {
    settings: &'a RunSettings,
    screen: &'a Screen,
}

impl Job<'_> {
    async fn run(self, warnings: Vec<String>) -> Result<ExitCode, Error> {
        let began = (UnixMillis::now(), tokio::time::Instant::now());
        signals::outlive_file_size_limit();
        let callee = Callee::prepare(self.settings)?;
        let mut session = Session::open(self.settings, &callee).await?;
        let protect = self.protect(&session)?;
        let inputs = inputs::open(self.settings, &session)?;
        callee.check_usersig(|| lifetime::likely(self.settings, &inputs))?;
        if self.settings.consent == Consent::Ask {
            consent::terminal_is_there(callee.sdkappid())?;
        }
        let stopper = Stopper::default();
        // From here on there are files to clean up.
        let signals = signals::watch(&stopper)?;
        let mut outputs = Outputs::claim(self.settings, &session, callee.sdkappid())?;
        let plan = self.plan(protect, inputs.names());
        session.begin(self.settings, &callee, &inputs).await?;
        let ready = tokio::select! {
            biased;
            ready = self.get_ready(&callee, &session, &plan, inputs, warnings, &stopper) => ready,
            // Nobody was called yet, so there is nothing to wait for.
            () = stopper.asked() => Err(session.refuse(not_begun(&stopper)).await),
        };
        let Ready {
            intake,
            unread,
            warnings,
        } = ready?;
        session.confirm().await?;
        let audience = outputs.audience(self.screen, &warnings)?;
        let mut end = self
            .call(&callee, &session, plan, intake, audience, stopper.clone())
            .await?;
        end.intake.complete &= !unread;
        drop(signals);
        let closed = Closed {
            settings: self.settings,
            screen: self.screen,
            began,
            end,
            callee: &callee,
        };
        closed.close(session, outputs).await
    }

    /// Everything that stands between a run in the ledger and its first call.
    async fn get_ready(
        self,
        callee: &Callee,
        session: &Session,
        plan: &Plan,
        inputs: Opened,
        mut warnings: Vec<String>,
        stopper: &Stopper,
    ) -> Result<Ready, Error> {
        let mut intake = inputs::intake(inputs, session).await?;
        let was_cut = |earlier: &RunInfo| !earlier.input_complete;
        let unread = intake.live.is_none() && session.earlier().is_some_and(was_cut);
        if self.must_know_all() {
            let loaded = self.load(plan, session, &mut intake, stopper).await?;
            consent::check_size(self.settings, session).await?;
            warnings.extend(consent::smells(&loaded, session.ledger()?).await?);
            if self.settings.consent == Consent::Ask {
                consent::ask(callee, session, &warnings).await?;
            }
        }
        Ok(Ready {
            intake,
            unread,
            warnings,
        })
    }

    /// Whether all of the input must be read before the first call.
    fn must_know_all(self) -> bool {
        let dry = self.settings.mode == Mode::Dry;
        self.settings.safety.max_groups.is_some() || (self.settings.consent == Consent::Ask && !dry)
    }

    fn protect(self, session: &Session) -> Result<ProtectList, Error> {
        let paths = session.protect_lists(&self.settings.safety.protect);
        let list = ProtectList::load(&paths).map_err(|error| {
            let hint = error.hint();
            Error::new(ExitCode::Usage, error).with_hint(hint)
        })?;
        for warning in list.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(list)
    }

    fn plan(self, protect: ProtectList, sources: Arc<[Arc<str>]>) -> Plan {
        let (pace, safety) = (&self.settings.pace, &self.settings.safety);
        Plan {
            rate: pace.rate,
            concurrency: pace.concurrency.get() as usize,
            retry: RetryPolicy::new(pace.max_attempts),
            limits: Limits {
                max_failures: safety.max_failures.map(max_failures),
                max_outage: pace.max_outage,
                max_duration: safety.max_duration,
                max_called: safety.limit.map(u64::from),
            },
            protect: Arc::new(protect),
            sources,
        }
    }

    /// Reads all of the input into the ledger; from then on its groups come from there.
    async fn load(
        self,
        plan: &Plan,
        session: &Session,
        intake: &mut Intake,
        stopper: &Stopper,
    ) -> Result<IntakeEnd, Error> {
        let reading = Intake {
            backlog: false,
            live: intake.live.take(),
            first: std::mem::take(&mut intake.first),
            ..*intake
        };
        intake.backlog = true;
        let loaded = engine::load(plan, session.ledger()?, reading, stopper).await;
        match stopper.is_asked() {
            false => Ok(loaded),
            true => Err(session.refuse(not_begun(stopper)).await),
        }
    }

    async fn call(
        self,
        callee: &Callee,
        session: &Session,
        plan: Plan,
        intake: Intake,
        audience: Audience<Sink>,
        stopper: Stopper,
    ) -> Result<End, Error> {
        let ledger = session.ledger()?.clone();
        let end = match (&self.settings.mode, callee.client()) {
            (Mode::Dry, _) | (_, None) => {
                let idle = idle(self.settings.pace.rate);
                engine::dry_run(ledger, plan, intake, audience, stopper, idle).await
            }
            (_, Some(client)) => engine::run(client, ledger, plan, intake, audience, stopper).await,
        };
        end.map_err(|error| Error::new(ExitCode::Stopped, error))
    }
}

/// The run ends before its first call.
fn not_begun(stopper: &Stopper) -> Error {
    match stopper.reason() {
        Some(StopReason::Signal(signal)) => Error::new(
            closing::exit_of(signal),
            format!("{}: nobody was called", StopReason::Signal(signal)),
        ),
        reason => Error::new(
            ExitCode::Usage,
            reason.map_or_else(String::new, |reason| reason.to_string()),
        ),
    }
}

fn max_failures(typed: crate::cli::MaxFailures) -> MaxFailures {
    match typed {
        crate::cli::MaxFailures::Count(count) => MaxFailures::Count(count.get()),
        crate::cli::MaxFailures::Percent(percent) => MaxFailures::Percent(percent),
    }
}

/// The figures of a run that calls nobody.
fn idle(rate: NonZeroU32) -> Snapshot {
    Snapshot {
        elapsed: Duration::ZERO,
        records: 0,
        total: None,
        outcomes: Tally::default(),
        calls: 0,
        retries: 0,
        throttled: 0,
        in_flight: 0,
        waiting: 0,
        effective_rate: f64::from(rate.get()),
        rate: rate.get(),
        health: Health::Answering,
        draining: false,
    }
}
