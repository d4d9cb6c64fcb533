//! A run over time, in a bounded number of buckets.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{figures, wall::UnixMillis};

/// Buckets aimed at: about as many as a chart has columns.
const BUCKETS: i64 = 1_000;

/// What happened within one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Calls answered.
    pub calls: u64,
    /// Those of them that were not the first for their group.
    pub retries: u64,
    /// Half of the calls took no longer, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 90 of 100 calls took no longer.
    pub p90_ms: Option<f64>,
    /// 99 of 100 calls took no longer.
    pub p99_ms: Option<f64>,
}

/// A run over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Unix seconds of the first bucket's begin.
    pub first_s: i64,
    /// Seconds in a bucket.
    pub width_s: i64,
    /// The buckets, without gaps.
    pub buckets: Vec<Bucket>,
}

/// The series as the chart wants it: a list for each line.
#[derive(Serialize)]
pub(super) struct Columns {
    at: Vec<i64>,
    calls: Vec<f64>,
    retries: Vec<f64>,
    p50: Vec<Option<f64>>,
    p90: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
}

impl Series {
    pub(super) fn columns(&self) -> Columns {
        #[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
        let a_second = |n: u64| figures::rounded(n as f64 / self.width_s.max(1) as f64);
        let each = |value: fn(&Bucket) -> Option<f64>| self.buckets.iter().map(value).collect();
        Columns {
            at: (self.first_s..)
                .step_by(usize::try_from(self.width_s.max(1)).unwrap_or(usize::MAX))
                .take(self.buckets.len())
                .collect(),
            calls: self.buckets.iter().map(|b| a_second(b.calls)).collect(),
            retries: self.buckets.iter().map(|b| a_second(b.retries)).collect(),
            p50: each(|b| b.p50_ms),
            p90: each(|b| b.p90_ms),
            p99: each(|b| b.p99_ms),
        }
    }
}

/// Builds a [`Series`] from calls in the order of their answers, holding one histogram only.
#[derive(Debug)]
pub struct SeriesBuilder {
    series: Series,
    current: Bucket,
    latencies: Option<Histogram<u64>>,
}

impl SeriesBuilder {
    /// Begins a series for a run whose first answer came at `first` and whose last came at `last`.
    pub fn new(first: UnixMillis, last: UnixMillis) -> Self {
        let (first, last) = (first.0.div_euclid(1000), last.0.div_euclid(1000));
        let span = last.saturating_sub(first).max(0).saturating_add(1);
        Self {
            series: Series {
                first_s: first,
                width_s: span / BUCKETS + i64::from(span % BUCKETS != 0),
                buckets: Vec::new(),
            },
            current: Bucket::default(),
            // Microseconds, up to an hour, to one in a hundred: it is for a chart.
            latencies: Histogram::new_with_bounds(1, 3_600_000_000, 2).ok(),
        }
    }

    /// Takes in one answered call. One that comes late, or beyond the end, counts where the series is.
    pub fn called(&mut self, at: UnixMillis, latency: Duration, retry: bool) {
        let offset = at.0.div_euclid(1000).saturating_sub(self.series.first_s);
        let place = (offset / self.series.width_s).clamp(0, BUCKETS - 1);
        while i64::try_from(self.series.buckets.len()).is_ok_and(|here| here < place) {
            self.close_bucket();
        }
        self.current.calls += 1;
        self.current.retries += u64::from(retry);
        if let Some(latencies) = &mut self.latencies {
            latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// The series.
    pub fn finish(mut self) -> Series {
        if self.current.calls > 0 {
            self.close_bucket();
        }
        self.series
    }

    fn close_bucket(&mut self) {
        let mut bucket = std::mem::take(&mut self.current);
        if let Some(latencies) = self.latencies.as_mut().filter(|l| !l.is_empty()) {
            let at = |quantile| {
                let us = latencies.value_at_quantile(quantile);
                Some(figures::ms(Duration::from_micros(us)))
            };
            (bucket.p50_ms, bucket.p90_ms, bucket.p99_ms) = (at(0.5), at(0.9), at(0.99));
            latencies.reset();
        }
        self.series.buckets.push(bucket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_gap_is_a_bucket_without_calls() {
        let mut builder = SeriesBuilder::new(UnixMillis(10_500), UnixMillis(13_000));
        builder.called(UnixMillis(10_500), 10 * MS, false);
        builder.called(UnixMillis(10_900), 20 * MS, true);
        builder.called(UnixMillis(13_000), 30 * MS, false);
        // Late: counted where the series is.
        builder.called(UnixMillis(10_901), 30 * MS, false);
        let series = builder.finish();
        assert_eq!((series.first_s, series.width_s), (10, 1));
        let calls: Vec<_> = series
            .buckets
            .iter()
            .map(|b| (b.calls, b.retries))
            .collect();
        assert_eq!(calls, [(2, 1), (0, 0), (0, 0), (2, 0)]);
        assert_eq!(series.buckets[1].p50_ms, None);
        let p99 = series.buckets[0].p99_ms.unwrap();
        assert!((p99 - 20.0).abs() <= 0.2, "{p99}");
        assert_eq!(series.columns().at, [10, 11, 12, 13]);
    }

    #[test]
    fn a_long_run_has_no_more_buckets_than_a_short_one_could() {
        let week = 7 * 86_400_000;
        let mut builder = SeriesBuilder::new(UnixMillis(0), UnixMillis(week));
        for ms in (0..=week + 1_000_000).step_by(100_000) {
            builder.called(UnixMillis(ms), MS, false);
        }
        let series = builder.finish();
        assert!(series.buckets.len() <= 1_000, "{}", series.buckets.len());
        assert!(series.buckets.len() > 900, "{}", series.buckets.len());
        let calls: u64 = series.buckets.iter().map(|b| b.calls).sum();
        assert_eq!(calls, 6_059);
    }

    #[test]
    fn clocks_that_run_backwards_harm_nothing() {
        let mut builder = SeriesBuilder::new(UnixMillis(i64::MAX), UnixMillis(i64::MIN));
        builder.called(UnixMillis(i64::MIN), MS, false);
        builder.called(UnixMillis(i64::MAX), MS, false);
        assert_eq!(builder.finish().buckets.len(), 1);
    }
}
