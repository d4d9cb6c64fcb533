//! The calls themselves: [`Disband`] over HTTP.
//!
//! One call is one POST, never repeated and never redirected here. Whatever comes back, and when nothing does, it ends in
//! an [`Answer`] within the call's time-out, in bounded memory, without URL or UserSig in any text.

mod exchange;
mod info;
mod request;
mod retry_after;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    ClientBuilder,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Serialize;
use tokio::time::Instant;

use self::{
    exchange::Exchange,
    request::{Gate, Target},
};
use super::{
    codes,
    credential::{Credential, Credentials, LIFETIME, Moment},
    fault::Fault,
    hosts::{Endpoint, Hosts},
    wire::{self, DESTROY_GROUP, DestroyGroup, GET_APPID_GROUP_LIST, GetAppidGroupList},
};
use crate::{
    disband::{Answer, CannotRenew, Departure, Disband},
    group::GroupId,
    secret::Secret,
};

/// For how long an unused connection is kept. Short, for one that the other side or a middlebox closed meanwhile fails
/// its next call (spec section 6).
const POOL_IDLE: Duration = Duration::from_secs(30);

/// What a [`Client`] needs to know.
#[derive(Debug)]
pub struct ClientSettings {
    /// The app.
    pub sdkappid: u64,
    /// The app admin account.
    pub identifier: String,
    /// Where calls may go.
    pub hosts: Hosts,
    /// What calls are signed with.
    pub credentials: Credentials,
    /// For one call, from handing it over to the end of its answer.
    pub timeout: Duration,
    /// For one connection, TLS included.
    pub connect_timeout: Duration,
    /// Calls under way at most: so many connections are kept.
    pub concurrency: usize,
}

impl ClientSettings {
    /// Calls that are signed here with the app's key, with the time-outs and the concurrency that the command line has by
    /// default.
    pub fn signing(hosts: Hosts, sdkappid: u64, identifier: &str, key: Secret) -> Self {
        let credentials = Credentials::signing(key, identifier, sdkappid, LIFETIME, Moment::now());
        Self {
            sdkappid,
            identifier: identifier.to_owned(),
            hosts,
            credentials,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            concurrency: crate::engine::CONCURRENCY,
        }
    }
}

/// The HTTP client could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the HTTP client could not be set up: {0}; if certificates are missing, install the system's CA certificates or \
     name a file of them in SSL_CERT_FILE"
)]
pub struct CannotSetUp(String);

/// Calls the service. Cheap to share; all workers use one.
pub struct Client {
    http: reqwest::Client,
    settings: ClientSettings,
    /// The URL of the last call but for its nonce, until host or UserSig changes.
    target: Mutex<Arc<Target>>,
}

/// What [`Client::check`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The service's answer.
    pub answer: Answer,
    /// How many groups the app has, if the service said so.
    pub groups: Option<u64>,
    /// What came instead of an answer of the service's, if so.
    pub fault: Option<Fault>,
}

impl Client {
    /// Sets the client up; calls nobody.
    ///
    /// # Errors
    /// [`CannotSetUp`], where the system has no CA certificates, say.
    pub fn new(settings: ClientSettings) -> Result<Self, CannotSetUp> {
        Self::adjusted(settings, |builder| builder)
    }

