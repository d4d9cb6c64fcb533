//! Where a report goes: stdout, or a file that was not there before.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::CannotReport;
use crate::replace;

/// What takes the report.
pub(super) enum Output {
    /// Standard output.
    Stdout,
    /// What is there and no file: a FIFO, `/dev/fd/63` of a shell's `>(..)`.
    Special { place: PathBuf, file: File },
    /// A file, which gets its name once it is complete.
    New { place: PathBuf, file: NamedTempFile },
}

impl Output {
    /// Opens a file to write to, or stdout.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, CannotReport> {
        let Some(place) = path else {
            return Ok(Self::Stdout);
        };
        let failed = |source| CannotReport::Write {
            place: place.clone(),
            source,
        };
        match fs::metadata(&place) {
            Ok(there) if there.is_file() || there.is_dir() => Err(CannotReport::Exists(place)),
            Ok(_) => {
                let file = File::options().write(true).open(&place).map_err(failed)?;
                Ok(Self::Special { place, file })
            }
            Err(_) => {
                let file = replace::beside(&place).map_err(failed)?;
                Ok(Self::New { place, file })
            }
        }
    }

    /// Writes what `work` writes. It is given what makes its write errors tell of this place.
    pub(super) fn write(
        self,
        work: impl FnOnce(
            &mut dyn Write,
            &dyn Fn(io::Error) -> CannotReport,
        ) -> Result<(), CannotReport>,
    ) -> Result<(), CannotReport> {
        let place = self.place().to_owned();
        let failed = |source| CannotReport::Write {
            place: place.clone(),
            source,
        };
        match self {
            Self::Stdout => work(&mut io::stdout().lock(), &failed),
            Self::Special { mut file, .. } => work(&mut file, &failed),
            Self::New { mut file, .. } => {
                work(&mut file, &failed)?;
                publish(file, &place)
            }
        }
    }

    /// As [`Self::write`], but `work` never waits for whoever reads: what it writes is kept in a temporary file until it
    /// is done.
    pub(super) fn write_at_once(
        self,
        work: impl FnOnce(&mut dyn Write) -> Result<(), CannotReport>,
    ) -> Result<(), CannotReport> {
        if let Self::New { place, mut file } = self {
            work(&mut file)?;
            return publish(file, &place);
        }
        self.write(|out, failed| {
            let mut kept = tempfile::tempfile().map_err(failed)?;
            work(&mut kept)?;
            kept.rewind().map_err(failed)?;
            io::copy(&mut kept, out).map_err(failed)?;
            out.flush().map_err(failed)
        })
    }

    fn place(&self) -> &Path {
        match self {
            Self::Stdout => Path::new("stdout"),
            Self::Special { place, .. } | Self::New { place, .. } => place,
        }
    }
}

/// Gives a complete file its name, unless something has taken that meanwhile.
fn publish(file: NamedTempFile, place: &Path) -> Result<(), CannotReport> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => CannotReport::Exists(place.to_owned()),
        _ => CannotReport::Write {
            place: place.to_owned(),
            source,
        },
    };
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(place)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(home: &Path) -> Vec<String> {
        let entries = fs::read_dir(home).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        entries.map(|entry| name(entry.unwrap())).collect()
    }

    #[test]
    fn a_file_has_its_name_only_once_it_is_complete() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let output = Output::open(Some(path.clone())).unwrap();
        output
            .write(|out, failed| {
                out.write_all(b"rows").map_err(failed)?;
                assert!(!path.exists());
                Ok(())
            })
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"rows");
        assert_eq!(names_in(home.path()), ["out"]);
    }

    #[test]
    fn a_report_that_fails_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let output = Output::open(Some(home.path().join("out"))).unwrap();
        let failing = |_: &mut dyn Write, failed: &dyn Fn(io::Error) -> CannotReport| {
            Err(failed(io::ErrorKind::StorageFull.into()))
        };
        assert!(output.write(failing).is_err());
        assert_eq!(names_in(home.path()), [""; 0]);
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let output = Output::open(Some(path.clone())).unwrap();
        fs::write(&path, "precious").unwrap();
        for refused in [
            output.write(|_, _| Ok(())).unwrap_err(),
            Output::open(Some(path.clone())).err().unwrap(),
            Output::open(Some(home.path().into())).err().unwrap(),
        ] {
            assert!(matches!(refused, CannotReport::Exists(_)), "{refused}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to_as_it_is() {
        let output = Output::open(Some("/dev/null".into())).unwrap();
        let write = |out: &mut dyn Write| {
            Ok(out
                .write_all(b"x")
                .map_err(crate::report::html::HtmlError::Write)?)
        };
        output.write_at_once(write).unwrap();
        assert!(Path::new("/dev/null").exists());
    }
}
