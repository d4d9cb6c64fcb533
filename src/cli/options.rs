//! The main job's options, group by group. Their names are also those of the environment and the config file.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgAction, Args};

use crate::tencent::hosts::Region;

use super::values::{
    Column, Delimiter, Format, LogFormat, MaxFailures, ProgressMode, ReportFormat, ResumeTarget,
    above_zero, duration, identifier, up_to,
};

/// What is disbanded, and how it is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Files with group IDs, `-` for stdin [default: stdin]
    #[arg(value_name = "INPUT", help_heading = None::<&'static str>)]
    pub inputs: Vec<PathBuf>,

    /// How records are written
    #[arg(
        long,
        value_name = "auto|csv|lines|jsonl",
        hide_possible_values = true,
        default_value = "auto"
    )]
    pub format: Format,

    /// CSV column or JSON key with the group ID [default: GroupId, group_id, groupid, group id or id, in any case; or
    /// the only column]
    #[arg(long, value_name = "NAME|N")]
    pub column: Option<Column>,

    /// What separates CSV cells: one character or `tab` [default: sniffed among comma, semicolon and tab]
    #[arg(long, value_name = "C")]
    pub delimiter: Option<Delimiter>,

    /// The first CSV row is data
    #[arg(long)]
    pub no_header: bool,
}

/// Whose groups, and who says so.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "App and credentials")]
pub struct AppArgs {
    /// The app (SDKAppID)
    #[arg(long, global = true, value_name = "N", value_parser = above_zero)]
    pub sdkappid: Option<NonZeroU64>,

    /// The app admin account
    #[arg(long, global = true, value_name = "ID", value_parser = identifier, default_value = "administrator")]
    pub identifier: String,

    /// Where the app lives
    #[arg(
        long,
        global = true,
        value_name = "cn|sgp|kr|jpn|ger|ind|usa|idn",
        hide_possible_values = true
    )]
    pub region: Option<Region>,

    /// Where the app lives, as a URL instead of a region
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,

    /// File with the key that signs UserSigs here; or put the key into DISBAND_BATCH_SECRET_KEY
    #[arg(long, global = true, value_name = "PATH")]
    pub secret_key_file: Option<PathBuf>,

    /// File with a UserSig made elsewhere; or put it into DISBAND_BATCH_USERSIG
    #[arg(long, global = true, value_name = "PATH")]
    pub usersig_file: Option<PathBuf>,

    /// Run against a simulator started here: needs no account, touches no group, never asks
    #[arg(long)]
    pub simulate: bool,
}

/// How fast, how often, how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Calls a second, retries included. The limit is the app's, shared with its live backend. The vendor's alarm
    /// webhook fires above 160 a second, so 150 is the quiet rate; above 200 only for apps that bought more
    #[arg(long, value_name = "N", value_parser = up_to::<1_000_000>, default_value = "200")]
    pub rate: NonZeroU32,

    /// Calls in flight at most
    #[arg(long, value_name = "N", value_parser = up_to::<10_000>, default_value = "256")]
    pub concurrency: NonZeroU32,

    /// Time for one call
    #[arg(long, global = true, value_name = "DUR", value_parser = duration, default_value = "10s")]
    pub timeout: Duration,

    /// Time for connecting
    #[arg(long, global = true, value_name = "DUR", value_parser = duration, default_value = "5s")]
    pub connect_timeout: Duration,

    /// Calls for one group before it is `exhausted`
    #[arg(long, value_name = "N", value_parser = up_to::<100>, default_value = "5")]
    pub max_attempts: NonZeroU32,

    /// How long to wait while no group gets an answer that settles it
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "30m")]
    pub max_outage: Duration,
}

/// What keeps a run from doing harm.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Safety")]
pub struct SafetyArgs {
    /// Everything but the calls
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask. In the environment, DISBAND_BATCH_YES must hold the SDKAppID it consents to
    #[arg(short, long)]
    pub yes: bool,

    /// IDs and `*` globs, one a line, that are never disbanded (repeatable)
    #[arg(long, value_name = "PATH", action = ArgAction::Append)]
    pub protect: Vec<PathBuf>,

    /// Refuse the whole run if the input holds more groups than this
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub max_groups: Option<NonZeroU64>,

    /// Call at most this many groups, then stop cleanly; look, then --resume
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub limit: Option<NonZeroU64>,

    /// Stop cleanly when the maintenance window ends
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub max_duration: Option<Duration>,

    /// Stop cleanly when so many groups failed; a percentage counts from 100 finished groups on
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<MaxFailures>,
}

/// What a run leaves behind.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Results")]
pub struct ResultArgs {
    /// The per-group report, `-` for stdout; `{run}` stands for the run's ID [default: disband-{run}.csv]
    #[arg(long, value_name = "PATH|-")]
    pub report: Option<PathBuf>,

    /// How the report is written [default: by the path's ending, else csv]
    #[arg(long, value_name = "csv|jsonl", hide_possible_values = true)]
    pub report_format: Option<ReportFormat>,

    /// The run's summary as one JSON object
    #[arg(long, value_name = "PATH")]
    pub summary: Option<PathBuf>,

    /// Figures in Prometheus' text format, replaced every few seconds and at the end
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,
}

/// How to go on with an earlier run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Resuming")]
pub struct ResumeArgs {
    /// Go on with a run: the newest unfinished one of this app, or the one named after `=`
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ResumeTarget::NEWEST
    )]
    pub resume: Option<ResumeTarget>,

    /// With --resume: another try for groups that ended `failed` or `exhausted`
    #[arg(long)]
    pub retry_failed: bool,

    /// Where the ledger lives [default: $XDG_STATE_HOME/disband-batch]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// What is said while it runs, and where settings come from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Screen and settings")]
pub struct ScreenArgs {
    /// How progress is shown; `auto` is a bar on a terminal, else a line every 10 s
    #[arg(
        long,
        value_name = "auto|bar|lines|none",
        hide_possible_values = true,
        default_value = "auto"
    )]
    pub progress: ProgressMode,

    /// How logs are written, on stderr
    #[arg(
        long,
        global = true,
        value_name = "text|json",
        hide_possible_values = true,
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// Say more; twice says everything. RUST_LOG chooses finer
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// TOML file with the same names [default: $XDG_CONFIG_HOME/disband-batch/config.toml if there]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
}
