//! UserSig, version 2: made, read and verified (spec section 7; "Generating UserSig", document 1047/34385).

use std::{
    io::{self, Read},
    time::Duration,
};

use base64::{
    Engine,
    alphabet::{Alphabet, Symbol},
    engine::{GeneralPurpose, general_purpose},
    prelude::BASE64_STANDARD,
};
use flate2::{Compression, bufread::ZlibDecoder, bufread::ZlibEncoder};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::secret::Secret;

/// Longest UserSig that is read, in bytes: one with a name of 32 bytes has under 300.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Most that is inflated, in bytes: a few hundred bytes of zlib can hold a thousand times as much.
const MAX_JSON_BYTES: u64 = 64 * 1024;

const VERSION: &str = "2.0";

/// Base64 with `*` for `+`, `-` for `/` and `_` for `=`: not the URL-safe one.
const ENCODING: GeneralPurpose = {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-";
    let Some(padding) = Symbol::new(b'_') else {
        panic!("_ is printable");
    };
    let Ok(alphabet) = Alphabet::new_with_padding(letters, padding) else {
        panic!("64 different letters");
    };
    GeneralPurpose::new(&alphabet, general_purpose::PAD)
};

/// The JSON inside.
#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    sdkappid: u64,
    #[serde(rename = "TLS.expire")]
    lifetime_s: u64,
    #[serde(rename = "TLS.time")]
    made_at_unix_s: u64,
    #[serde(rename = "TLS.sig")]
    mac: String,
}

/// What a UserSig says of itself. Whether that is true, only [`verify`] knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The account that it was made for.
    pub identifier: String,
    /// The app that it was made for.
    pub sdkappid: u64,
    /// When it was made, in seconds since the Unix epoch.
    pub made_at_unix_s: u64,
    /// For how long it holds from then on.
    pub lifetime: Duration,
}

/// Why a text is no UserSig. Does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAUserSig {
    /// Nothing there.
    #[error("the UserSig is empty")]
    Empty,
    /// Larger than any.
    #[error("the UserSig is far too long to be one")]
    TooLong,
    /// No Base64 with the vendor's substitutes.
    #[error("the UserSig is cut off or has letters other than A-Z a-z 0-9 * - _")]
    Base64,
    /// No zlib data, or too much of it.
    #[error("the UserSig is cut off or damaged: what is inside cannot be inflated")]
    Zlib,
    /// No JSON object with the fields of version 2.
    #[error(
        "the UserSig is not of version 2 (HMAC-SHA256); make one with the key that the console shows"
    )]
    Fields,
}

/// Why the service would refuse a UserSig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error(transparent)]
    BadEncoding(#[from] NotAUserSig),
    /// It was not made with this key, or was changed since.
    #[error("the UserSig was not made with this key")]
    BadSignature,
    /// Its time is over.
    #[error("the UserSig has expired")]
    Expired(Inspected),
}

/// Makes a UserSig. `key` is the text that the console shows, as it stands: it looks like hex, but is not decoded.
pub fn sign(
    key: &Secret,
    identifier: &str,
    sdkappid: u64,
    made_at_unix_s: u64,
    lifetime: Duration,
) -> Secret {
    let mut fields = Fields {
        version: VERSION.to_owned(),
        identifier: identifier.to_owned(),
        sdkappid,
        lifetime_s: lifetime.as_secs(),
        made_at_unix_s,
        mac: String::new(),
    };
    fields.mac = BASE64_STANDARD.encode(signature(key, &fields).finalize().into_bytes());
    let packed = pack(&fields)
        .unwrap_or_else(|error| unreachable!("writing into memory cannot fail: {error}"));
    Secret::new(ENCODING.encode(packed))
}

fn pack(fields: &Fields) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(fields)?;
    let mut packed = Vec::new();
    ZlibEncoder::new(json.as_slice(), Compression::default()).read_to_end(&mut packed)?;
    Ok(packed)
}

/// The four signed lines: the identifier stands in them as it is, whatever JSON or a URL make of it.
fn signature(key: &Secret, fields: &Fields) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(
        format!(
            "TLS.identifier:{}\nTLS.sdkappid:{}\nTLS.time:{}\nTLS.expire:{}\n",
            fields.identifier, fields.sdkappid, fields.made_at_unix_s, fields.lifetime_s
        )
        .as_bytes(),
    );
    mac
}

/// Reads what a UserSig says of itself, which needs no key.
///
/// # Errors
/// [`NotAUserSig`], whatever the text is; no more than 64 KiB are inflated.
pub fn inspect(usersig: &str) -> Result<Inspected, NotAUserSig> {
    unpack(usersig).map(Inspected::from)
}

