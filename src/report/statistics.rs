//! What the summary is made of, counted while the run goes on, in fixed memory.

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::errors::{ErrorCount, ErrorTally};
use crate::{
    figures,
    observe::{Called, Notice, Observer, Snapshot},
    row::Row,
};

/// Warnings kept for the summary. There are a dozen kinds; a flood of one must not grow with the run.
const WARNINGS: usize = 100;

/// Latencies are told apart up to an hour, in microseconds; time-outs are far below.
const SLOWEST_US: u64 = 3_600_000_000;

/// Counts what the summary tells. Watches a run as an [`Observer`].
#[derive(Debug)]
pub struct Statistics {
    /// `None` would mean that the constants above are wrong; a test says they are not.
    latencies: Option<Histogram<u64>>,
    slowest: Duration,
    errors: ErrorTally,
    warnings: Vec<Arc<str>>,
    warnings_dropped: u64,
    last: Option<Snapshot>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            latencies: Histogram::new_with_bounds(1, SLOWEST_US, 3).ok(),
            slowest: Duration::ZERO,
            errors: ErrorTally::default(),
            warnings: Vec::new(),
            warnings_dropped: 0,
            last: None,
        }
    }
}

/// Latency percentiles of this session's calls, in milliseconds with up to three decimals; `null` without calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LatencyMs {
    /// The median.
    pub p50: Option<f64>,
    /// 90 of 100 calls were not slower.
    pub p90: Option<f64>,
    /// 99 of 100 calls were not slower.
    pub p99: Option<f64>,
    /// The slowest call.
    pub max: Option<f64>,
}

impl Statistics {
    /// The last snapshot, which is the final one once the run has ended.
    pub fn last(&self) -> Option<&Snapshot> {
        self.last.as_ref()
    }

    /// The percentiles so far; exact to 0.1 %, the maximum exactly.
    pub fn latency_ms(&self) -> LatencyMs {
        let Some(latencies) = self.latencies.as_ref().filter(|l| !l.is_empty()) else {
            return LatencyMs::default();
        };
        let at = |quantile: f64| {
            let bound = Duration::from_micros(latencies.value_at_quantile(quantile));
            Some(figures::ms(bound.min(self.slowest)))
        };
        LatencyMs {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Some(figures::ms(self.slowest)),
        }
    }

    /// The commonest errors.
    pub fn commonest_errors(&self, n: usize) -> Vec<ErrorCount> {
        self.errors.commonest(n)
    }

    /// The warnings so far, and one that says so where there were too many to keep.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<_> = self.warnings.iter().map(ToString::to_string).collect();
        if self.warnings_dropped > 0 {
            warnings.push(format!(
                "{} stand only in the log",
                figures::counted(self.warnings_dropped, "further warning")
            ));
        }
        warnings
    }
}

impl Observer for Statistics {
    fn row(&mut self, row: &Row) {
        self.errors.row(row);
    }

    fn called(&mut self, called: &Called) {
        self.errors.called(called);
        self.slowest = self.slowest.max(called.latency);
        if let Some(latencies) = &mut self.latencies {
            latencies
                .saturating_record(u64::try_from(called.latency.as_micros()).unwrap_or(u64::MAX));
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if !notice.warning || self.warnings.contains(&notice.text) {
            return;
        }
        if self.warnings.len() < WARNINGS {
            self.warnings.push(Arc::clone(&notice.text));
        } else {
            self.warnings_dropped += 1;
        }
    }

    fn tick(&mut self, snapshot: &Snapshot) {
        self.last = Some(snapshot.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(latency: Duration) -> Called {
        Called {
            code: Some(0),
            http_status: Some(200),
            latency,
        }
    }

    #[test]
    fn percentiles_are_those_of_the_calls() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.latency_ms(), LatencyMs::default());
        for ms in 1..=1000 {
            statistics.called(&called(Duration::from_millis(ms)));
        }
        let latency = statistics.latency_ms();
        for (value, exact) in [
            (latency.p50, 500.0),
            (latency.p90, 900.0),
            (latency.p99, 990.0),
        ] {
            assert!(
                (value.unwrap() - exact).abs() <= exact / 1000.0,
                "{value:?}"
            );
        }
        assert_eq!(latency.max, Some(1000.0));
    }

    #[test]
    fn a_latency_beyond_all_bounds_is_still_counted() {
        let mut statistics = Statistics::default();
        statistics.called(&called(Duration::from_secs(100_000)));
        assert_eq!(statistics.latency_ms().max, Some(100_000_000.0));
        assert!(statistics.latency_ms().p50 >= Some(3_600_000.0));
    }

    #[test]
    fn warnings_are_kept_once_and_not_without_end() {
        let mut statistics = Statistics::default();
        let warn = |text: String| Notice {
            warning: true,
            text: text.into(),
        };
        for n in 0..150 {
            statistics.notice(&warn(format!("warning {n}")));
            statistics.notice(&warn("warning 0".to_owned()));
        }
        statistics.notice(&Notice {
            warning: false,
            text: "by the way".into(),
        });
        let warnings = statistics.warnings();
        assert_eq!(warnings.len(), WARNINGS + 1);
        assert_eq!(warnings[1], "warning 1");
        assert_eq!(
            warnings[WARNINGS],
            "50 further warnings stand only in the log"
        );
    }
}
