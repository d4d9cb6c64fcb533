//! What the run leaves behind: report, summary, metrics; claimed before the first call.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    cli::ReportFormat,
    engine::Audience,
    error::Error,
    exit::ExitCode,
    ledger::RunId,
    metrics::Metrics,
    observe::{Called, Notice, Observer, RowSink, SinkFailed, Snapshot},
    progress::Screen,
    report::{
        Format, ReportError,
        file::{Existing, OpenReport, ReportTarget, with_run},
        statistics::Statistics,
        summary::SummaryTarget,
        writer::ReportWriter,
    },
    row::Row,
    settings::{ReportTo, RunSettings},
};

use super::session::Session;

/// Everything that is written to, proved writable.
pub(super) struct Outputs {
    report: Option<OpenReport>,
    report_name: String,
    pub(super) summary: Option<SummaryTarget>,
    pub(super) metrics: Option<Shared<Metrics>>,
    pub(super) statistics: Shared<Statistics>,
}

impl Outputs {
    /// Opens report, summary and metrics.
    pub(super) fn claim(
        settings: &RunSettings,
        session: &Session,
        sdkappid: u64,
    ) -> Result<Self, Error> {
        let run = session.run_id().as_str();
        let target = target(settings, run);
        let ours = session.reports();
        let existing = match recorded_path(settings, session.run_id()) {
            Some(path)
                if ours
                    .iter()
                    .any(|report| path.as_os_str() == report.as_str()) =>
            {
                Existing::Replace
            }
            _ => Existing::Refuse,
        };
        let summary_existing = if session.earlier().is_some() {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        let summary = settings.results.summary.as_deref();
        let summary = summary
            .map(|path| SummaryTarget::claim(path, run, summary_existing))
            .transpose();
        let summary = summary.map_err(usage)?;
        let metrics = settings
            .results
            .metrics_file
            .as_deref()
            .map(|path| Metrics::open(&with_run(path, run), sdkappid))
            .transpose();
        let metrics = metrics.map_err(|error| Error::new(ExitCode::Usage, error))?;
        Ok(Self {
            report_name: target
                .path()
                .map_or_else(|| "stdout".to_owned(), |path| path.display().to_string()),
            report: Some(target.open(existing).map_err(usage)?),
            summary,
            metrics: metrics.map(Shared::new),
            statistics: Shared::new(Statistics::default()),
        })
    }

    /// The report's path, or `stdout`.
    pub(super) fn report_name(&self) -> &str {
        &self.report_name
    }

    /// Begins to write. `findings` are what was noticed before the first call.
    pub(super) fn audience(
        &mut self,
        screen: &Screen,
        findings: &[String],
    ) -> Result<Audience<Sink>, Error> {
        let mut statistics = self.statistics.clone();
        for finding in findings {
            statistics.notice(&Notice {
                warning: true,
                text: finding.as_str().into(),
            });
        }
        let mut observers: Vec<Box<dyn Observer + Send>> = vec![Box::new(statistics)];
        let watch = screen
            .observer()
            .map_err(|error| Error::new(ExitCode::Usage, error))?;
        observers.push(Box::new(watch));
        if let Some(metrics) = &self.metrics {
            observers.push(Box::new(metrics.clone()));
        }
        let report = match self.report.take() {
            None => None,
            Some(report) => {
                let writer = report.keep().map_err(usage)?;
                Some(Sink(
                    ReportWriter::start(writer)
                        .map_err(|error| Error::new(ExitCode::Usage, error))?,
                ))
            }
        };
        Ok(Audience { observers, report })
    }
}

/// The report's path as the ledger keeps it, absolute; none for stdout.
pub(super) fn recorded_path(settings: &RunSettings, run: &RunId) -> Option<PathBuf> {
    let target = target(settings, run.as_str());
    target
        .path()
        .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn target(settings: &RunSettings, run: &str) -> ReportTarget {
    let format = match settings.results.report_format {
        ReportFormat::Csv => Some(Format::Csv),
        ReportFormat::Jsonl => Some(Format::Jsonl),
    };
    let path = match &settings.results.report {
        ReportTo::Stdout => Path::new("-"),
        ReportTo::File(path) => path,
    };
    ReportTarget::new(path, run, format)
}

fn usage(error: ReportError) -> Error {
    Error::new(ExitCode::Usage, error)
}

/// The report's thread, as the engine sees it.
pub(super) struct Sink(ReportWriter);

impl RowSink for Sink {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), SinkFailed> {
        self.0.write(rows).await.map_err(failed)
    }

    async fn finish(self) -> Result<(), SinkFailed> {
        self.0.finish().await.map_err(failed)
    }
}

fn failed(error: ReportError) -> SinkFailed {
    match error {
        ReportError::BrokenPipe => SinkFailed::ReaderGone,
        other => SinkFailed::Trouble(other.to_string()),
    }
}

/// An observer that the run watches with and that is asked once the run is over.
pub(super) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    fn new(inner: T) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Looks at it, or changes it.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes it out, if the run has let go of it.
    pub(super) fn into_inner(self) -> Option<T> {
        let mutex = Arc::into_inner(self.0)?;
        Some(mutex.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Observer> Observer for Shared<T> {
    fn row(&mut self, row: &Row) {
        self.with(|inner| inner.row(row));
    }

    fn called(&mut self, called: &Called) {
        self.with(|inner| inner.called(called));
    }

    fn notice(&mut self, notice: &Notice) {
        self.with(|inner| inner.notice(notice));
    }

    fn tick(&mut self, snapshot: &Snapshot) {
        self.with(|inner| inner.tick(snapshot));
    }

    fn end(&mut self, snapshot: &Snapshot) {
        self.with(|inner| inner.end(snapshot));
    }
}
