//! One request, as the API page has it, and the moment in which it leaves.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Method, Request};
use url::{Url, form_urlencoded::byte_serialize};

use super::ClientSettings;
use crate::{disband::Departure, tencent::credential::Credential};

/// A URL but for its nonce: the same for all calls to one host with one UserSig. Has no `Debug`, for it holds the
/// UserSig.
pub(super) struct Target {
    host: usize,
    generation: u64,
    url: Url,
}

impl Target {
    pub(super) fn new(settings: &ClientSettings, path: &str, credential: &Credential) -> Self {
        let (host, endpoint) = settings.hosts.current();
        let mut url = endpoint.url().clone();
        url.set_path(path);
        url.set_query(Some(&format!(
            "sdkappid={}&identifier={}&usersig={}",
            settings.sdkappid,
            percent_encoded(&settings.identifier),
            percent_encoded(credential.usersig.expose()),
        )));
        Self {
            host,
            generation: credential.generation,
            url,
        }
    }

    /// Whether it is still where calls go and what they carry.
    pub(super) fn fits(&self, settings: &ClientSettings, credential: &Credential) -> bool {
        self.host == settings.hosts.current().0 && self.generation == credential.generation
    }

    /// A request with parameters in the order of the API page.
    pub(super) fn request(&self, nonce: u32, body: Vec<u8>, gate: &Arc<Gate>) -> Request {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("random", &nonce.to_string())
            .append_pair("contenttype", "json");
        let mut request = Request::new(Method::POST, url);
        *request.body_mut() = Some(reqwest::Body::wrap(Parcel {
            bytes: Some(body.into()),
            gate: Arc::clone(gate),
        }));
        request
    }
}

/// Encodes what may stand in a query's value; a space becomes `%20`, which every decoder reads.
fn percent_encoded(text: &str) -> String {
    // A `+` of the text itself is `%2B` by then.
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Where a request passes when it leaves, unless its call has ended before.
pub(super) struct Gate {
    departure: Arc<dyn Departure>,
    state: AtomicU8,
}

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const CLOSED: u8 = 2;

impl Gate {
    pub(super) fn new(departure: Arc<dyn Departure>) -> Arc<Self> {
        Arc::new(Self {
            departure,
            state: AtomicU8::new(WAITING),
        })
    }

    /// Lets a request pass, if it does so in time.
    fn pass(&self) -> bool {
        let passes = self.change_to(LEFT).is_ok();
        if passes {
            self.departure.departed();
        }
        passes
    }

    /// Ends the call: whether the request left, at least in part. If not, it never will, and nobody can have acted on it.
    pub(super) fn close(&self) -> bool {
        self.change_to(CLOSED) == Err(LEFT)
    }

    fn change_to(&self, state: u8) -> Result<u8, u8> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state
            .compare_exchange(WAITING, state, success, failure)
    }
}

/// The body of a request. It is asked for its bytes when there is a connection and the head is written to it, in the same
/// breath (hyper's `proto::h1::dispatch`): that is when the request leaves.
struct Parcel {
    bytes: Option<Bytes>,
    gate: Arc<Gate>,
}

/// The request is not sent any more; the connection that would have carried it is given up.
#[derive(Debug, thiserror::Error)]
#[error("the call is over")]
struct CallIsOver;

impl Body for Parcel {
    type Data = Bytes;
    type Error = CallIsOver;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallIsOver>>> {
        Poll::Ready(self.bytes.take().map(|bytes| {
            if self.gate.pass() {
                Ok(Frame::data(bytes))
            } else {
                Err(CallIsOver)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tencent::client::Unwatched;

    #[test]
    fn a_request_leaves_once_and_not_after_its_call_has_ended() {
        let gate = Gate::new(Arc::new(Unwatched));
        assert!(gate.pass());
        assert!(!gate.pass());
        assert!(gate.close());
        assert!(gate.close());

        let gate = Gate::new(Arc::new(Unwatched));
        assert!(!gate.close());
        assert!(!gate.pass());
        assert!(!gate.close());
    }

    #[test]
    fn values_are_percent_encoded_and_a_usersig_needs_none() {
        for (text, encoded) in [
            ("administrator", "administrator"),
            ("eJyr*-_A", "eJyr*-_A"),
            ("a b+c&d=e#f%g", "a%20b%2Bc%26d%3De%23f%25g"),
            ("管", "%E7%AE%A1"),
        ] {
            assert_eq!(percent_encoded(text), encoded);
        }
    }
}
