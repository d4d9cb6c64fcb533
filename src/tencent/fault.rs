//! What can come back from a call instead of an answer of the service's: spec section 6.

use std::{borrow::Cow, time::Duration};

use crate::verdict::{Action, Herd, Reach, Verdict};

/// A call without an answer of the service's. Its text holds neither URL nor secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host's name could not be resolved.
    #[error("the host's name could not be resolved: {0}")]
    Dns(Box<str>),
    /// No connection came about.
    #[error("no connection to the service: {0}")]
    Connect(Box<str>),
    /// No TLS session came about.
    #[error("no trusted TLS connection to the service: {0}")]
    Tls(Box<str>),
    /// No connection came about in time.
    #[error("no connection to the service within {}", humantime::format_duration(*.0))]
    ConnectTimeout(Duration),
    /// The request never left, for another reason.
    #[error("the request did not leave: {0}")]
    NotSent(Box<str>),
    /// The request left, and the call's time was up before the end of its answer.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The request left, at least in part, and the connection ended before its answer did.
    #[error("the connection ended before the answer did: {0}")]
    Ended(Box<str>),
    /// An HTTP status other than 200, which the service itself never gives (API page, "Error Codes").
    #[error(
        "HTTP status {0}, which a proxy or gateway gives, not the service{hint}",
        hint = hint(*.0)
    )]
    HttpStatus(u16),
    /// A redirect, which is not followed: the URL carries the UserSig.
    #[error(
        "HTTP status {0} redirects the call elsewhere, which is never followed: a portal or proxy answers instead of \
         the service"
    )]
    Redirect(u16),
    /// HTTP status 200, but no answer of the service's in it.
    #[error("the answer could not be read: {0}")]
    Unreadable(Unreadable),
}

/// Why an answer is none of the service's (spec sections 3 and 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not HTTP.
    #[error("it is not HTTP")]
    NotHttp,
    /// Headers without end.
    #[error("its headers are too large")]
    HeadersTooLarge,
    /// Over [`super::wire::MAX_BODY_BYTES`].
    #[error("it is over 1 MiB")]
    Oversized,
    /// A body that is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A body that is no JSON object.
    #[error("it is not a JSON object")]
    NotJson,
    /// A field that is missing, doubled or of the wrong type.
    #[error("ActionStatus, ErrorCode or ErrorInfo is missing, doubled or of the wrong type")]
    WrongFields,
    /// `ErrorCode` says success and `ActionStatus` does not, or the other way round.
    #[error("ActionStatus and ErrorCode contradict each other")]
    Contradiction,
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 | 404 | 405 | 407 => {
            "; the same one for every call means a proxy in the way or a wrong --endpoint"
        }
        _ => "",
    }
}

