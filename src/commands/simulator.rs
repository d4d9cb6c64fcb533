//! `simulator`: the embedded service, standing alone until a signal ends it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    error::{Error, quiet_if_nobody_reads},
    escape::Escaped,
    exit::ExitCode,
    progress::Screen,
    settings::SimulatorSettings,
    simulator::{BadArgs, Simulator, SimulatorOptions},
};

/// Violations of the protocol that are told at the end.
const VIOLATIONS: usize = 5;

/// Why there is no simulator.
#[derive(Debug, thiserror::Error)]
enum CannotServe {
    #[error(transparent)]
    BadArgs(#[from] BadArgs),
    #[error("the simulator cannot listen on {addr}: name another address with --listen")]
    Listen {
        addr: std::net::SocketAddr,
        source: io::Error,
    },
    #[error(
        "{} holds something else than the key, and nothing is ever overwritten: name another file with --write-key",
        Escaped(&.0.to_string_lossy())
    )]
    OtherKey(PathBuf),
    #[error("the key cannot be written to {}", Escaped(&.path.to_string_lossy()))]
    WriteKey { path: PathBuf, source: io::Error },
    #[error("--write-key is for the simulator's own key; yours is in {}", Escaped(&.0.to_string_lossy()))]
    KeyIsThere(PathBuf),
    #[error("signals cannot be waited for")]
    Signals(#[from] io::Error),
}

/// Serves until SIGINT, SIGTERM or SIGHUP. The URL goes to stdout, for scripts; everything else to stderr.
pub(super) fn serve(
    settings: SimulatorSettings,
    screen: &Screen,
    quiet: bool,
) -> Result<ExitCode, Error> {
    run(settings, screen, quiet)
        .map(|()| ExitCode::Finished)
        .map_err(|error| Error::new(ExitCode::Usage, error))
}

fn run(settings: SimulatorSettings, screen: &Screen, quiet: bool) -> Result<(), CannotServe> {
    let (key_file, write_key) = (
        settings.secret_key_file.clone(),
        settings.args.write_key.clone(),
    );
    let options = settings.args.options(
        settings.sdkappid.map(u64::from),
        settings.identifier,
        settings.secret_key_file,
    )?;
    let key_file = match (key_file, write_key) {
        (Some(file), Some(_)) => return Err(CannotServe::KeyIsThere(file)),
        (None, Some(file)) => {
            write_the_key(&file, &options)?;
            Some(file)
        }
        (file, None) => file,
    };
    let tell = |text: &str| {
        // With stderr closed there is nobody to tell.
        let _unheard = quiet || screen.print(text).is_ok();
    };
    let addr = options.listen;
    let (sdkappid, identifier) = (options.sdkappid, options.identifier.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before anybody learns of the simulator, so that no signal is missed.
        let mut signals = Signals::watch()?;
        let simulator =
            Simulator::start(options).map_err(|source| CannotServe::Listen { addr, source })?;
        quiet_if_nobody_reads(writeln!(io::stdout(), "{}", simulator.url()))?;
        tell(&how_to_use(
            &simulator.url(),
            sdkappid,
            &identifier,
            key_file.as_deref(),
        ));
        signals.any().await;
        tell(&farewell(&simulator));
        Ok(())
    })
}

/// The signals that end it.
struct Signals([tokio::signal::unix::Signal; 3]);

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Writes the key for its owner only. A file that holds it already is as good.
fn write_the_key(path: &Path, options: &SimulatorOptions) -> Result<(), CannotServe> {
    let failed = |source| CannotServe::WriteKey {
        path: path.to_owned(),
        source,
    };
    let mut new = File::options();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    let key = options.key.expose();
    match new.open(path) {
        Ok(mut file) => writeln!(file, "{key}").map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::read_to_string(path) {
                Ok(there) if there.trim() == key => Ok(()),
                _ => Err(CannotServe::OtherKey(path.to_owned())),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

fn how_to_use(url: &str, sdkappid: u64, identifier: &str, key_file: Option<&Path>) -> String {
    let identifier = Escaped(identifier);
    let key = match key_file {
        Some(path) => Escaped(&path.to_string_lossy()).to_string(),
        None => "key.txt".to_owned(),
    };
    let where_from = match key_file {
        Some(_) => "",
        None => {
            "Its key is invented and opens nothing else; with --write-key key.txt the simulator writes it there.\n"
        }
    };
    format!(
        "The simulator serves app {sdkappid} with the admin account {identifier} until it is stopped (Ctrl-C).\n\
         {where_from}\
         A run against it, from another terminal:\n  \
           disband-batch --sdkappid {sdkappid} --identifier {identifier} \\\n    \
             --endpoint {url} --secret-key-file {key} groups.csv\n\
         or with its settings in the environment:\n  \
           export DISBAND_BATCH_SDKAPPID={sdkappid} DISBAND_BATCH_IDENTIFIER={identifier}\n  \
           export DISBAND_BATCH_ENDPOINT={url} DISBAND_BATCH_SECRET_KEY_FILE={key}\n"
    )
}

fn farewell(simulator: &Simulator) -> String {
    let violations = simulator.violations();
    let mut text = format!("The simulator met {}.\n", simulator.stats());
    let newest = violations.len().saturating_sub(VIOLATIONS);
    for violation in &violations[newest..] {
        text.push_str(&format!("  A violation of the protocol {violation}.\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulator_says_how_to_run_against_it() {
        let url = "http://127.0.0.1:8600";
        insta::assert_snapshot!(how_to_use(url, 1_400_000_000, "administrator", None), @r"
        The simulator serves app 1400000000 with the admin account administrator until it is stopped (Ctrl-C).
        Its key is invented and opens nothing else; with --write-key key.txt the simulator writes it there.
        A run against it, from another terminal:
          disband-batch --sdkappid 1400000000 --identifier administrator \
            --endpoint http://127.0.0.1:8600 --secret-key-file key.txt groups.csv
        or with its settings in the environment:
          export DISBAND_BATCH_SDKAPPID=1400000000 DISBAND_BATCH_IDENTIFIER=administrator
          export DISBAND_BATCH_ENDPOINT=http://127.0.0.1:8600 DISBAND_BATCH_SECRET_KEY_FILE=key.txt
        ");
    }

    #[test]
    fn the_key_is_written_once_and_never_over_anything_else() {
        let home = tempfile::tempdir().unwrap();
        let (path, options) = (home.path().join("key"), SimulatorOptions::plain());
        write_the_key(&path, &options).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap().trim(),
            options.key.expose()
        );
        write_the_key(&path, &options).unwrap();
        fs::write(&path, "another").unwrap();
        let error = write_the_key(&path, &options).unwrap_err();
        assert!(matches!(error, CannotServe::OtherKey(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }
}
