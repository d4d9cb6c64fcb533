//! What kind of service to simulate.

use std::{
    collections::BTreeSet, fmt, net::SocketAddr, num::NonZeroUsize, str::FromStr, time::Duration,
};

use zeroize::Zeroizing;

use super::{
    draw::Draw,
    plan::{FaultPlan, FaultRule, NotARule},
};
use crate::wall::UnixMillis;

/// The calls of `destroy_group` that the service takes in a second, from everybody together (the API page).
pub const DESTROY_GROUP_PER_SECOND: u32 = 200;

/// A secret key, which never prints itself.
#[derive(Clone)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// Takes the key as the console shows it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The key itself, for whoever signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Which groups there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Every well-formed ID is a group until it is disbanded, so that any input fits.
    Any,
    /// These and no others.
    Listed(BTreeSet<String>),
}

/// How long an answer takes, spread evenly from `min` to `max`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    min: Duration,
    max: Duration,
}

impl Latency {
    /// The same for every call.
    pub const fn fixed(latency: Duration) -> Self {
        Self {
            min: latency,
            max: latency,
        }
    }

    /// Spread evenly between the two, whichever comes first.
    pub fn between(one: Duration, other: Duration) -> Self {
        Self {
            min: one.min(other),
            max: one.max(other),
        }
    }

    /// The shortest, for calls that name no group.
    pub(super) fn least(&self) -> Duration {
        self.min
    }

    /// The latency of a group's call number `call`.
    pub(super) fn of(&self, draw: &Draw, call: u32) -> Duration {
        let spread = u64::try_from((self.max - self.min).as_micros()).unwrap_or(u64::MAX);
        self.min + Duration::from_micros(draw.latency_below(call, spread.saturating_add(1)))
    }
}

/// A text that is no latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a latency is a duration (50ms) or a range of them (20ms..60ms), not {0:?}")]
pub struct NotALatency(String);

impl FromStr for Latency {
    type Err = NotALatency;

    fn from_str(text: &str) -> Result<Self, NotALatency> {
        let duration = |part: &str| {
            humantime::parse_duration(part.trim()).map_err(|_| NotALatency(text.to_owned()))
        };
        match text.split_once("..") {
            None => duration(text).map(Self::fixed),
            Some((min, max)) => {
                let (min, max) = (duration(min)?, duration(max)?);
                if min > max {
                    return Err(NotALatency(text.to_owned()));
                }
                Ok(Self::between(min, max))
            }
        }
    }
}

/// The simulated service: its app, its limit, its manners. Start from [`SimulatorOptions::plain`] for tests or
/// [`SimulatorOptions::sample`] for a show, and change what matters.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The one app that the service knows.
    pub sdkappid: u64,
    /// The app's one admin account.
    pub identifier: String,
    /// The app's key.
    pub key: Key,
    /// Decides which groups meet which fault and latency.
    pub seed: u64,
    /// Which groups there are.
    pub groups: Groups,
    /// Calls of `destroy_group` that are let through in any one second; `None` is no limit.
    pub rate_limit: Option<u32>,
    /// The code for a call over the limit: 60011 (this app) or 60007 (this API).
    pub rate_code: i64,
    /// Whether refused calls count against the limit as well; unknown of the service, so the strictest is assumed.
    pub refused_count: bool,
    /// Calls a second that another program of the same app takes out of the limit, evenly.
    pub other_load: u32,
    /// How long an answer takes. The service acts at once and answers that much later.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// Calls that the log keeps, newest first to stay; 0 keeps none.
    pub log_capacity: usize,
    /// Groups of which the simulator remembers that it disbanded them, at least; then the oldest are forgotten, and exist
    /// again under [`Groups::Any`]. `None` remembers all, in some 50 bytes each: memory then grows with the groups.
    pub remember: Option<NonZeroUsize>,
    /// Whether a connection serves more than one call.
    pub keep_alive: bool,
    /// The wall clock in Unix seconds, against which UserSigs expire.
    pub clock: fn() -> i64,
}

/// The system's wall clock in Unix seconds.
pub fn wall_clock_s() -> i64 {
    UnixMillis::now().0.div_euclid(1_000)
}

/// The sample's app.
pub const SAMPLE_SDKAPPID: u64 = 1_400_000_000;
/// The sample's admin.
pub const SAMPLE_IDENTIFIER: &str = "administrator";
/// The sample's key: invented, and printed here for everybody, so it opens nothing.
const SAMPLE_KEY: &str = "5a3d9e0c71b84f26a0d2c6e7f8193b4455d6e7f8091a2b3c4d5e6f708192a3b4";

