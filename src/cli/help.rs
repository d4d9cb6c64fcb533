//! The help texts that are not those of one option, and which options each job's help shows.

/// How the program is called. `-h` must fit a person, so the jobs are listed below, not here.
pub(super) const USAGE: &str = "disband-batch [OPTIONS] [INPUT]...
       disband-batch runs | report <RUN> | check | simulator | config
       disband-batch completions <SHELL> | man";

/// What stands below the options.
pub(super) const AFTER: &str = "\
Examples:
  A bulk run; asks on the terminal before the first call:
    disband-batch --sdkappid 1400000000 --region sgp \\
        --secret-key-file key.txt groups.csv

  A pipe, with settings from the environment or the config file:
    mysql -BN -e 'select group_id from dead_groups' chat |
        disband-batch --yes --report - > report.csv

  Cron, quiet, four hours at most (--resume goes on the next night):
    0 1 * * * disband-batch -q --yes --max-duration 4h /srv/groups.txt

Every option but the inputs can be set in the environment as DISBAND_BATCH_
and its name in capitals (DISBAND_BATCH_MAX_OUTAGE=10m), and in the config
file under its name (max-outage = \"10m\"). Flags win over the environment,
the environment over the file, the file over defaults. Several --protect in
one variable are separated by colons. A file called like a job is written
with its directory: ./runs

Exit codes: 0 done; 1 some groups failed; 2 wrong usage or input, nobody was
called; 3 stopped by trouble; 4 stopped as asked with work left; 75 another
run of this app is under way; 130, 143 stopped by SIGINT, SIGTERM.";

/// Which of the shared options mean something to a job; the others stay out of its help.
const SHARED: [(&str, &[&str]); 7] = [
    ("runs", &["sdkappid", "state_dir"]),
    ("report", &["state_dir"]),
    (
        "check",
        &[
            "sdkappid",
            "identifier",
            "region",
            "endpoint",
            "secret_key_file",
            "usersig_file",
            "timeout",
            "connect_timeout",
        ],
    ),
    ("simulator", &["sdkappid", "identifier", "secret_key_file"]),
    ("config", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// Those that mean something to every job.
const EVERYWHERE: [&str; 4] = ["log_format", "verbose", "quiet", "config"];

/// Hides from each job's help the shared options that mean nothing to it.
pub(super) fn tidy(mut command: clap::Command) -> clap::Command {
    // Shared options reach the jobs when clap builds the command.
    command.build();
    let shared: Vec<clap::Id> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().clone())
        .collect();
    for (job, uses) in SHARED {
        command = command.mut_subcommand(job, |job| {
            job.mut_args(|arg| {
                let id = arg.get_id().as_str();
                let foreign = shared.iter().any(|s| s == id)
                    && !uses.contains(&id)
                    && !EVERYWHERE.contains(&id);
                if foreign { arg.hide(true) } else { arg }
            })
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Cli, command};

    fn help_of(job: Option<&str>) -> String {
        let mut command = command(|c| c.term_width(80));
        let command = match job {
            Some(job) => command.find_subcommand_mut(job).unwrap(),
            None => &mut command,
        };
        command.clone().term_width(80).render_help().to_string()
    }

    #[test]
    fn every_job_and_every_shared_option_named_here_exists() {
        let cli = Cli::command();
        for (job, uses) in SHARED {
            assert!(cli.find_subcommand(job).is_some(), "{job}");
            for id in uses.iter().chain(&EVERYWHERE) {
                let arg = cli.get_arguments().find(|arg| arg.get_id() == id).unwrap();
                assert!(arg.is_global_set(), "{id}");
            }
        }
        assert_eq!(cli.get_subcommands().count(), SHARED.len());
    }

    #[test]
    fn help_fits_a_person() {
        insta::assert_snapshot!(help_of(None));
    }

    #[test]
    fn a_job_shows_only_what_means_something_to_it() {
        insta::assert_snapshot!(help_of(Some("runs")));
        let check = help_of(Some("check"));
        assert!(check.contains("--usersig-file") && !check.contains("--state-dir"));
    }
}
