//! The command line: what can be typed, and nothing of what it means. That is for `settings`.

mod help;
mod options;
mod values;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

pub use options::{AppArgs, InputArgs, PaceArgs, ResultArgs, ResumeArgs, SafetyArgs, ScreenArgs};
pub use values::{
    Column, Delimiter, ExportFormat, Format, LogFormat, MaxFailures, ProgressMode, ReportFormat,
    ResumeTarget,
};

/// The program's name.
pub const NAME: &str = "disband-batch";

/// Disbands Tencent Cloud Chat groups in bulk.
///
/// Disbanding cannot be undone. Exactly one of --region and --endpoint, --sdkappid and one credential are needed.
#[derive(Parser, Clone, Debug)]
#[command(
    name = NAME,
    version,
    about = "Disbands Tencent Cloud Chat groups in bulk. This cannot be undone.",
    long_about = None,
    after_help = help::AFTER,
    override_usage = help::USAGE,
    subcommand_help_heading = "Other jobs",
    max_term_width = 100
)]
pub struct Cli {
    /// What is disbanded.
    #[command(flatten)]
    pub input: InputArgs,
    /// Whose groups.
    #[command(flatten)]
    pub app: AppArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// What keeps it from doing harm.
    #[command(flatten)]
    pub safety: SafetyArgs,
    /// What is left behind.
    #[command(flatten)]
    pub results: ResultArgs,
    /// Going on with an earlier run.
    #[command(flatten)]
    pub resume: ResumeArgs,
    /// What is said meanwhile.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Another job than the main one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The jobs beside the main one. None of them disbands anything.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// The runs that the ledger knows, newest first
    ///
    /// A run whose process ended without a word is `killed`. NOT_ATTEMPTED (LEFT where the terminal is narrow) are the
    /// records that have no outcome; --resume takes them. INPUT (where there is room for it) is the first input's path,
    /// and how many there are beside it.
    Runs,
    /// A run's report again, from the ledger
    ///
    /// Also while the run goes on. Rows stand in the order of the input; records that have no outcome are
    /// `not_attempted`. As html it is one page about the run, which needs no network.
    Report(ReportArgs),
    /// Whether key, admin account, region and address are right; touches no group
    ///
    /// Makes one call that only counts the app's groups. Exit code 0 if all is right, 3 if something is wrong, and then
    /// what and how to mend it.
    Check,
    /// The embedded service, standing alone
    ///
    /// Its URL goes to stdout. It ends with SIGINT or SIGTERM, with exit code 0.
    Simulator(crate::simulator::SimulatorArgs),
    /// Each setting and where it came from
    Config,
    /// Completions for a shell, on stdout
    Completions(CompletionsArgs),
    /// The man page, on stdout
    Man,
}

impl Command {
    /// As it is typed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Report(_) => "report",
            Self::Check => "check",
            Self::Simulator(_) => "simulator",
            Self::Config => "config",
            Self::Completions(_) => "completions",
            Self::Man => "man",
        }
    }
}

/// Which run, and how its report is written.
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// The run's ID, as `runs` shows it, or its beginning
    #[arg(value_name = "RUN", value_parser = values::run_id)]
    pub run: String,

    /// How it is written [default: by the path's ending, else csv]
    #[arg(
        id = "export_format",
        long = "format",
        value_name = "csv|jsonl|html",
        hide_possible_values = true
    )]
    pub format: Option<ExportFormat>,

    /// Where to: a file that is not there yet (`{run}` stands for the run's ID), or `-` for stdout [default: stdout]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// Which shell.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

/// The whole command line as clap knows it; `prepare` may set defaults before it is built.
pub fn command(prepare: impl FnOnce(clap::Command) -> clap::Command) -> clap::Command {
    help::tidy(prepare(Cli::command()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_command_line() {
        Cli::command().debug_assert();
        command(|c| c).debug_assert();
    }

    /// clap would hand one job's value to the other's option, and panic where their types differ.
    #[test]
    fn no_job_has_an_option_of_its_own_that_is_called_like_a_shared_one() {
        let cli = Cli::command();
        for job in cli.get_subcommands() {
            for own in job.get_arguments() {
                for shared in cli.get_arguments() {
                    assert_ne!(own.get_id(), shared.get_id(), "{}", job.get_name());
                    let is_shared = shared.is_global_set() && own.get_long().is_some();
                    assert!(!is_shared || own.get_long() != shared.get_long(), "{own}");
                }
            }
        }
    }

    #[test]
    fn every_job_is_called_by_its_name() {
        for job in Cli::command().get_subcommands() {
            let mut words = vec![NAME, job.get_name()];
            match job.get_name() {
                "report" => words.push("some-run"),
                "completions" => words.push("bash"),
                _ => {}
            }
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(cli.command.unwrap().name(), job.get_name());
        }
    }
}
