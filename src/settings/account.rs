//! Whose groups, where, and with which credential.

use std::{num::NonZeroU64, time::Duration};

use crate::tencent::hosts::Region;

use super::{
    credential::{self, Credential},
    environment::Environment,
    error::SettingsError,
    layers::{Layer, Layered},
};
/// What answers the calls.
#[derive(Clone, Debug)]
pub enum Service {
    /// The vendor's service, or one that is like it.
    Live(Account),
    /// A simulator started for this run. Credentials, region and endpoint are not even looked at.
    Simulated {
        /// The app to play, if one is set.
        sdkappid: Option<NonZeroU64>,
        /// The admin account to play.
        identifier: String,
    },
}

/// An app, and the right to act in it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The app.
    pub sdkappid: NonZeroU64,
    /// The app admin account.
    pub identifier: String,
    /// Where the app lives.
    pub home: Home,
    /// What the calls are signed with.
    pub credential: Credential,
}

/// Where an app lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// In one of the vendor's data centres.
    Region(Region),
    /// Behind this URL, as typed.
    Endpoint(String),
}

/// How long calls may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The whole call, connecting included.
    pub timeout: Duration,
    /// Connecting; never longer than the whole call.
    pub connect_timeout: Duration,
}

pub(super) fn service(
    layered: &Layered,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Service, SettingsError> {
    if !layered.cli.app.simulate {
        return Ok(Service::Live(account(layered, env, warnings)?));
    }
    // The same command line with --simulate added is a rehearsal, so nothing is refused.
    let ignored: Vec<String> = ["region", "endpoint", "secret-key-file", "usersig-file"]
        .into_iter()
        .filter(|name| layered.layer(name) == Layer::Flag)
        .map(|name| layered.place(name))
        .collect();
    if !ignored.is_empty() {
        warnings.push(format!(
            "This run goes to a simulator: {} not used.",
            match ignored.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", several.join(", ")),
            }
        ));
    }
    Ok(Service::Simulated {
        sdkappid: layered.cli.app.sdkappid,
        identifier: layered.cli.app.identifier.clone(),
    })
}

pub(super) fn account(
    layered: &Layered,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Account, SettingsError> {
    let sdkappid = layered.cli.app.sdkappid.ok_or(SettingsError::NoApp)?;
    Ok(Account {
        sdkappid,
        identifier: layered.cli.app.identifier.clone(),
        home: home(layered, sdkappid)?,
        credential: credential::credential(layered, env, warnings)?,
    })
}

/// Region and endpoint are two ways to say one thing: the higher layer says it, and one layer says it once.
fn home(layered: &Layered, sdkappid: NonZeroU64) -> Result<Home, SettingsError> {
    let app = &layered.cli.app;
    let region = app.region.map(Home::Region);
    let endpoint = app.endpoint.clone().map(Home::Endpoint);
    match (region, endpoint) {
        (Some(region), Some(endpoint)) => {
            match layered.layer("region").cmp(&layered.layer("endpoint")) {
                std::cmp::Ordering::Greater => Ok(region),
                std::cmp::Ordering::Less => Ok(endpoint),
                std::cmp::Ordering::Equal => Err(SettingsError::TwoHomes {
                    first: layered.place("region"),
                    second: layered.place("endpoint"),
                }),
            }
        }
        (region, endpoint) => region.or(endpoint).ok_or(SettingsError::NoHome {
            sdkappid: sdkappid.get(),
        }),
    }
}

pub(super) fn calls(layered: &Layered, warnings: &mut Vec<String>) -> Result<Calls, SettingsError> {
    // The service gives its own calls 3 s (spec section 6).
    const ITS_OWN: Duration = Duration::from_secs(3);
    let timeout = layered.cli.pace.timeout;
    let mut connect_timeout = layered.cli.pace.connect_timeout;
    if connect_timeout > timeout {
        if layered.layer("connect-timeout") != Layer::Default {
            return Err(SettingsError::ConnectLongerThanCall {
                connect: layered.place("connect-timeout"),
                whole: layered.place("timeout"),
            });
        }
        connect_timeout = timeout;
    }
    if timeout <= ITS_OWN {
        warnings.push(format!(
            "A call gets {} ({}), and the service alone may take 3 s: slow answers will be lost \
             and asked for again.",
            humantime::format_duration(timeout),
            layered.place("timeout"),
        ));
    }
    Ok(Calls {
        timeout,
        connect_timeout,
    })
}
