//! Group IDs: valid by construction.

use std::fmt;

/// What every ID begins with that the service made (spec section 8).
const SERVICE_MADE: &str = "@TGS#";
/// What the ID of every community begins with, chosen by the app or not (spec section 8).
const COMMUNITY: &str = "@TGS#_";
/// What stands between a community's ID and a topic's name (spec section 8).
const TOPIC: &str = "@TOPIC#_";
/// What the ID of every permission group begins with (spec section 8).
const PERMISSION_GROUP: &str = "@PMG#_";

/// Longest ID that an app may choose, in bytes ("Creating a Group", document 1047/34895).
pub const MAX_CUSTOM_BYTES: usize = 48;
/// Longest ID taken for one that begins with `@TGS#`, in bytes. Ours: the vendor states no limit, and one that is too
/// low would refuse groups that exist (spec section 8).
pub const MAX_SERVICE_MADE_BYTES: usize = 128;

/// A group ID that the service would accept in `destroy_group`.
///
/// Rules: spec section 8 ("Group System", documents 1047/33529 and 1047/33530 of the service). A text is taken as it
/// stands: space is legal at either end, so nothing is trimmed, and case matters.
///
/// ```
/// use disband_batch::group::GroupId;
///
/// assert_eq!(GroupId::try_from("@TGS#2J4SZEAEL")?.as_str(), "@TGS#2J4SZEAEL");
/// assert!(GroupId::try_from("sales, north #1").is_ok());
/// assert!(GroupId::try_from("@TGS#_community@TOPIC#_topic").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(Box<str>);

impl GroupId {
    /// The ID as it goes on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no group ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAGroupId {
    /// Nothing there.
    #[error("the ID is empty")]
    Empty,
    /// A character outside printable ASCII.
    #[error(
        "character {position} of the ID is {character:?} (U+{:04X}); an ID has printable ASCII characters only, from \
         space to ~",
        u32::from(*.character)
    )]
    Character {
        /// The first such character.
        character: char,
        /// Its place, counted in characters from 1.
        position: usize,
    },
    /// Longer than an app may choose.
    #[error(
        "the ID is {bytes} bytes long; one that does not begin with {SERVICE_MADE} has at most {MAX_CUSTOM_BYTES}"
    )]
    CustomTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Longer than any ID made by the service can be.
    #[error(
        "the ID is {bytes} bytes long; one that begins with {SERVICE_MADE} has at most {MAX_SERVICE_MADE_BYTES}"
    )]
    ServiceMadeTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A topic of a community.
    #[error(
        "the ID is that of a topic ({TOPIC} inside a community's ID); a topic is no group and has its own API, \
         destroy_topic"
    )]
    Topic,
    /// A permission group.
    #[error(
        "the ID is that of a permission group ({PERMISSION_GROUP}), which has its own API, destroy_permission_group"
    )]
    PermissionGroup,
}

impl TryFrom<&str> for GroupId {
    type Error = NotAGroupId;

    fn try_from(text: &str) -> Result<Self, NotAGroupId> {
        check(text)?;
        Ok(Self(text.into()))
    }
}

/// What the ID belongs to comes before its spelling: that is the more useful reason.
fn check(text: &str) -> Result<(), NotAGroupId> {
    if text.is_empty() {
        return Err(NotAGroupId::Empty);
    }
    if text.starts_with(PERMISSION_GROUP) {
        return Err(NotAGroupId::PermissionGroup);
    }
    if text
        .strip_prefix(COMMUNITY)
        .is_some_and(|rest| rest.contains(TOPIC))
    {
        return Err(NotAGroupId::Topic);
    }
    if let Some((before, character)) = text
        .chars()
        .enumerate()
        .find(|(_, c)| !matches!(c, ' '..='~'))
    {
        let position = before + 1;
        return Err(NotAGroupId::Character {
            character,
            position,
        });
    }
    let bytes = text.len();
    if text.starts_with(SERVICE_MADE) {
        if bytes > MAX_SERVICE_MADE_BYTES {
            return Err(NotAGroupId::ServiceMadeTooLong { bytes });
        }
    } else if bytes > MAX_CUSTOM_BYTES {
        return Err(NotAGroupId::CustomTooLong { bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> String {
        GroupId::try_from(text).unwrap_err().to_string()
    }

    #[test]
    fn an_id_is_taken_as_it_stands() {
        let longest_custom = "x".repeat(48);
        let longest_community = format!("@TGS#_{}", "x".repeat(122));
        for text in [
            "@TGS#2J4SZEAEL",
            "@TGS#1ABC",
            "@TGS#_@TGS#cQVLVHIM62CJ",
            "g",
            "0017",
            " leading and trailing ",
            " ",
            "a,b;c\"d'e=f+g#h*i",
            "#comment?",
            "=1+1",
            "@tgs#_a@TOPIC#_b",
            "custom@TOPIC#_b",
            "@TOPIC#_b",
            "@PMG#x",
            "@pmg#_x",
            "~",
            &longest_custom,
            &longest_community,
        ] {
            assert_eq!(
                GroupId::try_from(text).map(|id| id.as_str().to_owned()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn each_reason_is_a_sentence_that_names_what_is_wrong() {
        insta::assert_snapshot!(reason(""), @"the ID is empty");
        insta::assert_snapshot!(
            reason("grün"),
            @"character 3 of the ID is 'ü' (U+00FC); an ID has printable ASCII characters only, from space to ~"
        );
        insta::assert_snapshot!(
            reason("a\tb"),
            @r"character 2 of the ID is '\t' (U+0009); an ID has printable ASCII characters only, from space to ~"
        );
        insta::assert_snapshot!(
            reason(&"x".repeat(49)),
            @"the ID is 49 bytes long; one that does not begin with @TGS# has at most 48"
        );
        insta::assert_snapshot!(
            reason(&format!("@TGS#{}", "x".repeat(124))),
            @"the ID is 129 bytes long; one that begins with @TGS# has at most 128"
        );
        insta::assert_snapshot!(
            reason("@TGS#_abc@TOPIC#_news"),
            @"the ID is that of a topic (@TOPIC#_ inside a community's ID); a topic is no group and has its own API, destroy_topic"
        );
        insta::assert_snapshot!(
            reason("@PMG#_x"),
            @"the ID is that of a permission group (@PMG#_), which has its own API, destroy_permission_group"
        );
    }

    #[test]
    fn characters_just_outside_printable_ascii_are_refused() {
        for text in [
            "a\u{1f}",
            "a\u{7f}",
            "a\0",
            "a\n",
            "a\r",
            "a\u{a0}",
            "a\u{feff}",
            "a\u{202e}",
        ] {
            assert!(
                matches!(
                    GroupId::try_from(text),
                    Err(NotAGroupId::Character { position: 2, .. })
                ),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_short_printable_text_is_an_id(text in "[ -?A-~][ -~]{0,47}") {
            let id = GroupId::try_from(text.as_str()).unwrap();
            prop_assert_eq!(id.as_str(), &text);
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_panics_and_no_id_holds_a_foreign_byte(text in ".*") {
            if let Ok(id) = GroupId::try_from(text.as_str()) {
                prop_assert!(id.as_str().bytes().all(|b| (0x20..=0x7e).contains(&b)));
                prop_assert!(id.as_str().len() <= MAX_SERVICE_MADE_BYTES);
                prop_assert_eq!(id.as_str(), text);
            }
        }

        #[test]
        fn no_reason_prints_a_control_character(text in "[\\x00-\\x1f\\x7f-\\x9f]") {
            prop_assert!(!reason(&text).chars().any(char::is_control));
        }
    }
}
