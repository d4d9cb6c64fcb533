//! Whether a request is what the API page asks for, to the letter; what is not, is a violation of the protocol.

use std::borrow::Cow;

use hyper::{Method, header::CONTENT_TYPE, http::request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::error::Category;

/// Where all group calls live.
const GROUP_SERVICE: &str = "/v4/group_open_http_svc/";

/// The calls that the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Disbands a group.
    DestroyGroup,
    /// Lists the app's groups (spec section 11).
    ListGroups,
}

impl Api {
    pub(super) fn of_path(path: &str) -> Option<Self> {
        match path.strip_prefix(GROUP_SERVICE)? {
            "destroy_group" => Some(Self::DestroyGroup),
            "get_appid_group_list" => Some(Self::ListGroups),
            _ => None,
        }
    }
}

/// A request that the service refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code of the answer.
    pub(super) code: i64,
    /// How the request breaks the protocol, if it does (a UserSig that expired does not). Holds no part of the request,
    /// for that holds a secret.
    pub(super) violation: Option<&'static str>,
}

impl Refusal {
    pub(super) const fn plain(code: i64) -> Self {
        Self {
            code,
            violation: None,
        }
    }

    const fn violation(code: i64, violation: &'static str) -> Self {
        Self {
            code,
            violation: Some(violation),
        }
    }
}

/// The parameters of a request's query.
pub(super) struct Query<'a> {
    pub(super) sdkappid: u64,
    pub(super) identifier: Cow<'a, str>,
    pub(super) usersig: Cow<'a, str>,
    pub(super) random: u32,
}

/// Checks all that comes before the body.
pub(super) fn head(parts: &Parts) -> Result<(Api, Query<'_>), Refusal> {
    let path = parts.uri.path();
    let api = Api::of_path(path).ok_or(if path.starts_with(GROUP_SERVICE) {
        Refusal::violation(10003, "the path names no call of the group service")
    } else {
        Refusal::violation(60009, "the path is not of the group service")
    })?;
    if parts.method != Method::POST {
        return Err(Refusal::violation(60002, "the method is not POST"));
    }
    let query = query(parts.uri.query().unwrap_or_default())?;
    let mut content_types = parts.headers.get_all(CONTENT_TYPE).iter();
    let is_json = content_types
        .next()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json || content_types.next().is_some() {
        return Err(Refusal::violation(
            60002,
            "the Content-Type is not application/json",
        ));
    }
    Ok((api, query))
}

fn query(text: &str) -> Result<Query<'_>, Refusal> {
    let [
        mut sdkappid,
        mut identifier,
        mut usersig,
        mut random,
        mut contenttype,
    ] = [const { None }; 5];
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let place = match &*name {
            "sdkappid" => &mut sdkappid,
            "identifier" => &mut identifier,
            "usersig" => &mut usersig,
            "random" => &mut random,
            "contenttype" => &mut contenttype,
            _ => {
                return Err(Refusal::violation(
                    60025,
                    "the query has a parameter that the API does not know",
                ));
            }
        };
        if place.replace(value).is_some() {
            return Err(Refusal::violation(60025, "the query has a parameter twice"));
        }
    }
    let sdkappid = sdkappid.ok_or(Refusal::violation(60012, "sdkappid is missing"))?;
    let identifier = identifier.ok_or(Refusal::violation(60025, "identifier is missing"))?;
    let usersig = usersig.ok_or(Refusal::violation(60025, "usersig is missing"))?;
    let random = random.ok_or(Refusal::violation(60025, "random is missing"))?;
    if contenttype.as_deref() != Some("json") {
        return Err(Refusal::violation(60025, "contenttype is not json"));
    }
    if usersig.is_empty() {
        return Err(Refusal::violation(70002, "usersig is empty"));
    }
    Ok(Query {
        sdkappid: decimal(&sdkappid)
            .ok_or(Refusal::violation(60006, "sdkappid is not a number"))?,
        random: decimal(&random)
            .and_then(|n| u32::try_from(n).ok())
            .ok_or(Refusal::violation(
                60025,
                "random is not a number from 0 to 4294967295",
            ))?,
        identifier,
        usersig,
    })
}

/// Reads a number as everybody writes it: no sign, no space, no zeros in front.
fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || text.starts_with(|c: char| matches!(c, '1'..='9'));
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    (canonical && digits).then(|| text.parse().ok()).flatten()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DestroyGroup {
    #[serde(rename = "GroupId")]
    group: String,
}

/// What a listing asks for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct ListGroups {
    /// How many IDs to answer at most.
    #[serde(default = "most_listed")]
    pub(super) limit: u32,
    /// Where to go on: 0, or what the last answer gave.
    #[serde(default)]
    pub(super) next: u64,
    /// Only groups of this type.
    #[serde(default)]
    pub(super) group_type: Option<String>,
}

const MOST_LISTED: u32 = 10_000;

fn most_listed() -> u32 {
    MOST_LISTED
}

