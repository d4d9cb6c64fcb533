//! The run's last word for people, on stderr.

use std::{fmt::Write as _, time::Duration};

use console::{Style, measure_text_width, pad_str, truncate_str};

use super::{
    errors::{ErrorCount, Fault},
    summary::{Status, Summary},
};
use crate::{
    escape::Escaped,
    figures,
    outcome::{Class, Outcome},
};

/// Says what an error means and what to do about it, if anybody knows.
pub type Advice<'a> = &'a dyn Fn(&Fault) -> Option<&'static str>;

/// Everything that the closing words tell.
pub struct Closing<'a> {
    /// The figures.
    pub summary: &'a Summary,
    /// The commonest errors, the commonest first.
    pub errors: &'a [ErrorCount],
    /// What is known about a code.
    pub advice: Advice<'a>,
    /// Where the report is: a path, or `stdout`.
    pub report: Option<&'a str>,
    /// The command that began the run, without inputs and `--resume`, to be typed again: `disband-batch --sdkappid 1`.
    pub command: &'a str,
}

/// Width of the column with the words at the left.
const LABEL: usize = 10;

/// Narrower than this, nothing fits.
const NARROWEST: usize = 40;

impl Closing<'_> {
    /// Renders the closing words, `width` columns wide at most (commands and paths, which are copied, are not broken).
    pub fn render(&self, width: usize, colour: bool) -> String {
        let mut page = Page {
            text: String::new(),
            width: width.max(NARROWEST),
            colour,
        };
        self.headline(&mut page);
        self.outcomes(&mut page);
        self.figures(&mut page);
        self.errors(&mut page);
        self.warnings(&mut page);
        self.next(&mut page);
        page.text
    }

    fn headline(&self, page: &mut Page) {
        let s = self.summary;
        let duration = figures::span(Duration::try_from_secs_f64(s.duration_s).unwrap_or_default());
        let records = figures::counted(s.input_records, "record");
        let mut line = format!(
            "Run {} {}: {records}, {duration}.",
            Escaped(&s.run_id),
            s.status.name()
        );
        if let Some(reason) = &s.stop_reason {
            let _ = write!(line, " {}", Escaped(reason));
        }
        let style = match s.status {
            Status::Finished if s.outcomes.of_class(Class::Failure) == 0 => Style::new().green(),
            Status::Finished | Status::Interrupted => Style::new().yellow(),
            Status::Stopped => Style::new().red(),
        };
        page.wrapped("", "", &line, &style.bold());
        page.line("");
    }

    fn outcomes(&self, page: &mut Page) {
        let total = self.summary.outcomes.total();
        for (outcome, n) in self.summary.outcomes.iter().filter(|&(_, n)| n > 0) {
            let share = figures::percent(n, total);
            let line = format!("  {outcome:<18}{:>11}{share:>9}", figures::count(n));
            let line = page.styled(&line, &style_of(outcome));
            page.line(&line);
        }
        if total > 0 {
            page.line("");
        }
    }

    fn figures(&self, page: &mut Page) {
        let s = self.summary;
        if s.calls == 0 {
            page.labelled("Calls", "none");
            return;
        }
        let calls = format!(
            "{}, of them {}; {} a second on average, {} at most",
            figures::count(s.calls),
            match s.retries {
                0 => "no retries".to_owned(),
                1 => "1 retry".to_owned(),
                n => format!("{} retries", figures::count(n)),
            },
            figures::rate(s.mean_calls_per_s),
            figures::count(s.max_calls_in_one_second),
        );
        page.labelled("Calls", &calls);
        let l = s.latency_ms;
        if let (Some(p50), Some(p90), Some(p99), Some(max)) = (l.p50, l.p90, l.p99, l.max) {
            let ms = |x: f64| format!("{} ms", figures::rate(x));
            page.labelled(
                "Latency",
                &format!(
                    "half within {}, 90 % {}, 99 % {}, slowest {}",
                    ms(p50),
                    ms(p90),
                    ms(p99),
                    ms(max)
                ),
            );
        }
    }

    fn errors(&self, page: &mut Page) {
        if self.errors.is_empty() {
            return;
        }
        page.line("");
        let heading = page.styled("Commonest errors", &Style::new().bold());
        page.line(&heading);
        for error in self.errors {
            let mut counts = Vec::new();
            if error.records > 0 {
                counts.push(figures::counted(error.records, "record"));
            }
            if error.answers > 0 {
                counts.push(figures::counted(error.answers, "answer"));
            }
            let line = format!("{}: {}", counts.join(", "), error.sample);
            let line = line.trim_end_matches(": ");
            let name =
                pad_str(&error.fault.name(), LABEL, console::Alignment::Left, None).into_owned();
            page.wrapped(
                &format!("  {name} "),
                &" ".repeat(LABEL + 3),
                line,
                &Style::new(),
            );
            if let Some(advice) = (self.advice)(&error.fault) {
                let indent = " ".repeat(LABEL + 3);
                page.wrapped(
                    &format!("{indent}-> "),
                    &format!("{indent}   "),
                    advice,
                    &Style::new().cyan(),
                );
            }
        }
    }

    fn warnings(&self, page: &mut Page) {
        if self.summary.warnings.is_empty() {
            return;
        }
        page.line("");
        let heading = page.styled("Warnings", &Style::new().bold().yellow());
        page.line(&heading);
        for warning in &self.summary.warnings {
            page.wrapped("  - ", "    ", &Escaped(warning).to_string(), &Style::new());
        }
    }

    fn next(&self, page: &mut Page) {
        page.line("");
        if let Some(report) = self.report {
            let line = format!("{:<LABEL$}{}", "Report", Escaped(report));
            page.line(&line);
        }
        let run = Escaped(&self.summary.run_id);
        let n = |outcome| self.summary.outcomes.get(outcome);
        let resume = format!("{} --resume={run}", Escaped(self.command));
        let mut steps = Vec::new();
        if self.summary.status != Status::Finished || n(Outcome::NotAttempted) > 0 {
            steps.push(("Go on with the rest:", resume.clone()));
        }
        if n(Outcome::Failed) + n(Outcome::Exhausted) > 0 {
            steps.push(("Try what failed again:", format!("{resume} --retry-failed")));
        }
        // A dry run leaves no ledger that could be asked.
        if self.summary.outcomes.of_class(Class::Failure) > 0 && n(Outcome::WouldDisband) == 0 {
            steps.push((
                "Look at what failed:",
                format!("disband-batch report {run} --format html -o {run}.html"),
            ));
        }
        for (what, command) in steps {
            page.line(what);
            let command = page.styled(&format!("  {command}"), &Style::new().bold());
            page.line(&command);
        }
    }
}

