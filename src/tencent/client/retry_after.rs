//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::wall::UnixMillis;

/// Longest wait that is honoured: a proxy's mistake must not hold a run for hours.
const CAP: Duration = Duration::from_secs(60);

/// How long to wait, or [`None`] where the value makes no sense.
pub(super) fn parse(value: &str, now: UnixMillis) -> Option<Duration> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More seconds than fit are more than the cap.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(CAP));
    }
    let until_ms = PARSER.parse_timestamp(value).ok()?.as_millisecond();
    let wait_ms = u64::try_from(until_ms.saturating_sub(now.0)).unwrap_or(0);
    Some(Duration::from_millis(wait_ms).min(CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_honoured_up_to_a_minute() {
        let now = UnixMillis(1_700_000_000_000); // Tue, 14 Nov 2023 22:13:20 GMT
        let seconds = |s| Some(Duration::from_secs(s));
        for (value, wait) in [
            ("0", seconds(0)),
            ("7", seconds(7)),
            (" 7 ", seconds(7)),
            ("60", seconds(60)),
            ("86400", seconds(60)),
            ("99999999999999999999999", seconds(60)),
            ("Tue, 14 Nov 2023 22:13:25 GMT", seconds(5)),
            ("Tue, 14 Nov 2023 22:13:15 GMT", seconds(0)),
            ("Wed, 15 Nov 2023 22:13:25 GMT", seconds(60)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now), wait, "{value}");
        }
    }
}
