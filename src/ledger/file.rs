//! The ledger's file: where it is, who may read it, how SQLite is to treat it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    error::{Fault, LedgerError},
    schema::{self, Identity},
};

/// The file's name in the state directory.
const FILE_NAME: &str = "ledger.db";

/// How long to wait for another process that is writing: runs of several apps share one file.
const BUSY: Duration = Duration::from_secs(30);

/// Settings of every connection.
///
/// The page cache is 8 MiB whatever the size of the file: memory stays flat. Sorting spills to a file for the same
/// reason.
const COMMON: &str = "PRAGMA cache_size = -8192; PRAGMA mmap_size = 0; PRAGMA temp_store = FILE;";

/// Settings of the connection that writes to disk.
///
/// FULL: a commit has reached the disk when it returns. `fullfsync` makes that true on macOS as well. A checkpoint every
/// 4,000 pages (16 MB): IDs in no order touch a page of the index each, and a page that is touched again before the
/// checkpoint is written back once (at 300,000 records about a third less CPU than with a checkpoint every 1,000 pages).
/// The limit gives back what a long reader made the log grow to.
const DURABLE: &str = "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 4000; \
                       PRAGMA journal_size_limit = 33554432;";

/// Settings where a crash loses nothing that anybody would want back.
const FLEETING: &str =
    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;";

/// A connection, and the file it speaks of in errors.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) path: Arc<Path>,
}

/// Creates `dir` for its owner only, with its parents, if it is not there. What exists keeps its mode.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens `path` for its owner only, creating it if it is not there; says whether it was.
pub(crate) fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A file that was copied here may be open to all.
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

/// Opens the ledger in `dir` for writing; creates directory and file, and brings an older file up to date.
pub(super) fn open(dir: &Path) -> Result<Opened, LedgerError> {
    create_private_dir(dir).map_err(|error| LedgerError::from_io(dir, &error))?;
    let path = location(dir);
    create(dir, &path).map_err(|error| LedgerError::from_io(&path, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepare(&path, flags, |connection| {
        // Turning the log on is the first write, so a foreign file has to be recognised before.
        if schema::identify(connection)? != Identity::Foreign {
            connection.execute_batch("PRAGMA journal_mode = WAL;")?;
            connection.execute_batch(DURABLE)?;
        }
        Ok(())
    })
    .and_then(|mut opened| {
        let version = known_version(&opened)?;
        if version < schema::VERSION {
            schema::migrate(&mut opened.connection).map_err(|fault| fault.about(&opened.path))?;
        }
        Ok(opened)
    })
}

/// Opens the ledger in `dir` for reading, beside whoever writes it.
pub(super) fn open_for_reading(dir: &Path) -> Result<Opened, LedgerError> {
    let path = location(dir);
    match fs::metadata(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LedgerError::Missing { path });
        }
        Err(error) => return Err(LedgerError::from_io(&path, &error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = prepare(&path, flags, |_| Ok(()))?;
    match known_version(&opened)? {
        0 => Err(LedgerError::Missing { path }),
        schema::VERSION => Ok(opened),
        found => Err(LedgerError::Older { path, found }),
    }
}

/// A ledger in memory, gone with its connection.
pub(super) fn in_memory() -> Result<Opened, LedgerError> {
    fleeting(":memory:", "(in memory)")
}

/// A ledger in a nameless file of SQLite's (in `$TMPDIR`, else `/var/tmp`), gone with its connection. Unlike one in
/// memory it keeps no more than the page cache there.
pub(super) fn throwaway() -> Result<Opened, LedgerError> {
    fleeting("", "(temporary file)")
}

fn fleeting(name: &str, shown: &str) -> Result<Opened, LedgerError> {
    let path = Arc::from(Path::new(shown));
    let open = || -> Result<Connection, Fault> {
        let mut connection = Connection::open(name)?;
        connection.execute_batch(COMMON)?;
        connection.execute_batch(FLEETING)?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    };
    match open() {
        Ok(connection) => Ok(Opened { connection, path }),
        Err(fault) => Err(fault.about(&path)),
    }
}

/// Absolute where that can be found out: an error should say which file is meant.
fn location(dir: &Path) -> Arc<Path> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| PathBuf::from(dir));
    Arc::from(dir.join(FILE_NAME))
}

/// Makes sure that the file exists, is its owner's, and that its name survives a power cut.
fn create(dir: &Path, path: &Path) -> io::Result<()> {
    let is_new = !path.try_exists()?;
    open_private_file(path)?;
    if is_new && cfg!(unix) {
        File::open(dir)?.sync_all()?;
        if let Some(parent) = dir.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

fn prepare(
    path: &Arc<Path>,
    flags: OpenFlags,
    settings: impl FnOnce(&Connection) -> Result<(), Fault>,
) -> Result<Opened, LedgerError> {
    let open = || -> Result<Connection, Fault> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(COMMON)?;
        settings(&connection)?;
        Ok(connection)
    };
    match open() {
        Ok(connection) => Ok(Opened {
            connection,
            path: Arc::clone(path),
        }),
        Err(fault) => Err(fault.about(path)),
    }
}

/// The file's version, 0 if it is empty; an error if it is not for this program to touch.
fn known_version(opened: &Opened) -> Result<i64, LedgerError> {
    let path = || Arc::clone(&opened.path);
    match schema::identify(&opened.connection).map_err(|fault| fault.about(&opened.path))? {
        Identity::Fresh => Ok(0),
        Identity::Foreign => Err(LedgerError::NotOurs { path: path() }),
        Identity::Ledger(found) if found > schema::VERSION => Err(LedgerError::Newer {
            path: path(),
            found,
            known: schema::VERSION,
        }),
        Identity::Ledger(found) => Ok(found),
    }
}
