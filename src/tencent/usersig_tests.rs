use std::io::Write;

use flate2::write;
use proptest::prelude::*;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// From the spec's worked example: JSON without spaces.
const COMPACT: &str = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJFJrSjILEpVsrIwM4EJlWTmAgUMzVEVFmemAw23TCwPTw31sfCtqEhyyrNIyXAy8CorzTfw8vbMMEnxc-bJdveMMMkzTUsxsFWqBQDFLzPV";
/// From the spec's worked example: as the official Python package makes it.
const OFFICIAL: &str = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDKAAKpdaUZBZlAqUsTAzgQuWZOaChAzN0RQXZ6aDLLFMLA9PDfWx8K2oSHLKs0jJcDLwKivNN-Dy9swwSfFz9sl294wwyTNNSzGwVaoFAEa2NTU_";
const MADE_AT: u64 = 1_700_000_000;
const DAY: Duration = Duration::from_secs(86_400);

fn key() -> Secret {
    Secret::new(KEY.to_owned())
}

fn example() -> Inspected {
    Inspected {
        identifier: "administrator".to_owned(),
        sdkappid: 1_400_000_000,
        made_at_unix_s: MADE_AT,
        lifetime: DAY,
    }
}

fn packed(json: &[u8]) -> String {
    let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(json).unwrap();
    ENCODING.encode(zlib.finish().unwrap())
}

#[test]
fn the_worked_example_is_signed_as_the_vendor_does() {
    let usersig = sign(&key(), "administrator", 1_400_000_000, MADE_AT, DAY);
    let fields = unpack(usersig.expose()).unwrap();
    assert_eq!(fields.mac, "9awWeUL8MxxbBn8dhB0Jvuo0JKIh4dNCLkGIX4n5fd0=");
    let hmac: String = signature(&key(), &fields)
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hmac,
        "f5ac167942fc331c5b067f1d841d09beea3424a221e1d3422e41885f89f97ddd"
    );
    assert_eq!(Inspected::from(fields), example());
}

#[test]
fn the_json_has_the_fields_and_types_of_the_vendor() {
    let usersig = sign(&key(), "administrator", 1_400_000_000, MADE_AT, DAY);
    let zlib = ENCODING.decode(usersig.expose()).unwrap();
    let json: serde_json::Value =
        serde_json::from_reader(ZlibDecoder::new(zlib.as_slice())).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "TLS.ver": "2.0",
            "TLS.identifier": "administrator",
            "TLS.sdkappid": 1_400_000_000,
            "TLS.expire": 86_400,
            "TLS.time": 1_700_000_000,
            "TLS.sig": "9awWeUL8MxxbBn8dhB0Jvuo0JKIh4dNCLkGIX4n5fd0=",
        })
    );
}

#[test]
fn both_strings_of_the_worked_example_verify_until_they_expire() {
    for usersig in [COMPACT, OFFICIAL] {
        assert_eq!(inspect(usersig), Ok(example()));
        let end = MADE_AT + 86_400;
        assert_eq!(verify(&key(), usersig, MADE_AT), Ok(example()));
        assert_eq!(verify(&key(), usersig, end - 1), Ok(example()));
        assert_eq!(
            verify(&key(), usersig, end),
            Err(Refusal::Expired(example()))
        );
        let other = Secret::new(KEY.replace('0', "1"));
        assert_eq!(verify(&other, usersig, MADE_AT), Err(Refusal::BadSignature));
    }
}

#[test]
fn the_signature_covers_each_field() {
    let zlib = ENCODING.decode(COMPACT).unwrap();
    let mut json = String::new();
    ZlibDecoder::new(zlib.as_slice())
        .read_to_string(&mut json)
        .unwrap();
    assert!(verify(&key(), &packed(json.as_bytes()), MADE_AT).is_ok());
    for (from, to) in [
        ("administrator", "administrata"),
        ("1400000000", "1400000001"),
        ("86400", "86401"),
        ("1700000000", "1700000001"),
        ("9awW", "9awX"),
        ("5fd0=", "5fd0"),
        ("9awWeUL8MxxbBn8dhB0Jvuo0JKIh4dNCLkGIX4n5fd0=", ""),
    ] {
        let forged = packed(json.replacen(from, to, 1).as_bytes());
        assert_eq!(
            verify(&key(), &forged, MADE_AT + 2),
            Err(Refusal::BadSignature),
            "{from}"
        );
    }
}

#[test]
fn the_signature_does_not_see_the_escapes_of_json() {
    let escaped = concat!(
        r#"{"TLS.ver": "2.0", "TLS.identifier": "\u7ba1\u7406 \"x\"", "TLS.sdkappid": 1, "#,
        r#""TLS.expire": 60, "TLS.time": 5, "TLS.sig": "SIG"}"#
    );
    let fields: Fields = serde_json::from_str(escaped).unwrap();
    assert_eq!(fields.identifier, "管理 \"x\"");
    let mac = BASE64_STANDARD.encode(signature(&key(), &fields).finalize().into_bytes());
    let usersig = packed(escaped.replace("SIG", &mac).as_bytes());
    let read = verify(&key(), &usersig, 6).unwrap();
    assert_eq!(read.identifier, "管理 \"x\"");

    let mut plain = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    plain.update(
        "TLS.identifier:管理 \"x\"\nTLS.sdkappid:1\nTLS.time:5\nTLS.expire:60\n".as_bytes(),
    );
    assert_eq!(BASE64_STANDARD.encode(plain.finalize().into_bytes()), mac);
}

