//! The run in Prometheus' text format, for node_exporter's textfile collector.
//!
//! The collector reads the older text format, not OpenMetrics: there a counter's `TYPE` line carries the full name with
//! `_total`, `# UNIT` and `# EOF` do not exist, and timestamps are refused; two files with the same series break the
//! whole collector, so every series carries the app's number. See node_exporter's README, "Textfile Collector", and
//! "Exposition formats" in Prometheus' documentation.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode_registry},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::Registry,
};

use crate::{
    escape::Escaped,
    observe::{Called, Health, Observer, Snapshot},
    replace,
    wall::UnixMillis,
};

/// Between two writes: half of the shortest scrape interval in common use.
const EVERY: Duration = Duration::from_secs(5);

/// Upper bounds of the latency buckets in seconds. The vendor answers within some 50 ms, gives itself 3 s, and ten
/// seconds are the default time-out.
const BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

const LAST_SUCCESS: &str = "disband_batch_last_success_timestamp_seconds";

/// The metrics file could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the metrics cannot be written to {}: {cause}. Name another file with --metrics-file",
    Escaped(&path.to_string_lossy())
)]
pub struct MetricsError {
    path: PathBuf,
    cause: Arc<io::Error>,
}

/// Writes the metrics file every few seconds of the run's own time. Watches a run as an [`Observer`].
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    sdkappid: u64,
    latencies: Histogram,
    last_success: i64,
    last_written: Option<Duration>,
    last: Option<Snapshot>,
    /// Trouble is told once, not every few seconds.
    failing: bool,
}

/// What the file tells beside the run's figures.
#[derive(Clone, Copy, Debug)]
struct Frame {
    sdkappid: u64,
    /// Unix seconds of the last run that ended with 0; 0 if none is known.
    last_success: i64,
    /// The exit code, once there is one.
    exit_code: Option<u8>,
    /// Unix seconds, now.
    now: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl Metrics {
    /// Takes over the last success from the file that is there, and proves that it can be written.
    ///
    /// # Errors
    /// [`MetricsError`] where it cannot.
    pub fn open(path: &Path, sdkappid: u64) -> Result<Self, MetricsError> {
        let failed = |cause: io::Error| MetricsError {
            path: path.to_owned(),
            cause: Arc::new(cause),
        };
        let previous = match fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        // The old figures stay until there are new ones.
        drop(replace::beside(path).map_err(failed)?);
        Ok(Self {
            path: path.to_owned(),
            sdkappid,
            latencies: Histogram::new(BUCKETS),
            last_success: last_success(&previous, sdkappid).unwrap_or(0),
            last_written: None,
            last: None,
            failing: false,
        })
    }

    /// Writes the file for the last time, with the exit code; 0 is a success.
    ///
    /// # Errors
    /// [`MetricsError`] where it cannot.
    pub fn finish(mut self, exit_code: u8, now: UnixMillis) -> Result<(), MetricsError> {
        if exit_code == 0 {
            self.last_success = now.0 / 1000;
        }
        let frame = self.frame(Some(exit_code), now);
        self.write(frame).map_err(|cause| MetricsError {
            path: self.path.clone(),
            cause: Arc::new(cause),
        })
    }

    fn frame(&self, exit_code: Option<u8>, now: UnixMillis) -> Frame {
        Frame {
            sdkappid: self.sdkappid,
            last_success: self.last_success,
            exit_code,
            now: now.0 / 1000,
        }
    }

    fn write(&self, frame: Frame) -> io::Result<()> {
        let text = render(self.last.as_ref(), &self.latencies, frame).map_err(io::Error::other)?;
        replace::replace(&self.path, text.as_bytes())
    }

    fn write_now(&mut self, elapsed: Duration) {
        self.last_written = Some(elapsed);
        let result = self.write(self.frame(None, UnixMillis::now()));
        if let Err(error) = &result
            && !self.failing
        {
            tracing::warn!(
                "the metrics cannot be written to {} for now: {error}",
                Escaped(&self.path.to_string_lossy())
            );
        }
        self.failing = result.is_err();
    }
}

impl Observer for Metrics {
    fn called(&mut self, called: &Called) {
        self.latencies.observe(called.latency.as_secs_f64());
    }

