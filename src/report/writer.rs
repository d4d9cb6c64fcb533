//! The thread that writes rows, so that a slow disk or a slow reader of stdout never holds up the engine's own thread.

use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
};

use tokio::sync::{mpsc, oneshot};

use super::{ReportError, file::KeptReport};
use crate::row::Row;

/// Batches that may wait for the disk. A batch is what one commit of the ledger settled; more waiting than this means
/// that the report is slower than the service, and then the run has to slow down.
const BATCHES: usize = 32;

/// Feeds rows to the thread that writes them.
#[derive(Debug)]
pub struct ReportWriter {
    batches: mpsc::Sender<Vec<Row>>,
    done: oneshot::Receiver<()>,
    failure: Arc<OnceLock<ReportError>>,
}

impl ReportWriter {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's refusal to start one.
    pub fn start(report: KeptReport) -> io::Result<Self> {
        let (batches, mut waiting) = mpsc::channel(BATCHES);
        let (tell, done) = oneshot::channel();
        let failure = Arc::new(OnceLock::new());
        let noted = Arc::clone(&failure);
        thread::Builder::new()
            .name("report".to_owned())
            .spawn(move || {
                if let Err(error) = write_all(report, &mut waiting) {
                    // Set once, by this thread alone, and before the channel closes: whoever finds it closed finds
                    // the reason as well.
                    let _ = noted.set(error);
                }
                drop(waiting);
                // Perhaps nobody waits any more.
                let _ = tell.send(());
            })?;
        Ok(Self {
            batches,
            done,
            failure,
        })
    }

    /// Hands a batch over; waits while too many are under way. When this returns, the rows are on their way, not yet
    /// in the file.
    ///
    /// # Errors
    /// Why the thread stopped writing, from then on for ever: [`ReportError::BrokenPipe`], [`ReportError::Full`] or
    /// [`ReportError::Write`].
    pub async fn write(&self, rows: Vec<Row>) -> Result<(), ReportError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.batches.send(rows).await.map_err(|_| self.failure())
    }

    /// Waits until the thread stops writing, and says why. For a run that should stop at once and not only at its
    /// next row.
    pub async fn failed(&self) -> ReportError {
        self.batches.closed().await;
        self.failure()
    }

    /// Waits until every row is in the file, and the file on the disk.
    ///
    /// # Errors
    /// As [`ReportWriter::write`].
    pub async fn finish(self) -> Result<(), ReportError> {
        let Self {
            batches,
            done,
            failure,
        } = self;
        drop(batches);
        let ended = done.await;
        match (failure.get(), ended) {
            (Some(error), _) => Err(error.clone()),
            (None, Ok(())) => Ok(()),
            (None, Err(_)) => Err(ReportError::WriterDied),
        }
    }

    fn failure(&self) -> ReportError {
        self.failure
            .get()
            .cloned()
            .unwrap_or(ReportError::WriterDied)
    }
}

/// Writes until nobody sends any more.
fn write_all(
    mut report: KeptReport,
    waiting: &mut mpsc::Receiver<Vec<Row>>,
) -> Result<(), ReportError> {
    while let Some(rows) = waiting.blocking_recv() {
        report.write(&rows)?;
    }
    report.finish()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{
        super::{
            file::{Existing, ReportTarget},
            samples,
        },
        *,
    };

    fn start(path: &Path) -> ReportWriter {
        let open = ReportTarget::new(path, "r1", None)
            .open(Existing::Refuse)
            .unwrap();
        ReportWriter::start(open.keep().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn every_row_is_in_the_file_when_the_writer_has_finished() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out.csv");
        let writer = start(&path);
        for _ in 0..200 {
            writer.write(vec![samples::disbanded(); 7]).await.unwrap();
        }
        writer.finish().await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1401);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_reader_that_goes_away_is_told_from_other_trouble() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        let reader = {
            let path = path.clone();
            thread::spawn(move || fs::File::open(path).unwrap())
        };
        let writer = start(&path);
        drop(reader.join().unwrap());
        writer.write(vec![samples::disbanded()]).await.unwrap();
        assert!(matches!(writer.failed().await, ReportError::BrokenPipe));
        let error = writer.write(vec![samples::disbanded()]).await.unwrap_err();
        assert!(matches!(error, ReportError::BrokenPipe), "{error:?}");
        let error = writer.finish().await.unwrap_err();
        assert!(matches!(error, ReportError::BrokenPipe), "{error:?}");
    }
}
