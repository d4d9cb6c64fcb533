//! Answers, honest and faulty, as they go on the wire.

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
};
use serde_json::{Value, json};

use super::{check::REDIRECT_PATH, fault::FaultKind};

/// An answer, and what the log says of it.
#[derive(Debug)]
pub(super) struct Answer {
    /// How long the caller waits for it.
    pub(super) delay: Duration,
    pub(super) delivery: Delivery,
    /// `ErrorCode`, if the answer is a well-formed one of the service.
    pub(super) code: Option<i64>,
    /// HTTP status, if it is an HTTP answer.
    pub(super) status: Option<u16>,
}

/// How an answer is delivered.
#[derive(Debug)]
pub(super) enum Delivery {
    /// As HTTP has it; the connection goes on.
    Response(Response<Full<Bytes>>),
    /// Never.
    Never,
    /// In a way that HTTP forbids; the connection ends with it.
    Takeover(Takeover),
}

/// What happens to a connection that is taken out of the HTTP server's hands. An error, for that is how a service makes
/// the server let go.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection is taken over for a fault")]
pub(super) enum Takeover {
    /// TCP reset.
    Reset,
    /// Orderly end.
    Close,
    /// These bytes, then an orderly end.
    Bytes(Bytes),
    /// These bytes one a second, then an orderly end.
    Drip(Bytes),
    /// An opening, then the same piece over and over for as long as the caller reads.
    Flood(&'static [u8], &'static [u8]),
}

