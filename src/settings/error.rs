//! Everything that can be wrong with settings, as a user is told.

use std::io;

use crate::{error::Error, exit::ExitCode};

/// Settings that cannot be used. Nobody has been called.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value in the environment or the config file that its option does not take.
    #[error("{place} is `{value}`: {reason}")]
    Value {
        /// Where it stands.
        place: String,
        /// The value, escaped.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// Somebody typed a secret.
    #[error(
        "there is no flag {flag}: a command line is public, every user of this host can read it"
    )]
    SecretTyped {
        /// What was typed.
        flag: &'static str,
        /// The flag for a file with the secret.
        file: &'static str,
        /// The variable for the secret.
        variable: String,
    },
    /// An input before another job's name.
    #[error("`{job}` is a job of its own and takes no input")]
    InputForJob {
        /// The job.
        job: &'static str,
    },
    /// An option of the main job before another job's name.
    #[error("{option} means nothing to `{job}`, which is a job of its own")]
    OptionForJob {
        /// The option as typed.
        option: String,
        /// The job.
        job: &'static str,
    },
    /// No input, and a person at the keyboard.
    #[error("no input: stdin is a terminal")]
    TerminalAsInput,
    /// Stdin can be read only once.
    #[error("stdin (`-`) is named twice as input")]
    StdinTwice,
    /// No SDKAppID.
    #[error("which app? no SDKAppID is set")]
    NoApp,
    /// Neither region nor endpoint.
    #[error("where does app {sdkappid} live? neither region nor endpoint is set")]
    NoHome {
        /// The app.
        sdkappid: u64,
    },
    /// Region and endpoint in one layer.
    #[error("{first} and {second} both say where the app lives: exactly one must")]
    TwoHomes {
        /// One place.
        first: String,
        /// The other.
        second: String,
    },
    /// No key, no UserSig.
    #[error("no credential is set")]
    NoCredential,
    /// Several credentials in one layer.
    #[error("{first} and {second} are both set: exactly one credential must be")]
    TwoCredentials {
        /// One place.
        first: String,
        /// The other.
        second: String,
    },
    /// A key file that cannot be read.
    #[error("cannot read {place}{file}")]
    SecretFile {
        /// What names it.
        place: String,
        /// Its path in front of which stands a colon; empty if it looks like the secret itself.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A key or UserSig that cannot be one.
    #[error("{place} holds no {kind}: {reason}")]
    BadSecret {
        /// Where it stands.
        place: String,
        /// What it should be.
        kind: &'static str,
        /// What is wrong with it, without showing any of it.
        reason: &'static str,
    },
    /// The environment consents to another app.
    #[error("DISBAND_BATCH_YES is `{given}`, which is not this run's SDKAppID {sdkappid}")]
    ConsentForOther {
        /// What it holds, escaped.
        given: String,
        /// The app of this run.
        sdkappid: u64,
    },
    /// Connecting may not take longer than the whole call.
    #[error("{connect} is longer than {whole}: a call ends before it could connect")]
    ConnectLongerThanCall {
        /// Where the shorter one should be.
        connect: String,
        /// The whole call's.
        whole: String,
    },
    /// `--retry-failed` in a fresh run.
    #[error("{place} needs --resume: a fresh run has no failed groups yet")]
    RetryFailedAlone {
        /// Where it is set.
        place: String,
    },
    /// A dry run keeps no ledger.
    #[error("{dry} and {resume} exclude each other: a dry run keeps no ledger and changes none")]
    DryResume {
        /// Where the dry run is set.
        dry: String,
        /// Where resuming is set.
        resume: String,
    },
    /// An option of another format.
    #[error("{option} means nothing to {format} input ({place})")]
    NotOfFormat {
        /// The option's place.
        option: String,
        /// The format.
        format: &'static str,
        /// The format's place.
        place: String,
    },
    /// There is no place for the ledger.
    #[error("where does the ledger live? neither XDG_STATE_HOME nor HOME is set")]
    NoStateDir,
    /// Two results in one file.
    #[error("{first} and {second} name the same file {path}")]
    SamePath {
        /// One place.
        first: String,
        /// The other.
        second: String,
        /// The file.
        path: String,
    },
    /// Only the report goes to stdout.
    #[error("{place} cannot be stdout: only the report can")]
    NotToStdout {
        /// Where it is set.
        place: String,
    },
    /// Say more and say less.
    #[error("{verbose} and {quiet} exclude each other")]
    QuietAndVerbose {
        /// Where more is asked for.
        verbose: String,
        /// Where less is asked for.
        quiet: String,
    },
}

impl SettingsError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Value { .. } => return None,
            Self::SecretTyped { file, variable, .. } => {
                return Some(format!("name a file with {file}, or set {variable}"));
            }
            Self::InputForJob { job } | Self::OptionForJob { job, .. } => {
                return Some(format!("if `{job}` is a file, write `./{job}`"));
            }
            Self::TerminalAsInput => {
                "name files with group IDs, or pipe them in: cat ids.txt | disband-batch"
            }
            Self::StdinTwice => "name it once",
            Self::NoApp => "set --sdkappid or DISBAND_BATCH_SDKAPPID; the console shows it",
            Self::NoHome { .. } => {
                "set --region (cn, sgp, kr, jpn, ger, ind, usa, idn) or --endpoint"
            }
            Self::TwoHomes { .. } | Self::TwoCredentials { .. } => "remove one of them",
            Self::NoCredential => {
                "set --secret-key-file or --usersig-file, or put the secret itself into \
                 DISBAND_BATCH_SECRET_KEY or DISBAND_BATCH_USERSIG; --simulate needs none"
            }
            Self::SecretFile { file, .. } if file.is_empty() => {
                "it looks like the secret itself, so it is not shown; write it into a file and \
                 name that"
            }
            Self::SecretFile { .. } => "check that the file is there and readable by this user",
            Self::BadSecret { .. } => "copy it anew, as one line without quotes",
            Self::ConsentForOther { sdkappid, .. } => {
                return Some(format!(
                    "DISBAND_BATCH_YES={sdkappid} consents to disbanding groups of this app"
                ));
            }
            Self::ConnectLongerThanCall { .. } => "5s and 10s are good values",
            Self::RetryFailedAlone { .. } => "add --resume or --resume=RUN",
            Self::DryResume { .. } => "leave one of them out",
            Self::NotOfFormat { .. } => "leave it out, or choose another --format",
            Self::NoStateDir => "set --state-dir or DISBAND_BATCH_STATE_DIR",
            Self::SamePath { .. } => "give each its own",
            Self::NotToStdout { .. } => "name a file",
            Self::QuietAndVerbose { .. } => "leave one of them out",
        };
        Some(hint.into())
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        let hint = error.hint();
        let error = Self::new(ExitCode::Usage, error);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}
