//! The seam between the engine and whatever disbands groups: a HTTP client, or a script in virtual time.

use std::{future::Future, sync::Arc, time::Duration};

use crate::{group::GroupId, verdict::Verdict};

/// What came back from one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// `ErrorCode`, if the service itself answered.
    pub code: Option<i64>,
    /// `ErrorInfo` as the service sent it, or the transport's fault in words; holds no secret, may hold anything else.
    pub info: Box<str>,
    /// HTTP status, if an HTTP answer came.
    pub http_status: Option<u16>,
    /// From handing the call over to the end of its answer.
    pub latency: Duration,
    /// How long the service asks the whole run to wait (`Retry-After`), if it did.
    pub retry_after: Option<Duration>,
    /// Which credential the call carried, as counted by [`Disband::renew`].
    pub credential: u64,
}

/// Tells the pacer when a call really leaves.
///
/// A permit is granted before the call waits for its connection; what the service counts is what arrives. So whoever
/// writes the request says when it does.
pub trait Departure: Send + Sync + 'static {
    /// The request is being written, now. Called at most once a call.
    fn departed(&self);
}

/// A credential could not be renewed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRenew {
    /// It was made elsewhere.
    #[error("the UserSig was made elsewhere and there is no key here to make another")]
    NoKey,
}

/// Something that disbands groups, one a call.
pub trait Disband: Send + Sync + 'static {
    /// Makes one call. Decides nothing about trying again. Ends within the call's time-out.
    fn disband(
        &self,
        group: &GroupId,
        departure: Arc<dyn Departure>,
    ) -> impl Future<Output = Answer> + Send;

    /// Makes a fresh credential unless one fresher than `used` exists already, and returns the number of the one that
    /// further calls will carry.
    ///
    /// # Errors
    /// [`CannotRenew`] where there is no key.
    fn renew(&self, used: u64) -> Result<u64, CannotRenew>;

    /// The service cannot be reached where the calls go now: tries the next known host from now on, and returns its
    /// name if there is another one.
    fn switch_host(&self) -> Option<String> {
        None
    }
}
