//! What the page says of a run besides its counts.

use serde_json::Value;

use crate::{
    commands::standing::Standing,
    ledger::RunInfo,
    report::{html::RunFacts, statistics::LatencyMs, summary::Summary},
    wall::UnixMillis,
};

/// How long the run was at it: for each session, from its first decision to its last answer.
pub(super) struct Pace {
    /// When the sessions began that are still to come, the next one last.
    later: Vec<UnixMillis>,
    current: Option<(UnixMillis, UnixMillis)>,
    calls: u64,
    at_it_ms: i64,
}

impl Pace {
    /// For a run whose sessions began then.
    pub(super) fn new(mut session_starts: Vec<UnixMillis>) -> Self {
        session_starts.reverse();
        Self {
            later: session_starts,
            current: None,
            calls: 0,
            at_it_ms: 0,
        }
    }

    /// Takes in the next call, in the order in which they were decided.
    pub(super) fn called(&mut self, intended_at: UnixMillis, answered_at: UnixMillis) {
        while self.later.last().is_some_and(|next| *next <= intended_at) {
            self.later.pop();
            self.close();
        }
        self.calls += 1;
        let current = self.current.get_or_insert((intended_at, answered_at));
        current.1 = current.1.max(answered_at);
    }

    fn close(&mut self) {
        if let Some((first, last)) = self.current.take() {
            self.at_it_ms += last.0.saturating_sub(first.0).max(0);
        }
    }

    /// Answered calls a second on average; none without calls that took any time.
    fn mean_calls_per_s(&self) -> Option<f64> {
        let (first, last) = self.current.unwrap_or((UnixMillis(0), UnixMillis(0)));
        let ms = self.at_it_ms + last.0.saturating_sub(first.0).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        (ms > 0).then(|| Summary::mean(self.calls, ms as f64 / 1000.0))
    }
}

/// The run in words and figures.
pub(super) fn facts(
    run: &RunInfo,
    standing: Standing,
    latency_ms: LatencyMs,
    pace: &Pace,
) -> RunFacts {
    RunFacts {
        run_id: run.run_id.to_string(),
        sdkappid: run.sdkappid,
        endpoint: run.endpoint.clone(),
        status: standing.name().to_owned(),
        stop_reason: run.stop_reason.clone(),
        started_at: Some(run.started_at),
        finished_at: run.finished_at,
        settings: settings(run),
        warnings: warnings(run, standing),
        calls: run.counts.calls,
        retries: run.counts.retries,
        mean_calls_per_s: pace.mean_calls_per_s(),
        max_calls_in_one_second: None,
        latency_ms,
    }
}

fn warnings(run: &RunInfo, standing: Standing) -> Vec<String> {
    let mut warnings = Vec::new();
    match standing {
        Standing::Running => warnings.push(format!(
            "The run is going on: these are its figures of {}.",
            UnixMillis::now()
        )),
        Standing::Killed => warnings.push(format!(
            "The run's process ended without a word; what it had done is recorded. Go on with --resume={}.",
            run.run_id
        )),
        Standing::Recorded(_) => {}
    }
    if !run.input_complete && standing != Standing::Running {
        warnings.push(
            "The input was not read to its end: what was not read is not counted here.".to_owned(),
        );
    }
    warnings
}

/// The settings of its last session, and what else is known of it.
fn settings(run: &RunInfo) -> Vec<(String, String)> {
    let session = &run.session;
    let inputs = run.inputs.iter().map(|input| match &input.path {
        Some(path) => path.display().to_string(),
        None => input.name.to_string(),
    });
    let mut settings = vec![
        ("Admin account".to_owned(), run.identifier.clone()),
        ("Input".to_owned(), inputs.collect::<Vec<_>>().join("\n")),
    ];
    let options = session.options.as_object().into_iter().flatten();
    settings.extend(options.filter_map(|(name, value)| option(name, value)));
    settings.push(("Version".to_owned(), session.version.clone()));
    settings.push((
        "Host".to_owned(),
        format!("{}, process {}", session.host, session.pid),
    ));
    settings
}

/// An option as it is called on the command line; the ledger's names end in their units.
fn option(name: &str, value: &Value) -> Option<(String, String)> {
    let seconds =
        |s: u64| humantime::format_duration(std::time::Duration::from_secs(s)).to_string();
    let millis =
        |ms: u64| humantime::format_duration(std::time::Duration::from_millis(ms)).to_string();
    let (name, value) = match (name.strip_suffix("_s"), name.strip_suffix("_ms")) {
        (Some(name), _) => (name, value.as_u64().map(seconds)),
        (_, Some(name)) => (name, value.as_u64().map(millis)),
        _ => (name, plain(value)),
    };
    Some((format!("--{}", name.replace('_', "-")), value?))
}

/// A value that is set; nothing for what is not.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some("on".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items = items.iter().filter_map(plain);
            Some(items.collect::<Vec<_>>().join("\n"))
        }
        Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_leaves_out_the_time_between_sessions() {
        let at = |s: i64| UnixMillis(s * 1000);
        let mut pace = Pace::new(vec![at(0), at(1_000)]);
        assert_eq!(pace.mean_calls_per_s(), None);
        for second in [600, 601, 1_000, 1_001, 1_002] {
            pace.called(at(second), at(second + 1));
        }
        // 600 to 602 and 1000 to 1003.
        assert_eq!(pace.mean_calls_per_s(), Some(1.0));
    }

    #[test]
    fn options_are_called_as_on_the_command_line() {
        let options = serde_json::json!({
            "rate": 1500, "max_outage_s": 1800, "timeout_ms": 2500, "limit": null, "protect": ["a", "b"],
            "report": "/x.csv", "dry_run": false, "yes": true
        });
        let shown: Vec<_> = options
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(name, value)| option(name, value))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        --max-outage 30m
        --protect a
        b
        --rate 1500
        --report /x.csv
        --timeout 2s 500ms
        --yes on
        ");
    }
}
