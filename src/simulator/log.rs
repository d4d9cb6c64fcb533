//! What the simulator saw, for tests and for the person at the terminal.

use std::{collections::VecDeque, fmt, time::Duration};

use super::{check::Api, fault::Fault};

/// One call, as the service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When its head arrived, since the simulator started.
    pub at: Duration,
    /// Which call it was, if any that the service knows.
    pub api: Option<Api>,
    /// The group it named, if it got as far.
    pub group: Option<Box<str>>,
    /// `ErrorCode`, if the service's own well-formed answer was sent.
    pub code: Option<i64>,
    /// HTTP status, if an HTTP answer was sent.
    pub status: Option<u16>,
    /// The fault that it met, a script's and an outage's included.
    pub fault: Option<Fault>,
    /// Whether this very call disbanded the group.
    pub destroyed: bool,
    /// How it broke the protocol, if it did.
    pub violation: Option<&'static str>,
}

/// A violation of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, since the simulator started.
    pub at: Duration,
    /// What was wrong. Never holds any part of the request.
    pub what: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:.3} s: {}", self.at.as_secs_f64(), self.what)
    }
}

/// Counts since the simulator started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted.
    pub connections: u64,
    /// Calls that arrived.
    pub calls: u64,
    /// Calls that wait for their answer now.
    pub in_flight: u64,
    /// Groups disbanded.
    pub destroyed: u64,
    /// Calls answered 10010 honestly: the group was not there.
    pub missing: u64,
    /// Calls refused for the rate limit.
    pub throttled: u64,
    /// Calls that met a fault, a script's and an outage's included.
    pub faults: u64,
    /// Violations of the protocol.
    pub violations: u64,
    /// The most calls of `destroy_group` that arrived in any one second, wherever it starts.
    pub max_in_one_second: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls on {} connections, at most {} in one second: {} groups disbanded, {} not there, {} calls \
             refused for the rate limit, {} met a fault, {} violated the protocol",
            self.calls,
            self.connections,
            self.max_in_one_second,
            self.destroyed,
            self.missing,
            self.throttled,
            self.faults,
            self.violations
        )
    }
}

/// The newest few of what came; older ones make room.
#[derive(Debug)]
pub(super) struct Ring<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T: Clone> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
        }
    }

    pub(super) fn push(&mut self, item: T) {
        if self.capacity == 0 {
            return;
        }
        if self.items.len() >= self.capacity {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    pub(super) fn to_vec(&self) -> Vec<T> {
        self.items.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_the_newest() {
        let mut ring = Ring::new(3);
        (0..10).for_each(|n| ring.push(n));
        assert_eq!(ring.to_vec(), [7, 8, 9]);
        let mut none = Ring::new(0);
        none.push(1);
        assert!(none.to_vec().is_empty());
    }
}
