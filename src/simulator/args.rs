//! The simulator's command line.

use std::{collections::BTreeSet, fs, io, net::SocketAddr, path::PathBuf};

use super::options::{DESTROY_GROUP_PER_SECOND, Groups, Key, Latency, SimulatorOptions};
use super::plan::{FaultPlan, FaultRule, OverSubscribed};

/// Serves destroy_group and get_appid_group_list on this machine, strictly, for rehearsals and tests
#[derive(Clone, Debug, clap::Args)]
pub struct SimulatorArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8600")]
    pub listen: SocketAddr,
    /// Allow an address that other machines can reach; what they send is not encrypted
    #[arg(long)]
    pub allow_remote: bool,
    /// Write the key that the simulator expects into a new file, for --secret-key-file of a run
    #[arg(long, value_name = "PATH")]
    pub write_key: Option<PathBuf>,
    /// File with the IDs of the app's groups, one a line [default: every well-formed ID is a group]
    #[arg(long, value_name = "PATH")]
    pub groups: Option<PathBuf>,
    /// Calls a second that are let through; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = DESTROY_GROUP_PER_SECOND)]
    pub rate_limit: u32,
    /// Calls a second that another program takes out of the limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub other_load: u32,
    /// How long an answer takes: 50ms, or a range such as 20ms..60ms
    #[arg(long, value_name = "DUR", default_value = "0ms")]
    pub latency: Latency,
    /// A fault as FAULT:SHARE% or FAULT:SHARE%xTIMES, repeatable: 10002:5%x2, 502:2%, lost:1%, 10007:0.2%x*
    ///
    /// FAULT is an ErrorCode, an HTTP status (200 to 599) or a word: lost (disbanded, connection reset), reset, close,
    /// hang, malformed, not-utf8, truncated, empty, oversized, endless-body, endless-headers, slow, redirect, portal,
    /// strings, types, no-code, contradiction, control, gibberish; @before or @after says whether the service acts all
    /// the same. A hash of seed and group ID decides which groups meet it.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<FaultRule>,
    /// Decides which groups meet which fault
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Close each connection after one call
    #[arg(long)]
    pub close: bool,
}

/// Arguments that make no simulator.
#[derive(Debug, thiserror::Error)]
pub enum BadArgs {
    /// A file can't be read.
    #[error("cannot read {path}, which --{option} names: {source}", path = path.display())]
    Unreadable {
        /// The option, without dashes.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An address that other machines can reach.
    #[error(
        "{0} can be reached by other machines, and what they send is not encrypted: listen on a loopback address, or \
         add --allow-remote"
    )]
    Remote(SocketAddr),
    /// Shares of more than all groups.
    #[error(transparent)]
    Faults(#[from] OverSubscribed),
}

impl SimulatorArgs {
    /// What the arguments mean, together with the app that is played (the sample's where it is not set); reads the files
    /// that they name.
    ///
    /// # Errors
    /// [`BadArgs`].
    pub fn options(
        self,
        sdkappid: Option<u64>,
        identifier: String,
        secret_key_file: Option<PathBuf>,
    ) -> Result<SimulatorOptions, BadArgs> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            return Err(BadArgs::Remote(self.listen));
        }
        let plain = SimulatorOptions::plain();
        let key = secret_key_file
            .map(|path| read("secret-key-file", path))
            .transpose()?
            .map_or(plain.key.clone(), |text| Key::new(text.trim()));
        let groups = self
            .groups
            .map(|path| read("groups", path))
            .transpose()?
            .map_or(Groups::Any, |text| Groups::Listed(ids(&text)));
        Ok(SimulatorOptions {
            listen: self.listen,
            sdkappid: sdkappid.unwrap_or(plain.sdkappid),
            identifier,
            key,
            groups,
            rate_limit: Some(self.rate_limit).filter(|&limit| limit > 0),
            other_load: self.other_load,
            latency: self.latency,
            faults: FaultPlan::new(self.faults)?,
            seed: self.seed,
            keep_alive: !self.close,
            ..plain
        })
    }
}

fn ids(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn read(option: &'static str, path: PathBuf) -> Result<String, BadArgs> {
    fs::read_to_string(&path).map_err(|source| BadArgs::Unreadable {
        option,
        path,
        source,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::simulator::{SAMPLE_IDENTIFIER, fault::Fault};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: SimulatorArgs,
    }

    fn parse(args: &[&str]) -> Result<SimulatorArgs, clap::Error> {
        Cli::try_parse_from(["simulator"].iter().chain(args)).map(|cli| cli.args)
    }

    #[test]
    fn without_arguments_it_is_a_plain_service() {
        let options = parse(&[])
            .unwrap()
            .options(None, SAMPLE_IDENTIFIER.to_owned(), None)
            .unwrap();
        let plain = SimulatorOptions {
            listen: "127.0.0.1:8600".parse().unwrap(),
            ..SimulatorOptions::plain()
        };
        assert_eq!(format!("{options:?}"), format!("{plain:?}"));
        assert_eq!(options.key.expose(), plain.key.expose());
    }

    #[test]
    fn arguments_become_options() {
        let dir = tempfile::tempdir().unwrap();
        let (key, groups) = (dir.path().join("key"), dir.path().join("groups"));
        fs::write(&key, "secret\n").unwrap();
        fs::write(&groups, "a\r\n\n b \n").unwrap();
        let options = parse(&[
            "--listen=[::1]:8080",
            "--groups",
            groups.to_str().unwrap(),
            "--rate-limit=0",
            "--latency=20ms..60ms",
            "--fault=10002:5%x2",
            "--fault=lost:1%",
            "--close",
        ])
        .unwrap()
        .options(Some(7), "boss".to_owned(), Some(key))
        .unwrap();
        assert_eq!((options.sdkappid, options.identifier.as_str()), (7, "boss"));
        assert_eq!(options.listen.port(), 8080);
        assert_eq!(options.key.expose(), "secret");
        let ids = ["a", " b "].map(str::to_owned).into();
        assert_eq!(options.groups, Groups::Listed(ids));
        assert_eq!(options.rate_limit, None);
        assert_eq!(options.faults.rules()[1].fault, Fault::LOST);
        assert!(!options.keep_alive);
    }

    #[test]
    fn errors_name_the_option_and_what_would_be_right() {
        let said = parse(&["--fault=explode:1%"]).unwrap_err().to_string();
        assert!(said.contains("there is no fault \"explode\""), "{said}");
        let said = parse(&["--latency=fast"]).unwrap_err().to_string();
        assert!(said.contains("20ms..60ms"), "{said}");
        let args = parse(&["--groups=/no/such/file"]).unwrap();
        let said = args
            .options(None, SAMPLE_IDENTIFIER.to_owned(), None)
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("cannot read /no/such/file, which --groups names:"),
            "{said}"
        );
        let args = parse(&["--listen=0.0.0.0:80"]).unwrap();
        let said = args.options(None, SAMPLE_IDENTIFIER.to_owned(), None);
        assert!(matches!(said, Err(BadArgs::Remote(_))), "{said:?}");
        let args = parse(&["--listen=0.0.0.0:80", "--allow-remote"]).unwrap();
        let said = args.options(None, SAMPLE_IDENTIFIER.to_owned(), None);
        assert!(said.is_ok(), "{said:?}");
        let args = parse(&["--fault=502:60%", "--fault=503:60%"]).unwrap();
        assert!(
            args.options(None, SAMPLE_IDENTIFIER.to_owned(), None)
                .unwrap_err()
                .to_string()
                .contains("120%")
        );
    }
}
