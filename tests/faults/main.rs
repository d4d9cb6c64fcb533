//! Every answer that can come, over real HTTP, and what the contract demands of it. The engine, the client and an
//! in-memory ledger run in the test's process; the simulator is a server of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod clocks;
mod codes;
mod hostile;
mod hosts;
mod oracle;
mod outages;
mod rig;
mod spec;
mod transport;
