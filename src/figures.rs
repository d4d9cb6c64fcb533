//! Figures as people read them.

use std::time::Duration;

use indicatif::HumanCount;

/// A count with its thousands apart: `12,345`.
pub fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// A count and its noun: `1 call`, `2 calls`.
pub fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(n))
}

/// A span of time, as exact as it is worth: `0.3 s`, `42 s`, `7m 12s`, `2h 5m`, `3days 4h`.
pub fn span(span: Duration) -> String {
    let whole = Duration::from_secs(span.as_secs() + u64::from(span.subsec_millis() >= 500));
    match whole.as_secs() {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{} s", whole.as_secs()),
        60..3_600 => humantime::format_duration(whole).to_string(),
        3_600..86_400 => humantime::format_duration(cut(whole, 60)).to_string(),
        _ => humantime::format_duration(cut(whole, 3_600)).to_string(),
    }
}

fn cut(span: Duration, unit: u64) -> Duration {
    Duration::from_secs(span.as_secs() / unit * unit)
}

/// A rate a second: `0.4`, `198`, with a decimal only where it says something.
pub fn rate(per_second: f64) -> String {
    if per_second < 9.95 {
        format!("{per_second:.1}")
    } else {
        format!("{per_second:.0}")
    }
}

/// A share of a whole with one decimal: what is there is not nothing, and what is not all is not all.
pub fn percent(n: u64, total: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let share = n as f64 / total.max(1) as f64 * 100.0;
    match share {
        x if x < 0.1 => "< 0.1 %".to_owned(),
        x if x > 99.9 && n < total => "> 99.9 %".to_owned(),
        x => format!("{x:.1} %"),
    }
}

/// Milliseconds from a measured duration, in whole microseconds, which is what the ledger keeps of it.
pub fn ms(duration: Duration) -> f64 {
    rounded(
        Duration::from_micros(duration.as_micros().try_into().unwrap_or(u64::MAX)).as_secs_f64()
            * 1000.0,
    )
}

/// Rounds to three decimals, which is as much as any figure of ours is worth.
pub fn rounded(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_exact_as_they_are_worth() {
        for (ms, shown) in [
            (0, "0.0 s"),
            (340, "0.3 s"),
            (9_400, "9.4 s"),
            (12_345, "12 s"),
            (59_600, "1m"),
            (432_000, "7m 12s"),
            (7_530_000, "2h 5m"),
            (273_600_000, "3days 4h"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), shown);
        }
    }

    #[test]
    fn rates_have_decimals_only_below_ten() {
        for (per_second, shown) in [(0.0, "0.0"), (9.94, "9.9"), (9.96, "10"), (198.4, "198")] {
            assert_eq!(rate(per_second), shown);
        }
    }

    #[test]
    fn shares_are_never_rounded_to_nothing_or_to_all() {
        for (n, total, shown) in [
            (1, 3, "33.3 %"),
            (1, 2_000, "< 0.1 %"),
            (1_999, 2_000, "> 99.9 %"),
            (5, 5, "100.0 %"),
        ] {
            assert_eq!(percent(n, total), shown);
        }
    }

    #[test]
    fn one_call_and_two_calls() {
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(counted(12_345, "call"), "12,345 calls");
    }
}
