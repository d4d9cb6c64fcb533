//! What a user is told when the program cannot go on: a sentence, its causes, a hint, an exit code.
//!
//! Rooms have typed errors of their own; here they come together. A group that could not be disbanded is no error but
//! an outcome.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, Write},
};

use crate::exit::ExitCode;

/// Why the program cannot go on.
pub struct Error {
    cause: Box<dyn StdError + Send + Sync>,
    hint: Option<String>,
    exit: ExitCode,
}

impl Error {
    /// Wraps a room's error. Its `Display` is the sentence shown, its sources are shown below.
    pub fn new(exit: ExitCode, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            cause: cause.into(),
            hint: None,
            exit,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The status to end with.
    pub fn exit(&self) -> ExitCode {
        self.exit
    }

    /// The room's error, for those who tell kinds apart.
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.cause.as_ref()
    }

    /// Tells the user. Help and version, which clap hands over as errors, go to stdout as asked for; everything else
    /// goes to `stderr`.
    ///
    /// # Errors
    /// Whatever writing says; a reader that has gone away is no error.
    pub fn tell(&self, stderr: &mut dyn Write) -> io::Result<()> {
        let told = match self.cause.downcast_ref::<clap::Error>() {
            Some(clap) => clap.print(),
            None => writeln!(stderr, "{self:?}"),
        };
        quiet_if_nobody_reads(told)
    }
}

/// A closed pipe (`disband-batch man | head`) means that the reader has seen enough.
pub fn quiet_if_nobody_reads(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

/// The whole story, as a person reads it: this is also what `main` and `unwrap` show.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(cause) = source {
            write!(f, "\n  because: {cause}")?;
            source = cause.source();
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

impl From<clap::Error> for Error {
    fn from(error: clap::Error) -> Self {
        let exit = match error.exit_code() {
            0 => ExitCode::Finished,
            _ => ExitCode::Usage,
        };
        Self::new(exit, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read {file}")]
    struct Unreadable {
        file: &'static str,
        source: io::Error,
    }

    #[test]
    fn a_user_reads_sentence_cause_and_hint() {
        let error = Error::new(
            ExitCode::Usage,
            Unreadable {
                file: "ids.txt",
                source: io::Error::other("disk on fire"),
            },
        )
        .with_hint("put it out");
        let mut told = Vec::new();
        error.tell(&mut told).unwrap();
        insta::assert_snapshot!(String::from_utf8(told).unwrap(), @r"
        error: cannot read ids.txt
          because: disk on fire
          hint: put it out
        ");
        assert_eq!(error.exit(), ExitCode::Usage);
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_error() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(quiet_if_nobody_reads(Err(broken)).is_ok());
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(quiet_if_nobody_reads(Err(full)).is_err());
    }
}
