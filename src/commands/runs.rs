//! `runs`: the runs that the ledger knows, newest first.

use std::{io::IsTerminal, path::Path};

use console::{Alignment, measure_text_width, pad_str};

use crate::{
    error::Error,
    escape::Escaped,
    exit::ExitCode,
    figures,
    ledger::{Archive, Input, RunInfo},
    outcome::Class,
    settings::RunsSettings,
};

use super::standing::Standing;

/// The table, in a form that fits stdout.
pub(super) fn list(settings: &RunsSettings) -> Result<String, Error> {
    let archive = Archive::open(&settings.state_dir).map_err(unusable)?;
    let mut runs = archive.runs().map_err(unusable)?;
    if let Some(app) = settings.sdkappid {
        runs.retain(|run| run.sdkappid == app.get());
    }
    if runs.is_empty() {
        return Ok(match settings.sdkappid {
            Some(app) => format!("The ledger has no run of app {app}.\n"),
            None => "The ledger has no run yet.\n".to_owned(),
        });
    }
    let lines = runs
        .iter()
        .map(|run| Line::of(run, &settings.state_dir))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match terminal_width() {
        Some(width) => fitting(&lines, width),
        None => wide(&lines),
    })
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ExitCode::Usage, error)
}

/// Columns of the terminal behind stdout; none where it is a file or a pipe, whose lines may be as long as they like.
fn terminal_width() -> Option<usize> {
    let stdout = console::Term::stdout();
    let size = stdout.size_checked();
    std::io::stdout()
        .is_terminal()
        .then(|| size.map_or(80, |(_, columns)| columns.into()))
}

/// A run in words.
struct Line {
    run: String,
    started: String,
    app: String,
    status: &'static str,
    records: String,
    gone: String,
    failures: String,
    left: String,
    calls: String,
    endpoint: String,
    input: String,
}

impl Line {
    fn of(run: &RunInfo, state_dir: &Path) -> Result<Self, Error> {
        let status = Standing::of(run, state_dir).map_err(unusable)?.name();
        let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
        Ok(Self {
            run: run.run_id.to_string(),
            started: whole_seconds(&run.started_at.to_string()),
            app: run.sdkappid.to_string(),
            status,
            records: figures::count(counts.records),
            gone: figures::count(outcomes.of_class(Class::Gone)),
            failures: figures::count(outcomes.of_class(Class::Failure)),
            left: figures::count(counts.pending),
            calls: figures::count(counts.calls),
            endpoint: Escaped(&run.endpoint).to_string(),
            input: input(&run.inputs),
        })
    }
}

/// Where the first input lies, which tells lists apart, and how many there are beside it.
fn input(inputs: &[Input]) -> String {
    let Some(first) = inputs.first() else {
        return String::new();
    };
    let shown = match &first.path {
        Some(path) => Escaped(&path.to_string_lossy()).to_string(),
        None => Escaped(&first.name).to_string(),
    };
    match inputs.len() {
        1 => shown,
        all => format!("{shown} +{}", all - 1),
    }
}

/// `2026-11-23T10:15:00.123Z` without its milliseconds.
fn whole_seconds(moment: &str) -> String {
    match moment.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => moment.to_owned(),
    }
}

/// One line a run where that fits, else two.
fn fitting(lines: &[Line], width: usize) -> String {
    let wide = wide(lines);
    if wide.lines().all(|line| measure_text_width(line) <= width) {
        return wide;
    }
    narrow(lines)
}

fn wide(lines: &[Line]) -> String {
    const TITLES: [(&str, Alignment); 11] = [
        ("RUN", Alignment::Left),
        ("STARTED", Alignment::Left),
        ("APP", Alignment::Left),
        ("STATUS", Alignment::Left),
        ("RECORDS", Alignment::Right),
        ("GONE", Alignment::Right),
        ("FAILURES", Alignment::Right),
        ("NOT_ATTEMPTED", Alignment::Right),
        ("CALLS", Alignment::Right),
        ("ENDPOINT", Alignment::Left),
        ("INPUT", Alignment::Left),
    ];
    let cells = |line: &Line| {
        [
            line.run.clone(),
            line.started.clone(),
            line.app.clone(),
            line.status.to_owned(),
            line.records.clone(),
            line.gone.clone(),
            line.failures.clone(),
            line.left.clone(),
            line.calls.clone(),
            line.endpoint.clone(),
            line.input.clone(),
        ]
    };
    let rows: Vec<_> = lines.iter().map(cells).collect();
    aligned(TITLES, &rows).join("\n") + "\n"
}

