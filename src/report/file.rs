//! Where the report goes, and how it gets there without harming what is there already.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempPath;

use super::{Format, ReportError, Rows};
use crate::{replace, row::Row};

const WHAT: &str = "the report";
const OPTION: &str = "--report";

/// Where a run's report goes, and in which format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    place: Place,
    format: Format,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Stdout,
    File(PathBuf),
}

/// What to do with a report that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is somebody's: refuse.
    Refuse,
    /// It belongs to the run that is resumed: write a new one beside it, and put that in its place once the rows that
    /// were settled before are in it.
    Replace,
}

impl ReportTarget {
    /// Reads `--report` and `--report-format`: `-` is stdout, `{run}` stands for the run's ID, and the format goes by
    /// the ending (`.jsonl` and `.ndjson`, else CSV) unless one is given.
    pub fn new(path: &Path, run: &str, format: Option<Format>) -> Self {
        if path == Path::new("-") {
            return Self {
                place: Place::Stdout,
                format: format.unwrap_or_default(),
            };
        }
        let path = with_run(path, run);
        let format = format.unwrap_or_else(|| by_ending(&path));
        Self {
            place: Place::File(path),
            format,
        }
    }

    /// The file, unless the report goes to stdout.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Stdout => None,
            Place::File(path) => Some(path),
        }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Opens the report and writes its header, which proves that it can be written.
    ///
    /// A new file gets the permissions that the umask leaves: a report holds no secret, and those who look after the
    /// run are often not the account that runs it. What is no regular file (a FIFO, `/dev/fd/63` of a shell's
    /// `>(..)`, `/dev/null`) holds no earlier report and is written to as it is.
    ///
    /// # Errors
    /// [`ReportError::Exists`] where something is there that may not be replaced; otherwise what the system says.
    pub fn open(&self, existing: Existing) -> Result<OpenReport, ReportError> {
        let (file, guard) = match &self.place {
            Place::Stdout => (stdout()?, Guard::None),
            Place::File(path) => open_file(path, existing)?,
        };
        let name = match &self.place {
            Place::Stdout => PathBuf::from("stdout"),
            Place::File(path) => path.clone(),
        };
        let begun = Rows::begin(self.format, file).and_then(|mut rows| {
            rows.flush()?;
            Ok(rows)
        });
        match begun {
            Ok(rows) => Ok(OpenReport {
                rows,
                guard,
                path: name,
            }),
            Err(error) => Err(ReportError::from_write(&name, error)),
        }
    }
}

/// Puts the run's ID where `{run}` stands; a path that is not UTF-8 is taken as it is.
pub(crate) fn with_run(path: &Path, run: &str) -> PathBuf {
    match path.to_str() {
        Some(text) => PathBuf::from(text.replace("{run}", run)),
        None => path.to_owned(),
    }
}

fn by_ending(path: &Path) -> Format {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(ending)
            if ending.eq_ignore_ascii_case("jsonl") || ending.eq_ignore_ascii_case("ndjson") =>
        {
            Format::Jsonl
        }
        _ => Format::Csv,
    }
}

fn open_file(path: &Path, existing: Existing) -> Result<(File, Guard), ReportError> {
    let failed = |error: io::Error| create_error(WHAT, OPTION, path, error);
    let there = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    match there {
        Some(there) if !there.is_file() && !there.is_dir() => {
            let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            Ok((file, Guard::None))
        }
        Some(there) if there.is_file() && existing == Existing::Replace => {
            beside(path, there.permissions()).map_err(failed)
        }
        _ => {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .map_err(failed)?;
            let made = TempPath::try_from_path(path).map_err(failed)?;
            Ok((file, Guard::Remove(made)))
        }
    }
}

/// The descriptor itself: the standard library's stdout swallows everything where it can't be written to.
fn stdout() -> Result<File, ReportError> {
    #[cfg(unix)]
    let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned();
    match stdout {
        Ok(stdout) => Ok(stdout.into()),
        Err(error) => Err(create_error(WHAT, OPTION, Path::new("stdout"), error)),
    }
}

