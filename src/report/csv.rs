//! Report rows as CSV.

use std::{fmt::Write as _, io};

use super::{BUFFER, whole_ms};
use crate::row::Row;

/// The columns in their order: an interface.
pub const COLUMNS: [&str; 12] = [
    "seq",
    "group_id",
    "outcome",
    "error_code",
    "error_info",
    "attempts",
    "http_status",
    "latency_ms",
    "started_at",
    "finished_at",
    "source",
    "line",
];

/// Writes rows as CSV: UTF-8, comma, `\n`, quotes only where a value needs them, nothing for what does not apply.
///
/// Values are kept as they are, whatever they hold; a quoted value may span lines.
#[derive(Debug)]
pub struct CsvRows<W: io::Write> {
    out: csv::Writer<W>,
    /// Numbers and times are spelled here, so that a row allocates nothing.
    spelled: String,
}

impl<W: io::Write> CsvRows<W> {
    /// Begins a report with its header.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn begin(out: W) -> io::Result<Self> {
        let mut out = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .from_writer(out);
        out.write_record(COLUMNS).map_err(into_io)?;
        Ok(Self {
            out,
            spelled: String::with_capacity(32),
        })
    }

    /// Writes one row into the buffer, and the buffer to `out` when it is full.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        self.spell(Some(row.seq))?;
        self.text(&row.group_id)?;
        self.text(row.outcome.name())?;
        self.spell(row.error_code)?;
        self.text(row.error_info.as_deref().unwrap_or_default())?;
        self.spell(Some(row.attempts))?;
        self.spell(row.http_status)?;
        self.spell(row.latency.map(whole_ms))?;
        self.spell(row.started_at)?;
        self.spell(row.finished_at)?;
        self.text(&row.source)?;
        self.spell(Some(row.line))?;
        self.out.write_record(None::<&[u8]>).map_err(into_io)
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

    fn text(&mut self, value: &str) -> io::Result<()> {
        self.out.write_field(value).map_err(into_io)
    }

    fn spell(&mut self, value: Option<impl std::fmt::Display>) -> io::Result<()> {
        self.spelled.clear();
        if let Some(value) = value {
            write!(self.spelled, "{value}").map_err(io::Error::other)?;
        }
        self.out.write_field(&self.spelled).map_err(into_io)
    }
}

/// Keeps the kind of the error, which csv's own conversion does not: a full disk is told from a closed pipe by it.
fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::samples, *};

    fn written(rows: &[Row]) -> String {
        let mut out = Vec::new();
        let mut csv = CsvRows::begin(&mut out).unwrap();
        for row in rows {
            csv.write(row).unwrap();
        }
        csv.flush().unwrap();
        drop(csv);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_have_the_contracts_columns_and_nothing_where_nothing_applies() {
        insta::assert_snapshot!(written(&[samples::disbanded(), samples::never_called()]), @r"
        seq,group_id,outcome,error_code,error_info,attempts,http_status,latency_ms,started_at,finished_at,source,line
        1,@TGS#2J4SZEAEL,disbanded,0,,1,200,42,2023-11-14T22:13:20.007Z,2023-11-14T22:13:20.049Z,groups.csv,2
        2,,invalid,,the ID is empty,0,,,,,stdin,3
        ");
    }

    #[test]
    fn hostile_values_read_back_as_they_were() {
        let text = written(&[samples::hostile()]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(record.len(), COLUMNS.len());
        assert_eq!(&record[1], &*samples::hostile().group_id);
        assert_eq!(&record[4], &*samples::hostile().error_info.unwrap());
    }

    #[test]
    fn a_full_disk_stays_recognizable() {
        struct Full;
        impl io::Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut csv = CsvRows::begin(Full).unwrap();
        assert_eq!(csv.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    proptest! {
        #[test]
        fn any_text_reads_back(group_id: String, error_info: String) {
            let row = Row {
                group_id: group_id.clone().into(),
                error_info: Some(error_info.clone().into()),
                ..samples::disbanded()
            };
            let text = written(&[row]);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(&record[1], &group_id);
            prop_assert_eq!(&record[4], &error_info);
            prop_assert!(reader.records().next().is_none());
        }
    }
}
