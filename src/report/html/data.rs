//! The failures as JSON inside a page: compact, and unable to leave its `<script>`.

use std::{collections::HashMap, io, sync::Arc};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::super::whole_ms;
use crate::row::Row;

/// Failures that go into a page. Browsers still scroll and search this many at once; the CSV report holds all.
pub const MOST_ROWS: usize = 200_000;

/// Texts that are written once and then referred to. What a run answers comes from a short list; whatever is beyond
/// this stands in its row.
const MOST_TEXTS: usize = 1_024;

/// Longer texts are hardly the same twice, and not worth remembering.
const LONGEST_TEXT: usize = 1_024;

/// Writes strings so that HTML sees no markup in them. Outside strings JSON has none of these characters.
#[derive(Clone, Debug, Default)]
struct ScriptSafe(CompactFormatter);

impl Formatter for ScriptSafe {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, from) = rest.split_at(at);
            self.0.write_string_fragment(out, plain)?;
            let mut chars = from.chars();
            if let Some(c) = chars.next() {
                write!(out, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        self.0.write_string_fragment(out, rest)
    }
}

fn write_json<W: io::Write>(out: &mut W, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, ScriptSafe::default());
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// A value as JSON that can stand in a `<script>`.
///
/// # Errors
/// None in practice: the values have JSON forms.
pub(super) fn script_json(value: &impl Serialize) -> io::Result<String> {
    let mut json = Vec::new();
    write_json(&mut json, value)?;
    String::from_utf8(json).map_err(io::Error::other)
}

/// A text, or its place among those that were written before.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Known(usize),
    Here(&'a str),
}

/// Streams failures as `{"rows":[[..],..],"texts":[..],"failures":n}`.
pub(super) struct FailureWriter<'w> {
    out: io::BufWriter<&'w mut dyn io::Write>,
    texts: Texts,
    written: usize,
}

/// The texts met so far, bounded.
#[derive(Default)]
struct Texts {
    places: HashMap<Arc<str>, usize>,
    in_order: Vec<Arc<str>>,
}

impl Texts {
    fn place<'a>(&mut self, text: &'a str) -> Text<'a> {
        if let Some(&at) = self.places.get(text) {
            return Text::Known(at);
        }
        if self.in_order.len() >= MOST_TEXTS || text.len() > LONGEST_TEXT {
            return Text::Here(text);
        }
        let at = self.in_order.len();
        let kept: Arc<str> = text.into();
        self.in_order.push(Arc::clone(&kept));
        self.places.insert(kept, at);
        Text::Known(at)
    }
}

impl<'w> FailureWriter<'w> {
    pub(super) fn begin(out: &'w mut dyn io::Write) -> io::Result<Self> {
        let mut out = io::BufWriter::with_capacity(super::super::BUFFER, out);
        io::Write::write_all(&mut out, b"{\"rows\":[")?;
        Ok(Self {
            out,
            texts: Texts::default(),
            written: 0,
        })
    }

    pub(super) fn write(&mut self, row: &Row) -> io::Result<()> {
        if self.written == MOST_ROWS {
            return Ok(());
        }
        if self.written > 0 {
            io::Write::write_all(&mut self.out, b",\n")?;
        }
        self.written += 1;
        // The order is known to page.js.
        let cells = (
            row.seq,
            &*row.group_id,
            self.texts.place(row.outcome.name()),
            row.error_code,
            row.error_info.as_deref().map(|info| self.texts.place(info)),
            row.attempts,
            row.http_status,
            row.latency.map(whole_ms),
            row.finished_at.map(|at| at.0),
            self.texts.place(&row.source),
            row.line,
        );
        write_json(&mut self.out, &cells)
    }

    /// Ends the JSON; `failures` is how many there are in the run.
    pub(super) fn finish(mut self, failures: u64) -> io::Result<()> {
        use io::Write as _;

        self.out.write_all(b"],\"texts\":[")?;
        for (at, text) in self.texts.in_order.iter().enumerate() {
            if at > 0 {
                self.out.write_all(b",")?;
            }
            write_json(&mut self.out, &&**text)?;
        }
        write!(self.out, "],\"failures\":{failures}}}")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::super::samples, *};

    proptest! {
        #[test]
        fn any_text_reads_back_and_holds_no_markup(text: String) {
            let text = format!("{text}<&>\u{2028}\u{2029}");
            let json = script_json(&text).unwrap();
            let markup = json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(!markup, "{}", json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn ever_new_texts_stay_in_their_rows() {
        let mut texts = Texts::default();
        for n in 0..MOST_TEXTS {
            assert!(matches!(texts.place(&n.to_string()), Text::Known(at) if at == n));
        }
        assert!(matches!(texts.place("one more"), Text::Here("one more")));
        assert!(matches!(texts.place("7"), Text::Known(7)));
    }

    #[test]
    fn a_page_takes_no_more_rows_than_a_browser_can_show() {
        let mut json = Vec::new();
        let mut writer = FailureWriter::begin(&mut json).unwrap();
        let row = samples::never_called();
        for _ in 0..MOST_ROWS + 10 {
            writer.write(&row).unwrap();
        }
        writer.finish(MOST_ROWS as u64 + 10).unwrap();
        let data: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(data["rows"].as_array().unwrap().len(), MOST_ROWS);
        assert_eq!(data["failures"], MOST_ROWS + 10);
    }
}
