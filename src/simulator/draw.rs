//! Chance by hash: what happens to a group follows from seed and ID alone, never from the order of calls.

use sha2::{Digest, Sha256};

/// What chance has in store for one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    /// Names the group in the simulator's memory: 16 bytes instead of the ID.
    pub(super) key: u128,
    fault: u64,
    latency: u64,
}

/// 2^64 divided by the golden ratio: multiples of it, taken modulo 2^64, spread evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Draw {
    pub(super) fn new(seed: u64, group: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update(group)
            .finalize();
        let word = |at: usize| {
            hash.iter()
                .skip(at)
                .take(8)
                .fold(0_u64, |word, &byte| word << 8 | u64::from(byte))
        };
        Self {
            key: u128::from(word(0)) << 64 | u128::from(word(8)),
            fault: word(16),
            latency: word(24),
        }
    }

    /// A uniform number below `n` that decides about faults; the same for each call of the group.
    pub(super) fn fault_below(&self, n: u32) -> u32 {
        scale(self.fault, u64::from(n)) as u32
    }

    /// A uniform number below `n` that decides about the latency of the group's call number `call`.
    pub(super) fn latency_below(&self, call: u32, n: u64) -> u64 {
        scale(
            self.latency
                .wrapping_add(GOLDEN.wrapping_mul(u64::from(call))),
            n,
        )
    }
}

/// Maps the whole range of `u64` evenly onto `0..n`.
fn scale(word: u64, n: u64) -> u64 {
    ((u128::from(word) * u128::from(n)) >> 64) as u64
}
