//! The seam between a run and those who watch it: report, bar, log lines, metrics, nothing.

use std::{future::Future, sync::Arc, time::Duration};

use crate::{outcome::Tally, row::Row};

/// Whether the service answers, as far as the run can tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// It does.
    Answering,
    /// It does not: nothing is sent but a probe now and then.
    Unreachable {
        /// For how long.
        since: Duration,
        /// When it is asked again.
        next_probe: Duration,
    },
}

/// The figures of a run at one moment. Counters only grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Since the run's (this session's) first decision.
    pub elapsed: Duration,
    /// Records read so far, those of earlier sessions included.
    pub records: u64,
    /// All records there will be, once that is known.
    pub total: Option<u64>,
    /// Records by outcome so far, those of earlier sessions included.
    pub outcomes: Tally,
    /// Calls made in this session, retries included.
    pub calls: u64,
    /// Calls that were not the first for their group, in this session.
    pub retries: u64,
    /// Answers that asked the run to slow down, in this session.
    pub throttled: u64,
    /// Calls under way.
    pub in_flight: usize,
    /// Groups that wait for their next try.
    pub waiting: usize,
    /// Calls a second that the pacer allows now; below `rate` after the service asked to slow down.
    pub effective_rate: f64,
    /// Calls a second that were asked for.
    pub rate: u32,
    /// Whether the service answers.
    pub health: Health,
    /// The run has been asked to stop and waits for calls under way.
    pub draining: bool,
}

/// Something a person should be told at once; also kept for the summary where `warning` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether it belongs into the summary's warnings.
    pub warning: bool,
    /// A whole sentence, without secrets; control characters are already escaped.
    pub text: Arc<str>,
}

/// One answer to a call, for those who count or time them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Called {
    /// `ErrorCode`, if the service itself answered.
    pub code: Option<i64>,
    /// HTTP status, if an HTTP answer came.
    pub http_status: Option<u16>,
    /// How long it took.
    pub latency: Duration,
}

/// One who watches a run. Called from the engine's thread: be quick, never block for long.
pub trait Observer {
    /// A record has its outcome, durably.
    fn row(&mut self, row: &Row) {
        let _ = row;
    }
    /// A call was answered.
    fn called(&mut self, called: &Called) {
        let _ = called;
    }
    /// A person should be told.
    fn notice(&mut self, notice: &Notice) {
        let _ = notice;
    }
    /// The figures now; a few times a second.
    fn tick(&mut self, snapshot: &Snapshot) {
        let _ = snapshot;
    }
    /// The run is over; `snapshot` is the last word.
    fn end(&mut self, snapshot: &Snapshot) {
        self.tick(snapshot);
    }
}

/// Why rows can't be written any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkFailed {
    /// Nobody reads them (a closed pipe): no fault of anybody.
    ReaderGone,
    /// A sentence that says what happened to which file.
    Trouble(String),
}

/// A [`RowSink`] that hands each row to a function.
pub struct Each<F>(pub F);

impl<F: FnMut(Row) + Send + 'static> RowSink for Each<F> {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), SinkFailed> {
        rows.into_iter().for_each(&mut self.0);
        Ok(())
    }
}

/// Where the rows of a run go, in batches.
pub trait RowSink: Send + 'static {
    /// Takes rows that the ledger holds already; slow writing slows the run.
    ///
    /// # Errors
    /// [`SinkFailed`], from then on for ever.
    fn write(&mut self, rows: Vec<Row>) -> impl Future<Output = Result<(), SinkFailed>> + Send;

    /// Waits until all rows are where they belong.
    ///
    /// # Errors
    /// [`SinkFailed`].
    fn finish(self) -> impl Future<Output = Result<(), SinkFailed>> + Send
    where
        Self: Sized,
    {
        async { Ok(()) }
    }
}
