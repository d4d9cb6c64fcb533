//! A run as one page to read: a single file that needs no network.
//!
//! Everything but the failures is bounded and rendered from a template; the failures are streamed into the middle of
//! it as compact JSON, and the page shows the few rows that are in view. Charts are uPlot's (MIT, see
//! `uplot.LICENSE` beside this file), taken in whole.

pub mod data;
pub mod series;

use std::io;

use minijinja::{Environment, Value, context};
use serde::Serialize;

use self::{data::FailureWriter, series::Series};
use super::{errors::ErrorCount, human::Advice, statistics::LatencyMs};
use crate::{
    figures,
    outcome::{Class, Outcome, Tally},
    row::Row,
    wall::UnixMillis,
};

/// Where the failures go: a comment that no escaped text can hold.
const ROWS: &str = "<!--ROWS-->";

/// What a page says of its run besides the counts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunFacts {
    /// The run.
    pub run_id: String,
    /// The app.
    pub sdkappid: u64,
    /// Where the calls went: scheme and host, nothing secret.
    pub endpoint: String,
    /// How it ended: `finished`, `stopped`, `interrupted`, or `unfinished` if it never said.
    pub status: String,
    /// Why it stopped early, if it did.
    pub stop_reason: Option<String>,
    /// When its first session began.
    pub started_at: Option<UnixMillis>,
    /// When its last session ended.
    pub finished_at: Option<UnixMillis>,
    /// Names and values of its settings, without secrets.
    pub settings: Vec<(String, String)>,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// Calls made, in all sessions.
    pub calls: u64,
    /// Calls that were not the first for their group.
    pub retries: u64,
    /// Calls a second on average, if it is known.
    pub mean_calls_per_s: Option<f64>,
    /// The most calls in one second, if it is known.
    pub max_calls_in_one_second: Option<u64>,
    /// Latency of the calls.
    pub latency_ms: LatencyMs,
}

/// A page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// It could not be written.
    #[error("the page cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The template does not fit the facts. A bug.
    #[error("the page cannot be put together: {0}")]
    Template(#[from] minijinja::Error),
}

/// Everything on the page but the failures, which are streamed.
pub struct HtmlReport<'a> {
    /// The run.
    pub facts: &'a RunFacts,
    /// Records by outcome.
    pub outcomes: &'a Tally,
    /// The run over time.
    pub series: &'a Series,
    /// The commonest errors, the commonest first.
    pub errors: &'a [ErrorCount],
    /// What is known about a code.
    pub advice: Advice<'a>,
}

#[derive(Serialize)]
struct Tile {
    name: &'static str,
    class: &'static str,
    count: u64,
    shown: String,
    share: String,
}

#[derive(Serialize)]
struct Figure {
    key: &'static str,
    name: &'static str,
    value: String,
    shown: String,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    name: String,
    records: String,
    answers: String,
    sample: &'a str,
    advice: Option<&'static str>,
}

impl HtmlReport<'_> {
    /// Writes the page. `failures` are the rows of the class [`Class::Failure`], in the order in which they should
    /// stand; at most [`data::MOST_ROWS`] of them go into the page, which then says how many there are.
    ///
    /// # Errors
    /// Those of `failures`, and [`HtmlError`].
    pub fn write<E: From<HtmlError>>(
        &self,
        failures: impl IntoIterator<Item = Result<Row, E>>,
        out: &mut dyn io::Write,
    ) -> Result<(), E> {
        let page = self.page()?;
        let (before, after) = page.split_once(ROWS).unwrap_or((&page, ""));
        let write = |out: &mut dyn io::Write, text: &str| {
            out.write_all(text.as_bytes()).map_err(HtmlError::Write)
        };
        write(out, before)?;
        let mut writer = FailureWriter::begin(&mut *out).map_err(HtmlError::Write)?;
        for row in failures {
            writer.write(&row?).map_err(HtmlError::Write)?;
        }
        let total = self.outcomes.of_class(Class::Failure);
        writer.finish(total).map_err(HtmlError::Write)?;
        write(out, after)?;
        out.flush().map_err(HtmlError::Write)?;
        Ok(())
    }

    fn page(&self) -> Result<String, HtmlError> {
        let mut environment = Environment::new();
        // The ending makes the engine escape every value.
        environment.add_template("page.html", include_str!("page.html"))?;
        let template = environment.get_template("page.html")?;
        let page = template.render(context! {
            facts => self.facts,
            total => self.outcomes.total(),
            total_shown => figures::count(self.outcomes.total()),
            tiles => self.tiles(),
            figures => self.figures(),
            errors => self.errors(),
            has_series => !self.series.buckets.is_empty(),
            series => Value::from_safe_string(data::script_json(&self.series.columns())?),
            version => env!("CARGO_PKG_VERSION"),
            page_css => Value::from_safe_string(include_str!("page.css").to_owned()),
            page_js => Value::from_safe_string(include_str!("page.js").to_owned()),
            uplot_css => Value::from_safe_string(include_str!("uplot.min.css").to_owned()),
            uplot_js => Value::from_safe_string(include_str!("uplot.min.js").to_owned()),
        })?;
        Ok(page)
    }

    fn tiles(&self) -> Vec<Tile> {
        let total = self.outcomes.total();
        self.outcomes
            .iter()
            .filter(|&(_, n)| n > 0)
            .map(|(outcome, n)| Tile {
                name: outcome.name(),
                class: class_name(outcome),
                count: n,
                shown: figures::count(n),
                share: figures::percent(n, total),
            })
            .collect()
    }

    fn figures(&self) -> Vec<Figure> {
        let facts = self.facts;
        let count = |key, name, n: u64| Figure {
            key,
            name,
            value: n.to_string(),
            shown: figures::count(n),
        };
        let mut all = vec![
            count("calls", "Calls", facts.calls),
            count("retries", "Retries", facts.retries),
        ];
        if let Some(mean) = facts.mean_calls_per_s {
            all.push(Figure {
                key: "mean_calls_per_s",
                name: "A second, on average",
                value: figures::rounded(mean).to_string(),
                shown: figures::rate(mean),
            });
        }
        if let Some(most) = facts.max_calls_in_one_second {
            all.push(count("max_calls_in_one_second", "A second, at most", most));
        }
        let latency = facts.latency_ms;
        for (key, name, value) in [
            ("p50", "Half within", latency.p50),
            ("p90", "90 % within", latency.p90),
            ("p99", "99 % within", latency.p99),
            ("max", "Slowest", latency.max),
        ] {
            all.extend(value.map(|ms| Figure {
                key,
                name,
                value: ms.to_string(),
                shown: format!("{} ms", figures::rate(ms)),
            }));
        }
        all
    }

    fn errors(&self) -> Vec<ErrorLine<'_>> {
        self.errors
            .iter()
            .map(|error| ErrorLine {
                name: error.fault.name(),
                records: figures::count(error.records),
                answers: figures::count(error.answers),
                sample: &error.sample,
                advice: (self.advice)(&error.fault),
            })
            .collect()
    }
}

