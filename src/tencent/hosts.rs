//! Where calls may go: the data centres' domains (spec section 1), or one address given by hand.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicUsize, Ordering},
};

use url::{Host, Url};

/// The data centre in which an app lives (spec section 1). The command line takes their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Region {
    /// China.
    Cn,
    /// Singapore.
    Sgp,
    /// Seoul.
    Kr,
    /// Tokyo.
    Jpn,
    /// Frankfurt.
    Ger,
    /// Mumbai.
    Ind,
    /// Silicon Valley.
    Usa,
    /// Jakarta.
    Idn,
}

impl Region {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cn => "cn",
            Self::Sgp => "sgp",
            Self::Kr => "kr",
            Self::Jpn => "jpn",
            Self::Ger => "ger",
            Self::Ind => "ind",
            Self::Usa => "usa",
            Self::Idn => "idn",
        }
    }

    /// Its domains: first the one to use, then the one for trouble with the first one's DNS. Source: API page; for
    /// Tokyo and Jakarta "Disbanding a Group" as published now; for the backups the vendor's SDKs (spec section 1).
    pub const fn domains(self) -> [&'static str; 2] {
        match self {
            Self::Cn => ["console.tim.qq.com", "adminapi.my-imcloud.com"],
            Self::Sgp => ["adminapisgp.im.qcloud.com", "adminapisgp.my-imcloud.com"],
            Self::Kr => ["adminapikr.im.qcloud.com", "adminapikr.my-imcloud.com"],
            Self::Jpn => ["adminapijpn.im.qcloud.com", "adminapijpn.my-imcloud.com"],
            Self::Ger => ["adminapiger.im.qcloud.com", "adminapiger.my-imcloud.com"],
            Self::Ind => ["adminapiind.im.qcloud.com", "adminapiind.my-imcloud.com"],
            Self::Usa => ["adminapiusa.im.qcloud.com", "adminapiusa.my-imcloud.com"],
            Self::Idn => ["adminapiidn.im.qcloud.com", "adminapiidn.my-imcloud.com"],
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An address to call: scheme, host and port, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The address as a URL whose path is `/`.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether calls go unencrypted, which is for loopback addresses only.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.0.host())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no endpoint. Does not repeat the text: it may hold a password or a UserSig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEndpoint {
    /// No URL.
    #[error("the endpoint is not a URL such as https://adminapisgp.im.qcloud.com: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// Neither https nor http.
    #[error("the endpoint begins with {0}:, but only https is spoken")]
    Scheme(String),
    /// Unencrypted across a network.
    #[error(
        "the endpoint is plain http, which is only for a loopback address (127.0.0.0/8, ::1 or localhost): the \
         UserSig would cross the network in the clear"
    )]
    PlainHttp,
    /// A user name or password.
    #[error("the endpoint holds a user name or password; leave it out")]
    UserInfo,
    /// More than scheme, host and port.
    #[error("the endpoint goes on after host and port; leave out path, ? and #")]
    More,
}

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(NotAnEndpoint::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAnEndpoint::UserInfo);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(NotAnEndpoint::More);
        }
        if url.scheme() == "http" && !is_loopback(url.host()) {
            return Err(NotAnEndpoint::PlainHttp);
        }
        Ok(Self(url))
    }
}

