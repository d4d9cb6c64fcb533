//! Which groups meet which fault: decided by a hash of seed and group ID, so that a run can be repeated.

use std::{fmt, num::NonZeroU32, str::FromStr};

use super::{
    draw::Draw,
    fault::{Fault, NotAFault},
};

/// A whole, in the millionths in which shares are counted.
const WHOLE_PPM: u32 = 1_000_000;

/// A fault, and how many groups meet it how often. Written as `FAULT:SHARE%[xTIMES]`: `10002:5%x2` is "5 % of the groups
/// are answered 10002 twice", `lost:1%` is "1 % lose one answer", `10007:0.2%x*` is "0.2 % are always answered 10007".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The fault.
    pub fault: Fault,
    /// Groups that meet it, in millionths of all groups.
    pub share_ppm: u32,
    /// How many calls for such a group meet it before the honest answer; `None` is all of them.
    pub times: Option<NonZeroU32>,
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARule {
    /// Other parts than it should have.
    #[error("write a fault as FAULT:SHARE%[xTIMES], for example 10002:5%x2 or lost:1%, not {0:?}")]
    Form(String),
    /// The fault itself.
    #[error(transparent)]
    Fault(#[from] NotAFault),
    /// The share.
    #[error(
        "the share of a fault is a percentage of all groups, above 0% and up to 100%, not {0:?}"
    )]
    Share(String),
    /// The number of times.
    #[error("a fault strikes a group x1, x2, ... times, or always (x*), not x{0}")]
    Times(String),
}

impl FromStr for FaultRule {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let form = || NotARule::Form(text.to_owned());
        let (fault, rest) = text.split_once(':').ok_or_else(form)?;
        let (share, times) = rest.split_once('%').ok_or_else(form)?;
        let times = match times.strip_prefix('x') {
            None if times.is_empty() => Some(NonZeroU32::MIN),
            None => return Err(form()),
            Some("*") => None,
            Some(n) => Some(n.parse().map_err(|_| NotARule::Times(n.to_owned()))?),
        };
        Ok(Self {
            fault: fault.parse()?,
            share_ppm: ppm(share).ok_or_else(|| NotARule::Share(format!("{share}%")))?,
            times,
        })
    }
}

fn ppm(percent: &str) -> Option<u32> {
    let ppm = percent.parse::<f64>().ok()? * f64::from(WHOLE_PPM / 100);
    // Also refuses what is no number.
    let in_range = ppm >= 0.5 && ppm <= f64::from(WHOLE_PPM);
    in_range.then(|| ppm.round() as u32)
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = f64::from(self.share_ppm) / f64::from(WHOLE_PPM / 100);
        write!(f, "{}:{percent}%", self.fault)?;
        match self.times {
            Some(NonZeroU32::MIN) => Ok(()),
            Some(n) => write!(f, "x{n}"),
            None => f.write_str("x*"),
        }
    }
}

/// Rules that share the groups out among them: a group falls under one rule at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan(Vec<FaultRule>);

/// The shares of all rules together are more than all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the shares of all faults together are {}% of the groups, and a group falls under one rule at most: lower them to \
     100% or less",
    f64::from(u32::try_from(*total_ppm).unwrap_or(u32::MAX)) / f64::from(WHOLE_PPM / 100)
)]
pub struct OverSubscribed {
    /// The sum, in millionths.
    pub total_ppm: u64,
}

impl FaultPlan {
    /// Makes a plan of rules.
    ///
    /// # Errors
    /// [`OverSubscribed`] if the shares add up to more than all groups.
    pub fn new(rules: impl IntoIterator<Item = FaultRule>) -> Result<Self, OverSubscribed> {
        let rules: Vec<_> = rules.into_iter().collect();
        let total_ppm = rules.iter().map(|rule| u64::from(rule.share_ppm)).sum();
        if total_ppm > u64::from(WHOLE_PPM) {
            return Err(OverSubscribed { total_ppm });
        }
        Ok(Self(rules))
    }

    /// The rules, in the order in which they share out the groups.
    pub fn rules(&self) -> &[FaultRule] {
        &self.0
    }

