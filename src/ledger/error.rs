//! What can go wrong with the ledger, as sentences for the person who runs the program.

use std::{io, path::Path, sync::Arc};

use rusqlite::ErrorCode;

/// The ledger cannot be used (any more).
///
/// After one of these a ledger that was open answers every call with the same error: what had been answered before is
/// durable and stays so, what had not is not in the file at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No space left where the ledger lives.
    #[error(
        "the disk is full: nothing more fits into the ledger {path}. What it holds is safe; free some space, then go \
         on with --resume"
    )]
    Full {
        /// The ledger's file.
        path: Arc<Path>,
    },
    /// The directory or the file may not be written.
    #[error(
        "the ledger {path} may not be written ({detail}). Give this user write access to it, or choose another folder \
         with --state-dir"
    )]
    ReadOnly {
        /// The ledger's file, or the folder that is meant to hold it.
        path: Arc<Path>,
        /// What the system said.
        detail: Arc<str>,
    },
    /// The file is a ledger, but damaged.
    #[error(
        "the ledger {path} is damaged ({detail}). Keep a copy of it and its -wal file, restore it from a backup or \
         with `sqlite3 ledger.db .recover`, or move it away to begin a new one"
    )]
    Corrupt {
        /// The ledger's file.
        path: Arc<Path>,
        /// What is wrong with it.
        detail: Arc<str>,
    },
    /// The file belongs to something else.
    #[error(
        "{path} is not a ledger of disband-batch and is left alone. Choose another folder with --state-dir, or move \
         the file away"
    )]
    NotOurs {
        /// The file.
        path: Arc<Path>,
    },
    /// The file was written by a later version of this program.
    #[error(
        "the ledger {path} has version {found}, and this program knows versions up to {known}: use the newer \
         disband-batch that wrote it"
    )]
    Newer {
        /// The ledger's file.
        path: Arc<Path>,
        /// Its version.
        found: i64,
        /// The newest version that this program can read.
        known: i64,
    },
    /// An older ledger that was opened for reading only.
    #[error(
        "the ledger {path} has the older version {found}: the next run brings it up to date, and then it can be read"
    )]
    Older {
        /// The ledger's file.
        path: Arc<Path>,
        /// Its version.
        found: i64,
    },
    /// There is no ledger yet.
    #[error(
        "there is no ledger at {path}: no run has been recorded there. Is --state-dir the right one?"
    )]
    Missing {
        /// Where it would be.
        path: Arc<Path>,
    },
    /// Another process keeps the file locked.
    #[error(
        "another process has kept the ledger {path} locked for too long: end it (a `sqlite3` with an open transaction, \
         perhaps), then go on with --resume"
    )]
    Busy {
        /// The ledger's file.
        path: Arc<Path>,
    },
    /// Reading or writing failed below SQLite.
    #[error(
        "the ledger {path} could not be read or written ({detail}). What it holds is safe; look at the disk and at \
         file-size limits, then go on with --resume"
    )]
    Io {
        /// The ledger's file.
        path: Arc<Path>,
        /// What the system said.
        detail: Arc<str>,
    },
    /// The ledger was asked for something that contradicts what it holds.
    #[error(
        "the ledger {path} refused an entry: {detail}. That is a bug in disband-batch; what the ledger holds is safe"
    )]
    Contradiction {
        /// The ledger's file.
        path: Arc<Path>,
        /// What was asked.
        detail: Arc<str>,
    },
    /// The thread that writes is no more.
    #[error(
        "the ledger's thread ended unexpectedly. That is a bug in disband-batch; what the ledger holds is safe, go on \
         with --resume"
    )]
    Gone,
}

impl LedgerError {
    /// What an operation on `path` itself (not through SQLite) failed with.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = Arc::from(path);
        let detail = Arc::from(error.to_string());
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, detail }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, detail },
        }
    }
}

/// Why a piece of work on the ledger failed, before it is known which file it was about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// SQLite's own.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The request contradicts what the ledger holds.
    #[error("{0}")]
    Contradiction(String),
    /// The ledger holds what no version of this program writes.
    #[error("{0}")]
    Damaged(String),
}

impl Fault {
    /// The fault as told to the user.
    pub(super) fn about(&self, path: &Arc<Path>) -> LedgerError {
        let path = Arc::clone(path);
        let detail = || Arc::from(self.to_string());
        let error = match self {
            Self::Contradiction(_) => {
                return LedgerError::Contradiction {
                    path,
                    detail: detail(),
                };
            }
            Self::Damaged(_) => {
                return LedgerError::Corrupt {
                    path,
                    detail: detail(),
                };
            }
            Self::Sqlite(error) => error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => LedgerError::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                LedgerError::ReadOnly {
                    path,
                    detail: detail(),
                }
            }
            Some(ErrorCode::DatabaseCorrupt) => LedgerError::Corrupt {
                path,
                detail: detail(),
            },
            Some(ErrorCode::NotADatabase) => LedgerError::NotOurs { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Busy { path },
            Some(
                ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::NoLargeFileSupport,
            ) => LedgerError::Io {
                path,
                detail: detail(),
            },
            // What is left is a constraint that was violated, a missing table, a value of the wrong type.
            _ => LedgerError::Contradiction {
                path,
                detail: detail(),
            },
        }
    }
}
