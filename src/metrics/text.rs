//! The run in Prometheus' text format, for node_exporter's textfile collector.
//!
//! The collector reads the older text format, not OpenMetrics: there a counter's `TYPE` line carries the full name with
//! `_total`, `# UNIT` and `# EOF` do not exist, and timestamps are refused; two files with the same series break the
//! whole collector, so every series carries the app's number. See node_exporter's README, "Textfile Collector", and
//! "Exposition formats" in Prometheus' documentation.

use std::{
    fs,
    io::{self, Read},
    path::Path,
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

use crate::observe::{Health, Snapshot};

/// Upper bounds of the latency buckets in seconds. The vendor answers within some 50 ms, gives itself 3 s, and ten
/// seconds are the default time-out.
pub(super) const BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

const LAST_SUCCESS: &str = "disband_batch_last_success_timestamp_seconds";

/// No metrics file is larger (bytes).
const MOST: u64 = 1024 * 1024;

/// What the file tells beside the run's figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) sdkappid: u64,
    /// Unix seconds of the last run that ended with 0; 0 if none is known.
    pub(super) last_success: i64,
    /// The exit code, once there is one.
    pub(super) exit_code: Option<u8>,
    /// Unix seconds, now.
    pub(super) now: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// The file's text. A registry is filled anew each time: the figures are the engine's, not ours to count again.
pub(super) fn render(
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

/// The text of an earlier metrics file; nothing where it is no such file. An empty one may become one.
pub(super) fn earlier(path: &Path) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let ours = text.is_empty() || text.starts_with("# HELP disband_batch_");
    Ok(ours.then_some(text))
}

/// The last success that an earlier run of the same app left in its file. A file of another kind holds none.
pub(super) fn last_success(text: &str, sdkappid: u64) -> Option<i64> {
    let series = format!("{LAST_SUCCESS}{{sdkappid=\"{sdkappid}\"}} ");
    text.lines()
        .find_map(|line| line.strip_prefix(&series)?.trim().parse().ok())
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        collections::{HashMap, HashSet},
        time::Duration,
    };

    use super::*;
    use crate::outcome::{Outcome, Tally};

    pub(in crate::metrics) fn snapshot() -> Snapshot {
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

    /// Reads the text format as strictly as node_exporter does, and returns each series with its value.
    pub(in crate::metrics) fn parsed(text: &str) -> HashMap<String, f64> {
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
            include_str!("../../contrib/prometheus/alerts.yml"),
            include_str!("../../contrib/grafana/dashboard.json"),
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