fn is_loopback(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The addresses that a run may call, and the one that it calls now. Nothing else is ever sent a UserSig.
#[derive(Debug)]
pub struct Hosts {
    known: Box<[Endpoint]>,
    current: AtomicUsize,
}

impl Hosts {
    /// The two domains of a region, the primary one first.
    pub fn of_region(region: Region) -> Self {
        let known = region.domains().map(|domain| {
            format!("https://{domain}")
                .parse()
                .unwrap_or_else(|reason| unreachable!("{domain} of the table: {reason}"))
        });
        Self {
            known: Box::new(known),
            current: AtomicUsize::new(0),
        }
    }

    /// One address, and no other to turn to.
    pub fn only(endpoint: Endpoint) -> Self {
        Self {
            known: Box::new([endpoint]),
            current: AtomicUsize::new(0),
        }
    }

    /// One address and another to turn to, as a region has.
    pub fn with_backup(primary: Endpoint, backup: Endpoint) -> Self {
        Self {
            known: Box::new([primary, backup]),
            current: AtomicUsize::new(0),
        }
    }

    /// Where calls go now, and its number among the known ones.
    pub fn current(&self) -> (usize, &Endpoint) {
        let index = self.current.load(Ordering::Relaxed) % self.known.len();
        (index, &self.known[index])
    }

    /// Lets calls go to the next known address from now on; the first comes after the last. [`None`] if there is no
    /// other.
    pub fn switch(&self) -> Option<&Endpoint> {
        if self.known.len() < 2 {
            return None;
        }
        self.current.fetch_add(1, Ordering::Relaxed);
        Some(self.current().1)
    }

    /// All known addresses.
    pub fn known(&self) -> &[Endpoint] {
        &self.known
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_region_is_written_as_its_name() {
        for region in Region::value_variants() {
            assert_eq!(
                region.to_possible_value().unwrap().get_name(),
                region.name()
            );
        }
    }

    #[test]
    fn each_region_has_the_domains_of_the_spec() {
        let table: Vec<_> = Region::value_variants()
            .iter()
            .map(|region| {
                let [primary, backup] = region.domains();
                format!("{region} {primary} {backup}")
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        cn console.tim.qq.com adminapi.my-imcloud.com
        sgp adminapisgp.im.qcloud.com adminapisgp.my-imcloud.com
        kr adminapikr.im.qcloud.com adminapikr.my-imcloud.com
        jpn adminapijpn.im.qcloud.com adminapijpn.my-imcloud.com
        ger adminapiger.im.qcloud.com adminapiger.my-imcloud.com
        ind adminapiind.im.qcloud.com adminapiind.my-imcloud.com
        usa adminapiusa.im.qcloud.com adminapiusa.my-imcloud.com
        idn adminapiidn.im.qcloud.com adminapiidn.my-imcloud.com
        ");
    }

    #[test]
    fn a_switch_goes_round_the_known_hosts_and_stays_there() {
        let hosts = Hosts::of_region(Region::Sgp);
        let now = || hosts.current().1.to_string();
        assert_eq!(now(), "https://adminapisgp.im.qcloud.com");
        assert_eq!(
            hosts.switch().unwrap().to_string(),
            "https://adminapisgp.my-imcloud.com"
        );
        assert_eq!(now(), "https://adminapisgp.my-imcloud.com");
        assert_eq!(
            hosts.switch().unwrap().to_string(),
            "https://adminapisgp.im.qcloud.com"
        );
        assert_eq!(now(), "https://adminapisgp.im.qcloud.com");
    }

    #[test]
    fn an_address_given_by_hand_has_no_other_to_turn_to() {
        let hosts = Hosts::only("https://example.com".parse().unwrap());
        assert_eq!(hosts.switch(), None);
        assert_eq!(hosts.current().0, 0);
    }

    #[test]
    fn https_goes_anywhere_and_http_to_this_machine_only() {
        for (text, shown) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("HTTPS://Example.COM:8443", "https://example.com:8443"),
            ("https://10.0.0.1", "https://10.0.0.1"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9/", "http://127.9.9.9"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://LOCALHOST", "http://localhost"),
        ] {
            let endpoint = text.parse::<Endpoint>().unwrap();
            assert_eq!(endpoint.to_string(), shown);
            assert!(!endpoint.is_plain() || endpoint.is_loopback());
        }
    }

    #[test]
    fn anything_but_scheme_host_and_port_is_refused() {
        use NotAnEndpoint::*;
        for (text, why) in [
            ("http://example.com", PlainHttp),
            ("http://10.0.0.1", PlainHttp),
            ("http://128.0.0.1", PlainHttp),
            ("http://0.0.0.0", PlainHttp),
            ("http://[::]", PlainHttp),
            ("http://[::ffff:127.0.0.1]", PlainHttp),
            ("http://localhost.example.com", PlainHttp),
            ("http://127.0.0.1.example.com", PlainHttp),
            ("https://me@example.com", UserInfo),
            ("http://127.0.0.1@example.com", UserInfo),
            ("https://:secret@example.com", UserInfo),
            ("https://example.com/v4", More),
            ("https://example.com/?usersig=x", More),
            ("https://example.com?", More),
            ("https://example.com#", More),
            ("ftp://example.com", Scheme("ftp".to_owned())),
            ("localhost:8080", Scheme("localhost".to_owned())),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(why), "{text}");
        }
        for text in ["", "example.com", "https://", "https://a b"] {
            assert!(
                matches!(text.parse::<Endpoint>(), Err(NotAUrl(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_reason_does_not_repeat_the_text() {
        for text in [
            "https://example.com/?usersig=swordfish",
            "https://me:swordfish@example.com",
            "swordfish",
        ] {
            let reason = text.parse::<Endpoint>().unwrap_err();
            assert!(!format!("{reason} {reason:?}").contains("swordfish"));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_plain_http_stays_here(text in "(https?://)?.*") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert!(!endpoint.is_plain() || endpoint.is_loopback());
                prop_assert_eq!(endpoint.url().path(), "/");
            }
        }
    }
}
