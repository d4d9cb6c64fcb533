//! The question before the first call.
//!
//! Disbanding cannot be undone, so the user types the SDKAppID rather than `y`. The question goes to the terminal
//! itself, for stdin may be the pipe that the IDs come through.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
};

use crate::{error::Error, exit::ExitCode, figures};

/// What a user should know before consenting.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The app.
    pub sdkappid: u64,
    /// The admin account.
    pub identifier: &'a str,
    /// Where the calls go: host or URL, without any query.
    pub endpoint: &'a str,
    /// How many groups there are, if that is known already.
    pub groups: Option<u64>,
    /// The first few IDs as they stand in the input.
    pub first_ids: &'a [String],
    /// What smells about the input or the settings; sentences, escaped already.
    pub warnings: &'a [String],
}

/// What the user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The SDKAppID was typed.
    Confirmed,
    /// Anything else, or nothing.
    Declined,
}

/// Nobody can be asked, or nobody agreed. Nobody has been called.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no terminal.
    #[error("nobody can be asked for consent: there is no terminal")]
    NoTerminal {
        /// Why it cannot be opened.
        source: io::Error,
    },
    /// The terminal went away.
    #[error("the terminal cannot be asked for consent")]
    Terminal {
        /// Why.
        source: io::Error,
    },
    /// The user said no.
    #[error("not confirmed: nothing was disbanded")]
    Declined,
}

impl ConfirmError {
    /// What to do next; `sdkappid` is the run's app.
    pub fn into_error(self, sdkappid: u64) -> Error {
        let hint = match self {
            Self::NoTerminal { .. } | Self::Terminal { .. } => format!(
                "--yes, or DISBAND_BATCH_YES={sdkappid} in the environment, consents beforehand"
            ),
            Self::Declined => {
                format!("type the app's SDKAppID, {sdkappid}, to go on; --dry-run only looks")
            }
        };
        Error::new(ExitCode::Usage, self).with_hint(hint)
    }
}

/// Shows the facts on the controlling terminal and waits for the answer.
///
/// Blocks until there is an answer.
///
/// # Errors
/// [`ConfirmError`]; an answer other than the SDKAppID is [`ConfirmError::Declined`].
pub fn on_terminal(facts: &Facts<'_>) -> Result<(), ConfirmError> {
    let no_terminal = |source| ConfirmError::NoTerminal { source };
    let terminal = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(no_terminal)?;
    let mut reader = BufReader::new(terminal.try_clone().map_err(no_terminal)?);
    match ask(facts, &mut reader, &mut &terminal) {
        Ok(Reply::Confirmed) => Ok(()),
        Ok(Reply::Declined) => Err(ConfirmError::Declined),
        Err(source) => Err(ConfirmError::Terminal { source }),
    }
}

/// Asks whoever stands behind reader and writer, once.
///
/// # Errors
/// What reading or writing says.
pub fn ask(
    facts: &Facts<'_>,
    reader: &mut impl BufRead,
    writer: &mut impl Write,
) -> io::Result<Reply> {
    // In one piece, so that nothing gets between the lines.
    writer.write_all(question(facts).as_bytes())?;
    writer.flush()?;
    const LONGEST_ANSWER: u64 = 1024;
    let mut answer = Vec::new();
    reader.take(LONGEST_ANSWER).read_until(b'\n', &mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(match answer.trim() == facts.sdkappid.to_string() {
        true => Reply::Confirmed,
        false => Reply::Declined,
    })
}

fn question(facts: &Facts<'_>) -> String {
    let groups = match facts.groups {
        Some(1) => "1 group".to_owned(),
        Some(n) => figures::count(n),
        None => "groups, not counted yet: they come from stdin".to_owned(),
    };
    let mut text = String::from("\n");
    for warning in facts.warnings {
        text.push_str(&format!("Warning: {warning}\n"));
    }
    if !facts.warnings.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!(
        "About to disband for good:\n\
         \x20 app       {}\n\
         \x20 admin     {}\n\
         \x20 endpoint  {}\n\
         \x20 groups    {groups}\n",
        facts.sdkappid,
        facts.identifier.escape_debug(),
        facts.endpoint.escape_debug(),
    ));
    for (n, id) in facts.first_ids.iter().enumerate() {
        let label = if n == 0 { "first IDs" } else { "" };
        text.push_str(&format!("  {label:<10}{}\n", id.escape_debug()));
    }
    text.push_str("\nThis cannot be undone. Type the SDKAppID to go on, anything else to leave: ");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 2] = ["@TGS#2J4SZEAEL", "odd\u{1b}[2J\nid"];

    fn asked(answer: &[u8], groups: Option<u64>) -> (Reply, String) {
        let first_ids = IDS.map(str::to_owned);
        let warnings = ["Every ID is a number.".to_owned()];
        let facts = Facts {
            sdkappid: 1_400_000_000,
            identifier: "administrator",
            endpoint: "console.tim.qq.com",
            groups,
            first_ids: &first_ids,
            warnings: &warnings,
        };
        let mut shown = Vec::new();
        let reply = ask(&facts, &mut &*answer, &mut shown).unwrap();
        (reply, String::from_utf8(shown).unwrap())
    }

    #[test]
    fn only_the_sdkappid_confirms() {
        for (answer, reply) in [
            (b"1400000000\n".as_slice(), Reply::Confirmed),
            (b" 1400000000\r\n", Reply::Confirmed),
            (b"1400000000", Reply::Confirmed),
            (b"", Reply::Declined),
            (b"\n1400000000\n", Reply::Declined),
            (b"y\n", Reply::Declined),
            (b"140000000\n", Reply::Declined),
            (b"14000000001\n", Reply::Declined),
            (b"+1400000000\n", Reply::Declined),
            (b"\xff\xfe\n", Reply::Declined),
        ] {
            assert_eq!(asked(answer, Some(2)).0, reply, "{answer:?}");
        }
    }

    #[test]
    fn the_question_says_what_is_about_to_happen() {
        insta::assert_snapshot!(asked(b"", Some(2)).1, @r"

        Warning: Every ID is a number.

        About to disband for good:
          app       1400000000
          admin     administrator
          endpoint  console.tim.qq.com
          groups    2
          first IDs @TGS#2J4SZEAEL
                    odd\u{1b}[2J\nid

        This cannot be undone. Type the SDKAppID to go on, anything else to leave:
        ");
        assert!(asked(b"", None).1.contains("groups, not counted yet"));
    }

    #[test]
    fn with_nobody_to_ask_the_way_out_names_the_app() {
        let error = ConfirmError::Declined.into_error(7);
        assert_eq!(error.exit(), ExitCode::Usage);
        let source = io::Error::from(io::ErrorKind::NotFound);
        let error = ConfirmError::NoTerminal { source }.into_error(7);
        assert!(error.hint().unwrap().contains("DISBAND_BATCH_YES=7"));
    }
}