    /// The rule that a group falls under.
    pub(super) fn rule_for(&self, draw: &Draw) -> Option<&FaultRule> {
        let mut left = draw.fault_below(WHOLE_PPM);
        self.0.iter().find(|rule| {
            let hit = left < rule.share_ppm;
            left = left.wrapping_sub(rule.share_ppm);
            hit
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulator::fault::{FaultKind, Stage};

    fn plan(rules: &[&str]) -> FaultPlan {
        FaultPlan::new(rules.iter().map(|rule| rule.parse().unwrap())).unwrap()
    }

    #[test]
    fn a_rule_says_fault_share_and_times() {
        let rule: FaultRule = "10002:5%x2".parse().unwrap();
        assert_eq!(
            (rule.fault, rule.share_ppm, rule.times),
            (Fault::code(10002), 50_000, NonZeroU32::new(2))
        );
        let rule: FaultRule = "lost:0.1%".parse().unwrap();
        assert_eq!(
            (rule.fault, rule.share_ppm, rule.times),
            (Fault::LOST, 1_000, NonZeroU32::new(1))
        );
        let rule: FaultRule = "10007@after:100%x*".parse().unwrap();
        assert_eq!((rule.fault.stage, rule.times), (Stage::After, None));
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, words) in [
            ("10002", "FAULT:SHARE%"),
            ("10002:5", "FAULT:SHARE%"),
            ("10002:5%2", "FAULT:SHARE%"),
            ("10002:five%", "not \"five%\""),
            ("10002:0%", "above 0%"),
            ("10002:-1%", "above 0%"),
            ("10002:NaN%", "above 0%"),
            ("10002:101%", "up to 100%"),
            ("10002:5%x0", "not x0"),
            ("10002:5%xx", "not xx"),
            ("explode:5%", "no fault \"explode\""),
        ] {
            let said = text.parse::<FaultRule>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
        let said = FaultPlan::new(["502:60%", "lost:60.5%"].map(|rule| rule.parse().unwrap()))
            .unwrap_err()
            .to_string();
        assert!(said.contains("120.5% of the groups"), "{said}");
    }

    #[test]
    fn each_rule_meets_its_share_of_the_groups_and_no_group_meets_two() {
        let plan = plan(&["10002:5%x2", "502:2%", "lost:1%"]);
        let mut hits = [0; 4];
        for n in 0..20_000 {
            let rule = plan.rule_for(&Draw::new(1, &format!("group-{n}")));
            hits[rule.map_or(3, |rule| {
                plan.rules().iter().position(|r| r == rule).unwrap()
            })] += 1;
        }
        // Binomial: three standard deviations of 5 % of 20,000 are 92.
        for (hit, expected) in hits.into_iter().zip([1_000_i32, 400, 200, 18_400]) {
            assert!((hit - expected).abs() < 130, "{hits:?}");
        }
    }

    #[test]
    fn the_seed_decides_which_groups_and_nothing_else_does() {
        let plan = plan(&["10002:10%"]);
        let met = |seed| -> Vec<usize> {
            (0..500)
                .filter(|n| plan.rule_for(&Draw::new(seed, &format!("g{n}"))).is_some())
                .collect()
        };
        assert_eq!(met(7), met(7));
        assert_ne!(met(7), met(8));
    }

    #[test]
    fn a_whole_share_meets_everybody() {
        let plan = plan(&["502:50%", "hang:50%"]);
        assert!((0..1_000).all(|n| plan.rule_for(&Draw::new(n, "g")).is_some()));
    }

    proptest! {
        #[test]
        fn every_rule_reads_back_from_its_own_words(
            code in prop_oneof![1_i64..200, 600_i64..99_999, -99_999_i64..0],
            ppm in 1..=WHOLE_PPM,
            times in proptest::option::of(1_u32..1_000),
            after: bool,
        ) {
            let kind = FaultKind::Code(code);
            let rule = FaultRule {
                fault: if after { Fault::after(kind) } else { Fault::before(kind) },
                share_ppm: ppm,
                times: times.and_then(NonZeroU32::new),
            };
            prop_assert_eq!(rule.to_string().parse(), Ok(rule));
        }

        #[test]
        fn no_text_makes_a_rule_panic(text in ".{0,40}") {
            let _ = text.parse::<FaultRule>();
        }
    }
}
