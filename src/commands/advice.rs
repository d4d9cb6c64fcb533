//! What to do about an error that a run met.

use crate::{
    report::errors::Fault,
    tencent::{codes, fault},
};

/// For calls that got no answer of the service's and were tried again.
const TRIED_AGAIN: &str =
    "Nothing to do: the call is tried again; --retry-failed takes the groups that ended like this.";

/// What to do, where anything can be said beyond the error's own text.
pub(super) fn advice(error: &Fault) -> Option<&'static str> {
    match error {
        Fault::Code(code) => Some(codes::explain(*code).advice),
        // No group ends like this: the run slows down and asks again.
        Fault::Http(429) => Some("Nothing to do: the run slows down, and the call is tried again."),
        Fault::Http(408 | 425 | 500..=599) | Fault::NoAnswer(_) | Fault::Silence => {
            Some(TRIED_AGAIN)
        }
        Fault::Http(status) => Some(fault::Fault::HttpStatus(*status).advice()),
        Fault::NotSent(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again_is_told_from_what_somebody_must_mend() {
        for (error, part) in [
            (Fault::Code(10007), "--identifier is an app admin"),
            (Fault::Http(502), "tried again"),
            (Fault::Http(404), "Check --endpoint"),
            (Fault::NoAnswer("no answer within 0s".into()), "tried again"),
            (Fault::Silence, "--retry-failed"),
        ] {
            let told = advice(&error).unwrap();
            assert!(told.contains(part), "{error:?}: {told}");
        }
        assert_eq!(advice(&Fault::NotSent("the ID is empty".into())), None);
    }
}
