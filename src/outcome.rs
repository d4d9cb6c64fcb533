//! What became of a record.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The fate of one input record. Names are an interface: they stand in reports, summaries and the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The service answered 0.
    Disbanded,
    /// 10010, and no earlier call of ours may have acted.
    AlreadyGone,
    /// 10010 after a call of ours that may have acted: most likely that call did it.
    PresumedDisbanded,
    /// A final refusal of this group.
    Failed,
    /// Attempts used up on errors worth retrying.
    Exhausted,
    /// Not a group ID; never sent.
    Invalid,
    /// Seen before in this run's input; not sent again.
    Duplicate,
    /// On a protect list; never sent.
    Protected,
    /// Read, but the run stopped before its call was answered for good.
    NotAttempted,
    /// A dry run would have called.
    WouldDisband,
}

/// What an outcome counts as in the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The group is no more: the aim is reached.
    Gone,
    /// Somebody should look at it.
    Failure,
    /// Neither.
    Neutral,
}

impl Outcome {
    /// All outcomes, in the order in which people are told of them.
    pub const ALL: [Self; 10] = [
        Self::Disbanded,
        Self::AlreadyGone,
        Self::PresumedDisbanded,
        Self::Failed,
        Self::Exhausted,
        Self::Invalid,
        Self::Duplicate,
        Self::Protected,
        Self::NotAttempted,
        Self::WouldDisband,
    ];

    /// The name in reports, summaries and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disbanded => "disbanded",
            Self::AlreadyGone => "already_gone",
            Self::PresumedDisbanded => "presumed_disbanded",
            Self::Failed => "failed",
            Self::Exhausted => "exhausted",
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Protected => "protected",
            Self::NotAttempted => "not_attempted",
            Self::WouldDisband => "would_disband",
        }
    }

    /// What it counts as.
    pub const fn class(self) -> Class {
        match self {
            Self::Disbanded | Self::AlreadyGone | Self::PresumedDisbanded => Class::Gone,
            Self::Failed | Self::Exhausted | Self::Invalid => Class::Failure,
            Self::Duplicate | Self::Protected | Self::NotAttempted | Self::WouldDisband => {
                Class::Neutral
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no outcome has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no outcome named {0:?}")]
pub struct UnknownOutcome(String);

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(name: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL
            .into_iter()
            .find(|o| o.name() == name)
            .ok_or_else(|| UnknownOutcome(name.to_owned()))
    }
}

/// How many records had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; Outcome::ALL.len()]);

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        self.add_many(outcome, 1);
    }

    /// Counts `n` more.
    pub fn add_many(&mut self, outcome: Outcome, n: u64) {
        self.0[outcome as usize] += n;
    }

    /// How many had this outcome.
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// How many there are of a class.
    pub fn of_class(&self, class: Class) -> u64 {
        self.iter()
            .filter(|(outcome, _)| outcome.class() == class)
            .map(|(_, n)| n)
            .sum()
    }

    /// How many records have an outcome.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each outcome with its count, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, self.get(outcome)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.name().parse(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
        assert!("gone".parse::<Outcome>().is_err());
    }

    #[test]
    fn a_tally_counts_by_class() {
        let mut tally = Tally::default();
        for outcome in Outcome::ALL {
            tally.add(outcome);
        }
        assert_eq!(tally.of_class(Class::Gone), 3);
        assert_eq!(tally.of_class(Class::Failure), 3);
        assert_eq!(tally.of_class(Class::Neutral), 4);
        assert_eq!(tally.total(), 10);
    }
}
