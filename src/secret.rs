//! Values that never print themselves.

use std::fmt;

use zeroize::Zeroize;

/// A key or UserSig. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret over.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself, for the one who signs or sends.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
