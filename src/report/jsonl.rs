//! Report rows as JSON, one object a line.

use std::io::{self, Write as _};

use serde::Serialize;

use super::{BUFFER, whole_ms};
use crate::{outcome::Outcome, row::Row, wall::UnixMillis};

/// A row's keys in the order of the CSV columns; what does not apply is `null`.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    group_id: &'a str,
    outcome: Outcome,
    error_code: Option<i64>,
    error_info: Option<&'a str>,
    attempts: u32,
    http_status: Option<u16>,
    latency_ms: Option<u64>,
    started_at: Option<UnixMillis>,
    finished_at: Option<UnixMillis>,
    source: &'a str,
    line: u64,
}

/// Writes rows as JSON objects, one a line.
#[derive(Debug)]
pub struct JsonlRows<W: io::Write> {
    out: io::BufWriter<W>,
}

impl<W: io::Write> JsonlRows<W> {
    /// Begins a report. There is no header: an empty report is an empty file.
    pub fn begin(out: W) -> Self {
        Self {
            out: io::BufWriter::with_capacity(BUFFER, out),
        }
    }

    /// Writes one row into the buffer, and the buffer to `out` when it is full.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        let line = Line {
            seq: row.seq,
            group_id: &row.group_id,
            outcome: row.outcome,
            error_code: row.error_code,
            error_info: row.error_info.as_deref(),
            attempts: row.attempts,
            http_status: row.http_status,
            latency_ms: row.latency.map(whole_ms),
            started_at: row.started_at,
            finished_at: row.finished_at,
            source: &row.source,
            line: row.line,
        };
        // serde_json keeps the kind of an I/O error in this conversion.
        serde_json::to_writer(&mut self.out, &line).map_err(io::Error::from)?;
        self.out.write_all(b"\n")
    }

    /// Where the rows go.
    pub fn get_ref(&self) -> &W {
        self.out.get_ref()
    }

    /// Hands over what is buffered.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{csv::COLUMNS, samples},
        *,
    };

    fn written(row: &Row) -> String {
        let mut out = Vec::new();
        let mut rows = JsonlRows::begin(&mut out);
        rows.write(row).unwrap();
        rows.flush().unwrap();
        drop(rows);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_have_the_csv_columns_as_keys_and_null_where_nothing_applies() {
        let text = written(&samples::disbanded()) + &written(&samples::never_called());
        insta::assert_snapshot!(text, @r#"
        {"seq":1,"group_id":"@TGS#2J4SZEAEL","outcome":"disbanded","error_code":0,"error_info":null,"attempts":1,"http_status":200,"latency_ms":42,"started_at":"2023-11-14T22:13:20.007Z","finished_at":"2023-11-14T22:13:20.049Z","source":"groups.csv","line":2}
        {"seq":2,"group_id":"","outcome":"invalid","error_code":null,"error_info":"the ID is empty","attempts":0,"http_status":null,"latency_ms":null,"started_at":null,"finished_at":null,"source":"stdin","line":3}
        "#);
        let mut place = 0;
        for column in COLUMNS {
            let at = text.find(&format!("\"{column}\":")).unwrap();
            assert!(at >= place, "{column} is out of order");
            place = at;
        }
    }

    #[test]
    fn a_hostile_row_is_one_line_and_reads_back() {
        let text = written(&samples::hostile());
        assert_eq!(text.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["group_id"], *samples::hostile().group_id);
        assert_eq!(value["error_info"], *samples::hostile().error_info.unwrap());
    }
}