/// What goes wrong in the sample: of some 2,000 groups about 60 need three calls, some 20 meet the network's faults, and
/// some ten are refused or gone.
const SAMPLE_FAULTS: [&str; 6] = [
    "10002:3%x2",
    "502:0.5%",
    "lost:0.5%",
    "10007:0.2%x*",
    "10010:0.2%x*",
    "10015:0.1%x*",
];

/// Groups that the sample remembers: enough for any repeated call, in a few megabytes.
const SAMPLE_REMEMBERS: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

impl SimulatorOptions {
    /// The sample's app on a free loopback port, any group, the service's limit, no latency, no faults, no log.
    pub fn plain() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            sdkappid: SAMPLE_SDKAPPID,
            identifier: SAMPLE_IDENTIFIER.to_owned(),
            key: Key::new(SAMPLE_KEY),
            seed: 1,
            groups: Groups::Any,
            rate_limit: Some(DESTROY_GROUP_PER_SECOND),
            rate_code: 60011,
            refused_count: true,
            other_load: 0,
            latency: Latency::default(),
            faults: FaultPlan::default(),
            log_capacity: 0,
            remember: None,
            keep_alive: true,
            clock: wall_clock_s,
        }
    }

    /// What `--simulate` runs against: a service with a few faults, chosen by hash, in flat memory.
    pub fn sample() -> Self {
        Self {
            seed: 20_241_123,
            latency: Latency::between(Duration::from_millis(20), Duration::from_millis(60)),
            faults: sample_faults().unwrap_or_default(),
            remember: Some(SAMPLE_REMEMBERS),
            ..Self::plain()
        }
    }

    /// A UserSig of this app and admin, made now, as the console's tool would make it.
    pub fn usersig(&self, lifetime: Duration) -> String {
        let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        super::usersig::sign(
            &self.key,
            self.sdkappid,
            &self.identifier,
            (self.clock)(),
            lifetime_s,
        )
    }
}

fn sample_faults() -> Result<FaultPlan, NotARule> {
    let rules: Vec<FaultRule> = SAMPLE_FAULTS
        .iter()
        .map(|rule| rule.parse())
        .collect::<Result<_, _>>()?;
    Ok(FaultPlan::new(rules).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_shows_every_fault_to_a_few_of_two_thousand_groups() {
        let options = SimulatorOptions::sample();
        assert_eq!(options.faults.rules().len(), SAMPLE_FAULTS.len());
        let mut hits = vec![0; SAMPLE_FAULTS.len()];
        for n in 0..2_000 {
            let draw = Draw::new(options.seed, &format!("@TGS#2SAMPLE{n}"));
            if let Some(rule) = options.faults.rule_for(&draw) {
                let at = options.faults.rules().iter().position(|r| r == rule);
                hits[at.unwrap()] += 1;
            }
        }
        assert!(hits.iter().all(|&n| n > 0), "{hits:?}");
        assert!((40..80).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn a_latency_is_a_duration_or_a_range() {
        let ms = Duration::from_millis;
        assert_eq!("50ms".parse(), Ok(Latency::fixed(ms(50))));
        assert_eq!("20ms..1s".parse(), Ok(Latency::between(ms(20), ms(1_000))));
        assert!("60ms..20ms".parse::<Latency>().is_err());
        assert_eq!(
            "fast".parse::<Latency>().unwrap_err().to_string(),
            "a latency is a duration (50ms) or a range of them (20ms..60ms), not \"fast\""
        );
    }

    #[test]
    fn latencies_fill_their_range_and_repeat_with_the_seed() {
        let range = Latency::between(Duration::from_millis(20), Duration::from_millis(60));
        let all = || (0..1_000).map(|n| range.of(&Draw::new(3, &format!("g{}", n / 4)), n % 4));
        let mean = all().sum::<Duration>() / 1_000;
        assert!(all().all(|l| l >= range.min && l <= range.max));
        assert!((38..=42).contains(&mean.as_millis()), "{mean:?}");
        assert!(all().eq(all()));
        let draw = Draw::new(3, "g");
        assert_ne!(range.of(&draw, 1), range.of(&draw, 2));
        assert_eq!(Latency::default().of(&draw, 1), Duration::ZERO);
    }

    #[test]
    fn the_key_never_prints() {
        let shown = format!("{:?}", SimulatorOptions::sample());
        assert!(!shown.contains(SAMPLE_KEY), "{shown}");
    }
}