#[test]
fn all_three_substitutes_occur_and_no_letter_needs_encoding() {
    let mut seen = String::new();
    for made_at in 0..200 {
        let usersig = sign(&key(), "admin", 1, made_at, DAY);
        assert!(
            usersig
                .expose()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"*-_".contains(&b))
        );
        assert!(verify(&key(), usersig.expose(), made_at).is_ok());
        seen.push_str(usersig.expose());
    }
    for substitute in ['*', '-', '_'] {
        assert!(seen.contains(substitute), "{substitute}");
    }
}

#[test]
fn what_is_no_usersig_is_refused_with_the_reason() {
    let bomb = packed(&vec![b' '; 50 * 1024 * 1024 / 8]);
    assert!(bomb.len() < MAX_TEXT_BYTES, "{}", bomb.len());
    let with_tail = {
        let mut zlib = ENCODING.decode(COMPACT).unwrap();
        zlib.extend(b"tail");
        ENCODING.encode(zlib)
    };
    let old_version = packed(br#"{"TLS.account_type":"0","TLS.sdk_appid":"1"}"#);
    let version_3 = packed(
        br#"{"TLS.ver":"3.0","TLS.identifier":"a","TLS.sdkappid":1,"TLS.expire":1,"TLS.time":1,"TLS.sig":""}"#,
    );
    for (text, why) in [
        ("", NotAUserSig::Empty),
        (&*"A".repeat(MAX_TEXT_BYTES + 1), NotAUserSig::TooLong),
        ("not base64!", NotAUserSig::Base64),
        (&COMPACT.replace('*', "+"), NotAUserSig::Base64),
        (&OFFICIAL.replace('_', "="), NotAUserSig::Base64),
        (&format!("{COMPACT}\n"), NotAUserSig::Base64),
        (&COMPACT[..100], NotAUserSig::Zlib),
        (&with_tail, NotAUserSig::Zlib),
        ("AAAA", NotAUserSig::Zlib),
        (&bomb, NotAUserSig::Zlib),
        (&packed(b"[]"), NotAUserSig::Fields),
        (&old_version, NotAUserSig::Fields),
        (&version_3, NotAUserSig::Fields),
    ] {
        assert_eq!(inspect(text), Err(why.clone()));
        assert_eq!(
            verify(&key(), text, MADE_AT),
            Err(Refusal::BadEncoding(why))
        );
    }
}

#[test]
fn a_usersig_is_held_against_the_settings() {
    let hour = Duration::from_secs(3600);
    let check = |sdkappid, identifier, now| example().check(sdkappid, identifier, now, hour);
    let end = MADE_AT + 86_400;
    assert_eq!(check(1_400_000_000, "administrator", end - 3600), Ok(()));
    insta::assert_snapshot!(
        check(1_400_000_001, "administrator", MADE_AT).unwrap_err(),
        @"the UserSig was made for app 1400000000, not for 1400000001; check --sdkappid"
    );
    insta::assert_snapshot!(
        check(1_400_000_000, "Administrator", MADE_AT).unwrap_err(),
        @r#"the UserSig was made for the account "administrator", not for "Administrator"; check --identifier"#
    );
    insta::assert_snapshot!(
        check(1_400_000_000, "administrator", end + 60).unwrap_err(),
        @"the UserSig expired 1m ago; have a new one made"
    );
    insta::assert_snapshot!(
        check(1_400_000_000, "administrator", end - 3599).unwrap_err(),
        @"the UserSig holds for another 59m 59s only, and the run will likely take 1h; have a new one made, or give the key instead"
    );
}

#[test]
fn times_at_the_end_of_the_scale_do_not_overflow() {
    let sig = sign(&key(), "a", u64::MAX, u64::MAX, Duration::MAX);
    let read = verify(&key(), sig.expose(), 0).unwrap();
    assert_eq!(read.expires_at_unix_s(), u64::MAX);
    assert_eq!(read.check(u64::MAX, "a", 5, DAY), Ok(()));
    assert!(read.check(u64::MAX, "a", u64::MAX, DAY).is_err());
}

proptest! {
    #[test]
    fn whatever_is_signed_verifies_and_reads_back(
        key in ".{0,200}", identifier: String, sdkappid: u64, made_at in 0_u64..1 << 40, lifetime in 1_u64..1 << 30,
    ) {
        let key = Secret::new(key);
        let lifetime = Duration::from_secs(lifetime);
        let usersig = sign(&key, &identifier, sdkappid, made_at, lifetime);
        let read = Inspected { identifier, sdkappid, made_at_unix_s: made_at, lifetime };
        prop_assert_eq!(inspect(usersig.expose()), Ok(read.clone()));
        prop_assert_eq!(verify(&key, usersig.expose(), made_at), Ok(read));
    }

    #[test]
    fn no_text_panics(text in "[A-Za-z0-9*_-]{0,200}|.*") {
        let _ = inspect(&text);
    }

    #[test]
    fn no_bytes_inside_panic(inside: Vec<u8>) {
        let _ = inspect(&packed(&inside));
        let _ = inspect(&ENCODING.encode(&inside));
    }
}
