//! One request, as the API page has it, and the moment in which it leaves.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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

/// Where a request passes when it leaves.
pub(super) struct Gate {
    departure: Arc<dyn Departure>,
    left: AtomicBool,
}

impl Gate {
    pub(super) fn new(departure: Arc<dyn Departure>) -> Arc<Self> {
        Arc::new(Self {
            departure,
            left: AtomicBool::new(false),
        })
    }

    /// Whether the request left, at least in part. If not, nobody can have acted on it.
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

/// The body of a request. It is asked for its bytes when there is a connection and the head is written to it, in the same
/// breath (hyper's `proto::h1::dispatch`): that is when the request leaves.
struct Parcel {
    bytes: Option<Bytes>,
    gate: Arc<Gate>,
}

impl Body for Parcel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            self.gate.left.store(true, Ordering::Release);
            self.gate.departure.departed();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
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
