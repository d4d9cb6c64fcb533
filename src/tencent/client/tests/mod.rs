//! The client against real sockets.

mod answers;
mod faults;
mod requests;
mod secrecy;
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use self::server::{Play, Server};
use super::*;
use crate::{
    secret::Secret,
    verdict::{Action, Reach},
};

const OK: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;
/// Long enough that nothing ends it on a slow machine.
const PATIENT: Duration = Duration::from_secs(30);
/// For calls that are meant to run out of time.
const IMPATIENT: Duration = Duration::from_millis(300);

/// Counts how often a request left.
#[derive(Default)]
struct Departures(AtomicUsize);

impl Departure for Departures {
    fn departed(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn settings(url: &str, timeout: Duration) -> ClientSettings {
    let key = Secret::new("swordfish".to_owned());
    let identifier = "administrator";
    ClientSettings {
        sdkappid: 1_400_000_000,
        identifier: identifier.to_owned(),
        hosts: Hosts::only(url.parse().unwrap()),
        credentials: Credentials::signing(
            key,
            identifier,
            1_400_000_000,
            super::super::credential::LIFETIME,
            Moment::now(),
        ),
        timeout,
        connect_timeout: timeout,
        concurrency: 8,
    }
}

/// A client that trusts this certificate and no other.
fn trusting(root: Option<reqwest::Certificate>, settings: ClientSettings) -> Client {
    Client::adjusted(settings, |builder| builder.tls_certs_only(root)).unwrap()
}

/// A client that trusts no certificate, so that it needs none of the machine's.
fn client(settings: ClientSettings) -> Client {
    trusting(None, settings)
}

/// Calls for one group; returns the answer and how often the request left.
async fn call(client: &Client) -> (Answer, usize) {
    let departures = Arc::new(Departures::default());
    let group = GroupId::try_from("@TGS#2J4SZEAEL").unwrap();
    let watching: Arc<dyn Departure> = Arc::<Departures>::clone(&departures);
    let answer = client.disband(&group, watching).await;
    (answer, departures.0.load(Ordering::SeqCst))
}

async fn answer_to(play: Play, timeout: Duration) -> (Answer, usize) {
    let server = Server::playing(play);
    call(&client(settings(&server.url(), timeout))).await
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn ok(body: &str) -> Play {
    Play::Answer(http("200 OK", "Content-Type: application/json\r\n", body))
}
