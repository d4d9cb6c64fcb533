//! JSONL: one object a line, read without building a tree.

use std::{borrow::Cow, fmt, str};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    error::Fault,
    lines::NOT_UTF8,
    malformed::{malformed, shorten},
    names,
};
use crate::record::Content;

/// Which key holds the ID.
#[derive(Clone, Debug)]
pub(super) enum Key {
    /// One of the known names, in any case.
    Known,
    /// This one; in another case if it is not there exactly.
    Named(String),
}

/// What a line holds; none if it is blank.
pub(super) fn content(line: &[u8], key: &Key) -> Option<Content> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    Some(match read_id(line, key) {
        Ok(id) => Content::Text(id),
        Err(reason) => malformed(line, reason),
    })
}

fn read_id(line: &[u8], key: &Key) -> Result<Box<str>, String> {
    let text = str::from_utf8(line).map_err(|_| NOT_UTF8.to_owned())?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err("the line is no JSON object".to_owned());
    }
    let ids = scan(text, key).map_err(|error| {
        // Each line is a document of its own, so serde's line number is always 1.
        let error = error.to_string().replace("at line 1 column", "at column");
        format!("the JSON is broken: {error}")
    })?;
    ids.settle(key)
}

/// Checks the first object before anything is called: a key that is missing here is most likely missing everywhere.
/// A line that cannot be read says nothing and is left to become a malformed record.
pub(super) fn check_first(line: &[u8], key: &Key) -> Result<(), Fault> {
    let Some(ids) = str::from_utf8(line)
        .ok()
        .and_then(|text| scan(text, key).ok())
    else {
        return Ok(());
    };
    let Some(best) = ids.best() else {
        return Err(Fault::NoKey {
            wanted: match key {
                Key::Known => None,
                Key::Named(name) => Some(name.clone()),
            },
            found: keys_of(line),
        });
    };
    match &best.clash {
        Some(other) => Err(Fault::SeveralColumns(vec![
            best.key.to_string(),
            other.to_string(),
        ])),
        None => Ok(()),
    }
}

fn keys_of(line: &[u8]) -> Vec<String> {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line)
        .map(|object| object.into_iter().map(|(key, _)| key).collect())
        .unwrap_or_default()
}

fn scan<'de>(text: &'de str, key: &Key) -> serde_json::Result<Ids<'de>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let ids = json.deserialize_map(ObjectVisitor(key))?;
    json.end()?;
    Ok(ids)
}

/// What stands under the wanted key.
#[derive(Debug, PartialEq)]
enum Value<'de> {
    Text(Cow<'de, str>),
    /// Something else, by its name.
    Other(&'static str),
}

/// A key that fits, its value, and another fitting key that contradicts it.
#[derive(Debug)]
struct Fit<'de> {
    key: Cow<'de, str>,
    value: Value<'de>,
    clash: Option<Cow<'de, str>>,
}

/// Keys that fit exactly, and keys that fit but for their case.
#[derive(Debug, Default)]
struct Ids<'de> {
    exact: Option<Fit<'de>>,
    alike: Option<Fit<'de>>,
}

impl<'de> Ids<'de> {
    fn best(&self) -> Option<&Fit<'de>> {
        self.exact.as_ref().or(self.alike.as_ref())
    }

    fn add(&mut self, key: Cow<'de, str>, exact: bool, value: Value<'de>) {
        let slot = if exact {
            &mut self.exact
        } else {
            &mut self.alike
        };
        match slot {
            None => {
                *slot = Some(Fit {
                    key,
                    value,
                    clash: None,
                });
            }
            // JSON lets a key stand twice and says not which counts.
            Some(fit) if fit.key == key || fit.value != value => fit.clash = Some(key),
            Some(_) => {}
        }
    }

    fn settle(self, wanted: &Key) -> Result<Box<str>, String> {
        let Some(fit) = self.exact.or(self.alike) else {
            return Err(match wanted {
                Key::Known => {
                    "no key is named GroupId, group_id, groupid, group id or id".to_owned()
                }
                Key::Named(name) => format!("no key is named {:?}", shorten(name.as_bytes())),
            });
        };
        let key = shorten(fit.key.as_bytes());
        match (fit.clash, fit.value) {
            (Some(other), _) if other == fit.key => {
                Err(format!("the key {key:?} stands there twice"))
            }
            (Some(other), _) => Err(format!(
                "the keys {key:?} and {:?} hold different values",
                shorten(other.as_bytes())
            )),
            (None, Value::Other(kind)) => Err(format!("{key:?} holds {kind}, not a string")),
            (None, Value::Text(text)) => Ok(text.into()),
        }
    }
}

