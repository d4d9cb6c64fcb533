//! Every exit status of the program, documented once: README and man page show [`ExitCode::ALL`].

/// How the program ended, for the script that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Every record is gone or neutral.
    Finished = 0,
    /// The run finished, and at least one record is a failure.
    Failures = 1,
    /// Wrong usage, configuration or input. Nobody was called.
    Usage = 2,
    /// Trouble stopped the run: it can go on once the trouble is mended.
    Stopped = 3,
    /// Stopped as asked, with work left.
    WorkLeft = 4,
    /// Another run of this app holds the lock (`EX_TEMPFAIL` of sysexits.h).
    Busy = 75,
    /// SIGINT (128 + 2, as shells count).
    Interrupted = 130,
    /// SIGTERM (128 + 15).
    Terminated = 143,
}

impl ExitCode {
    /// All of them, by number.
    pub const ALL: [Self; 8] = [
        Self::Finished,
        Self::Failures,
        Self::Usage,
        Self::Stopped,
        Self::WorkLeft,
        Self::Busy,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The status as the parent process sees it.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What it means, as the contract words it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Finished => "finished: every record is gone or neutral",
            Self::Failures => "finished: at least one failure",
            Self::Usage => "wrong usage, configuration or input; nobody was called",
            Self::Stopped => {
                "stopped by trouble (credentials or permission refused, --max-failures, \
                 --max-outage, a ledger or report that can't be written); --resume goes on"
            }
            Self::WorkLeft => {
                "stopped as asked with work left (--max-duration, --limit); --resume goes on"
            }
            Self::Busy => "another run of this app holds the lock",
            Self::Interrupted => "SIGINT: drained and recorded; --resume goes on",
            Self::Terminated => "SIGTERM: drained and recorded; --resume goes on",
        }
    }

    /// The table of all of them in Markdown, as the README has it.
    pub fn markdown_table() -> String {
        let mut table = String::from("| code | meaning |\n| --- | --- |\n");
        for code in Self::ALL {
            table.push_str(&format!("| {} | {} |\n", code.number(), code.meaning()));
        }
        table
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_contract() {
        let numbers = ExitCode::ALL.map(ExitCode::number);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 75, 130, 143]);
    }

    #[test]
    fn the_table_has_a_line_for_each_code() {
        let table = ExitCode::markdown_table();
        assert_eq!(table.lines().count(), 2 + ExitCode::ALL.len());
        assert!(table.contains("| 75 | another run of this app holds the lock |\n"));
    }
}
