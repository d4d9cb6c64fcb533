//! Connections that do not come about, and answers that break off.

use std::{
    io::{self, Read},
    net::{Shutdown, TcpListener},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

/// A certificate for `localhost` and `127.0.0.1` with its key, good until 2100, trusted by these tests only.
const LOCALHOST: &[u8] = include_bytes!("localhost.pem");

pub(super) fn tls_server(play: Play) -> Server {
    let certificate = CertificateDer::from_pem_slice(LOCALHOST).unwrap();
    let key = PrivateKeyDer::from_pem_slice(LOCALHOST).unwrap();
    let config =
        ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    let config = Arc::new(config);
    Server::with(play, move |socket| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        Some(Box::new(StreamOwned::new(session, socket)))
    })
}

pub(super) fn tls_client(server: &Server) -> Client {
    let url = format!("https://localhost:{}", server.address.port());
    let root = reqwest::Certificate::from_pem(LOCALHOST).unwrap();
    trusting(Some(root), settings(&url, PATIENT))
}

fn assert_never_left((answer, departures): (Answer, usize), text: &str) {
    assert_eq!(departures, 0, "{answer:?}");
    assert_eq!(answer.verdict.action, Action::Retry);
    assert_eq!(answer.verdict.reach, Reach::Unreached, "{answer:?}");
    assert!(!answer.verdict.may_have_acted);
    assert_eq!(answer.http_status, None);
    assert!(answer.info.starts_with(text), "{answer:?}");
}

fn assert_lost((answer, departures): &(Answer, usize), text: &str) {
    assert_eq!(*departures, 1, "{answer:?}");
    assert_eq!(answer.verdict.action, Action::Retry);
    assert_eq!(answer.verdict.reach, Reach::Lost);
    assert!(answer.verdict.may_have_acted);
    assert_eq!(answer.code, None);
    assert!(answer.info.starts_with(text), "{answer:?}");
}

#[tokio::test]
async fn a_refused_connection_is_known_to_have_carried_nothing() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = client(settings(&format!("http://{nobody}"), PATIENT));
    assert_never_left(
        call(&client).await,
        "no connection to the service: Connection refused",
    );
}

/// A resolver that knows no name.
struct NoNames;

impl reqwest::dns::Resolve for NoNames {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err(io::Error::other("no such name").into()) })
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_told_as_such() {
    let settings = settings("https://example.com", PATIENT);
    let client = Client::adjusted(settings, |builder| {
        builder
            .tls_certs_only([])
            .no_proxy()
            .dns_resolver(Arc::new(NoNames))
    })
    .unwrap();
    assert_never_left(
        call(&client).await,
        "the host's name could not be resolved: no such name",
    );
}

#[tokio::test]
async fn a_failed_tls_handshake_is_told_as_such() {
    let untrusted = tls_server(ok(OK));
    let url = format!("https://{}", untrusted.address);
    assert_never_left(
        call(&client(settings(&url, PATIENT))).await,
        "no trusted TLS connection to the service: invalid peer certificate: UnknownIssuer",
    );

    let other_name = format!("https://127.0.0.2:{}", untrusted.address.port());
    let root = reqwest::Certificate::from_pem(LOCALHOST).unwrap();
    let client = trusting(Some(root), settings(&other_name, PATIENT));
    let (answer, departures) = call(&client).await;
    assert_eq!(departures, 0);
    // Systems without the whole of 127.0.0.0/8 on their loopback refuse the connection instead.
    assert_eq!(answer.verdict.reach, Reach::Unreached);
    assert_eq!(untrusted.seen().len(), 0);
}

#[tokio::test]
async fn a_handshake_that_hangs_is_cut_by_the_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let mut settings = settings(&url, PATIENT);
    settings.connect_timeout = IMPATIENT;
    assert_never_left(
        call(&client(settings)).await,
        "no connection to the service within 300ms",
    );
}

#[tokio::test]
async fn a_connection_that_takes_the_whole_timeout_is_known_to_have_carried_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let mut settings = settings(&url, IMPATIENT);
    settings.connect_timeout = PATIENT;
    assert_never_left(
        call(&client(settings)).await,
        "no connection to the service within 300ms",
    );
}

