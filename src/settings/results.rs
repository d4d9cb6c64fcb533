//! What a run leaves behind, and where.

use std::path::{Path, PathBuf};

use super::{ending, error::SettingsError, layers::Layered};
use crate::cli::ReportFormat;

/// What a run leaves behind. `{run}` in a path stands for the run's ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// Where the report goes.
    pub report: ReportTo,
    /// How it is written.
    pub report_format: ReportFormat,
    /// Where the summary goes.
    pub summary: Option<PathBuf>,
    /// Where the metrics go.
    pub metrics_file: Option<PathBuf>,
}

/// Where the report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportTo {
    /// To stdout.
    Stdout,
    /// Into a file.
    File(PathBuf),
}

pub(super) fn results(layered: &Layered) -> Result<Results, SettingsError> {
    let results = &layered.cli.results;
    for (name, path) in [
        ("summary", &results.summary),
        ("metrics-file", &results.metrics_file),
    ] {
        if path.as_deref() == Some(Path::new("-")) {
            let place = layered.place(name);
            return Err(SettingsError::NotToStdout { place });
        }
    }
    distinct(layered)?;
    let jsonl = |path: &PathBuf| matches!(ending(path).as_deref(), Some("jsonl" | "ndjson"));
    let report_format = results.report_format.unwrap_or(match &results.report {
        Some(path) if jsonl(path) => ReportFormat::Jsonl,
        _ => ReportFormat::Csv,
    });
    let report = match &results.report {
        Some(path) if path.as_os_str() == "-" => ReportTo::Stdout,
        Some(path) => ReportTo::File(path.clone()),
        None => ReportTo::File(match report_format {
            ReportFormat::Csv => "disband-{run}.csv".into(),
            ReportFormat::Jsonl => "disband-{run}.jsonl".into(),
        }),
    };
    Ok(Results {
        report,
        report_format,
        summary: results.summary.clone(),
        metrics_file: results.metrics_file.clone(),
    })
}

/// Each result has a file of its own.
fn distinct(layered: &Layered) -> Result<(), SettingsError> {
    let results = &layered.cli.results;
    let named = [
        ("report", &results.report),
        ("summary", &results.summary),
        ("metrics-file", &results.metrics_file),
    ];
    for (at, (first, path)) in named.iter().enumerate() {
        let twin = named.iter().skip(at + 1).find(|(_, other)| path == other);
        if let (Some(path), Some((second, _))) = (path, twin) {
            return Err(SettingsError::SamePath {
                first: layered.place(first),
                second: layered.place(second),
                path: path.display().to_string(),
            });
        }
    }
    Ok(())
}
