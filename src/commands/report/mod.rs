//! `report`: any run's report again, from the ledger, also while the run is going on.

mod facts;
mod in_answer_order;
mod output;
mod page;

use std::{io, path::PathBuf};

use crate::{
    cli::ExportFormat,
    error::Error,
    escape::Escaped,
    exit::ExitCode,
    ledger::{Archive, LedgerError, NoSuchRun, RowFilter, RunInfo},
    report::{Format, Rows, file::with_run, html::HtmlError},
    settings::ReportSettings,
};

use output::Output;

/// Writes the report to where it was asked for.
pub(super) fn write(settings: &ReportSettings) -> Result<ExitCode, Error> {
    match export(settings) {
        Ok(()) => Ok(ExitCode::Finished),
        // Whoever read it has seen enough.
        Err(error) if error.nobody_reads() => Ok(ExitCode::Finished),
        Err(error) => Err(Error::new(ExitCode::Usage, error)),
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum CannotReport {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    NoSuchRun(#[from] NoSuchRun),
    #[error(
        "{} already exists, and nothing is ever overwritten: move it away, or name another file with -o",
        shown(.0)
    )]
    Exists(PathBuf),
    #[error("the report cannot be written to {}", shown(.place))]
    Write { place: PathBuf, source: io::Error },
    #[error(transparent)]
    Page(#[from] HtmlError),
    #[error("whether the run is going on cannot be told from the lock file in {}", shown(.state_dir))]
    Lock {
        state_dir: PathBuf,
        source: io::Error,
    },
}

fn shown(path: &std::path::Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}

impl CannotReport {
    fn nobody_reads(&self) -> bool {
        let Self::Write { source, .. } = self else {
            return false;
        };
        source.kind() == io::ErrorKind::BrokenPipe
    }
}

fn export(settings: &ReportSettings) -> Result<(), CannotReport> {
    let archive = Archive::open(&settings.state_dir)?;
    let run = archive.find_run(&settings.run)??;
    let path = settings.output.as_deref();
    let path = path.map(|path| with_run(path, run.run_id.as_str()));
    let output = Output::open(path)?;
    match settings.format {
        ExportFormat::Csv => rows(&archive, &run, Format::Csv, output),
        ExportFormat::Jsonl => rows(&archive, &run, Format::Jsonl, output),
        ExportFormat::Html => output.write_at_once(|out| page::write(&archive, settings, out)),
    }
}

/// A row for each record in the order of the input. They are read a page at a time: a slow reader holds up nobody.
fn rows(
    archive: &Archive,
    run: &RunInfo,
    format: Format,
    output: Output,
) -> Result<(), CannotReport> {
    output.write(|out, failed| {
        let mut rows = Rows::begin(format, out).map_err(failed)?;
        for row in archive.report(run)?.each_row(RowFilter::All) {
            rows.write(&row?).map_err(failed)?;
        }
        rows.flush().map_err(failed)
    })
}
