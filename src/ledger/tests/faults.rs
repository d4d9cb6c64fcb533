//! Faults that real disks and file systems have.

use std::{fs, io, path::Path};

use super::*;

/// Writes until the ledger fails; returns the error and how many records it had acknowledged.
async fn write_until_failure(run: &RunLedger) -> (LedgerError, u64) {
    for acknowledged in 0.. {
        let id = format!("{:x<40}", acknowledged);
        if let Err(error) = run.admit(vec![candidate(acknowledged + 1, &id)]).await {
            return (error, acknowledged);
        }
    }
    unreachable!()
}

#[test]
fn a_full_disk_takes_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let ledger = Ledger::open(dir.path()).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        // SQLite refuses to let the file grow: the very error that a full disk makes it return.
        ledger.sql("PRAGMA max_page_count = 40").await.unwrap();
        let (error, acknowledged) = write_until_failure(&run).await;
        assert!(matches!(error, LedgerError::Full { .. }), "{error}");
        assert!(acknowledged > 100, "{acknowledged}");
        assert_eq!(run.tally().await, Err(error.clone()), "failed for good");
        assert_eq!(ledger.newest_unfinished(APP).await, Err(error));
        drop((run, ledger));

        let archive = Archive::open(dir.path()).unwrap();
        let info = archive.newest_unfinished(APP).unwrap().unwrap();
        assert_eq!(info.counts.records, acknowledged);
        let report = archive.report(&info).unwrap();
        let rows = report.rows(RowFilter::All, 0, usize::MAX).unwrap();
        assert_eq!(rows.len() as u64, acknowledged);
    });
}

#[test]
fn all_who_wait_learn_of_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let ledger = Ledger::open(dir.path()).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        let good = run.admit(vec![candidate(1, "a")]);
        let bad = run.withdraw(vec![CallId(77)]);
        let after = run.admit(vec![candidate(2, "b")]);
        let (good, bad, after) = futures::join!(good, bad, after);
        let error = bad.unwrap_err();
        assert_eq!(after, Err(error.clone()));
        // The one before may have had a commit of its own; if not, it has failed as well.
        let records = u64::from(good.is_ok());
        assert!(good == Ok(vec![Admitted::First]) || good == Err(error));
        drop((run, ledger));
        let info = Archive::open(dir.path()).unwrap().runs().unwrap().remove(0);
        assert_eq!(info.counts.records, records);
    });
}

/// A folder into which nobody can write, not even root.
fn read_only_dir(parent: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let dir = parent.join("read-only");
    fs::create_dir(&dir)?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500))?;
    if fs::write(dir.join("probe"), "").is_ok() {
        // Root ignores modes; but in the kernel's own file system nobody creates files.
        return Ok(PathBuf::from("/sys/kernel"));
    }
    Ok(dir)
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let dir = read_only_dir(parent.path()).unwrap();
    for dir in [dir.clone(), dir.join("state")] {
        let error = Ledger::open(&dir).err().unwrap();
        assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(dir.to_str().unwrap()), "{text}");
        assert!(text.contains("--state-dir"), "{text}");
    }
}

#[test]
fn a_file_where_the_folder_should_be_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("file");
    fs::write(&path, "").unwrap();
    let error = Ledger::open(&path).err().unwrap();
    assert!(matches!(error, LedgerError::Io { .. }), "{error}");
}

/// A closed ledger of some fifty pages.
fn filled(dir: &Path) -> PathBuf {
    wait(async {
        let ledger = Ledger::open(dir).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        let id = |n: u64| format!("{n:x<40}");
        run.admit((1..=2_000).map(|n| candidate(n, &id(n))).collect())
            .await
            .unwrap();
    });
    dir.join("ledger.db")
}

#[test]
fn a_truncated_ledger_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let length = fs::metadata(&path).unwrap().len();
    for part in [length / 2, 4096, 2000] {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(part).unwrap();
        let error = Ledger::open(dir.path()).err().unwrap();
        let refused = matches!(
            error,
            LedgerError::Corrupt { .. } | LedgerError::NotOurs { .. }
        );
        assert!(refused, "{part}: {error}");
    }
}

#[test]
fn damage_that_shows_later_stops_the_run_with_a_plain_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    // All but the first pages, where SQLite finds what tables there are.
    let from = bytes.len() / 2;
    bytes[from..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    wait(async {
        let ledger = Ledger::open(dir.path()).unwrap();
        let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        let run = ledger.resume(&info, session()).await.unwrap();
        let error = run.page(0, usize::MAX).await.unwrap_err();
        assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("is damaged"), "{error}");
    });
}

#[test]
fn errors_say_what_happened_to_which_file_and_what_to_do() {
    let path = || std::sync::Arc::from(Path::new("/state/ledger.db"));
    let detail = || std::sync::Arc::from("disk I/O error");
    let all = [
        LedgerError::Full { path: path() },
        LedgerError::ReadOnly {
            path: path(),
            detail: detail(),
        },
        LedgerError::Corrupt {
            path: path(),
            detail: detail(),
        },
        LedgerError::NotOurs { path: path() },
        LedgerError::Newer {
            path: path(),
            found: 9,
            known: 2,
        },
        LedgerError::Older {
            path: path(),
            found: 1,
        },
        LedgerError::Missing { path: path() },
        LedgerError::Busy { path: path() },
        LedgerError::Io {
            path: path(),
            detail: detail(),
        },
        LedgerError::Contradiction {
            path: path(),
            detail: detail(),
        },
        LedgerError::Gone,
    ]
    .map(|error| error.to_string())
    .join("\n");
    insta::assert_snapshot!(all, @r"
    the disk is full: nothing more fits into the ledger /state/ledger.db. What it holds is safe; free some space, then go on with --resume
    the ledger /state/ledger.db may not be written (disk I/O error). Give this user write access to it, or choose another folder with --state-dir
    the ledger /state/ledger.db is damaged (disk I/O error). Keep a copy of it and its -wal file, restore it from a backup or with `sqlite3 ledger.db .recover`, or move it away to begin a new one
    /state/ledger.db is not a ledger of disband-batch and is left alone. Choose another folder with --state-dir, or move the file away
    the ledger /state/ledger.db has version 9, and this program knows versions up to 2: use the newer disband-batch that wrote it
    the ledger /state/ledger.db has the older version 1: the next run brings it up to date, and then it can be read
    there is no ledger at /state/ledger.db: no run has been recorded there. Is --state-dir the right one?
    another process has kept the ledger /state/ledger.db locked for too long: end it (a `sqlite3` with an open transaction, perhaps), then go on with --resume
    the ledger /state/ledger.db could not be read or written (disk I/O error). What it holds is safe; look at the disk and at file-size limits, then go on with --resume
    the ledger /state/ledger.db refused an entry: disk I/O error. That is a bug in disband-batch; what the ledger holds is safe
    the ledger's thread ended unexpectedly. That is a bug in disband-batch; what the ledger holds is safe, go on with --resume
    ");
}
