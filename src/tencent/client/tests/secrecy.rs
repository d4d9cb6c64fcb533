//! The UserSig travels in the URL, and nowhere else.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, MutexGuard},
};

use tracing_subscriber::{fmt::MakeWriter, util::SubscriberInitExt};

use super::*;

/// Everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The UserSig that a server saw, which must be in nothing else.
fn usersig_of(client: &Client) -> String {
    let credential = client.settings.credentials.current(Moment::now());
    credential.usersig.expose().to_owned()
}

#[tokio::test]
async fn an_echo_of_the_usersig_is_redacted_from_the_answer() {
    let probe = client(settings("http://127.0.0.1:1", PATIENT));
    let usersig = usersig_of(&probe);
    let server = Server::playing(ok(&format!(
        r#"{{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"usersig={usersig}"}}"#
    )));
    let mut settings = settings(&server.url(), PATIENT);
    settings.credentials = Credentials::made_elsewhere(Secret::new(usersig.clone()), Moment::now());
    let (answer, _) = call(&client(settings)).await;
    assert_eq!(server.seen()[0].parameter("usersig"), usersig);
    assert_eq!(&*answer.info, "usersig=[redacted]");
}

#[tokio::test]
async fn no_log_at_any_level_and_no_answer_holds_key_or_usersig() {
    let log = Log::default();
    let _logging = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish()
        .set_default();
    let mut shown = String::new();
    let mut usersigs = Vec::new();
    for (play, timeout) in [
        (ok(OK), PATIENT),
        (ok("no JSON"), PATIENT),
        (Play::Answer(http("502 Bad Gateway", "", "")), PATIENT),
        (
            Play::Answer(http("302 Found", "Location: http://127.0.0.1:1/\r\n", "")),
            PATIENT,
        ),
        (
            Play::AnswerAndClose(b"HTTP/1.1 200 OK\r\n".to_vec()),
            PATIENT,
        ),
        (Play::AnswerAndClose(b"nonsense\r\n".to_vec()), PATIENT),
        (Play::Hang, IMPATIENT),
    ] {
        let server = Server::playing(play);
        let client = client(settings(&server.url(), timeout));
        for _ in 0..2 {
            let (answer, _) = call(&client).await;
            shown += &format!("{answer:?} {client:?} {client:#?}");
        }
        usersigs.push(usersig_of(&client));
    }
    let nobody = client(settings("http://127.0.0.1:1", PATIENT));
    shown += &format!("{:?}", call(&nobody).await.0);
    usersigs.push(usersig_of(&nobody));
    let server = super::faults::tls_server(ok(OK));
    let client = super::faults::tls_client(&server);
    shown += &format!("{:?}", call(&client).await.0);
    usersigs.push(usersig_of(&client));

    shown += &String::from_utf8_lossy(&log.bytes());
    let targets: BTreeSet<_> = ["hyper_util", "reqwest", "rustls"]
        .into_iter()
        .filter(|target| shown.contains(&format!(" {target}::")))
        .collect();
    assert_eq!(targets.len(), 3, "the log should be there: {targets:?}");
    for usersig in usersigs {
        let leak = shown.lines().find(|line| line.contains(&usersig));
        assert_eq!(leak, None);
    }
    assert!(!shown.contains("swordfish"));
}
