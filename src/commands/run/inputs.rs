//! The run's input: opened before anything else, and, in a resume, proved to be the same.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    cli,
    engine::Intake,
    error::Error,
    exit::ExitCode,
    input::{self, Fed, Feed, Format, InputError, InputOptions, Reader, Source},
    ledger,
    record::Record,
    settings::{Input, Inputs, Reading, RunSettings},
};

use super::session::{Session, unusable};

/// Batches between reader and feeder.
const FEED: usize = 4;
/// Records compared at a time.
const PAGE: usize = 8192;
/// How long a resume waits for a stream that may have nothing to say, where the ledger holds all of it anyway.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be read.
pub(super) struct Opened {
    sources: Vec<Source>,
    options: InputOptions,
    reader: Option<Reader>,
    names: Arc<[Arc<str>]>,
}

/// Opens everything that can be opened without blocking.
pub(super) fn open(settings: &RunSettings, session: &Session) -> Result<Opened, Error> {
    let options = options(&settings.reading)?;
    let (sources, names) = match (&settings.inputs, session.earlier()) {
        (Inputs::Named(inputs), _) => (inputs.iter().map(source).collect(), None),
        (Inputs::OfTheRun { stdin_is_terminal }, Some(earlier)) => (
            recorded_sources(earlier, *stdin_is_terminal),
            Some(&earlier.inputs),
        ),
        (Inputs::OfTheRun { .. }, None) => (Vec::new(), None),
    };
    let complete = session
        .earlier()
        .is_some_and(|earlier| earlier.input_complete);
    let reader = match input::open(sources.clone(), &options) {
        Ok(reader) if sources.is_empty() => {
            drop(reader);
            None
        }
        Ok(reader) => Some(reader),
        Err(error) if complete && matches!(settings.inputs, Inputs::OfTheRun { .. }) => {
            tracing::warn!("{error}; going on from the ledger, which holds all of the input");
            None
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let names = match names {
        Some(inputs) => inputs.iter().map(|input| Arc::clone(&input.name)).collect(),
        None => sources.iter().map(Source::name).collect(),
    };
    Ok(Opened {
        sources,
        options,
        reader,
        names,
    })
}

impl Opened {
    /// The sources' names, by index.
    pub(super) fn names(&self) -> Arc<[Arc<str>]> {
        Arc::clone(&self.names)
    }

    /// The sources as the ledger keeps them, for a resume.
    pub(super) fn recorded(&self) -> Vec<ledger::Input> {
        let path = |source: &Source| match source {
            Source::Stdin => None,
            Source::File(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        };
        self.sources
            .iter()
            .map(|source| ledger::Input {
                name: source.name(),
                path: path(source),
            })
            .collect()
    }

    /// How many records there are, if they are all in files: reads these from end to end.
    pub(super) fn count_records(&self) -> Result<Option<u64>, Error> {
        if self.is_stream() {
            return Ok(None);
        }
        let mut reader =
            input::open(self.sources.clone(), &self.options).map_err(|error| unreadable(&error))?;
        while reader
            .next_batch(input::BATCH)
            .map_err(|error| unreadable(&error))?
            .is_some()
        {}
        Ok(Some(reader.findings().records))
    }

    fn is_stream(&self) -> bool {
        self.sources.iter().any(|source| match source {
            Source::Stdin => true,
            Source::File(path) => !path.is_file(),
        })
    }
}

/// What the engine takes: for a resume, only what follows what the ledger knows.
pub(super) async fn intake(opened: Opened, session: &Session) -> Result<Intake, Error> {
    let is_stream = opened.is_stream();
    let feed = match opened.reader {
        None => None,
        Some(reader) => Some(input::spawn(reader, FEED).map_err(|error| unreadable(&error))?),
    };
    let Some(earlier) = session.earlier() else {
        return Ok(Intake {
            backlog: false,
            live: feed,
            first: Vec::new(),
            is_stream,
        });
    };
    let rest = match feed {
        None => None,
        Some(feed) => verify(feed, session, earlier, is_stream).await?,
    };
    if rest.is_none() && !earlier.input_complete {
        tracing::warn!(
            "the input of run {} was not read to its end, and there is none now: going on with what was read",
            earlier.run_id
        );
    }
    let (live, first) = rest.map_or((None, Vec::new()), |(feed, first)| (Some(feed), first));
    Ok(Intake {
        backlog: true,
        live,
        first,
        is_stream,
    })
}

/// Reads past everything that the ledger knows, and proves that it is the same. Nothing where nothing follows it, or
/// where a stream is empty.
async fn verify(
    mut feed: Feed,
    session: &Session,
    earlier: &ledger::RunInfo,
    is_stream: bool,
) -> Result<Option<(Feed, Vec<Record>)>, Error> {
    let run = session.ledger()?;
    let complete = earlier.input_complete;
    let patience = (complete && is_stream).then_some(PATIENCE);
    let mut read = Incoming::default();
    let mut after = 0;
    loop {
        let known = run.page(after, PAGE).await.map_err(unusable)?;
        let Some((last, _)) = known.last() else {
            break;
        };
        let at_start = after == 0;
        after = *last;
        for (seq, text) in known {
            let patience = patience.filter(|_| at_start && read.is_empty());
            match read.next_within(&mut feed, patience, session).await? {
                Some(record) if record.seq == seq && record.content.shown() == &*text => {}
                None if seq == 1 => return Ok(None),
                other => {
                    let change = Changed::of(seq, Some(&text), other.as_ref());
                    return Err(session.refuse(change.into_error()).await);
                }
            }
        }
    }
    if !complete {
        return Ok(Some((feed, read.rest())));
    }
    // The list was known to its end, and was consented to as it was.
    match read.next_within(&mut feed, patience, session).await? {
        None => Ok(None),
        Some(more) => {
            let change = Changed::of(more.seq, None, Some(&more));
            Err(session.refuse(change.into_error()).await)
        }
    }
}

/// Records that were read and not looked at yet.
#[derive(Default)]
struct Incoming(std::vec::IntoIter<Record>);

impl Incoming {
    /// The next, or nothing where a stream has nothing to say for so long.
    async fn next_within(
        &mut self,
        feed: &mut Feed,
        patience: Option<Duration>,
        session: &Session,
    ) -> Result<Option<Record>, Error> {
        let next = match patience {
            Some(patience) => timeout(patience, self.next(feed)).await.unwrap_or(Ok(None)),
            None => self.next(feed).await,
        };
        match next {
            Ok(next) => Ok(next),
            Err(error) => Err(session.refuse(error).await),
        }
    }

    async fn next(&mut self, feed: &mut Feed) -> Result<Option<Record>, Error> {
        loop {
            if let Some(record) = self.0.next() {
                return Ok(Some(record));
            }
            match feed.recv().await {
                Some(Fed::Records(records)) => self.0 = records.into_iter(),
                Some(Fed::End(_)) | None => return Ok(None),
                Some(Fed::Failed(error)) => return Err(unreadable(&error)),
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn rest(self) -> Vec<Record> {
        self.0.collect()
    }
}

/// The input is not what it was.
#[derive(Debug, thiserror::Error)]
#[error("the input has changed: record {seq} was {was} and is {is} now")]
struct Changed {
    seq: u64,
    was: String,
    is: String,
}

impl Changed {
    fn of(seq: u64, was: Option<&str>, is: Option<&Record>) -> Self {
        Self {
            seq,
            was: was.map_or_else(|| "behind its end".to_owned(), |was| format!("{was:?}")),
            is: is.map_or_else(
                || "missing".to_owned(),
                |record| format!("{:?} (line {})", record.content.shown(), record.line),
            ),
        }
    }

    fn into_error(self) -> Error {
        Error::new(ExitCode::Usage, self)
            .with_hint("a resume needs the input as it was; begin a new run for a new list")
    }
}

fn source(input: &Input) -> Source {
    match input {
        Input::Stdin => Source::Stdin,
        Input::File(path) => Source::File(path.clone()),
    }
}

/// What the run read: its files, and stdin if there is one to read.
fn recorded_sources(earlier: &ledger::RunInfo, stdin_is_terminal: bool) -> Vec<Source> {
    let path = |input: &ledger::Input| input.path.clone().map(|path: PathBuf| Source::File(path));
    let sources: Vec<Source> = earlier
        .inputs
        .iter()
        .map(|input| path(input).unwrap_or(Source::Stdin))
        .collect();
    match stdin_is_terminal && sources.contains(&Source::Stdin) {
        // What follows stdin can't be told from it by number, so nothing is read again.
        true => Vec::new(),
        false => sources,
    }
}

fn options(reading: &Reading) -> Result<InputOptions, Error> {
    let column = reading.column.as_ref().map(|column| match column {
        cli::Column::Name(name) => input::Column::Name(name.as_str().into()),
        cli::Column::Number(number) => input::Column::Number(*number),
    });
    Ok(InputOptions {
        format: match reading.format {
            cli::Format::Auto => Format::Auto,
            cli::Format::Csv => Format::Csv,
            cli::Format::Lines => Format::Lines,
            cli::Format::Jsonl => Format::Jsonl,
        },
        column,
        delimiter: reading.delimiter.map(|delimiter| delimiter.0),
        header: reading.has_header,
    })
}

fn unreadable(error: &InputError) -> Error {
    Error::new(ExitCode::Usage, error.to_string()).with_hint(error.hint())
}