impl Fault {
    /// A short name that never changes, to count by and to search for.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Dns(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::NotSent(_) => "not_sent",
            Self::Timeout(_) => "timeout",
            Self::Ended(_) => "connection_ended",
            Self::HttpStatus(status) | Self::Redirect(status) => {
                return Cow::Owned(format!("http_{status}"));
            }
            Self::Unreadable(Unreadable::Oversized) => "oversized",
            Self::Unreadable(_) => "unreadable",
        })
    }

    /// What the operator should do if it stays, as whole sentences.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Dns(_) => {
                "Check the spelling of --endpoint, and whether this machine resolves names (its DNS settings)."
            }
            Self::Connect(_) => {
                "Nobody listens there, or something refuses for them: check --endpoint and its port, and this machine's \
                 firewall and proxy settings."
            }
            Self::Tls(_) => {
                "Check this machine's clock and CA certificates. Where a proxy opens TLS, name a file with its \
                 certificate in SSL_CERT_FILE."
            }
            Self::ConnectTimeout(_) => {
                "Something swallows the packets: check this machine's firewall and routes, and whether it needs a proxy \
                 (HTTPS_PROXY)."
            }
            Self::NotSent(_) => "No setting should cause this: please report it.",
            Self::Timeout(_) => {
                "The service takes its time: try again in a minute, or give it more with --timeout."
            }
            Self::Ended(_) => {
                "Try again in a minute. If it stays, something in between cuts connections: ask those who run this \
                 machine's network."
            }
            Self::HttpStatus(429) => "Somebody in between limits the calls: try again in a minute.",
            Self::HttpStatus(500..=599 | 408 | 425) => {
                "Try again in a minute; if it stays, look at the vendor's status page."
            }
            Self::HttpStatus(_) => {
                "Check --endpoint, and whether a proxy is in the way (HTTPS_PROXY): it is not the service that answers."
            }
            Self::Redirect(_) => {
                "Log in at this network's portal, or leave out its proxy; and check --endpoint, which is the service's \
                 own domain."
            }
            Self::Unreadable(_) => {
                "Something else answers there: check --endpoint, and whether a proxy or a portal is in the way."
            }
        }
    }

    /// What it asks of the run.
    pub const fn verdict(&self) -> Verdict {
        let (action, reach) = match self {
            Self::Dns(_)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::ConnectTimeout(_)
            | Self::NotSent(_)
            | Self::Redirect(_) => (Action::Retry, Reach::Unreached),
            Self::Timeout(_) | Self::Ended(_) | Self::Unreadable(_) => (Action::Retry, Reach::Lost),
            // Who limits calls is there and heard this one: no sign of an outage.
            Self::HttpStatus(429) => (Action::Slow, Reach::Answered),
            // These two say that a try again may help, as 5xx do.
            Self::HttpStatus(408 | 425) => (Action::Retry, Reach::Lost),
            Self::HttpStatus(400..=499) => (Action::Retry, Reach::Unreached),
            Self::HttpStatus(_) => (Action::Retry, Reach::Lost),
        };
        let herd = match (self, reach) {
            (Self::HttpStatus(_), Reach::Unreached) => Herd::Stop,
            _ => Herd::Ordinary,
        };
        Verdict {
            action,
            may_have_acted: matches!(reach, Reach::Lost),
            herd,
            reach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Verdict = Verdict {
        action: Action::Retry,
        may_have_acted: true,
        herd: Herd::Ordinary,
        reach: Reach::Lost,
    };
    const UNREACHED: Verdict = Verdict {
        action: Action::Retry,
        may_have_acted: false,
        herd: Herd::Ordinary,
        reach: Reach::Unreached,
    };
    const SOMETHING_ELSE_ANSWERS: Verdict = Verdict {
        herd: Herd::Stop,
        ..UNREACHED
    };
    const SLOW: Verdict = Verdict {
        action: Action::Slow,
        may_have_acted: false,
        herd: Herd::Ordinary,
        reach: Reach::Answered,
    };

    #[test]
    fn each_fault_asks_for_what_section_6_says() {
        let second = Duration::from_secs(1);
        let detail = || Box::<str>::from("why");
        let mut table = vec![
            (Fault::Dns(detail()), "dns", UNREACHED),
            (Fault::Connect(detail()), "connect", UNREACHED),
            (Fault::Tls(detail()), "tls", UNREACHED),
            (Fault::ConnectTimeout(second), "connect_timeout", UNREACHED),
            (Fault::NotSent(detail()), "not_sent", UNREACHED),
            (Fault::Timeout(second), "timeout", LOST),
            (Fault::Ended(detail()), "connection_ended", LOST),
            (Fault::Redirect(302), "http_302", UNREACHED),
            (Fault::HttpStatus(429), "http_429", SLOW),
        ];
        for why in [
            Unreadable::NotHttp,
            Unreadable::HeadersTooLarge,
            Unreadable::NotUtf8,
            Unreadable::NotJson,
            Unreadable::WrongFields,
            Unreadable::Contradiction,
        ] {
            table.push((Fault::Unreadable(why), "unreadable", LOST));
        }
        table.push((Fault::Unreadable(Unreadable::Oversized), "oversized", LOST));
        for (fault, name, verdict) in table {
            assert_eq!(fault.name(), name);
            assert_eq!(fault.verdict(), verdict, "{name}");
        }
    }

    #[test]
    fn each_status_asks_for_what_section_6_says() {
        for status in [500, 501, 502, 503, 504, 505, 520, 599, 408, 425, 201, 204] {
            assert_eq!(Fault::HttpStatus(status).verdict(), LOST, "{status}");
        }
        for status in [400, 401, 403, 404, 405, 407, 413, 451, 499] {
            let fault = Fault::HttpStatus(status);
            assert_eq!(fault.verdict(), SOMETHING_ELSE_ANSWERS, "{status}");
            assert_eq!(fault.name(), format!("http_{status}"));
        }
    }

    #[test]
    fn faults_are_told_as_sentences() {
        insta::assert_snapshot!(
            Fault::Timeout(Duration::from_secs(10)),
            @"no answer within 10s"
        );
        insta::assert_snapshot!(
            Fault::HttpStatus(502),
            @"HTTP status 502, which a proxy or gateway gives, not the service"
        );
        insta::assert_snapshot!(
            Fault::HttpStatus(407),
            @"HTTP status 407, which a proxy or gateway gives, not the service; the same one for every call means a proxy in the way or a wrong --endpoint"
        );
        insta::assert_snapshot!(
            Fault::Unreadable(Unreadable::Oversized),
            @"the answer could not be read: it is over 1 MiB"
        );
    }
}
