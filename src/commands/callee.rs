//! Who is called: the vendor's service, or a simulator started for this run.

use std::{sync::Arc, time::Duration};

use crate::{
    error::Error,
    exit::ExitCode,
    secret::Secret,
    settings::{Account, Calls, Credential, Home, Mode, RunSettings, Service},
    simulator::{Simulator, SimulatorOptions},
    tencent::{
        client::{Client, ClientSettings},
        credential::{Credentials, LIFETIME, Moment},
        hosts::{Endpoint, Hosts},
        usersig::{self, Inspected},
    },
    wall::UnixMillis,
};

/// Who is called, and everything that must live as long as the calls.
pub(super) struct Callee {
    client: Option<Arc<Client>>,
    sdkappid: u64,
    identifier: String,
    endpoint: String,
    /// A UserSig made elsewhere, decoded.
    foreign: Option<Inspected>,
    _simulator: Option<Simulator>,
}

impl Callee {
    /// Sets everything up; calls nobody. A dry run gets nothing that could send.
    pub(super) fn prepare(settings: &RunSettings) -> Result<Self, Error> {
        let concurrency = settings.pace.concurrency.get() as usize;
        let mut callee = match &settings.service {
            Service::Live(account) => Self::live(account, settings.calls, concurrency)?,
            Service::Simulated {
                sdkappid,
                identifier,
            } => {
                let sdkappid = sdkappid.map(u64::from);
                Self::simulated(sdkappid, identifier, settings, concurrency)?
            }
        };
        if settings.mode == Mode::Dry {
            callee.client = None;
        }
        Ok(callee)
    }

    /// The vendor's service, for `check` as well.
    pub(super) fn live(account: &Account, calls: Calls, concurrency: usize) -> Result<Self, Error> {
        let hosts = match &account.home {
            Home::Region(region) => Hosts::of_region(*region),
            Home::Endpoint(url) => Hosts::only(url.parse::<Endpoint>().map_err(usage)?),
        };
        let endpoint = hosts.current().1.to_string();
        let (sdkappid, identifier) = (account.sdkappid.get(), account.identifier.clone());
        let (foreign, credentials) = match &account.credential {
            Credential::Key(key) => (None, signing(key.clone(), &identifier, sdkappid)),
            Credential::UserSig(usersig) => {
                let inspected = usersig::inspect(usersig.expose()).map_err(usage)?;
                (
                    Some(inspected),
                    Credentials::made_elsewhere(usersig.clone(), Moment::now()),
                )
            }
        };
        let client = client(
            hosts,
            credentials,
            sdkappid,
            &identifier,
            calls,
            concurrency,
        )?;
        Ok(Self {
            client: Some(client),
            sdkappid,
            identifier,
            endpoint,
            foreign,
            _simulator: None,
        })
    }

    fn simulated(
        sdkappid: Option<u64>,
        identifier: &str,
        settings: &RunSettings,
        concurrency: usize,
    ) -> Result<Self, Error> {
        let mut options = SimulatorOptions::sample();
        options.sdkappid = sdkappid.unwrap_or(options.sdkappid);
        options.identifier = identifier.to_owned();
        let (sdkappid, key) = (
            options.sdkappid,
            Secret::new(options.key.expose().to_owned()),
        );
        let simulator = Simulator::start(options).map_err(usage)?;
        let hosts = Hosts::only(simulator.url().parse::<Endpoint>().map_err(usage)?);
        let credentials = signing(key, identifier, sdkappid);
        let client = client(
            hosts,
            credentials,
            sdkappid,
            identifier,
            settings.calls,
            concurrency,
        )?;
        Ok(Self {
            client: Some(client),
            sdkappid,
            identifier: identifier.to_owned(),
            // Its port differs each time; what a resume must compare is that it is one.
            endpoint: "simulator".to_owned(),
            foreign: None,
            _simulator: Some(simulator),
        })
    }

    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.client.clone()
    }

    pub(super) fn sdkappid(&self) -> u64 {
        self.sdkappid
    }

    pub(super) fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Scheme and host, or `simulator`.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A UserSig made elsewhere must be this app's and admin's, and hold for as long as it is `needed` (contract, "Before
    /// the first call"). Returns for how long it holds; none where a key makes new ones.
    pub(super) fn check_usersig(
        &self,
        needed: impl FnOnce() -> Result<Duration, Error>,
    ) -> Result<Option<Duration>, Error> {
        let Some(foreign) = &self.foreign else {
            return Ok(None);
        };
        let needed = needed()?;
        let now = u64::try_from(UnixMillis::now().0 / 1000).unwrap_or(0);
        foreign
            .check(self.sdkappid, &self.identifier, now, needed)
            .map_err(usage)?;
        let left = foreign.expires_at_unix_s().saturating_sub(now);
        Ok(Some(Duration::from_secs(left)))
    }
}

fn client(
    hosts: Hosts,
    credentials: Credentials,
    sdkappid: u64,
    identifier: &str,
    calls: Calls,
    concurrency: usize,
) -> Result<Arc<Client>, Error> {
    let settings = ClientSettings {
        sdkappid,
        identifier: identifier.to_owned(),
        hosts,
        credentials,
        timeout: calls.timeout,
        connect_timeout: calls.connect_timeout,
        concurrency,
    };
    Client::new(settings).map(Arc::new).map_err(usage)
}

fn signing(key: Secret, identifier: &str, sdkappid: u64) -> Credentials {
    Credentials::signing(key, identifier, sdkappid, LIFETIME, Moment::now())
}

fn usage(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ExitCode::Usage, error)
}
