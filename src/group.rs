//! Group IDs: valid by construction.

use std::fmt;

/// A group ID that the service would accept in `destroy_group`.
///
/// Rules: spec section 8 ("Group System", documents 1047/33529 and 1047/33530 of the service).
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
}

impl TryFrom<&str> for GroupId {
    type Error = NotAGroupId;

    fn try_from(text: &str) -> Result<Self, NotAGroupId> {
        if text.is_empty() {
            return Err(NotAGroupId::Empty);
        }
        Ok(Self(text.into()))
    }
}
