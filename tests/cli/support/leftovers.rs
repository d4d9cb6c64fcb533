//! What a run leaves behind, read by the contract's words and not by the program's own types.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

/// One row of a report.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRow {
    pub(crate) seq: u64,
    pub(crate) group_id: String,
    pub(crate) outcome: String,
    pub(crate) error_code: Option<i64>,
    pub(crate) error_info: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) http_status: Option<u16>,
    pub(crate) latency_ms: Option<f64>,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) source: String,
    pub(crate) line: u64,
}

pub(crate) fn read_csv(text: &str) -> Vec<ReportRow> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

pub(crate) fn read_jsonl(text: &str) -> Vec<ReportRow> {
    let one = |line| parsed(line);
    text.lines().map(one).collect()
}

fn parsed<T: DeserializeOwned>(line: &str) -> T {
    serde_json::from_str(line).unwrap()
}

/// How many rows each outcome has.
pub(crate) fn figures(rows: &[ReportRow]) -> BTreeMap<&str, usize> {
    let mut figures = BTreeMap::new();
    for row in rows {
        *figures.entry(row.outcome.as_str()).or_default() += 1;
    }
    figures
}
