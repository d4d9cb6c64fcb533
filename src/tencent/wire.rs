//! Bodies as they stand on the wire (API page, "Request fields" and "Response fields").

use serde::{Deserialize, Serialize};

use super::fault::Unreadable;

/// Path of the call that disbands one group (API page).
pub const DESTROY_GROUP: &str = "/v4/group_open_http_svc/destroy_group";
/// Path of the call that lists an app's groups ("Getting All Groups in an App", document 1047/34960).
pub const GET_APPID_GROUP_LIST: &str = "/v4/group_open_http_svc/get_appid_group_list";

/// Largest body that is read, in bytes: the service's own answers are under 100.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Body of [`DESTROY_GROUP`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DestroyGroup<'a> {
    /// The group.
    #[serde(rename = "GroupId")]
    pub group_id: &'a str,
}

/// Body of [`GET_APPID_GROUP_LIST`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GetAppidGroupList {
    /// How many groups to name, at most 10,000.
    #[serde(rename = "Limit")]
    pub limit: u32,
    /// Where to go on; 0 at first.
    #[serde(rename = "Next")]
    pub next: u64,
}

/// What the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `ErrorCode`: 0 if and only if the service says that it did what was asked.
    pub code: i64,
    /// `ErrorInfo`: free text, whatever the service put there; empty where it put none.
    pub info: String,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "ActionStatus")]
    action_status: String,
    #[serde(rename = "ErrorCode")]
    error_code: i64,
    #[serde(rename = "ErrorInfo", default)]
    error_info: String,
}

/// Reads the body of an answer with status 200.
///
/// # Errors
/// [`Unreadable`] for whatever is not clearly an answer of the service's: fields missing, doubled or of another type
/// (a number as a string included), and an `ErrorCode` of 0 without `ActionStatus` `OK` or the other way round. Unknown
/// fields are ignored.
pub fn parse(body: &[u8]) -> Result<Reply, Unreadable> {
    let fields: Fields = object(body)?;
    if (fields.error_code == 0) != (fields.action_status == "OK") {
        return Err(Unreadable::Contradiction);
    }
    Ok(Reply {
        code: fields.error_code,
        info: fields.error_info,
    })
}

/// Reads how many groups there are from an answer of [`GET_APPID_GROUP_LIST`], if it says so.
pub fn total_count(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Total {
        #[serde(rename = "TotalCount")]
        total_count: u64,
    }
    object(body).ok().map(|total: Total| total.total_count)
}

fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Unreadable::Oversized);
    }
    // serde_json checks only those strings that it hands out.
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
    // serde's structs would take an array of their fields, too.
    if !text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('{')
    {
        return Err(Unreadable::NotJson);
    }
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Unreadable::WrongFields
        } else {
            Unreadable::NotJson
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(code: i64, info: &str) -> Result<Reply, Unreadable> {
        let info = info.to_owned();
        Ok(Reply { code, info })
    }

    #[test]
    fn success_is_code_0_together_with_ok() {
        for (body, read) in [
            (
                r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#,
                reply(0, ""),
            ),
            (
                r#" {"ErrorCode" : 0 , "ActionStatus" : "OK"} "#,
                reply(0, ""),
            ),
            (
                r#"{"ActionStatus":"OK","ErrorInfo":"ok","ErrorCode":0,"New":[{}]}"#,
                reply(0, "ok"),
            ),
            (
                r#"{"ActionStatus":"FAIL","ErrorInfo":"no\u0000\n群","ErrorCode":10010}"#,
                reply(10010, "no\0\n群"),
            ),
            (
                r#"{"ActionStatus":"FAIL","ErrorCode":-10113}"#,
                reply(-10113, ""),
            ),
        ] {
            assert_eq!(parse(body.as_bytes()), read, "{body}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        use Unreadable::*;
        for (body, why) in [
            (r#"{"ActionStatus":"FAIL","ErrorCode":0}"#, Contradiction),
            (r#"{"ActionStatus":"ok","ErrorCode":0}"#, Contradiction),
            (r#"{"ActionStatus":"OK","ErrorCode":10010}"#, Contradiction),
            (r#"{"ActionStatus":"OK"}"#, WrongFields),
            (r#"{"ErrorCode":0}"#, WrongFields),
            (r#"{}"#, WrongFields),
            (r#"{"ActionStatus":"OK","ErrorCode":"0"}"#, WrongFields),
            (r#"{"ActionStatus":"OK","ErrorCode":0.0}"#, WrongFields),
            (r#"{"ActionStatus":"OK","ErrorCode":null}"#, WrongFields),
            (r#"{"ActionStatus":"OK","ErrorCode":false}"#, WrongFields),
            (
                r#"{"ActionStatus":"FAIL","ErrorCode":9223372036854775808}"#,
                WrongFields,
            ),
            (r#"{"ActionStatus":0,"ErrorCode":0}"#, WrongFields),
            (
                r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":null}"#,
                WrongFields,
            ),
            (
                r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":{}}"#,
                WrongFields,
            ),
            (
                r#"{"ActionStatus":"OK","ErrorCode":10010,"ErrorCode":0}"#,
                WrongFields,
            ),
            (r#"{"ActionStatus":"OK","ErrorCode":0}x"#, NotJson),
            (r#"{"ActionStatus":"OK","ErrorCode":0"#, NotJson),
            (r#"["OK",0,""]"#, NotJson),
            ("\u{feff}{\"ActionStatus\":\"OK\",\"ErrorCode\":0}", NotJson),
            ("<html>Please log in</html>", NotJson),
            ("0", NotJson),
            ("", NotJson),
        ] {
            assert_eq!(parse(body.as_bytes()), Err(why), "{body}");
        }
        let latin1 = b"{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"X\":\"\xe9\"}";
        assert_eq!(parse(latin1), Err(NotUtf8));
    }

    #[test]
    fn deep_nesting_is_read_without_recursion() {
        let deep = "[".repeat(400_000) + &"]".repeat(400_000);
        let body = format!(r#"{{"X":{deep},"ActionStatus":"OK","ErrorCode":0}}"#);
        assert_eq!(parse(body.as_bytes()), reply(0, ""));
        assert_eq!(
            parse("{\"X\":".repeat(100_000).as_bytes()),
            Err(Unreadable::NotJson)
        );
    }

    #[test]
    fn a_body_over_1_mib_is_oversized() {
        let padding = " ".repeat(MAX_BODY_BYTES);
        let body = format!(r#"{{"ActionStatus":"OK","ErrorCode":0}}{padding}"#);
        assert_eq!(parse(body.as_bytes()), Err(Unreadable::Oversized));
        assert_eq!(parse(&body.as_bytes()[..MAX_BODY_BYTES]), reply(0, ""));
    }

    #[test]
    fn the_number_of_groups_is_read_where_it_is_given() {
        assert_eq!(total_count(br#"{"TotalCount":12,"Next":1}"#), Some(12));
        assert_eq!(total_count(br#"{"TotalCount":"12"}"#), None);
        assert_eq!(total_count(b"{}"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_success_needs_both_words(body: Vec<u8>) {
            if let Ok(reply) = parse(&body) {
                let text = String::from_utf8(body).unwrap();
                prop_assert_eq!(reply.code == 0, text.contains("\"OK\""));
            }
        }

        #[test]
        fn every_refusal_reads_back(code: i64, info: String) {
            prop_assume!(code != 0);
            let body = serde_json::json!({"ErrorInfo": info, "ErrorCode": code, "ActionStatus": "FAIL"});
            prop_assert_eq!(parse(body.to_string().as_bytes()), Ok(Reply { code, info }));
        }
    }
}
