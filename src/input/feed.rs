//! A reader on a thread of its own, behind a bounded channel.

use std::{sync::Arc, thread};

use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{
    error::{Fault, InputError},
    findings::Findings,
    reader::Reader,
};
use crate::record::{Content, Record};

/// The most records in one message: enough that the channel costs nothing, few enough that one is soon done with.
pub const BATCH: usize = 512;

/// The source's name where a program hands over IDs, in place of a file's.
pub const PROGRAM: &str = "program";

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

    /// A feed of IDs that a program hands over, each as it stands; its place in the iterator is its `line`.
    ///
    /// The iterator runs on a thread of its own, one batch ahead of the calls, and waits when they do.
    ///
    /// # Errors
    ///
    /// When the system has no room for another thread.
    pub fn of_ids<I>(ids: I) -> Result<Self, InputError>
    where
        I: IntoIterator<Item: Into<Box<str>>>,
        I::IntoIter: Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        let records = (1..).zip(ids).map(|(seq, id)| Record {
            seq,
            source: 0,
            line: seq,
            content: Content::Text(id.into()),
        });
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || feed_ids(records, &sender))
            .map_err(|error| Fault::Thread(error).of(&Arc::from(PROGRAM)))?;
        Ok(Self::of(receiver))
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

fn feed_ids(mut records: impl Iterator<Item = Record>, sender: &Sender<Fed>) {
    let mut findings = Findings::default();
    loop {
        let batch: Vec<Record> = records.by_ref().take(BATCH).collect();
        findings.records += batch.len() as u64;
        let fed = match batch.is_empty() {
            false => Fed::Records(batch),
            true => Fed::End(std::mem::take(&mut findings)),
        };
        let last = !matches!(fed, Fed::Records(_));
        if sender.blocking_send(fed).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_of_a_program_are_numbered_and_end_with_their_count() {
        let ids = (1..=BATCH + 1).map(|n| format!("g{n}"));
        let mut feed = Feed::of_ids(ids).unwrap();
        let (mut numbers, mut end) = (Vec::new(), None);
        while let Some(fed) = feed.recv().await {
            match fed {
                Fed::Records(records) => numbers.extend(records.iter().map(|r| r.seq)),
                Fed::End(findings) => end = Some(findings.records),
                Fed::Failed(error) => panic!("{error}"),
            }
        }
        assert_eq!(numbers, (1..=BATCH as u64 + 1).collect::<Vec<_>>());
        assert_eq!(end, Some(BATCH as u64 + 1));
    }

    #[tokio::test]
    async fn an_iterator_that_panics_is_no_list_that_ended() {
        let ids = (0..).map(|n| if n < 3 { "g" } else { panic!("on purpose") });
        let mut feed = Feed::of_ids(ids).unwrap();
        assert!(matches!(feed.recv().await, Some(Fed::Failed(_))));
    }
}
