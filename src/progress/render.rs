//! What progress looks like: pure functions from a snapshot to text.

use std::time::Duration;

use console::{Style, measure_text_width, truncate_str};
use jiff::Zoned;

use super::pace::Reading;
use crate::{
    figures,
    observe::{Health, Snapshot},
    outcome::Outcome,
    report::human::style_of,
};

/// A run at one moment, as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The figures.
    pub snapshot: &'a Snapshot,
    /// The pace.
    pub reading: Reading,
    /// The wall clock, in the zone in which times are shown.
    pub clock: &'a Zoned,
    /// Whether colours may be used.
    pub colour: bool,
}

/// Outcomes in the order in which they earn a place on a narrow screen.
const BY_WEIGHT: [Outcome; Outcome::ALL.len()] = [
    Outcome::Disbanded,
    Outcome::WouldDisband,
    Outcome::Failed,
    Outcome::Exhausted,
    Outcome::Invalid,
    Outcome::AlreadyGone,
    Outcome::PresumedDisbanded,
    Outcome::NotAttempted,
    Outcome::Duplicate,
    Outcome::Protected,
];

impl View<'_> {
    /// How far, how fast, until when; beside the bar. What does not fit is left out, the least important first.
    pub fn head(&self, width: usize) -> String {
        let s = self.snapshot;
        let done = s.outcomes.total();
        let mut parts = vec![match s.total {
            Some(total) => format!("{}/{}", figures::count(done), figures::count(total)),
            None => format!(
                "{} done, {} read",
                figures::count(done),
                figures::count(s.records)
            ),
        }];
        // What must go first when there is no room: the further down, the earlier.
        parts.extend(self.percent());
        parts.push(format!("{}/s", figures::rate(self.reading.now)));
        parts.extend(self.arrival().map(|arrival| format!("eta {arrival}")));
        parts.extend(
            self.left()
                .map(|left| format!("({} left)", countdown(left))),
        );
        parts.push(format!("mean {}/s", figures::rate(self.reading.mean)));
        fitting(&parts, "  ", width)
    }

    /// Records by outcome.
    pub fn outcomes(&self, width: usize) -> String {
        let parts: Vec<_> = self
            .tallied()
            .map(|(outcome, n)| {
                let text = format!("{outcome} {}", figures::count(n));
                self.styled(&text, &style_of(outcome))
            })
            .collect();
        if parts.is_empty() {
            return "nothing settled yet".to_owned();
        }
        fitting(&parts, "  ", width)
    }

    /// What is going on besides: trouble first.
    pub fn live(&self, width: usize) -> String {
        let yellow = Style::new().yellow();
        let mut parts = Vec::new();
        parts.extend(self.trouble().map(|text| self.styled(&text, &yellow)));
        parts.extend(self.activity());
        fitting(&parts, "  ", width)
    }

    /// All in one line, for logs.
    pub fn line(&self) -> String {
        let s = self.snapshot;
        let done = figures::count(s.outcomes.total());
        let mut line = match (s.total, self.percent()) {
            (Some(total), Some(percent)) => {
                format!("{done} of {} records ({percent})", figures::count(total))
            }
            _ => format!(
                "{done} of {} read so far",
                figures::counted(s.records, "record")
            ),
        };
        line += &format!(
            ", {}/s now, {}/s on average",
            figures::rate(self.reading.now),
            figures::rate(self.reading.mean)
        );
        let outcomes: Vec<_> = self
            .tallied()
            .map(|(outcome, n)| format!("{outcome} {}", figures::count(n)))
            .collect();
        for part in [outcomes.join(", "), self.activity().join(", ")] {
            if !part.is_empty() {
                line += "; ";
                line += &part;
            }
        }
        if let (Some(arrival), Some(left)) = (self.arrival(), self.left()) {
            line += &format!("; done about {arrival} ({} left)", countdown(left));
        }
        if let Some(trouble) = self.trouble() {
            line += "; ";
            line += &trouble;
        }
        line
    }

    fn tallied(&self) -> impl Iterator<Item = (Outcome, u64)> {
        BY_WEIGHT
            .into_iter()
            .map(|outcome| (outcome, self.snapshot.outcomes.get(outcome)))
            .filter(|&(_, n)| n > 0)
    }

    fn percent(&self) -> Option<String> {
        let total = self.snapshot.total.filter(|&total| total > 0)?;
        let done = self.snapshot.outcomes.total().min(total);
        // Rounded down: 100 % is said when it is done.
        Some(format!("{} %", u128::from(done) * 100 / u128::from(total)))
    }

    /// How long the rest will take; nobody knows while the service is away.
    fn left(&self) -> Option<Duration> {
        let answers = self.snapshot.health == Health::Answering && !self.snapshot.draining;
        self.reading.left.filter(|_| answers)
    }

    /// The clock time of the end, with the day where it is another.
    fn arrival(&self) -> Option<String> {
        let left = self.left()?;
        let arrival = self.clock.checked_add(left).ok()?;
        let pattern = if arrival.date() == self.clock.date() {
            "%H:%M"
        } else if left < Duration::from_secs(6 * 86_400) {
            "%a %H:%M"
        } else {
            "%Y-%m-%d"
        };
        Some(arrival.strftime(pattern).to_string())
    }

    fn trouble(&self) -> Option<String> {
        let s = self.snapshot;
        if s.draining {
            let calls = figures::counted(s.in_flight as u64, "call");
            return Some(format!("stopping: {calls} in flight"));
        }
        if let Health::Unreachable { since, next_probe } = s.health {
            let since = self.clock.checked_sub(since).map_or_else(
                |_| String::new(),
                |at| format!(" since {}", at.strftime("%H:%M")),
            );
            // The way there is short, and "in 0.0 s" reads oddly.
            let probe = match next_probe.as_secs() {
                0 => "probing now".to_owned(),
                _ => format!("next probe in {}", countdown(next_probe)),
            };
            return Some(format!("service unreachable{since}, {probe}"));
        }
        (s.effective_rate < f64::from(s.rate))
            .then(|| format!("throttled to {}/s", figures::rate(s.effective_rate)))
    }

    fn activity(&self) -> Vec<String> {
        let s = self.snapshot;
        let mut parts = Vec::new();
        if s.in_flight > 0 && !s.draining {
            parts.push(format!("{} in flight", figures::count(s.in_flight as u64)));
        }
        if s.waiting > 0 {
            parts.push(format!(
                "{} waiting to be tried again",
                figures::count(s.waiting as u64)
            ));
        }
        if s.retries > 0 {
            parts.push(match s.retries {
                1 => "1 retry".to_owned(),
                n => format!("{} retries", figures::count(n)),
            });
        }
        if s.throttled > 0 {
            parts.push(format!("asked {} to slow down", times(s.throttled)));
        }
        parts
    }

    fn styled(&self, text: &str, style: &Style) -> String {
        style
            .clone()
            .force_styling(self.colour)
            .apply_to(text)
            .to_string()
    }
}

