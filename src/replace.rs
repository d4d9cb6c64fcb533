//! Files that others read while we write: replaced whole, in one step.

use std::{fs, io, io::Write as _, path::Path};

use tempfile::NamedTempFile;

/// Makes a temporary file in the directory of `path`, named after it so that a person can tell what it is, with the
/// permissions that the umask leaves.
///
/// # Errors
/// What the system says: no such directory, no permission, no space.
pub fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // The crate's own default is 0600: others, such as node_exporter, have to read what this becomes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Puts `bytes` where `path` is, whether or not something is there; readers see the old file or the new one.
///
/// # Errors
/// What the system says; the old file then stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Puts `bytes` where `path` is, through a crash of the machine, and only if `over` allows or nothing is there.
///
/// What is no regular file (`/dev/stderr`, a FIFO) is written to as it is.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where something is in the way; otherwise what the system says.
pub fn publish(path: &Path, bytes: &[u8], over: bool) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(bytes);
    }
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let done = if over {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    done.map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_whole_and_nothing_else_is_left() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_published_file_overwrites_only_where_it_may() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        publish(&path, b"one", false).unwrap();
        let error = publish(&path, b"two", false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        publish(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_can_be_read_as_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt as _;

        let home = tempfile::tempdir().unwrap();
        let (ours, plain) = (home.path().join("ours"), home.path().join("plain"));
        replace(&ours, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(ours), mode(plain));
    }
}
