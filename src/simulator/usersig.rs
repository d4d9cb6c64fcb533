//! UserSig version 2 as the service sees it: checked here, independently of the code that signs for real calls, so that
//! the one proves the other (spec section 7; "Generating UserSig", document 1047/34385).

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::ZlibDecoder, read::ZlibEncoder};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::options::Key;

/// No UserSig inflates to more than this; what does is an attack.
const MAX_JSON_BYTES: u64 = 16 * 1024;

/// What a UserSig claims.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    pub(super) identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    pub(super) sdkappid: u64,
    #[serde(rename = "TLS.expire")]
    expire_s: i64,
    #[serde(rename = "TLS.time")]
    time_s: i64,
    #[serde(rename = "TLS.sig")]
    signature: String,
}

impl Claims {
    /// Undoes what signing did: substitution, Base64, zlib, JSON. `None` if one of them does not work out.
    pub(super) fn decode(usersig: &str) -> Option<Self> {
        // The substitutes only: a UserSig that still holds `+`, `/` or `=` was made by another scheme.
        let standard = usersig
            .chars()
            .map(|c| match c {
                '*' => Some('+'),
                '-' => Some('/'),
                '_' => Some('='),
                c if c.is_ascii_alphanumeric() => Some(c),
                _ => None,
            })
            .collect::<Option<String>>()?;
        let deflated = STANDARD.decode(standard).ok()?;
        let mut json = Vec::new();
        ZlibDecoder::new(deflated.as_slice())
            .take(MAX_JSON_BYTES)
            .read_to_end(&mut json)
            .ok()?;
        let claims: Self = serde_json::from_slice(&json).ok()?;
        (claims.version == "2.0").then_some(claims)
    }

    /// Whether the signature was made with this key over these claims.
    pub(super) fn verifies(&self, key: &Key) -> bool {
        let (Ok(signature), Some(mac)) = (STANDARD.decode(&self.signature), self.mac(key)) else {
            return false;
        };
        mac.verify_slice(&signature).is_ok()
    }

    /// The second from which on it is expired.
    pub(super) fn expires_at_s(&self) -> i64 {
        self.time_s.saturating_add(self.expire_s)
    }

    /// `None` never happens: HMAC takes keys of any length.
    fn mac(&self, key: &Key) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).ok()?;
        let content = format!(
            "TLS.identifier:{}\nTLS.sdkappid:{}\nTLS.time:{}\nTLS.expire:{}\n",
            self.identifier, self.sdkappid, self.time_s, self.expire_s
        );
        Some(mac.chain_update(content))
    }
}

/// Makes a UserSig, as the vendor's console would for a person; for tests, and to try the simulator by hand.
pub fn sign(key: &Key, sdkappid: u64, identifier: &str, time_s: i64, lifetime_s: i64) -> String {
    let mut claims = Claims {
        version: "2.0".to_owned(),
        identifier: identifier.to_owned(),
        sdkappid,
        expire_s: lifetime_s,
        time_s,
        signature: String::new(),
    };
    if let Some(mac) = claims.mac(key) {
        claims.signature = STANDARD.encode(mac.finalize().into_bytes());
    }
    let json = serde_json::to_vec(&claims).unwrap_or_default();
    encode(&json).unwrap_or_default()
}

fn encode(json: &[u8]) -> std::io::Result<String> {
    let mut deflated = Vec::new();
    ZlibEncoder::new(json, Compression::default()).read_to_end(&mut deflated)?;
    Ok(STANDARD
        .encode(deflated)
        .replace('+', "*")
        .replace('/', "-")
        .replace('=', "_"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The worked example of spec section 7.
    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OURS: &str = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJFJrSjILEpVsrIwM4EJlWTmAgUMzVEVFmemAw23TCwPTw31sfCtqEhyyrNIyXAy8CorzTfw8vbMMEnxc-bJdveMMMkzTUsxsFWqBQDFLzPV";
    const OFFICIAL: &str = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDKAAKpdaUZBZlAqUsTAzgQuWZOaChAzN0RQXZ6aDLLFMLA9PDfWx8K2oSHLKs0jJcDLwKivNN-Dy9swwSfFz9sl294wwyTNNSzGwVaoFAEa2NTU_";

    #[test]
    fn the_worked_example_verifies_however_it_is_spaced() {
        for usersig in [OURS, OFFICIAL] {
            let claims = Claims::decode(usersig).unwrap();
            assert_eq!(claims.identifier, "administrator");
            assert_eq!(claims.sdkappid, 1_400_000_000);
            assert_eq!(claims.expires_at_s(), 1_700_086_400);
            assert_eq!(
                claims.signature,
                "9awWeUL8MxxbBn8dhB0Jvuo0JKIh4dNCLkGIX4n5fd0="
            );
            assert!(claims.verifies(&Key::new(KEY)));
            assert!(!claims.verifies(&Key::new("another")));
        }
    }

    #[test]
    fn signing_makes_the_worked_example() {
        let made = sign(
            &Key::new(KEY),
            1_400_000_000,
            "administrator",
            1_700_000_000,
            86_400,
        );
        assert!(Claims::decode(&made) == Claims::decode(OURS));
    }

    #[test]
    fn every_claim_is_under_the_signature() {
        let key = Key::new(KEY);
        let honest = Claims::decode(OURS).unwrap();
        let forgeries: [fn(&mut Claims); 4] = [
            |c| c.identifier.push('x'),
            |c| c.sdkappid += 1,
            |c| c.time_s += 1,
            |c| c.expire_s += 1,
        ];
        for forge in forgeries {
            let mut claims = honest.clone();
            forge(&mut claims);
            assert!(!claims.verifies(&key));
        }
    }

    #[test]
    fn an_identifier_beyond_ascii_is_signed_as_utf_8() {
        let key = Key::new(KEY);
        let claims = Claims::decode(&sign(&key, 1, "管理员", 0, 1)).unwrap();
        assert_eq!(claims.identifier, "管理员");
        assert!(claims.verifies(&key));
    }

    #[test]
    fn other_encodings_are_broken() {
        let standard = OURS.replace('*', "+").replace('-', "/").replace('_', "=");
        let url_safe = OFFICIAL
            .replace('-', "=")
            .replace('*', "-")
            .replace('_', "");
        let truncated = &OURS[..OURS.len() - 8];
        for broken in ["", "x", standard.as_str(), url_safe.as_str(), truncated] {
            assert!(Claims::decode(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_zlib_bomb_is_not_inflated() {
        let bomb = encode(&vec![b' '; 1 << 20]).unwrap();
        assert!(Claims::decode(&bomb).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in ".{0,60}") {
            let _ = Claims::decode(&text);
        }

        #[test]
        fn what_is_signed_verifies(
            id in ".{0,30}",
            app: u64,
            time in 0..i64::MAX / 2,
            life in 0..i64::MAX / 2,
        ) {
            let key = Key::new(KEY);
            let claims = Claims::decode(&sign(&key, app, &id, time, life)).unwrap();
            prop_assert_eq!(&claims.identifier, &id);
            prop_assert!(claims.verifies(&key));
        }
    }
}
