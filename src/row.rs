//! One line of the report.

use std::{sync::Arc, time::Duration};

use crate::{outcome::Outcome, wall::UnixMillis};

/// What became of one input record, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The record's number in the input, from 1.
    pub seq: u64,
    /// The ID as it stood in the input.
    pub group_id: Box<str>,
    /// What became of it.
    pub outcome: Outcome,
    /// `ErrorCode` of the last answer, 0 for success; none where no answer of the service's came.
    pub error_code: Option<i64>,
    /// `ErrorInfo` of the service, the transport's fault, or why the record is `invalid`.
    pub error_info: Option<Box<str>>,
    /// Calls made for this group, in all sessions of the run.
    pub attempts: u32,
    /// HTTP status of the last call, if an answer came.
    pub http_status: Option<u16>,
    /// How long the last call took.
    pub latency: Option<Duration>,
    /// When the first call was about to leave.
    pub started_at: Option<UnixMillis>,
    /// When the last answer came.
    pub finished_at: Option<UnixMillis>,
    /// File name, or `stdin`.
    pub source: Arc<str>,
    /// Line in the source, from 1.
    pub line: u64,
}

impl Row {
    /// The row of a record for whose sake nobody was called.
    pub(crate) fn not_called(
        (seq, source, line): (u64, Arc<str>, u64),
        group_id: Box<str>,
        outcome: Outcome,
    ) -> Self {
        Self {
            seq,
            group_id,
            outcome,
            error_code: None,
            error_info: None,
            attempts: 0,
            http_status: None,
            latency: None,
            started_at: None,
            finished_at: None,
            source,
            line,
        }
    }
}