/// A time to wait for, in whole seconds at least.
fn countdown(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => figures::span(span),
    }
}

fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        n => format!("{} times", figures::count(n)),
    }
}

/// Joins the parts that fit; those further back go first, and a part that alone is too wide is cut.
fn fitting(parts: &[String], separator: &str, width: usize) -> String {
    let mut line = String::new();
    let mut used = 0;
    for part in parts {
        let room = width.saturating_sub(used);
        let more = measure_text_width(part) + if used == 0 { 0 } else { separator.len() };
        if more <= room {
            if used > 0 {
                line.push_str(separator);
            }
            line.push_str(part);
            used += more;
        } else if used == 0 {
            line = truncate_str(part, width, "…").into_owned();
            used = width;
        }
    }
    line
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::{civil::date, tz::TimeZone};

    use super::*;
    use crate::outcome::Tally;

    pub(in crate::progress) fn snapshot() -> Snapshot {
        let mut outcomes = Tally::default();
        outcomes.add_many(Outcome::Disbanded, 12_000);
        outcomes.add_many(Outcome::AlreadyGone, 310);
        outcomes.add_many(Outcome::Failed, 4);
        Snapshot {
            elapsed: Duration::from_secs(62),
            records: 14_000,
            total: Some(100_000),
            outcomes,
            calls: 12_500,
            retries: 58,
            throttled: 0,
            in_flight: 12,
            waiting: 3,
            effective_rate: 200.0,
            rate: 200,
            health: Health::Answering,
            draining: false,
        }
    }

    pub(in crate::progress) fn clock() -> Zoned {
        date(2026, 11, 23)
            .at(14, 25, 0, 0)
            .to_zoned(TimeZone::fixed(jiff::tz::offset(8)))
            .unwrap()
    }

    fn reading(left: u64) -> Reading {
        Reading {
            now: 199.6,
            mean: 198.2,
            left: (left > 0).then(|| Duration::from_secs(left)),
        }
    }

    fn shown(snapshot: &Snapshot, left: u64, width: usize) -> String {
        let clock = clock();
        let view = View {
            snapshot,
            reading: reading(left),
            clock: &clock,
            colour: false,
        };
        let text = [
            view.head(width - 14),
            view.outcomes(width),
            view.live(width),
        ]
        .join("\n");
        assert!(
            text.lines().all(|line| measure_text_width(line) <= width),
            "{text}"
        );
        text
    }

    fn line(snapshot: &Snapshot, left: u64) -> String {
        let clock = clock();
        View {
            snapshot,
            reading: reading(left),
            clock: &clock,
            colour: false,
        }
        .line()
    }

    fn crowded() -> Snapshot {
        let mut outcomes = Tally::default();
        for outcome in Outcome::ALL {
            outcomes.add_many(outcome, 1_234_567);
        }
        Snapshot {
            total: Some(100_000_000),
            outcomes,
            throttled: 120,
            effective_rate: 120.0,
            ..snapshot()
        }
    }

    #[test]
    fn a_healthy_run_fits_eighty_columns() {
        insta::assert_snapshot!(shown(&snapshot(), 438, 80), @r#"
        12,314/100,000  12 %  200/s  eta 14:32  (7m 18s left)  mean 198/s
        disbanded 12,000  failed 4  already_gone 310
        12 in flight  3 waiting to be tried again  58 retries
        "#);
    }

    #[test]
    fn a_crowded_run_drops_the_least_important_at_eighty_columns() {
        insta::assert_snapshot!(shown(&crowded(), 440_000, 80), @r#"
        12,345,670/100,000,000  12 %  200/s  eta Sat 16:38  mean 198/s
        disbanded 1,234,567  would_disband 1,234,567  failed 1,234,567
        throttled to 120/s  12 in flight  3 waiting to be tried again  58 retries
        "#);
    }

    #[test]
    fn a_crowded_run_uses_two_hundred_columns() {
        insta::assert_snapshot!(shown(&crowded(), 440_000, 200), @r#"
        12,345,670/100,000,000  12 %  200/s  eta Sat 16:38  (5days 2h left)  mean 198/s
        disbanded 1,234,567  would_disband 1,234,567  failed 1,234,567  exhausted 1,234,567  invalid 1,234,567  already_gone 1,234,567  presumed_disbanded 1,234,567  not_attempted 1,234,567
        throttled to 120/s  12 in flight  3 waiting to be tried again  58 retries  asked 120 times to slow down
        "#);
    }

    #[test]
    fn a_total_that_is_not_known_yet_is_not_guessed() {
        let snapshot = Snapshot {
            total: None,
            outcomes: Tally::default(),
            retries: 0,
            waiting: 0,
            ..snapshot()
        };
        insta::assert_snapshot!(shown(&snapshot, 0, 80), @r#"
        0 done, 14,000 read  200/s  mean 198/s
        nothing settled yet
        12 in flight
        "#);
    }

    #[test]
    fn an_outage_shows_since_when_and_the_next_probe() {
        let mut snapshot = Snapshot {
            health: Health::Unreachable {
                since: Duration::from_secs(23 * 60),
                next_probe: Duration::from_secs(8),
            },
            ..snapshot()
        };
        // What the last minute promised is worth nothing now.
        insta::assert_snapshot!(shown(&snapshot, 438, 80), @r#"
        12,314/100,000  12 %  200/s  mean 198/s
        disbanded 12,000  failed 4  already_gone 310
        service unreachable since 14:02, next probe in 8 s  12 in flight  58 retries
        "#);
        snapshot.draining = true;
        insta::assert_snapshot!(shown(&snapshot, 0, 80), @r#"
        12,314/100,000  12 %  200/s  mean 198/s
        disbanded 12,000  failed 4  already_gone 310
        stopping: 12 calls in flight  3 waiting to be tried again  58 retries
        "#);
    }

    #[test]
    fn a_log_line_tells_all_in_a_sentence() {
        insta::assert_snapshot!(line(&snapshot(), 438), @r#"12,314 of 100,000 records (12 %), 200/s now, 198/s on average; disbanded 12,000, failed 4, already_gone 310; 12 in flight, 3 waiting to be tried again, 58 retries; done about 14:32 (7m 18s left)"#);
        insta::assert_snapshot!(line(&Snapshot { total: None, ..crowded() }, 0), @r#"12,345,670 of 14,000 records read so far, 200/s now, 198/s on average; disbanded 1,234,567, would_disband 1,234,567, failed 1,234,567, exhausted 1,234,567, invalid 1,234,567, already_gone 1,234,567, presumed_disbanded 1,234,567, not_attempted 1,234,567, duplicate 1,234,567, protected 1,234,567; 12 in flight, 3 waiting to be tried again, 58 retries, asked 120 times to slow down; throttled to 120/s"#);
    }

    #[test]
    fn another_day_is_named() {
        assert!(line(&snapshot(), 12 * 3600).contains("done about Tue 02:25 (12h left)"));
        assert!(line(&snapshot(), 10 * 86_400).contains("done about 2026-12-03 (10days left)"));
    }

    #[test]
    fn a_hundred_percent_is_not_said_before_the_end() {
        let snapshot = Snapshot {
            total: Some(12_315),
            ..snapshot()
        };
        assert!(line(&snapshot, 1).starts_with("12,314 of 12,315 records (99 %)"));
    }

    #[test]
    fn no_width_is_too_narrow() {
        for width in 14..60 {
            shown(&crowded(), 440_000, width);
        }
    }
}