impl Answer {
    /// An answer of the service itself.
    pub(super) fn code(code: i64) -> Self {
        if code == 0 {
            let body = Bytes::from_static(br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#);
            return Self::well_formed(0, body);
        }
        Self::json(code, &envelope(code))
    }

    /// An answer of the service itself with more in it than a code.
    pub(super) fn json(code: i64, body: &Value) -> Self {
        Self::well_formed(code, Bytes::from(body.to_string()))
    }

    fn well_formed(code: i64, body: Bytes) -> Self {
        Self {
            code: Some(code),
            ..Self::http(StatusCode::OK, "application/json", body)
        }
    }

    /// An answer of this kind instead of the honest one with the code `honest`.
    pub(super) fn faulty(kind: FaultKind, honest: i64) -> Self {
        match kind {
            FaultKind::Code(code) => Self::code(code),
            FaultKind::Control => Self::json(10004, &control()),
            FaultKind::Status(status) => Self::proxy(status),
            FaultKind::Redirect => {
                let mut answer = Self::http(StatusCode::FOUND, "text/html", Bytes::new());
                answer.header(LOCATION, HeaderValue::from_static(REDIRECT_PATH));
                answer
            }
            FaultKind::Portal => {
                let page = Bytes::from_static(
                    b"<!DOCTYPE html><title>Welcome</title><h1>Log in to go online</h1>",
                );
                Self::http(StatusCode::OK, "text/html", page)
            }
            FaultKind::Oversized => Self::http(StatusCode::OK, "application/json", oversized()),
            FaultKind::Hang => Self::without_status(Delivery::Never),
            FaultKind::Reset => Self::takeover(Takeover::Reset),
            FaultKind::Close => Self::takeover(Takeover::Close),
            FaultKind::Gibberish => Self::takeover(Takeover::Bytes(Bytes::from_static(
                b"\x16\x03\x01\x00\xff\x00 no HTTP\r\n\r\n",
            ))),
            FaultKind::EndlessHeaders => {
                Self::takeover(Takeover::Flood(b"HTTP/1.1 200 OK\r\n", ENDLESS_HEADERS))
            }
            FaultKind::EndlessBody => {
                Self::takeover(Takeover::Flood(ENDLESS_BODY_HEAD, ENDLESS_BODY))
            }
            FaultKind::Truncated => {
                let body = envelope(honest).to_string();
                let half = body.get(..body.len() / 2).unwrap_or_default();
                Self::takeover(Takeover::Bytes(raw(half, body.len())))
            }
            FaultKind::Slow => {
                let body = envelope(honest).to_string();
                Self::takeover(Takeover::Drip(raw(&body, body.len())))
            }
            garbled => Self::http(StatusCode::OK, "application/json", garble(garbled, honest)),
        }
    }

    /// A page of a proxy in between.
    fn proxy(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        let page = format!(
            "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\r\n"
        );
        let mut answer = Self::http(status, "text/html", Bytes::from(page));
        if status == StatusCode::TOO_MANY_REQUESTS {
            answer.header(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }

    fn http(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status: Some(status.as_u16()),
            ..Self::without_status(Delivery::Response(response))
        }
    }

    fn header(&mut self, name: hyper::header::HeaderName, value: HeaderValue) {
        if let Delivery::Response(response) = &mut self.delivery {
            response.headers_mut().insert(name, value);
        }
    }

    fn takeover(takeover: Takeover) -> Self {
        Self::without_status(Delivery::Takeover(takeover))
    }

    fn without_status(delivery: Delivery) -> Self {
        Self {
            delay: Duration::ZERO,
            delivery,
            code: None,
            status: None,
        }
    }
}

fn status_of(code: i64) -> &'static str {
    if code == 0 { "OK" } else { "FAIL" }
}

/// The three fields of every answer.
pub(super) fn envelope(code: i64) -> Value {
    json!({"ActionStatus": status_of(code), "ErrorInfo": info(code), "ErrorCode": code})
}

fn control() -> Value {
    let info = "\u{1b}[2J\u{1b}]0;title\u{7}\r\ndone\u{8}\u{9b}31m\u{202e}";
    json!({"ActionStatus": "FAIL", "ErrorInfo": info, "ErrorCode": 10004})
}

/// A body that is nearly the honest one.
fn garble(kind: FaultKind, honest: i64) -> Bytes {
    let mut body = envelope(honest);
    match kind {
        FaultKind::Malformed => return Bytes::from(body.to_string().replace('}', ",}")),
        FaultKind::NotUtf8 => {
            let mut bytes = br#"{"ActionStatus":""#.to_vec();
            bytes.extend_from_slice(status_of(honest).as_bytes());
            bytes.extend_from_slice(b"\",\"ErrorInfo\":\"\xff\xfe\",\"ErrorCode\":");
            bytes.extend_from_slice(format!("{honest}}}").as_bytes());
            return Bytes::from(bytes);
        }
        FaultKind::Strings => body["ErrorCode"] = json!(honest.to_string()),
        FaultKind::Types => {
            body = json!({"ActionStatus": true, "ErrorInfo": 7, "ErrorCode": [honest]})
        }
        FaultKind::NoCode => body = json!({"ActionStatus": status_of(honest), "ErrorInfo": ""}),
        FaultKind::Contradiction => {
            body["ActionStatus"] = json!(if honest == 0 { "FAIL" } else { "OK" });
        }
        _ => return Bytes::new(), // FaultKind::Empty
    }
    Bytes::from(body.to_string())
}

/// An answer of success with padding: twice what a caller should read of an answer (1 MiB, spec section 6).
fn oversized() -> Bytes {
    static BODY: OnceLock<Bytes> = OnceLock::new();
    let make = || {
        let padding = "x".repeat(2 << 20);
        json!({"ActionStatus": "OK", "ErrorInfo": padding, "ErrorCode": 0}).to_string()
    };
    BODY.get_or_init(|| Bytes::from(make())).clone()
}

/// An HTTP answer whose body may be shorter than it says.
fn raw(body: &str, length: usize) -> Bytes {
    Bytes::from(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

const ENDLESS_HEADERS: &[u8] =
    b"X-Padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
const ENDLESS_BODY_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n";
/// A chunk of 0x40 bytes.
const ENDLESS_BODY: &[u8] =
    b"40\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";

/// `ErrorInfo` for the codes that the simulator itself answers (spec section 5); the service's own texts differ and change.
fn info(code: i64) -> &'static str {
    match code {
        0 => "",
        10002 => "internal error, please try again",
        10003 => "invalid command word",
        10004 => "invalid parameter",
        10007 => "no permission to operate on this group",
        10010 => "group not exist or has been destroyed",
        10011 => "request body is not a JSON object",
        10015 => "group id is invalid",
        60002 => "HTTP request is invalid",
        60003 => "JSON of the request cannot be parsed",
        60006 => "sdkappid is invalid",
        60007 => "API call frequency is over the limit of this API",
        60009 => "resource or URL is invalid",
        60010 => "an app admin is required",
        60011 => "API call frequency is over the limit of this sdkappid",
        60012 => "sdkappid is required",
        60025 => "parameter of the URL is missing or invalid",
        70001 => "usersig is expired",
        70002 => "usersig is empty",
        70003 => "usersig is illegal",
        70009 => "usersig verification failed",
        70013 => "identifier does not match usersig",
        70014 => "sdkappid does not match usersig",
        70020 => "sdkappid is not found",
        _ => "error of the simulator's choice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::fault::Fault;

    #[test]
    fn a_garbled_answer_is_no_readable_success() {
        for kind in [
            FaultKind::Malformed,
            FaultKind::NotUtf8,
            FaultKind::Empty,
            FaultKind::Strings,
            FaultKind::Types,
            FaultKind::NoCode,
            FaultKind::Contradiction,
        ] {
            for honest in [0, 10010] {
                let body = garble(kind, honest);
                let readable = serde_json::from_slice::<Value>(&body).is_ok_and(|body| {
                    body["ErrorCode"] == json!(honest) && body["ActionStatus"] == status_of(honest)
                });
                assert!(!readable, "{kind:?}: {body:?}");
            }
        }
    }

    #[test]
    fn only_answers_of_the_service_have_a_code() {
        for fault in Fault::all_words() {
            let answer = Answer::faulty(fault.kind, 0);
            let expected = (fault.kind == FaultKind::Control).then_some(10004);
            assert_eq!(answer.code, expected, "{fault}");
        }
        assert_eq!(Answer::faulty(FaultKind::Code(10002), 0).code, Some(10002));
        assert_eq!(Answer::code(10010).code, Some(10010));
    }
}