/// The types by which a listing can choose (spec section 11).
const GROUP_TYPES: [&str; 6] = [
    "Public",
    "Private",
    "ChatRoom",
    "AVChatRoom",
    "BChatRoom",
    "Community",
];

/// Reads the body of `destroy_group`, and returns its group's ID.
pub(super) fn destroy_body(body: &[u8]) -> Result<String, Refusal> {
    let DestroyGroup { group } = object(body)?;
    if !is_group_id(&group) {
        return Err(Refusal::violation(10015, "GroupId is no legal group ID"));
    }
    Ok(group)
}

/// Reads the body of `get_appid_group_list`.
pub(super) fn list_body(body: &[u8]) -> Result<ListGroups, Refusal> {
    let list: ListGroups = object(body)?;
    if !(1..=MOST_LISTED).contains(&list.limit) {
        return Err(Refusal::violation(10004, "Limit is not from 1 to 10000"));
    }
    if let Some(kind) = &list.group_type
        && !GROUP_TYPES.contains(&kind.as_str())
    {
        return Err(Refusal::violation(10004, "GroupType is no group type"));
    }
    Ok(list)
}

fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // Checked first because serde takes an array for a struct as well.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    match serde_json::from_slice(body) {
        Ok(value) if is_object => Ok(value),
        Err(e)
            if matches!(
                e.classify(),
                Category::Syntax | Category::Eof | Category::Io
            ) =>
        {
            Err(Refusal::violation(60003, "the body is not JSON"))
        }
        _ if !is_object => Err(Refusal::violation(10011, "the body is not a JSON object")),
        _ => Err(Refusal::violation(
            10004,
            "the body's fields are not those of the API, each once and of its type",
        )),
    }
}

/// The longest ID that an app can choose, in bytes (spec section 8).
const MAX_CUSTOM_BYTES: usize = 48;
/// The longest ID of any kind; the service documents none for those it makes itself (spec section 8).
const MAX_BYTES: usize = 128;

/// Whether the text is a group's ID by the rules of spec section 8; topics and permission groups are none.
fn is_group_id(text: &str) -> bool {
    let longest = if text.starts_with("@TGS#") {
        MAX_BYTES
    } else {
        MAX_CUSTOM_BYTES
    };
    let is_topic = text.starts_with("@TGS#_") && text.contains("@TOPIC#_");
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| matches!(b, 0x20..=0x7e))
        && !is_topic
        && !text.starts_with("@PMG#_")
}

/// A body over the limit that the simulator reads.
pub(super) const TOO_LARGE: Refusal = Refusal::violation(60003, "the body is over 64 KiB");
/// Two calls in a row with the same `random`.
pub(super) const RANDOM_REPEATED: &str =
    "random is the same as in the call before: it must be fresh for each call";
/// A redirect of [`super::FaultKind::Redirect`] was followed.
pub(super) const REDIRECT_FOLLOWED: &str =
    "a redirect was followed: it takes the UserSig to another host";