    /// As [`Client::new`], with a last word on the HTTP client.
    fn adjusted(
        settings: ClientSettings,
        adjust: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, CannotSetUp> {
        let credential = settings.credentials.current(Moment::now());
        Ok(Self {
            http: adjust(http_client(&settings))
                .build()
                .map_err(|error| CannotSetUp(exchange::deepest_cause(&error.without_url())))?,
            target: Mutex::new(Arc::new(Target::new(&settings, DESTROY_GROUP, &credential))),
            settings,
        })
    }

    /// Where calls go now.
    pub fn endpoint(&self) -> &Endpoint {
        self.settings.hosts.current().1
    }

    /// Makes a call that touches no group and yet needs key, admin, region and allow list to be right: it asks how many
    /// groups there are. Its limit is one a second ("Getting All Groups in an App", document 1047/34960).
    pub async fn check(&self) -> Checked {
        let credential = self.settings.credentials.current(Moment::now());
        let target = Target::new(&self.settings, GET_APPID_GROUP_LIST, &credential);
        let body = GetAppidGroupList { limit: 1, next: 0 };
        let (mut groups, mut fault) = (None, None);
        let answer = self
            .call(
                &target,
                &credential,
                &body,
                Arc::new(Unwatched),
                |end| match end {
                    Ok(body) => groups = wire::total_count(body),
                    Err(other) => fault = Some(other.clone()),
                },
            )
            .await;
        Checked {
            answer,
            groups,
            fault,
        }
    }

    /// Makes one call; `look` sees the body of an answer that says OK, or what came instead of an answer.
    async fn call(
        &self,
        target: &Target,
        credential: &Credential,
        body: &(impl Serialize + Sync),
        departure: Arc<dyn Departure>,
        look: impl FnOnce(Result<&[u8], &Fault>) + Send,
    ) -> Answer {
        let started = Instant::now();
        let mut exchange = Exchange::default();
        let outcome = match serde_json::to_vec(body) {
            Ok(body) => {
                let gate = Gate::new(departure);
                let request = target.request(rand::random(), body, &gate);
                let reading = exchange.run(&self.http, request);
                let ended = tokio::time::timeout(self.settings.timeout, reading).await;
                self.settle(ended, &gate)
            }
            Err(error) => Err(Fault::NotSent(error.to_string().into())),
        };
        let outcome =
            outcome.and_then(|()| wire::parse(exchange.body()).map_err(Fault::Unreadable));
        match &outcome {
            Ok(reply) if reply.code == 0 => look(Ok(exchange.body())),
            Ok(_) => {}
            Err(fault) => look(Err(fault)),
        }
        let (verdict, code, info) = match outcome {
            Ok(reply) => (codes::verdict(reply.code), Some(reply.code), reply.info),
            Err(fault) => (fault.verdict(), None, fault.to_string()),
        };
        Answer {
            verdict,
            code,
            info: info::presentable(info, credential.usersig.expose()),
            http_status: exchange.status,
            latency: started.elapsed(),
            retry_after: exchange.retry_after,
            credential: credential.generation,
        }
    }

    /// Tells what a call without a readable end came to, by whether its request left.
    fn settle(
        &self,
        ended: Result<Result<(), exchange::Cut>, tokio::time::error::Elapsed>,
        gate: &Gate,
    ) -> Result<(), Fault> {
        match (ended, gate.close()) {
            (Ok(Ok(())), _) => Ok(()),
            (Ok(Err(cut)), true) => Err(cut.after_departure()),
            (Ok(Err(cut)), false) => Err(cut.before_departure(self.settings.connect_timeout)),
            (Err(_), true) => Err(Fault::Timeout(self.settings.timeout)),
            (Err(_), false) => Err(Fault::ConnectTimeout(self.settings.timeout)),
        }
    }

    /// The URL for a call with this UserSig to the current host: as last time, as a rule.
    fn target(&self, credential: &Credential) -> Arc<Target> {
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if !target.fits(&self.settings, credential) {
            *target = Arc::new(Target::new(&self.settings, DESTROY_GROUP, credential));
        }
        Arc::clone(&target)
    }
}

impl Disband for Client {
    async fn disband(&self, group: &GroupId, departure: Arc<dyn Departure>) -> Answer {
        let credential = self.settings.credentials.current(Moment::now());
        let target = self.target(&credential);
        let body = DestroyGroup {
            group_id: group.as_str(),
        };
        self.call(&target, &credential, &body, departure, |_| {})
            .await
    }

    fn renew(&self, used: u64) -> Result<u64, CannotRenew> {
        self.settings.credentials.renew(used, Moment::now())
    }

    fn switch_host(&self) -> Option<String> {
        self.settings.hosts.switch().map(Endpoint::to_string)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A call whose leaving is of interest to nobody.
struct Unwatched;

impl Departure for Unwatched {
    fn departed(&self) {}
}

fn http_client(settings: &ClientSettings) -> ClientBuilder {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let known = settings.hosts.known();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("disband-batch/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(settings.concurrency)
        .tcp_nodelay(true);
    if known.iter().all(Endpoint::is_loopback) {
        builder = builder.no_proxy();
    }
    if known.iter().all(Endpoint::is_plain) {
        // The simulator needs no certificates, and a bare container has none.
        builder.tls_certs_only([])
    } else {
        builder.https_only(true)
    }
}
