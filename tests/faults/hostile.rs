//! Answers that nobody should have to read: each is a lost answer of one call, in bounded time and memory.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use disband_batch::{
    escape::Escaped,
    outcome::Outcome,
    simulator::{Fault, FaultKind, Reply},
    tencent::hosts::Hosts,
};

use crate::{
    codes::{ballast, code},
    rig::{Rig, simulator},
};

/// What a server does with a call for this group; `true` if it is its first.
type Play = dyn Fn(&str, bool) -> Played + Send + Sync;

/// Bytes on the wire, and whether the server hangs up then.
pub(crate) enum Played {
    ThenHangsUp(Vec<u8>),
    ThenStays(Vec<u8>),
}

/// A server that answers with whatever bytes a test likes.
pub(crate) struct Server {
    addr: SocketAddr,
}

impl Server {
    pub(crate) fn new(play: impl Fn(&str, bool) -> Played + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (play, seen): (Arc<Play>, _) = (Arc::new(play), Arc::default());
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (play, seen) = (Arc::clone(&play), Arc::clone(&seen));
                // Who hangs up first is the test's own affair.
                thread::spawn(move || serve(stream?, &*play, &seen));
            }
        });
        Self { addr }
    }

    /// The same for every call.
    pub(crate) fn always(answer: Vec<u8>) -> Self {
        Self::new(move |_, _| Played::ThenStays(answer.clone()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

fn serve(mut stream: TcpStream, play: &Play, seen: &Mutex<HashSet<String>>) -> io::Result<()> {
    while let Some(group) = next_call(&mut stream)? {
        let first = seen.lock().unwrap().insert(group.clone());
        match play(&group, first) {
            Played::ThenStays(bytes) => stream.write_all(&bytes)?,
            Played::ThenHangsUp(bytes) => {
                stream.write_all(&bytes)?;
                return stream.shutdown(std::net::Shutdown::Write);
            }
        }
    }
    Ok(())
}

/// The group that the next call names; callers don't send a second one before the first is answered.
fn next_call(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Ok(None);
        }
        request.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&request);
        let body = text
            .split_once("{\"GroupId\":\"")
            .and_then(|(_, rest)| rest.split_once("\"}"));
        if let Some((group, _)) = body {
            return Ok(Some(group.to_owned()));
        }
    }
}