/// The colour of an outcome; its name always stands beside it.
pub fn style_of(outcome: Outcome) -> Style {
    match (outcome, outcome.class()) {
        (Outcome::Disbanded, _) => Style::new().green(),
        (_, Class::Gone) => Style::new().cyan(),
        (_, Class::Failure) => Style::new().red(),
        (Outcome::NotAttempted, _) => Style::new().yellow(),
        (_, Class::Neutral) => Style::new().dim(),
    }
}

struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn styled(&self, text: &str, style: &Style) -> String {
        style
            .clone()
            .force_styling(self.colour)
            .apply_to(text)
            .to_string()
    }

    fn labelled(&mut self, label: &str, text: &str) {
        self.wrapped(
            &format!("{label:<LABEL$}"),
            &" ".repeat(LABEL),
            text,
            &Style::new(),
        );
    }

    /// Breaks a text at its spaces; a word too long for a line is cut.
    fn wrapped(&mut self, first: &str, further: &str, text: &str, style: &Style) {
        let room = self.width.saturating_sub(measure_text_width(first)).max(8);
        let mut lines = vec![String::new()];
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let word = truncate_str(word, room, "…");
            if let Some(line) = lines.last_mut()
                && (line.is_empty()
                    || measure_text_width(line) + 1 + measure_text_width(&word) <= room)
            {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&word);
            } else {
                lines.push(word.into_owned());
            }
        }
        for (at, line) in lines.iter().enumerate() {
            let start = if at == 0 { first } else { further };
            let line = format!("{start}{}", self.styled(line, style));
            self.line(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::summary::tests::sample, *};

    fn advice(error: &Fault) -> Option<&'static str> {
        (error.code() == Some(10007)).then_some(
            "groups of this type cannot be disbanded, or the account is no admin of the app: see the type in the \
             console",
        )
    }

    fn errors() -> Vec<ErrorCount> {
        vec![
            ErrorCount {
                fault: Fault::Code(10007),
                records: 12,
                answers: 12,
                sample: "this group can not be destroyed by app admin, 该群组类型不支持此操作, please check the type"
                    .into(),
            },
            ErrorCount {
                fault: Fault::NotSent("the ID is empty".into()),
                records: 8,
                answers: 0,
                sample: "the ID is empty".into(),
            },
            ErrorCount {
                fault: Fault::Http(502),
                records: 0,
                answers: 1_046,
                sample: "".into(),
            },
        ]
    }

    fn rendered(summary: &Summary, errors: &[ErrorCount], width: usize) -> String {
        Closing {
            summary,
            errors,
            advice: &advice,
            report: Some("disband-r1.csv"),
            command: "disband-batch --sdkappid 1400000000 --region sgp",
        }
        .render(width, false)
    }

    #[test]
    fn a_finished_run_tells_its_counts_errors_and_next_steps() {
        insta::assert_snapshot!(rendered(&sample(), &errors(), 80), @r#"
        Run r1 finished: 2,000 records, 10 s.

          disbanded               1,950   97.5 %
          already_gone               30    1.5 %
          failed                     12    0.6 %
          invalid                     8    0.4 %

        Calls     2,050, of them 58 retries; 200 a second on average, 200 at most
        Latency   half within 42 ms, 90 % 60 ms, 99 % 120 ms, slowest 301 ms

        Commonest errors
          10007      12 records, 12 answers: this group can not be destroyed by app
                     admin, 该群组类型不支持此操作, please check the type
                     -> groups of this type cannot be disbanded, or the account is no
                        admin of the app: see the type in the console
          not sent   8 records: the ID is empty
          HTTP 502   1,046 answers

        Warnings
          - stdin ended without a newline

        Report    disband-r1.csv
        Try what failed again:
          disband-batch --sdkappid 1400000000 --region sgp --resume=r1 --retry-failed
        Look at what failed:
          disband-batch report r1 --format html -o r1.html
        "#);
    }

    #[test]
    fn a_run_without_failures_is_short() {
        let mut summary = sample();
        summary.warnings.clear();
        summary.outcomes = crate::outcome::Tally::default();
        summary.outcomes.add_many(Outcome::Disbanded, 2_000);
        insta::assert_snapshot!(rendered(&summary, &[], 80), @r#"
        Run r1 finished: 2,000 records, 10 s.

          disbanded               2,000  100.0 %

        Calls     2,050, of them 58 retries; 200 a second on average, 200 at most
        Latency   half within 42 ms, 90 % 60 ms, 99 % 120 ms, slowest 301 ms

        Report    disband-r1.csv
        "#);
    }

    #[test]
    fn a_stopped_run_says_why_and_how_to_go_on() {
        let mut summary = sample();
        summary.status = Status::Stopped;
        summary.stop_reason = Some("The service refused the credentials (70009).".to_owned());
        summary.outcomes = crate::outcome::Tally::default();
        summary.outcomes.add_many(Outcome::NotAttempted, 1_999);
        summary.outcomes.add_many(Outcome::Duplicate, 1);
        summary.warnings.clear();
        summary.calls = 0;
        insta::assert_snapshot!(rendered(&summary, &[], 80), @r#"
        Run r1 stopped: 2,000 records, 10 s. The service refused the credentials
        (70009).

          duplicate                   1  < 0.1 %
          not_attempted           1,999 > 99.9 %

        Calls     none

        Report    disband-r1.csv
        Go on with the rest:
          disband-batch --sdkappid 1400000000 --region sgp --resume=r1
        "#);
    }

    #[test]
    fn no_line_of_text_is_wider_than_the_terminal_and_nothing_in_it_controls_it() {
        let mut summary = sample();
        summary.warnings = vec!["\u{1b}[2J".repeat(60), "word ".repeat(60)];
        summary.stop_reason = Some("because\n\u{202e}".repeat(10));
        for width in [40, 80, 200] {
            let text = rendered(&summary, &errors(), width);
            for line in text
                .lines()
                .filter(|line| !line.starts_with("  disband-batch"))
            {
                assert!(measure_text_width(line) <= width, "{width}: {line}");
            }
            assert!(
                !text
                    .replace('\n', "")
                    .chars()
                    .any(crate::escape::is_treacherous)
            );
        }
    }

    #[test]
    fn colour_is_an_extra() {
        let summary = sample();
        let closing = Closing {
            summary: &summary,
            errors: &errors(),
            advice: &advice,
            report: None,
            command: "disband-batch",
        };
        let coloured = closing.render(80, true);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(
            console::strip_ansi_codes(&coloured),
            closing.render(80, false)
        );
    }
}