struct ObjectVisitor<'k>(&'k Key);

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Ids<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut ids = Ids::default();
        while let Some(fit) = map.next_key_seed(KeySeed(self.0))? {
            match fit {
                Some((key, exact)) => {
                    let value = map.next_value_seed(ValueSeed)?;
                    ids.add(key, exact, value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(ids)
    }
}

/// Reads a key: itself and whether it fits exactly, or none if it is another one.
struct KeySeed<'k>(&'k Key);

impl KeySeed<'_> {
    fn fit<'de>(&self, key: Cow<'de, str>) -> Option<(Cow<'de, str>, bool)> {
        let (exact, fits) = match self.0 {
            Key::Known => (false, names::is_known(&key)),
            Key::Named(name) => (*key == **name, names::alike(&key, name)),
        };
        fits.then_some((key, exact))
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<(Cow<'de, str>, bool)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = Option<(Cow<'de, str>, bool)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(self.fit(Cow::Borrowed(key)))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.fit(Cow::Owned(key.to_owned())))
    }
}

struct ValueSeed;

impl<'de> DeserializeSeed<'de> for ValueSeed {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Other("a boolean"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, key: &Key) -> String {
        match read_id(line.as_bytes(), key) {
            Ok(id) => format!("ok {id}"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn the_id_is_read_from_the_right_key_or_not_at_all() {
        let table = [
            (r#"{"GroupId":"@TGS#1","Name":"x"}"#, "ok @TGS#1"),
            (r#" {"n":{"id":"inner"},"ID":" a\u0041\" "} "#, "ok  aA\" "),
            (r#"{"Group\u0049d":"a"}"#, "ok a"),
            (r#"{"GroupId":"a","id":"a"}"#, "ok a"),
            (r#"{"GroupId":""}"#, "ok "),
            (
                r#"{"GroupId":"a","id":"b"}"#,
                r#"the keys "GroupId" and "id" hold different values"#,
            ),
            (
                r#"{"GroupId":"a","id":7}"#,
                r#"the keys "GroupId" and "id" hold different values"#,
            ),
            (
                r#"{"id":"a","id":"a"}"#,
                r#"the key "id" stands there twice"#,
            ),
            (r#"{"id":12}"#, r#""id" holds a number, not a string"#),
            (r#"{"id":-1.5e99}"#, r#""id" holds a number, not a string"#),
            (r#"{"id":null}"#, r#""id" holds null, not a string"#),
            (r#"{"id":[1,[2]]}"#, r#""id" holds an array, not a string"#),
            (
                r#"{"id":{"id":"x"}}"#,
                r#""id" holds an object, not a string"#,
            ),
            (
                r#"{"Name":"x"}"#,
                "no key is named GroupId, group_id, groupid, group id or id",
            ),
            (r#""@TGS#1""#, "the line is no JSON object"),
            (
                r#"{"id":"a"} {"id":"b"}"#,
                "the JSON is broken: trailing characters at column 12",
            ),
            (
                r#"{"id":"a"#,
                "the JSON is broken: EOF while parsing a string at column 8",
            ),
            (
                r#"{"id":"\ud800"}"#,
                "the JSON is broken: unexpected end of hex escape at column 14",
            ),
        ];
        for (line, result) in table {
            assert_eq!(read(line, &Key::Known), result, "{line}");
        }
    }

    #[test]
    fn a_named_key_is_found_exactly_before_it_is_found_in_another_case() {
        let key = Key::Named("gid".to_owned());
        assert_eq!(read(r#"{"GID":"a","gid":"b","id":"c"}"#, &key), "ok b");
        assert_eq!(read(r#"{"GID":"a","id":"c"}"#, &key), "ok a");
        assert_eq!(
            read(r#"{"GID":"a","Gid":"b"}"#, &key),
            r#"the keys "GID" and "Gid" hold different values"#
        );
        assert_eq!(read(r#"{"id":"c"}"#, &key), r#"no key is named "gid""#);
    }

    #[test]
    fn deep_nesting_is_refused_without_harm() {
        let deep = format!(r#"{{"id":{}"#, "[".repeat(30_000));
        assert!(read(&deep, &Key::Known).starts_with("the JSON is broken"));
        let deep = format!(
            r#"{{"x":{}{},"id":"a"}}"#,
            "[".repeat(30_000),
            "]".repeat(30_000)
        );
        assert_eq!(read(&deep, &Key::Known), "ok a");
    }
}