fn http(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn json(body: impl AsRef<[u8]>) -> Vec<u8> {
    http("Content-Type: application/json\r\n", body)
}

const OK: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;
const GONE: &str = r#"{"ActionStatus":"FAIL","ErrorInfo":"gone","ErrorCode":10010}"#;

/// Everything that looks like success, or like 10010, and is neither.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let fields = |fields: &str| json(format!("{{{fields}}}"));
    let chunked = |chunks: &str| {
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").into_bytes()
    };
    let with = |head: &str| http(head, OK);
    vec![
        (
            "code as text",
            fields(r#""ActionStatus":"OK","ErrorCode":"0""#),
        ),
        (
            "gone as text",
            fields(r#""ActionStatus":"FAIL","ErrorCode":"10010""#),
        ),
        (
            "code with a fraction",
            fields(r#""ActionStatus":"OK","ErrorCode":0.0"#),
        ),
        (
            "code with an exponent",
            fields(r#""ActionStatus":"OK","ErrorCode":0e0"#),
        ),
        (
            "code is null",
            fields(r#""ActionStatus":"OK","ErrorCode":null"#),
        ),
        (
            "code is false",
            fields(r#""ActionStatus":"OK","ErrorCode":false"#),
        ),
        (
            "code is a list",
            fields(r#""ActionStatus":"OK","ErrorCode":[0]"#),
        ),
        (
            "code is beyond 64 bits",
            fields(r#""ActionStatus":"FAIL","ErrorCode":18446744073709551616"#),
        ),
        (
            "code twice",
            fields(r#""ActionStatus":"FAIL","ErrorCode":10004,"ErrorCode":10010"#),
        ),
        (
            "status twice",
            fields(r#""ActionStatus":"FAIL","ActionStatus":"OK","ErrorCode":0"#),
        ),
        ("no status", fields(r#""ErrorCode":0"#)),
        (
            "status is a number",
            fields(r#""ActionStatus":0,"ErrorCode":0"#),
        ),
        (
            "status in small letters",
            fields(r#""ActionStatus":"ok","ErrorCode":0"#),
        ),
        (
            "fields in small letters",
            fields(r#""actionstatus":"OK","errorcode":0"#),
        ),
        (
            "a code with FAIL and 0",
            fields(r#""ActionStatus":"FAIL","ErrorCode":0"#),
        ),
        (
            "gone with OK",
            fields(r#""ActionStatus":"OK","ErrorCode":10010"#),
        ),
        ("a list of the fields", json(r#"["OK",0,""]"#)),
        (
            "an answer within an answer",
            json(format!(r#"{{"Response":{OK}}}"#)),
        ),
        ("two answers in one body", json(format!("{OK}{OK}"))),
        ("a byte order mark", json(format!("\u{feff}{OK}"))),
        (
            "a prefix against JSON hijacking",
            json(format!(")]}}',\n{OK}")),
        ),
        ("a number", json("0")),
        ("a word", json("OK")),
        ("nothing", json("")),
        ("a zero byte", json(format!("{OK}\0"))),
        (
            "UTF-16",
            json(
                OK.encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>(),
            ),
        ),
        (
            "a portal",
            http(
                "Content-Type: text/html\r\n",
                "<html>Log in<script>{\"ErrorCode\":0}</script>",
            ),
        ),
        ("too deep", json("{\"X\":".repeat(100_000))),
        (
            "over 1 MiB of white space",
            json(format!("{}{OK}", " ".repeat(1 << 20))),
        ),
        (
            "2 MiB of text",
            json(format!(
                r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"{}"}}"#,
                "x".repeat(2 << 20)
            )),
        ),
        (
            "claims to be gzip",
            with("Content-Encoding: gzip\r\n")[..60].to_vec(),
        ),
        (
            "half a body",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{OK}").into_bytes(),
        ),
        (
            "a length beyond reason",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{OK}")
                .into_bytes(),
        ),
        (
            "a negative length",
            format!("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{OK}").into_bytes(),
        ),
        ("two lengths", with("Content-Length: 7\r\n")),
        ("chunks that do not end", chunked("5\r\n{\"Act\r\n")),
        (
            "a chunk beyond reason",
            chunked("ffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ),
        ("chunks of gibberish", chunked("zz\r\n{}\r\n0\r\n\r\n")),
        ("a thousand headers", with(&"X: y\r\n".repeat(1000))),
        (
            "a header of 1 MiB",
            with(&format!("X: {}\r\n", "y".repeat(1 << 20))),
        ),
        ("gibberish", b"\x16\x03\x01\x00\xff\x00\r\n\r\n".to_vec()),
        ("nothing at all", Vec::new()),
        (
            "HTTP/2 without being asked",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        ),
        (
            "a status of two digits",
            format!("HTTP/1.1 20 OK\r\n\r\n{OK}").into_bytes(),
        ),
        (
            "a status of four digits",
            format!("HTTP/1.1 2000 OK\r\n\r\n{OK}").into_bytes(),
        ),
        (
            "another protocol",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
                .to_vec(),
        ),
        (
            "created",
            format!("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{OK}").into_bytes(),
        ),
        (
            "hints and no answer",
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(1000),
        ),
    ]
}

#[tokio::test]
async fn whatever_only_looks_like_an_answer_is_a_lost_one() {
    let cases = hostile();
    let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    let answers: std::collections::HashMap<_, _> = cases.into_iter().collect();
    let server = Server::new(move |group, first| match answers.get(group) {
        Some(answer) if first => Played::ThenHangsUp(answer.clone()),
        Some(_) => Played::ThenStays(json(GONE)),
        None => Played::ThenStays(json(OK)),
    });
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.hosts = Hosts::only(server.url().parse().unwrap());
    rig.plan.rate = 500.try_into().unwrap();
    let mut groups: Vec<String> = ballast("first", 50).collect();
    for name in &names {
        groups.push((*name).to_owned());
        groups.extend(ballast(name, 9).map(|group| group.replace(' ', "_")));
    }
    groups.extend(ballast("last", 100));
    let done = rig.run(groups).await;
    assert_eq!(done.end.reason, None);
    let wrong: Vec<_> = names
        .iter()
        .map(|name| done.row(name))
        .filter(|row| (row.outcome, row.attempts) != (Outcome::PresumedDisbanded, 2))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The answer to one call must not be taken for the answer to the next one on the same connection.
#[tokio::test]
async fn an_answer_too_many_is_nobodys_answer() {
    let server = Server::new(|group, first| match first && group == "twice" {
        true => Played::ThenStays([json(OK), json(OK)].concat()),
        false => Played::ThenStays(json(GONE)),
    });
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.hosts = Hosts::only(server.url().parse().unwrap());
    rig.plan.concurrency = 1;
    let groups = std::iter::once("twice".to_owned()).chain(ballast("after", 20));
    let done = rig.run(groups).await;
    assert_eq!(done.outcome("twice"), Outcome::Disbanded);
    assert_eq!(done.of(Outcome::AlreadyGone), 20);
}

#[tokio::test]
async fn control_characters_are_kept_for_the_report_and_escaped_for_people() {
    let text = "\u{1b}[2J\u{1b}]0;title\u{7}\r\ndone\u{8}\u{9b}31m\u{202e}";
    let answer = serde_json::json!({"ActionStatus": "FAIL", "ErrorCode": 60020, "ErrorInfo": text});
    let server = Server::always(json(answer.to_string()));
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.hosts = Hosts::only(server.url().parse().unwrap());
    let done = rig.run(ballast("all", 50)).await;
    assert_eq!(done.refused(), Some(60020));
    let reason = done.end.reason.clone().unwrap().to_string();
    assert!(
        !reason.contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{reason:?}"
    );
    assert!(reason.contains("title"), "{reason:?}");

    let simulator = crate::rig::simulator();
    simulator.script("control", [Reply::Fault(Fault::before(FaultKind::Control))]);
    let groups = ballast("x", 30).chain(std::iter::once("control".to_owned()));
    let done = Rig::of(&simulator).run(groups).await;
    let row = done.row("control");
    assert_eq!(row.outcome, Outcome::Failed);
    let info = row.error_info.clone().unwrap();
    assert!(info.contains('\u{1b}'), "{info:?}");
    let shown = Escaped(&info).to_string();
    assert!(
        !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{shown:?}"
    );
    for notice in &done.notices {
        assert!(!notice.text.contains(char::is_control), "{notice:?}");
    }
}

#[tokio::test]
async fn a_text_of_any_length_is_cut() {
    let text = "x".repeat(900_000);
    let answer = serde_json::json!({"ActionStatus": "FAIL", "ErrorCode": 10004, "ErrorInfo": text});
    let server = Server::always(json(answer.to_string()));
    let simulator = simulator();
    let mut rig = Rig::of(&simulator);
    rig.hosts = Hosts::only(server.url().parse().unwrap());
    let done = rig.run(ballast("all", 10)).await;
    assert_eq!(done.of(Outcome::Failed), 10);
    for row in done.rows.values() {
        assert!(row.error_info.as_deref().unwrap_or_default().len() <= 4096);
    }
}

/// The most memory that this process ever held, in bytes.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// How long a run is waited for that should take seconds.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn floods_and_trickles_take_bounded_time_and_memory() {
    let simulator = simulator();
    let kinds = [
        FaultKind::EndlessBody,
        FaultKind::EndlessHeaders,
        FaultKind::Oversized,
        FaultKind::Slow,
        FaultKind::Hang,
    ];
    // Few enough among good ones that nobody takes them for an outage.
    let mut groups: Vec<_> = ballast("first", 30).collect();
    for n in 0..40 {
        let group = format!("flood-{n}");
        let flood = Reply::Fault(Fault::before(kinds[n % kinds.len()]));
        simulator.script(&group, [flood, code(10010)]);
        groups.push(group);
        groups.extend(ballast(&format!("good-{n}"), 10));
    }
    let mut rig = Rig::of(&simulator);
    rig.timeout = Duration::from_millis(500);
    rig.plan.retry.max_attempts = 10.try_into().unwrap();
    let before = peak();
    // Any one of them, read to its end, would take longer.
    let done = tokio::time::timeout(PATIENCE, rig.run(groups)).await;
    let done = done.expect("the run ends");
    assert_eq!(done.end.reason, None);
    let outcomes = &done.end.snapshot.outcomes;
    assert_eq!(done.of(Outcome::PresumedDisbanded), 40, "{outcomes:?}");
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = after.saturating_sub(before) >> 20;
        assert!(grown < 200, "{grown} MiB more");
    }
}
