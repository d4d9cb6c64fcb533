//! `man`: the man page, from the same command line that is parsed.

use std::io;

use clap_mangen::{
    Man,
    roff::{Roff, bold, italic, roman},
};

use crate::{cli, error::Error, exit::ExitCode};

/// The page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the man page cannot be made")]
struct NoPage(#[source] io::Error);

/// The page in roff.
pub(super) fn page() -> Result<Vec<u8>, Error> {
    render().map_err(|error| Error::new(ExitCode::Usage, NoPage(error)))
}

fn render() -> io::Result<Vec<u8>> {
    let command = cli::command(|c| c);
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    jobs(&command).to_writer(&mut page)?;
    notes(&command).to_writer(&mut page)?;
    exit_status().to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// The other jobs with what they take, for there is one page and not one for each.
fn jobs(command: &clap::Command) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["OTHER JOBS"]);
    for job in command.get_subcommands().filter(|j| j.get_name() != "help") {
        roff.control("TP", []);
        roff.text([bold(job.get_name())]);
        roff.text([roman(job.get_about().unwrap_or_default().to_string())]);
        let own = job
            .get_arguments()
            .filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
        for arg in own {
            let help = arg.get_help().unwrap_or_default();
            roff.control("br", []);
            roff.text([
                italic(arg.to_string().replace("...", "")),
                roman(format!(": {help}")),
            ]);
        }
    }
    roff
}

/// What stands below the options in `--help`, line by line as it stands there.
fn notes(command: &clap::Command) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["EXAMPLES AND NOTES"]);
    roff.control("nf", []);
    for line in command
        .get_after_help()
        .unwrap_or_default()
        .to_string()
        .lines()
    {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn exit_status() -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["EXIT STATUS"]);
    for code in ExitCode::ALL {
        roff.control("TP", []);
        roff.text([bold(code.number().to_string())]);
        roff.text([roman(code.meaning())]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_of_every_option_job_and_exit_code() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        let command = cli::command(|c| c);
        let options = command.get_arguments().filter_map(|arg| arg.get_long());
        for option in options.filter(|option| *option != "help") {
            let escaped = option.replace('-', "\\-");
            assert!(page.contains(&escaped), "--{option}");
        }
        for section in ["OTHER JOBS", "EXIT STATUS", "143", "simulator"] {
            assert!(page.contains(section), "{section}");
        }
    }
}
