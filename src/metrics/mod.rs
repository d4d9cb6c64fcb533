//! The metrics file: when it is written, and what outlives a run.

mod text;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use prometheus_client::metrics::histogram::Histogram;

use crate::{
    escape::Escaped,
    observe::{Called, Observer, Snapshot},
    replace,
    wall::UnixMillis,
};

use text::Frame;

/// Between two writes: half of the shortest scrape interval in common use.
const EVERY: Duration = Duration::from_secs(5);

/// The metrics file can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MetricsError {
    /// It could not be written.
    #[error(
        "the metrics cannot be written to {}: {cause}. Name another file with --metrics-file",
        Escaped(&path.to_string_lossy())
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: Arc<io::Error>,
    },
    /// Something else is there: an input or a key, perhaps.
    #[error(
        "{} is no metrics file of disband-batch, and is not replaced by one. Name another file with --metrics-file",
        Escaped(&.0.to_string_lossy())
    )]
    Foreign(PathBuf),
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

impl Metrics {
    /// Takes over the last success from the file that is there, and proves that it can be written.
    ///
    /// # Errors
    /// [`MetricsError`] where it cannot, or where something else is there.
    pub fn open(path: &Path, sdkappid: u64) -> Result<Self, MetricsError> {
        // A link stays a link: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let failed = |cause: io::Error| MetricsError::Write {
            path: path.clone(),
            cause: Arc::new(cause),
        };
        let previous = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
            Ok(there) if there.is_file() => text::earlier(&path)
                .map_err(failed)?
                .ok_or_else(|| MetricsError::Foreign(path.clone()))?,
            Ok(_) => return Err(MetricsError::Foreign(path)),
        };
        // The old figures stay until there are new ones.
        drop(replace::beside(&path).map_err(failed)?);
        Ok(Self {
            path,
            sdkappid,
            latencies: Histogram::new(text::BUCKETS),
            last_success: text::last_success(&previous, sdkappid).unwrap_or(0),
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
        self.write(frame).map_err(|cause| MetricsError::Write {
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
        let text =
            text::render(self.last.as_ref(), &self.latencies, frame).map_err(io::Error::other)?;
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

#[cfg(test)]
mod tests {
    use super::{
        text::tests::{parsed, snapshot},
        *,
    };

    fn called(ms: u64) -> Called {
        Called {
            code: Some(0),
            http_status: Some(200),
            latency: Duration::from_millis(ms),
        }
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
    fn the_last_success_outlives_a_run_that_fails() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("disband.prom");
        let success = |path| parsed(&fs::read_to_string(path).unwrap())["disband_batch_last_success_timestamp_seconds{sdkappid=\"7\"}"];
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
    fn what_is_no_metrics_file_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ids.txt");
        fs::write(&path, "group-1\n").unwrap();
        let error = Metrics::open(&path, 7).unwrap_err();
        assert!(matches!(error, MetricsError::Foreign(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "group-1\n");
        let error = Metrics::open(Path::new("/dev/null"), 7).unwrap_err();
        assert!(matches!(error, MetricsError::Foreign(_)), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Metrics::open(&link, 7).unwrap().tick(&snapshot());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(parsed(&fs::read_to_string(&file).unwrap()).len() > 9);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_at_the_start() {
        let home = tempfile::tempdir().unwrap();
        let error = Metrics::open(&home.path().join("missing/x.prom"), 7).unwrap_err();
        assert!(error.to_string().contains("missing/x.prom"), "{error}");
    }
}