    fn tick(&mut self, snapshot: &Snapshot) {
        self.last = Some(snapshot.clone());
        let due = self
            .last_written
            .is_none_or(|last| snapshot.elapsed.saturating_sub(last) >= EVERY);
        if due {
            self.write_now(snapshot.elapsed);
        }
    }

    /// Writes the last figures; [`Metrics::finish`] adds the exit code.
    fn end(&mut self, snapshot: &Snapshot) {
        self.last = Some(snapshot.clone());
        self.write_now(snapshot.elapsed);
    }
}

/// The file's text. A registry is filled anew each time: the figures are the engine's, not ours to count again.
fn render(
    snapshot: Option<&Snapshot>,
    latencies: &Histogram,
    frame: Frame,
) -> Result<String, std::fmt::Error> {
    let app = ("sdkappid".into(), frame.sdkappid.to_string().into());
    let mut registry = Registry::with_prefix_and_labels("disband_batch", [app].into_iter());
    if let Some(snapshot) = snapshot {
        counters(&mut registry, snapshot);
        gauges(&mut registry, snapshot);
    }
    registry.register(
        "call_duration_seconds",
        "Time from handing a call over to the end of its answer, in this session",
        latencies.clone(),
    );
    registry.register(
        "last_success_timestamp_seconds",
        "When a run last ended with exit code 0; 0 if none is known",
        ConstGauge::new(frame.last_success),
    );
    registry.register(
        "last_update_timestamp_seconds",
        "When these figures were written",
        ConstGauge::new(frame.now),
    );
    registry.register(
        "run_active",
        "1 while a run is under way, 0 after its end",
        ConstGauge::new(i64::from(frame.exit_code.is_none())),
    );
    if let Some(exit_code) = frame.exit_code {
        registry.register(
            "run_exit_code",
            "Exit code of the run that has ended",
            ConstGauge::new(i64::from(exit_code)),
        );
    }
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    Ok(as_text_format(&text))
}

fn counters(registry: &mut Registry, snapshot: &Snapshot) {
    let records = Family::<OutcomeLabel, Counter>::default();
    for (outcome, n) in snapshot.outcomes.iter() {
        let outcome = outcome.name();
        records.get_or_create(&OutcomeLabel { outcome }).inc_by(n);
    }
    registry.register(
        "records",
        "Records by outcome, those of the run's earlier sessions included",
        records,
    );
    for (name, help, n) in [
        (
            "records_read",
            "Records read from the input, those of the run's earlier sessions included",
            snapshot.records,
        ),
        (
            "calls",
            "Calls made in this session, retries included",
            snapshot.calls,
        ),
        (
            "retries",
            "Calls that were not the first for their group, in this session",
            snapshot.retries,
        ),
        (
            "throttled_answers",
            "Answers that asked to slow down, in this session",
            snapshot.throttled,
        ),
    ] {
        registry.register(name, help, ConstCounter::new(n));
    }
}

fn gauges(registry: &mut Registry, snapshot: &Snapshot) {
    let gauge = |n: usize| ConstGauge::new(u64::try_from(n).unwrap_or(u64::MAX));
    registry.register(
        "effective_rate",
        "Calls a second that the pacer allows now",
        ConstGauge::new(snapshot.effective_rate),
    );
    registry.register(
        "configured_rate",
        "Calls a second that were asked for",
        ConstGauge::new(snapshot.rate),
    );
    registry.register(
        "in_flight_calls",
        "Calls under way",
        gauge(snapshot.in_flight),
    );
    registry.register(
        "waiting_groups",
        "Groups that wait for their next try",
        gauge(snapshot.waiting),
    );
    registry.register(
        "service_up",
        "1 while the service answers, 0 while the run waits for it",
        ConstGauge::new(i64::from(snapshot.health == Health::Answering)),
    );
    registry.register(
        "run_draining",
        "1 while the run has been asked to stop and waits for calls under way",
        ConstGauge::new(i64::from(snapshot.draining)),
    );
    registry.register(
        "run_elapsed_seconds",
        "Time since this session's first decision",
        ConstGauge::new(snapshot.elapsed.as_secs_f64()),
    );
    if let Some(total) = snapshot.total {
        registry.register(
            "expected_records",
            "Records there will be in the whole run",
            ConstGauge::new(total),
        );
    }
}

/// Turns OpenMetrics' description of a counter, which leaves `_total` out of its name, into the older format's.
fn as_text_format(open_metrics: &str) -> String {
    let counters: std::collections::HashSet<&str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open_metrics.len() + 64);
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(kind @ ("HELP" | "TYPE")), Some(name), Some(rest))
                if counters.contains(name) =>
            {
                text.extend(["# ", kind, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// The last success that an earlier run of the same app left in its file. A file of another kind holds none.
fn last_success(text: &str, sdkappid: u64) -> Option<i64> {
    let series = format!("{LAST_SUCCESS}{{sdkappid=\"{sdkappid}\"}} ");
    text.lines()
        .find_map(|line| line.strip_prefix(&series)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::outcome::{Outcome, Tally};

    fn snapshot() -> Snapshot {
        let mut outcomes = Tally::default();
        outcomes.add_many(Outcome::Disbanded, 12_000);
        outcomes.add_many(Outcome::Failed, 4);
        Snapshot {
            elapsed: Duration::from_secs(62),
            records: 14_000,
            total: Some(100_000),
            outcomes,
            calls: 12_500,
            retries: 58,
            throttled: 3,
            in_flight: 12,
            waiting: 3,
            effective_rate: 120.5,
            rate: 200,
            health: Health::Answering,
            draining: false,
        }
    }

    fn called(ms: u64) -> Called {
        Called {
            code: Some(0),
            http_status: Some(200),
            latency: Duration::from_millis(ms),
        }
    }

    /// Reads the text format as strictly as node_exporter does, and returns each series with its value.
    fn parsed(text: &str) -> HashMap<String, f64> {
        let mut series = HashMap::new();
        let mut described = HashSet::new();
        let mut current = ("", "");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(words.ends_with('.') && !words.contains('\\'), "{line}");
                assert!(described.insert(name), "{name} is described twice");
                current.0 = name;
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, current.0, "HELP and TYPE belong together");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                current.1 = kind;
            } else {
                assert!(!line.starts_with('#'), "{line}");
                let (key, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = key.split_once('{').unwrap();
                assert!(
                    labels.contains("sdkappid=\"7\"") && labels.ends_with('}'),
                    "{line}"
                );
                let family = match current.1 {
                    "histogram" => ["_sum", "_count", "_bucket"]
                        .into_iter()
                        .find_map(|suffix| name.strip_suffix(suffix))
                        .unwrap(),
                    _ => name,
                };
                assert_eq!(family, current.0, "a sample stands below its description");
                assert!(
                    series
                        .insert(key.to_owned(), value.parse().unwrap())
                        .is_none(),
                    "{line}"
                );
            }
        }
        series
    }

    #[test]
    fn the_file_reads_back_with_the_figures_of_the_run() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("disband.prom");
        let mut metrics = Metrics::open(&path, 7).unwrap();
        metrics.called(&called(30));
        metrics.called(&called(30_000_000));
        metrics.tick(&snapshot());
        let series = parsed(&fs::read_to_string(&path).unwrap());
        for (key, value) in [
            (
                "records_total{sdkappid=\"7\",outcome=\"disbanded\"}",
                12_000.0,
            ),
            ("records_total{sdkappid=\"7\",outcome=\"exhausted\"}", 0.0),
            ("records_read_total{sdkappid=\"7\"}", 14_000.0),
            ("calls_total{sdkappid=\"7\"}", 12_500.0),
            ("retries_total{sdkappid=\"7\"}", 58.0),
            ("effective_rate{sdkappid=\"7\"}", 120.5),
            ("in_flight_calls{sdkappid=\"7\"}", 12.0),
            ("service_up{sdkappid=\"7\"}", 1.0),
            ("run_active{sdkappid=\"7\"}", 1.0),
            ("last_success_timestamp_seconds{sdkappid=\"7\"}", 0.0),
            (
                "call_duration_seconds_bucket{sdkappid=\"7\",le=\"0.05\"}",
                1.0,
            ),
            (
                "call_duration_seconds_bucket{sdkappid=\"7\",le=\"+Inf\"}",
                2.0,
            ),
            ("call_duration_seconds_count{sdkappid=\"7\"}", 2.0),
        ] {
            assert_eq!(
                series.get(&format!("disband_batch_{key}")),
                Some(&value),
                "{key}"
            );
        }
        assert!(
            !series.keys().any(|key| key.contains("exit_code")),
            "not over yet"
        );
    }

    #[test]
    fn an_outage_shows_as_the_service_being_down() {
        let unreachable = Snapshot {
            health: Health::Unreachable {
                since: Duration::from_secs(1),
                next_probe: Duration::ZERO,
            },
            ..snapshot()
        };
        let frame = Frame {
            sdkappid: 7,
            last_success: 0,
            exit_code: None,
            now: 1,
        };
        let text = render(Some(&unreachable), &Histogram::new(BUCKETS), frame).unwrap();
        assert!(
            text.contains("disband_batch_service_up{sdkappid=\"7\"} 0\n"),
            "{text}"
        );
    }

    #[test]
    fn the_last_success_outlives_a_run_that_fails() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("disband.prom");
        let success = |path| {
            parsed(&fs::read_to_string(path).unwrap())[&format!("{LAST_SUCCESS}{{sdkappid=\"7\"}}")]
        };
        let exit_code = |path| parsed(&fs::read_to_string(path).unwrap())["disband_batch_run_exit_code{sdkappid=\"7\"}"];

        let mut metrics = Metrics::open(&path, 7).unwrap();
        metrics.end(&snapshot());
        metrics.finish(0, UnixMillis(1_700_000_000_999)).unwrap();
        assert_eq!((success(&path), exit_code(&path)), (1_700_000_000.0, 0.0));

        let mut metrics = Metrics::open(&path, 7).unwrap();
        metrics.tick(&snapshot());
        assert_eq!(success(&path), 1_700_000_000.0);
        metrics.finish(3, UnixMillis(1_800_000_000_000)).unwrap();
        assert_eq!((success(&path), exit_code(&path)), (1_700_000_000.0, 3.0));

        // Another app's success is none of this one's.
        assert_eq!(Metrics::open(&path, 8).unwrap().last_success, 0);
    }

    #[test]
    fn the_file_is_written_every_five_seconds_of_the_run() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("disband.prom");
        let mut metrics = Metrics::open(&path, 7).unwrap();
        let mut written = 0;
        for second in 0..=20 {
            let _ = fs::remove_file(&path);
            metrics.tick(&Snapshot {
                elapsed: Duration::from_secs(second),
                ..snapshot()
            });
            written += u32::from(path.exists());
        }
        assert_eq!(written, 5);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_at_the_start() {
        let home = tempfile::tempdir().unwrap();
        let error = Metrics::open(&home.path().join("missing/x.prom"), 7).unwrap_err();
        assert!(error.to_string().contains("missing/x.prom"), "{error}");
    }

    #[test]
    fn rules_and_dashboard_name_only_series_that_exist() {
        let frame = Frame {
            sdkappid: 7,
            last_success: 0,
            exit_code: Some(0),
            now: 1,
        };
        let text = render(Some(&snapshot()), &Histogram::new(BUCKETS), frame).unwrap();
        let known: HashSet<String> = parsed(&text)
            .into_keys()
            .filter_map(|key| Some(key.split_once('{')?.0.to_owned()))
            .collect();
        for file in [
            include_str!("../contrib/prometheus/alerts.yml"),
            include_str!("../contrib/grafana/dashboard.json"),
        ] {
            let names: HashSet<&str> = file
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .filter(|word| word.starts_with("disband_batch_"))
                .collect();
            assert!(names.len() > 4, "{names:?}");
            for name in names {
                assert!(known.contains(name), "{name} is not among the metrics");
            }
        }
    }
}