fn class_name(outcome: Outcome) -> &'static str {
    match outcome.class() {
        Class::Gone => "gone",
        Class::Failure => "failure",
        Class::Neutral => "neutral",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{errors::Fault, samples},
        series::SeriesBuilder,
        *,
    };

    const EVIL: &str = "</script><script>alert(1)</script><!--ROWS-->\u{2028}{{ 7*7 }} \"'&";

    fn written(failures: Vec<Row>) -> String {
        let facts = RunFacts {
            run_id: format!("r1 {EVIL}"),
            sdkappid: 1_400_000_000,
            endpoint: EVIL.to_owned(),
            status: "finished".to_owned(),
            settings: vec![("--column".to_owned(), EVIL.to_owned())],
            warnings: vec![EVIL.to_owned()],
            calls: 12_345,
            started_at: Some(UnixMillis(1_700_000_000_000)),
            ..RunFacts::default()
        };
        let mut outcomes = Tally::default();
        outcomes.add_many(Outcome::Disbanded, 99_998);
        outcomes.add_many(Outcome::Failed, failures.len() as u64);
        let mut series =
            SeriesBuilder::new(UnixMillis(1_700_000_000_000), UnixMillis(1_700_000_060_000));
        series.called(
            UnixMillis(1_700_000_000_100),
            Duration::from_millis(40),
            false,
        );
        let errors = [ErrorCount {
            fault: Fault::Code(10007),
            records: 2,
            answers: 3,
            sample: EVIL.into(),
        }];
        let page = HtmlReport {
            facts: &facts,
            outcomes: &outcomes,
            series: &series.finish(),
            errors: &errors,
            advice: &|error| (error.code() == Some(10007)).then_some("see the group's type"),
        };
        let mut out = Vec::new();
        page.write(failures.into_iter().map(Ok::<_, HtmlError>), &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = text.split_once(start).unwrap();
        rest.split_once(end).unwrap().0
    }

    #[test]
    fn the_page_holds_the_figures_where_a_test_can_find_them() {
        let page = written(vec![samples::hostile(); 2]);
        for part in [
            "data-outcome=\"all\" data-count=\"100000\"",
            "data-outcome=\"disbanded\" data-count=\"99998\"",
            "data-outcome=\"failed\" data-count=\"2\"",
            "data-figure=\"calls\" data-value=\"12345\"",
            "data-error=\"10007\"",
            "see the group&#x27;s type",
            "begun 2023-11-14T22:13:20.000Z",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn failures_read_back_as_they_were() {
        let page = written(vec![samples::hostile(), samples::never_called()]);
        let json = between(&page, "id=\"rows-data\">", "</script>");
        let data: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(data["failures"], 2);
        let row = &data["rows"][0];
        let text = |value: &serde_json::Value| {
            value.as_u64().map_or_else(
                || value.clone(),
                |at| data["texts"][usize::try_from(at).unwrap()].clone(),
            )
        };
        let hostile = samples::hostile();
        assert_eq!(row[1], *hostile.group_id);
        assert_eq!(text(&row[2]), "failed");
        assert_eq!(text(&row[4]), *hostile.error_info.unwrap());
        assert_eq!(text(&data["rows"][1][4]), "the ID is empty");
        assert!(data["rows"][1][8].is_null());
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let quiet = written(Vec::new());
        let loud = written(vec![Row {
            group_id: EVIL.into(),
            error_info: Some(EVIL.into()),
            source: EVIL.into(),
            ..samples::hostile()
        }]);
        for page in [&quiet, &loud] {
            assert_eq!(page.matches("<script").count(), 4);
            assert_eq!(page.matches("</script>").count(), 4);
            assert!(!page.contains("alert(1)</script"));
            assert!(!page.contains("<!--ROWS"));
        }
        let json = between(&loud, "id=\"rows-data\">", "</script>");
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
    }

    #[test]
    fn the_page_needs_no_network() {
        let page = written(Vec::new());
        let own = page.replace(include_str!("uplot.min.js"), "");
        for outside in ["http://", "https://", "src=", "url(", "@import", "fetch("] {
            assert!(!own.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}