fn narrow(lines: &[Line]) -> String {
    const TITLES: [(&str, Alignment); 6] = [
        ("RUN", Alignment::Left),
        ("STATUS", Alignment::Left),
        ("RECORDS", Alignment::Right),
        ("GONE", Alignment::Right),
        ("FAILURES", Alignment::Right),
        ("LEFT", Alignment::Right),
    ];
    let cells = |line: &Line| {
        [
            line.run.clone(),
            line.status.to_owned(),
            line.records.clone(),
            line.gone.clone(),
            line.failures.clone(),
            line.left.clone(),
        ]
    };
    let rows: Vec<_> = lines.iter().map(cells).collect();
    let mut table = aligned(TITLES, &rows).into_iter();
    let mut text = table.next().unwrap_or_default() + "\n";
    for (row, line) in table.zip(lines) {
        let Line {
            started,
            app,
            calls,
            endpoint,
            ..
        } = line;
        text.push_str(&format!(
            "{row}\n  {started}, app {app}, {calls} calls\n  at {endpoint}\n"
        ));
    }
    text
}

/// Lines whose cells stand below each other, the titles first.
fn aligned<const N: usize>(titles: [(&str, Alignment); N], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = titles.map(|(title, _)| title.len());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = measure_text_width(cell).max(*width);
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for ((cell, width), (_, side)) in cells.into_iter().zip(widths).zip(titles) {
            line.push_str(&pad_str(cell, width, side, None));
            line.push_str("  ");
        }
        line.trim_end().to_owned()
    };
    let head = line(titles.map(|(title, _)| title));
    let body = rows
        .iter()
        .map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(head).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let line = |run: &str, status, records: u64| Line {
            run: run.into(),
            started: "2026-11-23T10:15:00Z".into(),
            app: "1400000000".into(),
            status,
            records: figures::count(records),
            gone: figures::count(records / 2),
            failures: figures::count(records / 1_000),
            left: figures::count(records / 2),
            calls: figures::count(records),
            endpoint: "https://adminapisgp.im.qcloud.com".into(),
            input: "/srv/groups.csv".into(),
        };
        vec![
            line("20261123-101500-k3f9", "interrupted", 9_999_999),
            line("20261122-101500-abcd", "finished", 12),
        ]
    }

    #[test]
    fn a_wide_terminal_and_a_pipe_get_a_line_for_each_run() {
        insta::assert_snapshot!(fitting(&lines(), 180), @r"
        RUN                   STARTED               APP         STATUS         RECORDS       GONE  FAILURES  NOT_ATTEMPTED      CALLS  ENDPOINT                           INPUT
        20261123-101500-k3f9  2026-11-23T10:15:00Z  1400000000  interrupted  9,999,999  4,999,999     9,999      4,999,999  9,999,999  https://adminapisgp.im.qcloud.com  /srv/groups.csv
        20261122-101500-abcd  2026-11-23T10:15:00Z  1400000000  finished            12          6         0              6         12  https://adminapisgp.im.qcloud.com  /srv/groups.csv
        ");
    }

    #[test]
    fn an_input_is_its_path_and_how_many_there_are_beside_it() {
        let input_of = |inputs: &[(&str, Option<&str>)]| {
            let inputs: Vec<_> = inputs
                .iter()
                .map(|(name, path)| Input {
                    name: (*name).into(),
                    path: path.map(Into::into),
                })
                .collect();
            input(&inputs)
        };
        for (inputs, shown) in [
            (&[("a.txt", Some("/my lists/a.txt"))][..], "/my lists/a.txt"),
            (&[("stdin", None)], "stdin"),
            (
                &[("a.txt", Some("/a.txt")), ("stdin", None), ("b", None)],
                "/a.txt +2",
            ),
            (&[("a", Some("/\x1b[31m\n"))], "/\\u{1b}[31m\\n"),
            (&[], ""),
        ] {
            assert_eq!(input_of(inputs), shown);
        }
    }

    #[test]
    fn eighty_columns_are_enough_for_any_run() {
        let table = fitting(&lines(), 80);
        assert!(table.lines().all(|line| line.len() <= 80), "{table}");
        insta::assert_snapshot!(table, @r"
        RUN                   STATUS         RECORDS       GONE  FAILURES       LEFT
        20261123-101500-k3f9  interrupted  9,999,999  4,999,999     9,999  4,999,999
          2026-11-23T10:15:00Z, app 1400000000, 9,999,999 calls
          at https://adminapisgp.im.qcloud.com
        20261122-101500-abcd  finished            12          6         0          6
          2026-11-23T10:15:00Z, app 1400000000, 12 calls
          at https://adminapisgp.im.qcloud.com
        ");
    }
}
