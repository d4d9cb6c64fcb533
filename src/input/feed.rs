//! A reader on a thread of its own, behind a bounded channel.

use std::{sync::Arc, thread};

use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{
    error::{Fault, InputError},
    findings::Findings,
    reader::Reader,
};
use crate::record::Record;

/// The most records in one message: enough that the channel costs nothing, few enough that one is soon done with.
pub const BATCH: usize = 512;

/// What the thread sends.
#[derive(Debug)]
pub enum Fed {
    /// The next records, at least one.
    Records(Vec<Record>),
    /// All was read. The last message.
    End(Findings),
    /// The rest cannot be read. The last message.
    Failed(InputError),
}

/// The receiving end of a reader's thread.
///
/// When the channel is full the thread waits, and whoever writes the input waits with it. Dropping the feed ends the
/// thread at its next batch. It is not waited for: it may be blocked in a read that nobody can cut short.
#[derive(Debug)]
pub struct Feed {
    receiver: Receiver<Fed>,
    ended: bool,
}

impl Feed {
    /// A feed of records that are made rather than read. [`Fed::End`] must come last.
    pub fn of(receiver: Receiver<Fed>) -> Self {
        Self {
            receiver,
            ended: false,
        }
    }

    /// Waits for the next message; none after [`Fed::End`] or [`Fed::Failed`]. Loses nothing when it is cancelled.
    pub async fn recv(&mut self) -> Option<Fed> {
        if self.ended {
            return None;
        }
        let fed = self.receiver.recv().await.unwrap_or_else(|| {
            // A list that merely stops must not look like one that was read to its end.
            Fed::Failed(Fault::ReaderDied.of(&Arc::from("input")))
        });
        self.ended = !matches!(fed, Fed::Records(_));
        Some(fed)
    }
}

/// Starts a thread that reads, with room for `capacity` batches of at most [`BATCH`] records (at least one batch).
///
/// # Errors
///
/// When the system has no room for another thread.
pub fn spawn(reader: Reader, capacity: usize) -> Result<Feed, InputError> {
    let name = reader
        .sources()
        .first()
        .cloned()
        .unwrap_or_else(|| "input".into());
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || feed(reader, &sender))
        .map_err(|error| Fault::Thread(error).of(&name))?;
    Ok(Feed::of(receiver))
}

fn feed(mut reader: Reader, sender: &Sender<Fed>) {
    loop {
        let fed = match reader.next_batch(BATCH) {
            Ok(Some(records)) => Fed::Records(records),
            Ok(None) => Fed::End(reader.findings()),
            Err(error) => Fed::Failed(error),
        };
        let last = !matches!(fed, Fed::Records(_));
        // Nobody listens any more: nothing that is read now would be used.
        if sender.blocking_send(fed).is_err() || last {
            return;
        }
    }
}