/// A temporary file in the same directory, so that renaming it over `path` is atomic.
fn beside(path: &Path, permissions: Permissions) -> io::Result<(File, Guard)> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let temporary = replace::beside(&path)?;
    temporary.as_file().set_permissions(permissions)?;
    let (file, temporary) = temporary.into_parts();
    Ok((file, Guard::Rename { temporary, path }))
}

/// Sorts a failed attempt to make a file into its kinds.
pub(super) fn create_error(
    what: &'static str,
    option: &'static str,
    path: &Path,
    error: io::Error,
) -> ReportError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::AlreadyExists => ReportError::Exists { what, option, path },
        _ => ReportError::Create {
            what,
            option,
            path,
            cause: Arc::new(error),
        },
    }
}

/// What becomes of the file: dropped, each leaves things as they were.
#[derive(Debug)]
enum Guard {
    /// Nothing.
    None,
    /// It was made by us: without a run it goes again.
    Remove(TempPath),
    /// It takes the old one's place when the run begins.
    Rename { temporary: TempPath, path: PathBuf },
}

/// A report that is open and proved writable. Dropped without [`OpenReport::keep`], it leaves no trace: a run that is
/// refused before its first call must not be in the way of the next one.
#[derive(Debug)]
pub struct OpenReport {
    rows: Rows<File>,
    guard: Guard,
    path: PathBuf,
}

impl OpenReport {
    /// Writes rows that were settled in earlier sessions.
    ///
    /// # Errors
    /// [`ReportError::Full`], [`ReportError::BrokenPipe`] or [`ReportError::Write`].
    pub fn write(&mut self, rows: &[Row]) -> Result<(), ReportError> {
        rows.iter()
            .try_for_each(|row| self.rows.write(row))
            .map_err(|error| ReportError::from_write(&self.path, error))
    }

    /// Begins the run's part: what was written takes the old report's place, and further rows go behind it.
    ///
    /// # Errors
    /// As [`OpenReport::write`]; the old report then stays as it was.
    pub fn keep(self) -> Result<KeptReport, ReportError> {
        let Self {
            mut rows,
            guard,
            path,
        } = self;
        let kept = rows.flush().and_then(|()| match guard {
            Guard::None => Ok(()),
            Guard::Remove(made) => made.keep().map(drop).map_err(|error| error.error),
            Guard::Rename { temporary, path } => {
                temporary.persist(path).map_err(|error| error.error)
            }
        });
        match kept {
            Ok(()) => Ok(KeptReport { rows, path }),
            Err(error) => Err(ReportError::from_write(&path, error)),
        }
    }
}

/// A report that stays, whatever happens from here on.
#[derive(Debug)]
pub struct KeptReport {
    rows: Rows<File>,
    path: PathBuf,
}

impl KeptReport {
    /// Writes a batch, and hands it over, so that `tail -f` shows it.
    ///
    /// # Errors
    /// [`ReportError::Full`], [`ReportError::BrokenPipe`] or [`ReportError::Write`].
    pub fn write(&mut self, rows: &[Row]) -> Result<(), ReportError> {
        rows.iter()
            .try_for_each(|row| self.rows.write(row))
            .and_then(|()| self.rows.flush())
            .map_err(|error| ReportError::from_write(&self.path, error))
    }

    /// Waits until a file is on the disk.
    ///
    /// # Errors
    /// As [`KeptReport::write`].
    pub fn finish(mut self) -> Result<(), ReportError> {
        self.rows
            .flush()
            .and_then(|()| sync(self.rows.get_ref()))
            .map_err(|error| ReportError::from_write(&self.path, error))
    }
}

