//! All sources of a run, one after the other.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::{Fault, InputError},
    findings::{Findings, Smell, is_number},
    options::{InputOptions, Source},
    stream::{Step, Stream},
};
use crate::record::{Content, Record};

/// Where a source's bytes are to be had when its turn comes.
enum Pending {
    Stdin,
    /// A file that [`open`] has looked into. It is opened again when its turn comes: thousands of inputs then need
    /// neither thousands of file descriptors nor thousands of buffers.
    Path(PathBuf),
    Given(Box<dyn Read + Send>),
}

/// Reads the records of a run's sources, in order. See [the module](super) for what it copes with.
pub struct Reader {
    names: Vec<Arc<str>>,
    options: InputOptions,
    pending: std::vec::IntoIter<Pending>,
    /// How many sources were begun; the last of them is `current`, if it has not ended.
    begun: u32,
    current: Option<Stream>,
    findings: Findings,
    /// Texts so far, as long as each of them was a number.
    numbers: Option<u64>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("names", &self.names)
            .field("options", &self.options)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// Opens the sources and looks into each regular file, so that what can be known to be wrong is known now.
///
/// Standard input, pipes and devices are looked into at the first [`Reader::next_batch`] that comes to them: here they
/// could block for as long as their writer pleases.
///
/// ```
/// use disband_batch::input::{self, InputOptions, Source};
///
/// let mut reader = input::open(vec![Source::File("sample-input/ids.txt".into())], &InputOptions::default())?;
/// let mut records = 0;
/// while let Some(batch) = reader.next_batch(100)? {
///     records += batch.len();
/// }
/// assert_eq!(records, 320);
/// # Ok::<(), disband_batch::input::InputError>(())
/// ```
///
/// # Errors
///
/// When a file is not there, cannot be opened, is a directory, is no UTF-8 text, lacks the column, or could be read in
/// more than one way.
pub fn open(sources: Vec<Source>, options: &InputOptions) -> Result<Reader, InputError> {
    let names: Vec<Arc<str>> = sources.iter().map(Source::name).collect();
    if let Some(second) = sources.iter().filter(|s| **s == Source::Stdin).nth(1) {
        return Err(Fault::StdinTwice.of(&second.name()));
    }
    let mut first = None;
    let mut pending = Vec::with_capacity(sources.len());
    for (source, name) in sources.into_iter().zip(&names) {
        let source = match source {
            Source::Stdin => Pending::Stdin,
            Source::File(path) => {
                let looked_into = look_into(&path, name, options)?;
                if pending.is_empty() {
                    first = looked_into;
                }
                Pending::Path(path)
            }
        };
        pending.push(source);
    }
    let mut reader = Reader::new(names, pending, options);
    if first.is_some() {
        reader.pending.next();
        reader.begun = 1;
        reader.current = first;
    }
    Ok(reader)
}

/// Reads from byte streams that are open already, each with the name under which its records are reported.
///
/// Nothing is read before the first [`Reader::next_batch`].
pub fn open_from(sources: Vec<(Arc<str>, Box<dyn Read + Send>)>, options: &InputOptions) -> Reader {
    let (names, inputs): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
    let pending = inputs.into_iter().map(Pending::Given).collect();
    Reader::new(names, pending, options)
}

impl Reader {
    fn new(names: Vec<Arc<str>>, pending: Vec<Pending>, options: &InputOptions) -> Self {
        Self {
            names,
            options: options.clone(),
            pending: pending.into_iter(),
            begun: 0,
            current: None,
            findings: Findings::default(),
            numbers: Some(0),
        }
    }

    /// The sources' names; [`Record::source`] is an index into them.
    pub fn sources(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Reads up to `max` records (at least one); none at the end of the last source.
    ///
    /// Blocks only while it has no record: before it would read from a source again it returns what it has. So the
    /// first call can go out while the list is still being written, and a fast source still gives full batches.
    ///
    /// # Errors
    ///
    /// When a source cannot be read on, or turns out to be unreadable or ambiguous. Records before that were returned
    /// already; a last record that may be cut short was not. After an error the reader is at its end.
    pub fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Record>>, InputError> {
        let batch = self.read_batch(max.max(1));
        if batch.is_err() {
            self.current = None;
            self.pending = Vec::new().into_iter();
        }
        batch
    }

    /// What was noticed so far: complete once [`Self::next_batch`] returned none.
    pub fn findings(&self) -> Findings {
        let mut findings = self.findings.clone();
        if let Some(ids @ 1..) = self.numbers {
            findings.smells.push(Smell::AllNumbers { ids });
        }
        findings
    }

    fn read_batch(&mut self, max: usize) -> Result<Option<Vec<Record>>, InputError> {
        let mut batch = Vec::new();
        while batch.len() < max {
            let Some(stream) = &mut self.current else {
                // Opening a source reads from it.
                if !batch.is_empty() || !self.open_next()? {
                    break;
                }
                continue;
            };
            match stream.step() {
                Step::Record(line, content) => {
                    let record = self.number(line, content);
                    batch.push(record);
                }
                Step::Starved if batch.is_empty() => stream.fill()?,
                Step::Starved => break,
                Step::End => {
                    let ended = self.current.take();
                    self.findings
                        .smells
                        .extend(ended.into_iter().flat_map(Stream::close));
                }
            }
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn number(&mut self, line: u64, content: Content) -> Record {
        self.findings.records += 1;
        match &content {
            Content::Text(text) => {
                self.numbers = self.numbers.filter(|_| is_number(text)).map(|n| n + 1);
            }
            Content::Malformed { .. } => self.findings.malformed += 1,
        }
        Record {
            seq: self.findings.records,
            source: self.begun - 1,
            line,
            content,
        }
    }

    fn open_next(&mut self) -> Result<bool, InputError> {
        let (Some(next), Some(name)) = (self.pending.next(), self.names.get(self.begun as usize))
        else {
            return Ok(false);
        };
        let input: Box<dyn Read + Send> = match next {
            Pending::Stdin => Box::new(io::stdin()),
            Pending::Given(input) => input,
            Pending::Path(path) => Box::new(open_file(&path, name)?),
        };
        self.begun += 1;
        self.current = Some(Stream::open(name, input, &self.options)?);
        Ok(true)
    }
}

/// Opens a regular file as far as its first record; none for what may block.
fn look_into(
    path: &Path,
    name: &Arc<str>,
    options: &InputOptions,
) -> Result<Option<Stream>, InputError> {
    let metadata = fs::metadata(path).map_err(|error| unopened(error).of(name))?;
    if metadata.is_dir() {
        return Err(Fault::Directory.of(name));
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let file = open_file(path, name)?;
    Stream::open(name, Box::new(file), options).map(Some)
}

fn open_file(path: &Path, name: &Arc<str>) -> Result<File, InputError> {
    File::open(path).map_err(|error| unopened(error).of(name))
}

fn unopened(error: io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => Fault::NotThere,
        ErrorKind::IsADirectory => Fault::Directory,
        _ => Fault::Open(error),
    }
}
