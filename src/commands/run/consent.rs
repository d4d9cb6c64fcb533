//! What is looked at, said and asked before the first call.

use std::fs::File;

use crate::{
    confirm::{self, ConfirmError, Facts},
    engine::IntakeEnd,
    error::Error,
    escape::Escaped,
    exit::ExitCode,
    ledger::RunLedger,
    outcome::Outcome,
    settings::RunSettings,
};

use super::{
    super::callee::Callee,
    session::{Session, unusable},
};

/// So many IDs are shown.
const SHOWN: usize = 5;

/// Fails early where nobody could be asked: before a long list is read.
pub(super) fn terminal_is_there(sdkappid: u64) -> Result<(), Error> {
    match File::options().read(true).write(true).open("/dev/tty") {
        Ok(_) => Ok(()),
        Err(source) => Err(ConfirmError::NoTerminal { source }.into_error(sdkappid)),
    }
}

/// The input holds more groups than the user allowed.
#[derive(Debug, thiserror::Error)]
#[error("the input holds {groups} groups, more than --max-groups {most}: nobody was called")]
struct TooMany {
    groups: u64,
    most: u64,
}

/// Refuses a run with more groups than `--max-groups`.
pub(super) async fn check_size(settings: &RunSettings, session: &Session) -> Result<(), Error> {
    let Some(most) = settings.safety.max_groups else {
        return Ok(());
    };
    let (groups, most) = (groups(session.ledger()?).await?, most.get());
    if groups <= most {
        return Ok(());
    }
    let error = Error::new(ExitCode::Usage, TooMany { groups, most });
    Err(session
        .refuse(error.with_hint("is it the right list? then raise --max-groups"))
        .await)
}

/// How many different groups the run holds; those settled before count.
async fn groups(run: &RunLedger) -> Result<u64, Error> {
    let counts = run.tally().await.map_err(unusable)?.counts;
    let none: u64 = [Outcome::Invalid, Outcome::Duplicate, Outcome::Protected]
        .into_iter()
        .map(|outcome| counts.outcomes.get(outcome))
        .sum();
    Ok(counts.records - none)
}

/// What smells about the input, as sentences.
pub(super) async fn smells(intake: &IntakeEnd, run: &RunLedger) -> Result<Vec<String>, Error> {
    let findings = intake.findings.iter().flat_map(|findings| &findings.smells);
    let mut smells: Vec<String> = findings
        .map(|smell| Escaped(&smell.to_string()).to_string())
        .collect();
    let counts = run.tally().await.map_err(unusable)?.counts;
    let duplicates = counts.outcomes.get(Outcome::Duplicate);
    if duplicates * 2 > counts.records {
        smells.push(format!(
            "{duplicates} of {} records are duplicates: is it the right column?",
            counts.records
        ));
    }
    Ok(smells)
}

/// Asks on the terminal.
pub(super) async fn ask(
    callee: &Callee,
    session: &Session,
    warnings: &[String],
) -> Result<(), Error> {
    let run = session.ledger()?;
    let pending = run.tally().await.map_err(unusable)?.counts.pending;
    let first = run.pending(0, SHOWN).await.map_err(unusable)?;
    let first_ids: Vec<String> = first
        .iter()
        .map(|pending| pending.group.to_string())
        .collect();
    let facts = Facts {
        sdkappid: callee.sdkappid(),
        identifier: callee.identifier(),
        endpoint: callee.endpoint(),
        groups: Some(pending),
        first_ids: &first_ids,
        warnings,
    };
    match confirm::on_terminal(&facts) {
        Ok(()) => Ok(()),
        Err(error) => Err(session.refuse(error.into_error(callee.sdkappid())).await),
    }
}