/// Waits until a file is on the disk; what is only used like one has none.
fn sync(file: &File) -> io::Result<()> {
    match file.metadata()?.is_file() {
        true => file.sync_data(),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    fn target(path: &Path) -> ReportTarget {
        ReportTarget::new(path, "r1", None)
    }

    fn names_in(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn run_stands_for_the_id_and_the_ending_for_the_format() {
        for (path, format, place, expected) in [
            (
                "disband-{run}.csv",
                None,
                Some("disband-r1.csv"),
                Format::Csv,
            ),
            (
                "{run}/{run}.jsonl",
                None,
                Some("r1/r1.jsonl"),
                Format::Jsonl,
            ),
            ("out.JSONL", None, Some("out.JSONL"), Format::Jsonl),
            ("out.txt", None, Some("out.txt"), Format::Csv),
            (
                "out.csv",
                Some(Format::Jsonl),
                Some("out.csv"),
                Format::Jsonl,
            ),
            ("-", None, None, Format::Csv),
            ("-", Some(Format::Jsonl), None, Format::Jsonl),
        ] {
            let target = ReportTarget::new(Path::new(path), "r1", format);
            assert_eq!(target.path(), place.map(Path::new), "{path}");
            assert_eq!(target.format(), expected, "{path}");
        }
    }

    #[test]
    fn an_earlier_report_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out.csv");
        fs::write(&path, "precious").unwrap();
        let error = target(&path).open(Existing::Refuse).unwrap_err();
        assert!(matches!(error, ReportError::Exists { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "the report {} already exists, and no earlier one is ever overwritten: move it away, or name another \
                 file with --report",
                path.display()
            )
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("missing/out.csv");
        let error = target(&path).open(Existing::Refuse).unwrap_err();
        assert!(matches!(error, ReportError::Create { .. }), "{error:?}");
        assert!(error.to_string().contains("missing/out.csv"), "{error}");
        let directory = target(home.path()).open(Existing::Replace).unwrap_err();
        assert!(
            matches!(directory, ReportError::Exists { .. }),
            "{directory:?}"
        );
    }

    #[test]
    fn a_report_that_is_not_kept_leaves_no_trace() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out.csv");
        let open = target(&path).open(Existing::Refuse).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("seq,"));
        drop(open);
        assert_eq!(names_in(home.path()), [""; 0]);

        fs::write(&path, "old").unwrap();
        let mut open = target(&path).open(Existing::Replace).unwrap();
        open.write(&[samples::disbanded()]).unwrap();
        drop(open);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names_in(home.path()), ["out.csv"]);
    }

    #[test]
    fn a_resumed_runs_report_takes_the_old_ones_place_and_grows_on() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out.csv");
        fs::write(&path, "old").unwrap();
        let mut open = target(&path).open(Existing::Replace).unwrap();
        open.write(&[samples::disbanded()]).unwrap();
        let mut kept = open.keep().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        kept.write(&[samples::never_called()]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
        kept.finish().unwrap();
        assert_eq!(names_in(home.path()), ["out.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_report_keeps_the_old_ones_permissions_and_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let home = tempfile::tempdir().unwrap();
        let (path, link) = (home.path().join("out.csv"), home.path().join("link.csv"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        let open = target(&link).open(Existing::Replace).unwrap();
        open.keep().unwrap().finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::read_to_string(&path).unwrap().starts_with("seq,"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_as_such_before_the_first_call() {
        let error = target(Path::new("/dev/full"))
            .open(Existing::Refuse)
            .unwrap_err();
        assert!(matches!(error, ReportError::Full { .. }), "{error:?}");
        assert!(error.to_string().contains("/dev/full"), "{error}");
        assert!(error.to_string().contains("--resume"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to_as_it_is() {
        let open = target(Path::new("/dev/null"))
            .open(Existing::Refuse)
            .unwrap();
        open.keep().unwrap().finish().unwrap();
        assert!(Path::new("/dev/null").exists());
    }
}
