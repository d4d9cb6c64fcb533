//! The program's modules that read what comes from outside, by their path, and the entries to them.

#![allow(dead_code, reason = "a part of the program, of which the entries use a part")]

extern crate self as disband_batch;

#[path = "../../src/group.rs"]
pub mod group;
#[path = "../../src/input/mod.rs"]
pub mod input;
#[path = "../../src/record.rs"]
pub mod record;
#[path = "../../src/secret.rs"]
pub mod secret;
#[path = "../../src/verdict.rs"]
pub mod verdict;

#[path = "../../src/tencent"]
pub mod tencent {
    //! What the service sends.

    pub mod fault;
    pub mod usersig;
    pub mod wire;
}

#[path = "../../tests/replay/entry.rs"]
mod entry;

/// Gives the bytes to the entry of this name.
///
/// # Panics
/// If there is no such entry, or what must hold there does not.
pub fn enter(name: &str, bytes: &[u8]) {
    let entry = entry::ENTRIES.iter().find(|(known, _)| *known == name);
    let (_, entry) = entry.unwrap_or_else(|| panic!("no entry is named {name}"));
    entry(bytes);
}
