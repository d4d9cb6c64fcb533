//! One run at a time for an app: two that overlap would spend the app's rate twice.
//!
//! The lock is the operating system's lock on `app-<sdkappid>.lock` in the state directory, so it dies with its process,
//! however that ends. The file's text says who holds it; the file itself stays, for to delete it would let a third
//! process lock a new file of the same name beside the old one.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    ledger::{RunId, create_private_dir, open_private_file},
    wall::UnixMillis,
};

/// Tries before a lock counts as held, and the time between them: who looks at the lock ([`AppLock::holder`]) has it
/// for a moment.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(10);

/// No holder writes more about itself.
const TEXT_LIMIT: u64 = 4096;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process ID.
    pub pid: u32,
    /// Since when, RFC 3339.
    pub since: String,
    /// Its run.
    pub run_id: String,
}

/// The lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run of the app is going on.
    #[error("another run of app {sdkappid} is going on: {}. Wait for its end, or stop it", describe(.holder.as_ref()))]
    Held {
        /// The app.
        sdkappid: u64,
        /// Who it is, unless it has not said so yet.
        holder: Option<Holder>,
    },
    /// The lock file cannot be used.
    #[error(
        "the lock file {path} cannot be used ({source}). Give this user write access to its folder, or choose another \
         with --state-dir"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { pid, since, run_id }) => {
            format!("run {run_id} in process {pid}, since {since}")
        }
        None => "in a process that has just begun".into(),
    }
}

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct AppLock {
    _file: File,
}

impl AppLock {
    /// Takes the app's lock for a run. Waits a few hundredths of a second at most.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process (or this one) has it, [`LockError::Io`] if its file cannot be used.
    pub fn acquire(state_dir: &Path, sdkappid: u64, run_id: &RunId) -> Result<Self, LockError> {
        let path = path(state_dir, sdkappid);
        let holder = Holder {
            pid: std::process::id(),
            since: UnixMillis::now().to_string(),
            run_id: run_id.to_string(),
        };
        let take = || {
            create_private_dir(state_dir)?;
            let mut file = open_private_file(&path)?;
            for left in (0..TRIES).rev() {
                match file.try_lock() {
                    Ok(()) => {
                        sign(&mut file, &holder)?;
                        return Ok(Ok(Self { _file: file }));
                    }
                    Err(TryLockError::WouldBlock) if left > 0 => thread::sleep(BETWEEN),
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Ok(Err(read(&file)?))
        };
        match take() {
            Ok(Ok(lock)) => Ok(lock),
            Ok(Err(holder)) => Err(LockError::Held { sdkappid, holder }),
            Err(source) => Err(LockError::Io { path, source }),
        }
    }

    /// Whether a run of the app is going on, and who that is if it has said so. Tells a run that is under way from one
    /// whose process was killed.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn holder(state_dir: &Path, sdkappid: u64) -> io::Result<Option<Option<Holder>>> {
        let file = match File::open(path(state_dir, sdkappid)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(read(&file)?)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn path(state_dir: &Path, sdkappid: u64) -> PathBuf {
    state_dir.join(format!("app-{sdkappid}.lock"))
}

/// Says in the file who holds the lock. Not synced: after a power cut nobody holds it.
fn sign(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let mut line = serde_json::to_vec(holder)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// What the holder says; none if it has not come to that yet.
fn read(mut file: &File) -> io::Result<Option<Holder>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(TEXT_LIMIT).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Tells the child which directory to lock in.
    const DIR: &str = "DISBAND_BATCH_TEST_LOCK_DIR";

    fn run(number: u32) -> RunId {
        RunId::new(UnixMillis(0), number)
    }

    #[test]
    fn the_second_run_of_an_app_learns_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let first = AppLock::acquire(dir.path(), 7, &run(1)).unwrap();
        let Err(LockError::Held {
            sdkappid: 7,
            holder: Some(holder),
        }) = AppLock::acquire(dir.path(), 7, &run(2))
        else {
            panic!("it is held");
        };
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.run_id, run(1).as_str());
        assert!(holder.since.parse::<jiff::Timestamp>().is_ok());
        assert_eq!(AppLock::holder(dir.path(), 7).unwrap(), Some(Some(holder)));
        let other = AppLock::acquire(dir.path(), 8, &run(3));
        assert!(other.is_ok(), "another app is no hindrance");

        drop(first);
        // A process that another test is just starting has a copy of the file until it has begun.
        let free = || AppLock::holder(dir.path(), 7).unwrap().is_none();
        assert!((0..100_000).any(|_| free()));
        let longer = "a-much-longer-name-than-the-next".parse().unwrap();
        drop(AppLock::acquire(dir.path(), 7, &longer).unwrap());
        let _second = AppLock::acquire(dir.path(), 7, &run(2)).unwrap();
        let holder = AppLock::holder(dir.path(), 7).unwrap().unwrap().unwrap();
        assert_eq!(holder.run_id, run(2).as_str());
    }

    #[test]
    fn nobody_holds_what_was_never_locked() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(AppLock::holder(dir.path(), 7).unwrap(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_error_says_who_and_since_when() {
        let holder = Holder {
            pid: 4242,
            since: "2026-11-23T10:15:00.000Z".into(),
            run_id: "20261123-101500-k3f9".into(),
        };
        let held = |holder| {
            LockError::Held {
                sdkappid: 7,
                holder,
            }
            .to_string()
        };
        insta::assert_snapshot!(held(Some(holder)), @"another run of app 7 is going on: run 20261123-101500-k3f9 in process 4242, since 2026-11-23T10:15:00.000Z. Wait for its end, or stop it");
        insta::assert_snapshot!(held(None), @"another run of app 7 is going on: in a process that has just begun. Wait for its end, or stop it");
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = AppLock::acquire(&file, 7, &run(1)).unwrap_err().to_string();
        assert!(
            error.contains("app-7.lock") && error.contains("--state-dir"),
            "{error}"
        );
    }

    /// The child: takes the lock and waits to be killed. As a test of its own it does nothing.
    #[test]
    fn child_holds_the_lock() {
        let Some(dir) = std::env::var_os(DIR) else {
            return;
        };
        let _lock = AppLock::acquire(Path::new(&dir), 7, &run(1)).unwrap();
        println!("held");
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn the_lock_dies_with_its_process() {
        use std::io::BufRead;
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "lock::tests::child_holds_the_lock",
                "--nocapture",
            ])
            .env(DIR, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = io::BufReader::new(child.stdout.take().unwrap());
        assert!(said.lines().any(|line| line.unwrap().ends_with("held")));
        let Err(LockError::Held {
            holder: Some(holder),
            ..
        }) = AppLock::acquire(dir.path(), 7, &run(2))
        else {
            panic!("it is held");
        };
        assert_eq!(holder.pid, child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(AppLock::acquire(dir.path(), 7, &run(2)).is_ok());
    }
}