#[tokio::test]
async fn tls_works_with_a_trusted_certificate() {
    let server = tls_server(ok(OK));
    let (answer, departures) = call(&tls_client(&server)).await;
    assert_eq!(answer.verdict.action, Action::Done, "{answer:?}");
    assert_eq!(departures, 1);
}

#[tokio::test]
async fn a_connection_that_is_closed_unread_may_have_acted_only_if_the_request_left() {
    let server = Server::with(Play::Hang, |socket| {
        socket.shutdown(Shutdown::Both).ok();
        None
    });
    let client = client(settings(&server.url(), PATIENT));
    for _ in 0..50 {
        let (answer, departures) = call(&client).await;
        assert_eq!(answer.verdict.action, Action::Retry);
        assert_eq!(answer.verdict.may_have_acted, departures == 1);
        let reach = if departures == 1 {
            Reach::Lost
        } else {
            Reach::Unreached
        };
        assert_eq!(answer.verdict.reach, reach);
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_request_is_lost() {
    let server = Server::with(Play::Hang, |mut socket| {
        // What is left unread makes closing a reset.
        socket.read_exact(&mut [0; 10]).unwrap();
        None
    });
    let come = call(&client(settings(&server.url(), PATIENT))).await;
    assert_lost(&come, "the connection ended before the answer did: ");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_lost() {
    let ended = "the connection ended before the answer did: ";
    for (bytes, status) in [
        (String::new(), None),
        ("HTTP/1.1 200 OK\r\nConte".to_owned(), None),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"ActionStatus\"".to_owned(),
            Some(200),
        ),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{OK}"),
            Some(200),
        ),
        (
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n{OK}\r\n"),
            Some(200),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n".to_owned(),
            Some(200),
        ),
    ] {
        let come = answer_to(Play::AnswerAndClose(bytes.into()), PATIENT).await;
        assert_lost(&come, ended);
        assert_eq!(come.0.http_status, status);
    }
}

#[tokio::test]
async fn what_is_not_http_is_lost() {
    for bytes in ["SSH-2.0-OpenSSH\r\n", "{}\r\n\r\n", "HTTP/9.9 200\r\n\r\n"] {
        let come = answer_to(Play::AnswerAndClose(bytes.into()), PATIENT).await;
        assert_lost(&come, "the answer could not be read: it is not HTTP");
    }
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    for (first, then) in [
        (head.clone(), b"X-Endless: yes\r\n".repeat(100)),
        ([&head[..], b"X-Endless: "].concat(), vec![b'x'; 1000]),
    ] {
        let come = answer_to(Play::Endless(first, then), PATIENT).await;
        assert_lost(
            &come,
            "the answer could not be read: its headers are too large",
        );
    }
}

#[tokio::test]
async fn a_body_over_1_mib_is_not_read_to_its_end() {
    let too_large = "the answer could not be read: it is over 1 MiB";
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n".to_vec();
    let come = answer_to(Play::Answer(announced), PATIENT).await;
    assert_lost(&come, too_large);
    assert_eq!(come.0.http_status, Some(200));

    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"1000\r\n", &[b' '; 0x1000][..], b"\r\n"].concat();
    assert_lost(
        &answer_to(Play::Endless(chunked, chunk), PATIENT).await,
        too_large,
    );

    let until_closed = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let play = Play::Endless(until_closed, vec![b' '; 0x1000]);
    assert_lost(&answer_to(play, PATIENT).await, too_large);
}

#[tokio::test]
async fn the_timeout_covers_the_wait_for_the_answer_and_all_of_its_body() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec();
    for (play, status) in [
        (Play::Hang, None),
        (Play::Drip(head, vec![b' '; 1000]), Some(200)),
        (
            Play::Drip(b"HTTP/1.1 200 OK\r\nX-Slow: ".to_vec(), vec![b'x'; 1000]),
            None,
        ),
        (
            Play::Endless(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            None,
        ),
    ] {
        let come = answer_to(play, IMPATIENT).await;
        assert_lost(&come, "no answer within 300ms");
        assert_eq!(come.0.http_status, status);
        assert!(come.0.latency >= IMPATIENT);
    }
}
