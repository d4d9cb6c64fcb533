//! How a source is written: told from options, name and first line, or refused.

use super::{
    error::Fault,
    malformed::shorten,
    names,
    options::{Column, Format, InputOptions, can_delimit},
};

/// How a source is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Lines,
    Jsonl,
    Csv { delimiter: u8 },
}

/// What a file's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Csv,
    Tsv,
    Jsonl,
    Lines,
}

impl Ending {
    /// Reads it off the name, behind the ending of a compressor.
    pub(super) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = [".gz", ".zst", ".zstd"]
            .iter()
            .find_map(|packed| name.strip_suffix(packed))
            .unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" | "ids" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// The delimiters that are looked for.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Decides how to read a source whose first line that is not blank is `line`, white space around it removed.
///
/// The rule behind all the cases: commas, `;`, quotes and braces are legal inside an ID, so what was not named as CSV or
/// lines, and could be both, is neither.
pub(super) fn plan(
    line: &[u8],
    ending: Option<Ending>,
    options: &InputOptions,
) -> Result<Plan, Fault> {
    if let Some(byte) = options.delimiter.filter(|&byte| !can_delimit(byte)) {
        return Err(Fault::BadDelimiter(byte));
    }
    match (options.format, ending) {
        (Format::Csv, Some(Ending::Tsv)) | (Format::Auto, Some(Ending::Tsv)) => Ok(Plan::Csv {
            delimiter: options.delimiter.unwrap_or(b'\t'),
        }),
        (Format::Csv, _) | (Format::Auto, Some(Ending::Csv)) => csv(line, options),
        (Format::Jsonl, _) | (Format::Auto, Some(Ending::Jsonl)) => jsonl(line, options),
        (Format::Lines, _) => lines(options),
        (Format::Auto, Some(Ending::Lines)) => {
            if is_table(line) {
                return Err(Fault::TableNamedLines(shorten(line)));
            }
            lines(options)
        }
        (Format::Auto, None) => by_content(line, options),
    }
}

fn by_content(line: &[u8], options: &InputOptions) -> Result<Plan, Fault> {
    match line {
        [] => return Ok(Plan::Lines),
        [b'{', rest @ ..] => match rest.trim_ascii_start() {
            [] => return Err(Fault::JsonDocument),
            [b'"' | b'}', ..] => return jsonl(line, options),
            _ => {}
        },
        [b'[', rest @ ..] => match rest.trim_ascii_start() {
            [] | [b'{' | b'"', ..] => return Err(Fault::JsonDocument),
            _ => {}
        },
        _ => {}
    }
    let csv_asked = options.column.is_some() || options.delimiter.is_some() || !options.header;
    if csv_asked || is_table(line) || names::is_known(&String::from_utf8_lossy(&unquoted(line))) {
        return csv(line, options);
    }
    if line.starts_with(b"\"") || !dividers(line).is_empty() {
        return Err(Fault::LinesOrCsv(shorten(line)));
    }
    Ok(Plan::Lines)
}

fn lines(options: &InputOptions) -> Result<Plan, Fault> {
    let option = match options {
        InputOptions {
            column: Some(_), ..
        } => "--column",
        InputOptions {
            delimiter: Some(_), ..
        } => "--delimiter",
        _ => return Ok(Plan::Lines),
    };
    let format = "plain lines";
    Err(Fault::Misfit { option, format })
}

fn jsonl(line: &[u8], options: &InputOptions) -> Result<Plan, Fault> {
    let option = match options {
        InputOptions {
            column: Some(Column::Number(_)),
            ..
        } => "--column with a number",
        InputOptions {
            delimiter: Some(_), ..
        } => "--delimiter",
        _ if matches!(line, b"{") || line.starts_with(b"[") => return Err(Fault::JsonDocument),
        _ => return Ok(Plan::Jsonl),
    };
    let format = "JSONL";
    Err(Fault::Misfit { option, format })
}

/// Chooses the delimiter: the only one that is there, else the only one that makes a column with the right name.
fn csv(line: &[u8], options: &InputOptions) -> Result<Plan, Fault> {
    let there = dividers(line);
    let delimiter = match (options.delimiter, &there[..]) {
        (Some(delimiter), _) => delimiter,
        (None, []) => b',',
        (None, &[only]) => only,
        (None, several) => {
            let wanted = |name: &str| match &options.column {
                Some(Column::Name(wanted)) => names::alike(name, wanted),
                Some(Column::Number(_)) => false,
                None => names::is_known(name),
            };
            let fits = |&delimiter: &u8| {
                options.header && divide(line, delimiter).iter().any(|name| wanted(name))
            };
            let mut fitting = several.iter().copied().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => only,
                _ => return Err(Fault::Delimiter(there)),
            }
        }
    };
    Ok(Plan::Csv { delimiter })
}

/// Whether a line is a header of several columns of which one has a known name.
fn is_table(line: &[u8]) -> bool {
    dividers(line).iter().any(|&delimiter| {
        divide(line, delimiter)
            .iter()
            .any(|name| names::is_known(name))
    })
}

/// The delimiters in a line, outside of quotes.
fn dividers(line: &[u8]) -> Vec<u8> {
    let mut quoted = false;
    let mut found = [false; DELIMITERS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if !quoted && let Some(i) = DELIMITERS.iter().position(|d| d == byte) {
            found[i] = true;
        }
    }
    let there = DELIMITERS.into_iter().zip(found);
    there.filter(|(_, found)| *found).map(|(d, _)| d).collect()
}

/// Divides a line as CSV.
fn divide(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(line);
    // Reading from memory cannot fail, and one row cannot be ragged.
    let row = reader
        .byte_records()
        .next()
        .and_then(Result::ok)
        .unwrap_or_default();
    row.iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

fn unquoted(line: &[u8]) -> Vec<u8> {
    match line {
        [b'"', inner @ .., b'"'] => inner.to_vec(),
        _ => line.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format_with_or_without_a_compressor_behind_it() {
        let table = [
            ("groups.csv", Some(Ending::Csv)),
            ("a.b/GROUPS.CSV.GZ", Some(Ending::Csv)),
            ("groups.tsv.zst", Some(Ending::Tsv)),
            ("groups.ndjson", Some(Ending::Jsonl)),
            ("ids.txt", Some(Ending::Lines)),
            ("app.ids.zstd", Some(Ending::Lines)),
            ("groups.json", None),
            ("groups.gz", None),
            ("csv", None),
            ("stdin", None),
        ];
        for (name, ending) in table {
            assert_eq!(Ending::of(name), ending, "{name}");
        }
    }

    #[test]
    fn delimiters_count_outside_of_quotes_only() {
        assert_eq!(dividers(b"a;\"b,c\""), [b';']);
        assert_eq!(dividers(b"\"a,b\""), [0_u8; 0]);
        assert_eq!(dividers(b"a\tb,c"), *b",\t");
    }
}
