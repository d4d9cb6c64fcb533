//! The page about a run, put together from the ledger: its calls are read twice and its failures twice, never held.

use std::io::Write;

use crate::{
    ledger::{Archive, RowFilter, RunInfo, RunReport},
    observe::{Called, Observer},
    outcome::{Outcome, Tally},
    report::{
        errors::{ErrorCount, ErrorTally},
        html::{
            HtmlReport,
            data::MOST_ROWS,
            series::{Series, SeriesBuilder},
        },
        statistics::{LatencyMs, Statistics},
    },
    settings::ReportSettings,
    tencent::codes,
};

use super::{
    CannotReport,
    facts::{self, Pace},
    in_answer_order::{InAnswerOrder, Waiting},
};
use crate::{commands::standing::Standing, wall::UnixMillis};

/// Kinds of errors that the page tells of.
const ERRORS: usize = 100;

/// Writes the page. All of it is read at one moment, so that its figures agree.
pub(super) fn write(
    archive: &Archive,
    settings: &ReportSettings,
    out: &mut dyn Write,
) -> Result<(), CannotReport> {
    archive.at_one_moment(|archive| {
        let run = archive.find_run(&settings.run)??;
        let standing = Standing::of(&run, &settings.state_dir).map_err(|source| {
            let state_dir = settings.state_dir.clone();
            CannotReport::Lock { state_dir, source }
        })?;
        let report = archive.report(&run)?;
        let calls = Calls::of(&report)?;
        let facts = facts::facts(&run, standing, calls.latency, &calls.pace);
        let page = HtmlReport {
            facts: &facts,
            outcomes: &outcomes(&run),
            series: &series(&report)?,
            errors: &calls.errors,
            advice: &|code| code.map(|code| codes::explain(code).advice),
        };
        let failures = report.each_row(RowFilter::Failures).take(MOST_ROWS);
        page.write(failures.map(|row| Ok::<_, CannotReport>(row?)), out)
    })
}

/// Records by outcome, those without one as what a report calls them.
fn outcomes(run: &RunInfo) -> Tally {
    let mut outcomes = run.counts.outcomes;
    outcomes.add_many(Outcome::NotAttempted, run.counts.pending);
    outcomes
}

/// What the run's calls come to.
struct Calls {
    errors: Vec<ErrorCount>,
    latency: LatencyMs,
    pace: Pace,
}

impl Calls {
    fn of(report: &RunReport<'_>) -> Result<Self, CannotReport> {
        let mut errors = ErrorTally::default();
        let mut statistics = Statistics::default();
        let mut pace = Pace::new(report.session_starts()?);
        for answer in report.each_answer() {
            let answer = answer?;
            let called = Called {
                code: answer.code,
                http_status: answer.http_status,
                latency: answer.latency,
            };
            statistics.called(&called);
            errors.answered(&called, answer.info.as_deref().unwrap_or_default());
            pace.called(answer.intended_at, answer.answered_at);
        }
        for row in report.each_row(RowFilter::Troubled) {
            errors.row(&row?);
        }
        Ok(Self {
            errors: errors.commonest(ERRORS),
            latency: statistics.latency_ms(),
            pace,
        })
    }
}

fn series(report: &RunReport<'_>) -> Result<Series, CannotReport> {
    let Some((first, last)) = report.first_and_last_answer()? else {
        return Ok(Series::default());
    };
    let mut series = SeriesBuilder::new(first, last);
    let mut order = InAnswerOrder::default();
    let mut draw = |call: Waiting| {
        series.called(UnixMillis(call.answered_at_ms), call.latency, call.retry);
    };
    for answer in report.each_answer() {
        order.push(&answer?, &mut draw);
    }
    order.finish(&mut draw);
    Ok(series.finish())
}
