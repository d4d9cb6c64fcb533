//! Logs, on stderr or wherever a progress bar wants them.
//!
//! The UserSig travels in the URL, and HTTP libraries log URLs. So what is not of this program is capped at `info`, and
//! not even `RUST_LOG=trace` lifts the cap.

use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, ParseError, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

use crate::{cli::LogFormat, error::Error, exit::ExitCode, settings::Logging};

/// The target of everything that this program itself says.
const OURS: &str = "disband_batch";

/// Logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// `RUST_LOG` is no filter.
    #[error("RUST_LOG is `{filter}`, which is no filter")]
    Filter {
        /// What it holds, escaped.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Somebody else logs already.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
    /// Somebody else logs already.
    #[error("logs are set up already")]
    Taken(#[from] SetGlobalDefaultError),
}

impl From<LoggingError> for Error {
    fn from(error: LoggingError) -> Self {
        Self::new(ExitCode::Usage, error).with_hint("RUST_LOG=info or RUST_LOG=disband_batch=debug")
    }
}

/// Begins to log for the whole process.
///
/// # Errors
/// [`LoggingError`].
pub fn init<W>(settings: &Logging, is_terminal: bool, writer: W) -> Result<(), LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    subscriber(settings, is_terminal, writer)?.try_init()?;
    Ok(())
}

/// What [`init`] sets up, for those who want it for a while or for one thread.
///
/// # Errors
/// [`LoggingError::Filter`].
pub fn subscriber<W>(
    settings: &Logging,
    is_terminal: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + for<'s> LookupSpan<'s> + use<W>, LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let cap = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target(OURS, LevelFilter::TRACE);
    let filter = filter(settings)?.and(cap);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match settings.format {
        LogFormat::Text => layer
            .with_ansi(is_terminal && !settings.no_color)
            .with_target(settings.verbose > 0)
            .boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(layer.with_filter(filter)))
}

fn filter(settings: &Logging) -> Result<EnvFilter, LoggingError> {
    let filter = match (&settings.rust_log, settings.quiet, settings.verbose) {
        (Some(filter), _, _) => filter.clone(),
        (None, true, _) => "error".into(),
        (None, false, 0) => format!("warn,{OURS}=info"),
        (None, false, 1) => format!("warn,{OURS}=debug"),
        (None, false, _) => format!("info,{OURS}=trace"),
    };
    EnvFilter::builder()
        .parse(&filter)
        .map_err(|source| LoggingError::Filter {
            filter: filter.escape_debug().to_string(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn quietly() -> Logging {
        Logging {
            format: LogFormat::Text,
            verbose: 0,
            quiet: false,
            rust_log: None,
            no_color: false,
        }
    }

    fn logged(settings: &Logging, is_terminal: bool) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = subscriber(settings, is_terminal, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!("our error");
            tracing::info!("our info");
            tracing::debug!("our debug");
            tracing::trace!("our trace");
            tracing::warn!(target: "reqwest::connect", "their warning");
            for_each_library_at_debug_and_trace();
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn for_each_library_at_debug_and_trace() {
        tracing::debug!(target: "reqwest::connect", "?usersig=hush");
        tracing::trace!(target: "hyper_util::client", "?usersig=hush");
        tracing::trace!(target: "hyper::proto::h1", "?usersig=hush");
        tracing::debug!(target: "rustls::client", "?usersig=hush");
        tracing::debug!(target: "h2::codec", "?usersig=hush");
        tracing::trace!(target: "log", "?usersig=hush");
    }

    #[test]
    fn no_filter_makes_a_library_show_a_url() {
        for filter in [
            "trace",
            "reqwest=trace,hyper=trace,hyper_util=trace,h2=debug",
            "reqwest",
        ] {
            let settings = Logging {
                rust_log: Some(filter.into()),
                verbose: 2,
                ..quietly()
            };
            assert!(!logged(&settings, false).contains("hush"), "{filter}");
        }
        let everything = Logging {
            rust_log: Some("trace".into()),
            ..quietly()
        };
        let everything = logged(&everything, false);
        assert!(everything.contains("our trace") && everything.contains("their warning"));
    }

    #[test]
    fn verbose_says_more_and_quiet_only_errors() {
        for (verbose, quiet, lines) in [(0, true, 1), (0, false, 3), (1, false, 4), (2, false, 5)] {
            let settings = Logging {
                verbose,
                quiet,
                ..quietly()
            };
            let logged = logged(&settings, false);
            assert_eq!(logged.lines().count(), lines, "{logged}");
        }
    }

    #[test]
    fn colours_are_for_terminals_whose_user_wants_them() {
        for (is_terminal, no_color, has_colour) in [
            (true, false, true),
            (true, true, false),
            (false, false, false),
        ] {
            let settings = Logging {
                no_color,
                ..quietly()
            };
            assert_eq!(
                logged(&settings, is_terminal).contains('\u{1b}'),
                has_colour
            );
        }
    }

    #[test]
    fn json_logs_are_one_object_a_line() {
        let settings = Logging {
            format: LogFormat::Json,
            ..quietly()
        };
        let logged = logged(&settings, true);
        let first: serde_json::Value =
            serde_json::from_str(logged.lines().next().unwrap()).unwrap();
        assert_eq!(first["level"], "ERROR");
        assert_eq!(first["message"], "our error");
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        let settings = Logging {
            rust_log: Some("disband_batch=louder".into()),
            ..quietly()
        };
        let error = subscriber(&settings, false, io::sink).err().unwrap();
        assert_eq!(
            error.to_string(),
            "RUST_LOG is `disband_batch=louder`, which is no filter"
        );
    }
}
