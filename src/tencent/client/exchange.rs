//! From request to the whole answer, in bounded memory, and what it means when that breaks off.

use std::{error::Error, io, time::Duration};

use reqwest::{Response, StatusCode, header::RETRY_AFTER};

use super::retry_after;
use crate::{
    tencent::{
        fault::{Fault, Unreadable},
        wire::MAX_BODY_BYTES,
    },
    wall::UnixMillis,
};

/// What has come of an answer so far: outlives the time-out that cuts it.
#[derive(Default)]
pub(super) struct Exchange {
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// Why an exchange broke off.
pub(super) enum Cut {
    /// The HTTP client gave up. Never shown as it is: it names the URL.
    Http(reqwest::Error),
    /// There is an answer, but none of the service's.
    Answer(Fault),
}

impl Exchange {
    /// The body of an answer with status 200.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends the request and reads the answer; ends well with a body of status 200 only.
    pub(super) async fn run(
        &mut self,
        http: &reqwest::Client,
        request: reqwest::Request,
    ) -> Result<(), Cut> {
        let mut response = http.execute(request).await.map_err(Cut::Http)?;
        let status = response.status();
        self.status = Some(status.as_u16());
        // Other bodies say nothing that is trusted.
        if status != StatusCode::OK {
            self.retry_after = asked_to_wait(&response);
            return Err(Cut::Answer(if status.is_redirection() {
                Fault::Redirect(status.as_u16())
            } else {
                Fault::HttpStatus(status.as_u16())
            }));
        }
        if response
            .content_length()
            .is_some_and(|length| length > MAX_BODY_BYTES as u64)
        {
            return Err(Cut::Answer(Fault::Unreadable(Unreadable::Oversized)));
        }
        while let Some(chunk) = response.chunk().await.map_err(Cut::Http)? {
            if self.body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(Cut::Answer(Fault::Unreadable(Unreadable::Oversized)));
            }
            self.body.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

/// `Retry-After` of the one status that section 6 of the spec honours it for.
fn asked_to_wait(response: &Response) -> Option<Duration> {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    retry_after::parse(value, UnixMillis::now())
}

impl Cut {
    /// What it is when the request never left.
    pub(super) fn before_departure(self, connect_timeout: Duration) -> Fault {
        let error = match self {
            Self::Answer(fault) => return fault,
            Self::Http(error) => error.without_url(),
        };
        let cause = deepest_cause(&error).into();
        if error.is_dns() {
            Fault::Dns(cause)
        } else if error.is_timeout() {
            Fault::ConnectTimeout(connect_timeout)
        } else if chain(&error).any(|cause| cause.is::<rustls::Error>()) {
            Fault::Tls(cause)
        } else if error.is_connect() {
            Fault::Connect(cause)
        } else {
            Fault::NotSent(cause)
        }
    }

    /// What it is when the request left, at least in part.
    pub(super) fn after_departure(self) -> Fault {
        let error = match self {
            Self::Answer(fault) => return fault,
            Self::Http(error) => error.without_url(),
        };
        let hyper = || chain(&error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
        if hyper().any(hyper::Error::is_parse_too_large) {
            Fault::Unreadable(Unreadable::HeadersTooLarge)
        } else if hyper().any(hyper::Error::is_parse) {
            Fault::Unreadable(Unreadable::NotHttp)
        } else {
            Fault::Ended(deepest_cause(&error).into())
        }
    }
}

/// What an error says at its bottom, where the fact is ("Connection refused"). Not for errors that name a URL.
pub(super) fn deepest_cause(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}

/// An error and its causes. The cause inside an `io::Error` counts, too, which `source` skips.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inside: Option<&'a (dyn Error + 'static)> = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inside| inside as _);
        inside.or_else(|| error.source())
    })
}