/// Where that redirect leads.
pub(super) const REDIRECT_PATH: &str = "/redirected";
/// A UserSig that can't be decoded.
pub(super) const BROKEN_USERSIG: Refusal =
    Refusal::violation(70003, "usersig cannot be decoded as UserSig version 2");

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;

    const PATH: &str = "/v4/group_open_http_svc/destroy_group";
    const QUERY: &str = "sdkappid=1&identifier=a&usersig=eJx&random=0&contenttype=json";

    fn code_of(method: &str, target: &str, content_type: Option<&str>) -> i64 {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(kind) = content_type {
            request = request.header("content-type", kind);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match head(&parts) {
            Ok(_) => 0,
            Err(refusal) => {
                assert!(refusal.violation.is_some());
                refusal.code
            }
        }
    }

    #[test]
    fn method_path_and_content_type_are_checked() {
        let json = Some("application/json");
        for (code, method, path, kind) in [
            (0, "POST", PATH, json),
            (
                0,
                "POST",
                "/v4/group_open_http_svc/get_appid_group_list",
                json,
            ),
            (0, "POST", PATH, Some("application/json; charset=utf-8")),
            (60002, "GET", PATH, json),
            (60002, "post", PATH, json),
            (10003, "POST", "/v4/group_open_http_svc/Destroy_group", json),
            (
                10003,
                "POST",
                "/v4/group_open_http_svc/destroy_group/",
                json,
            ),
            (60009, "POST", "/destroy_group", json),
            (
                60009,
                "POST",
                "//v4/group_open_http_svc/destroy_group",
                json,
            ),
            (60002, "POST", PATH, None),
            (60002, "POST", PATH, Some("text/plain")),
            (60002, "POST", PATH, Some("application/jsonp")),
        ] {
            let target = format!("{path}?{QUERY}");
            assert_eq!(
                code_of(method, &target, kind),
                code,
                "{method} {path} {kind:?}"
            );
        }
    }

    #[test]
    fn each_parameter_is_wanted_once_and_to_the_letter() {
        let parameters = ["sdkappid", "identifier", "usersig", "random", "contenttype"];
        let code = |query: &str| match super::query(query) {
            Ok(_) => 0,
            Err(refusal) => refusal.code,
        };
        assert_eq!(code(QUERY), 0);
        for name in parameters {
            let all: Vec<_> = QUERY.split('&').collect();
            let this = all.iter().find(|p| p.starts_with(name)).unwrap();
            let without: Vec<_> = all.iter().filter(|p| p != &this).copied().collect();
            let missing = if name == "sdkappid" { 60012 } else { 60025 };
            assert_eq!(code(&without.join("&")), missing, "without {name}");
            assert_eq!(code(&format!("{QUERY}&{this}")), 60025, "{name} twice");
            let shouted = QUERY.replace(name, &name.to_uppercase());
            assert_eq!(code(&shouted), 60025, "{shouted}");
        }
        for (from, to, expected) in [
            ("json", "JSON", 60025),
            ("json", "", 60025),
            ("random=0", "random=4294967295", 0),
            ("random=0", "random=4294967296", 60025),
            ("random=0", "random=-1", 60025),
            ("random=0", "random=%2B1", 60025),
            ("random=0", "random=007", 60025),
            ("random=0", "random=0x1", 60025),
            ("random=0", "random=", 60025),
            ("sdkappid=1", "sdkappid=one", 60006),
            ("sdkappid=1", "sdkappid=", 60006),
            ("usersig=eJx", "usersig=", 70002),
            ("json", "json&apn=1", 60025),
        ] {
            assert_eq!(code(&QUERY.replace(from, to)), expected, "{to}");
        }
        assert_eq!(code(""), 60012);
    }

    #[test]
    fn percent_encoding_is_undone() {
        let query =
            query("sdkappid=1&identifier=a%26b%C3%A9&usersig=e%2AJ*&random=5&contenttype=json");
        let query = query.ok().unwrap();
        assert_eq!(query.identifier, "a&bé");
        assert_eq!(query.usersig, "e*J*");
        assert_eq!(query.random, 5);
    }

    #[test]
    fn the_body_is_one_object_with_one_legal_id() {
        let long = format!(r#"{{"GroupId":"{}"}}"#, "x".repeat(49));
        let longest = format!(r#"{{"GroupId":"{}"}}"#, "x".repeat(48));
        let community = format!(r#"{{"GroupId":"@TGS#_{}"}}"#, "x".repeat(122));
        for (code, body) in [
            (0, r#"{"GroupId":"@TGS#2J4SZEAEL"}"#),
            (0, " {\"GroupId\" :\n\"a b,;#=+\\\"\"} "),
            (0, longest.as_str()),
            (0, community.as_str()),
            (0, r#"{"GroupId":"@TGS#_@TGS#cQVLVHIM62CJ"}"#),
            (60003, ""),
            (60003, "{"),
            (60003, "GroupId=x"),
            (60003, r#"{"GroupId":"x"}{}"#),
            (60003, "{\"GroupId\":\"\x01\"}"),
            (10011, r#"["x"]"#),
            (10011, r#""x""#),
            (10011, "null"),
            (10004, "{}"),
            (10004, r#"{"groupId":"x"}"#),
            (10004, r#"{"GroupId":7}"#),
            (10004, r#"{"GroupId":null}"#),
            (10004, r#"{"GroupId":"x","GroupId":"y"}"#),
            (10004, r#"{"GroupId":"x","Force":true}"#),
            (10015, r#"{"GroupId":""}"#),
            (10015, r#"{"GroupId":"group\n"}"#),
            (10015, r#"{"GroupId":"群"}"#),
            (10015, long.as_str()),
            (10015, r#"{"GroupId":"@TGS#_x@TOPIC#_y"}"#),
            (10015, r#"{"GroupId":"@PMG#_x"}"#),
        ] {
            let got = destroy_body(body.as_bytes()).map_or_else(|refusal| refusal.code, |_| 0);
            assert_eq!(got, code, "{body}");
        }
        assert_eq!(
            destroy_body(b"{\"GroupId\":\"\xff\"}").unwrap_err().code,
            60003
        );
    }

    #[test]
    fn a_listing_has_its_own_fields() {
        let list = list_body(br#"{"Limit":1,"Next":5,"GroupType":"Community"}"#).unwrap();
        assert_eq!((list.limit, list.next), (1, 5));
        assert_eq!(list_body(b"{}").unwrap().limit, 10_000);
        for body in [
            r#"{"Limit":0}"#,
            r#"{"Limit":10001}"#,
            r#"{"Next":-1}"#,
            r#"{"GroupType":"Work"}"#,
            r#"{"Offset":1}"#,
        ] {
            assert_eq!(
                list_body(body.as_bytes()).unwrap_err().code,
                10004,
                "{body}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_the_check_panic(text in ".{0,80}") {
            let _ = query(&text);
        }

        #[test]
        fn no_body_makes_the_check_panic(body: Vec<u8>) {
            let _ = (destroy_body(&body), list_body(&body));
        }
    }
}