/// Verifies a UserSig as the service does: form, signature, time. Whether it was made for the account and the app that
/// a call names is for the caller to compare.
///
/// # Errors
/// [`Refusal`].
pub fn verify(key: &Secret, usersig: &str, now_unix_s: u64) -> Result<Inspected, Refusal> {
    let fields = unpack(usersig)?;
    let mac = BASE64_STANDARD
        .decode(&fields.mac)
        .map_err(|_| Refusal::BadSignature)?;
    signature(key, &fields)
        .verify_slice(&mac)
        .map_err(|_| Refusal::BadSignature)?;
    let inspected = Inspected::from(fields);
    if now_unix_s >= inspected.expires_at_unix_s() {
        return Err(Refusal::Expired(inspected));
    }
    Ok(inspected)
}

fn unpack(usersig: &str) -> Result<Fields, NotAUserSig> {
    if usersig.is_empty() {
        return Err(NotAUserSig::Empty);
    }
    if usersig.len() > MAX_TEXT_BYTES {
        return Err(NotAUserSig::TooLong);
    }
    let packed = ENCODING.decode(usersig).map_err(|_| NotAUserSig::Base64)?;
    let mut json = Vec::new();
    let mut inflating = ZlibDecoder::new(packed.as_slice()).take(MAX_JSON_BYTES + 1);
    inflating
        .read_to_end(&mut json)
        .map_err(|_| NotAUserSig::Zlib)?;
    let everything = inflating.get_ref().total_in() == packed.len() as u64;
    if json.len() as u64 > MAX_JSON_BYTES || !everything {
        return Err(NotAUserSig::Zlib);
    }
    let fields: Fields = serde_json::from_slice(&json).map_err(|_| NotAUserSig::Fields)?;
    if fields.version != VERSION {
        return Err(NotAUserSig::Fields);
    }
    Ok(fields)
}

impl From<Fields> for Inspected {
    fn from(fields: Fields) -> Self {
        Self {
            identifier: fields.identifier,
            sdkappid: fields.sdkappid,
            made_at_unix_s: fields.made_at_unix_s,
            lifetime: Duration::from_secs(fields.lifetime_s),
        }
    }
}

/// Why a UserSig made elsewhere does not fit the run. The service would say so with 70013, 70014 or 70001, later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Another app's.
    #[error("the UserSig was made for app {signed}, not for {set}; check --sdkappid")]
    OtherApp {
        /// The app in the UserSig.
        signed: u64,
        /// The app in the settings.
        set: u64,
    },
    /// Another account's.
    #[error("the UserSig was made for the account {signed:?}, not for {set:?}; check --identifier")]
    OtherAdmin {
        /// The account in the UserSig.
        signed: String,
        /// The account in the settings.
        set: String,
    },
    /// Its time is over.
    #[error("the UserSig expired {} ago; have a new one made", in_words(*.0))]
    Expired(Duration),
    /// Its time will be over too soon.
    #[error(
        "the UserSig holds for another {} only, and the run will likely take {}; have a new one made, or give the key \
         instead",
        in_words(*left),
        in_words(*needed)
    )]
    ExpiresTooSoon {
        /// How long it holds from now on.
        left: Duration,
        /// How long the run will likely take.
        needed: Duration,
    },
}

fn in_words(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(duration.as_secs()))
}

impl Inspected {
    /// When it expires, in seconds since the Unix epoch.
    pub fn expires_at_unix_s(&self) -> u64 {
        self.made_at_unix_s.saturating_add(self.lifetime.as_secs())
    }

    /// Checks that it fits the settings and holds from now on for as long as the run will likely take.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(
        &self,
        sdkappid: u64,
        identifier: &str,
        now_unix_s: u64,
        needed: Duration,
    ) -> Result<(), Unfit> {
        if self.sdkappid != sdkappid {
            return Err(Unfit::OtherApp {
                signed: self.sdkappid,
                set: sdkappid,
            });
        }
        if self.identifier != identifier {
            return Err(Unfit::OtherAdmin {
                signed: self.identifier.clone(),
                set: identifier.to_owned(),
            });
        }
        let end = self.expires_at_unix_s();
        if end <= now_unix_s {
            return Err(Unfit::Expired(Duration::from_secs(now_unix_s - end)));
        }
        let left = Duration::from_secs(end - now_unix_s);
        if left < needed {
            return Err(Unfit::ExpiresTooSoon { left, needed });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "usersig_tests.rs"]
mod tests;
