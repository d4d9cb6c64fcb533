//! The program as its users meet it: the real executable, driven from outside, against the simulator in this process.
//!
//! Nothing here sleeps: tests wait for what the simulator sees, for pipes and for processes, each with a time limit.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod support;

mod nightly;
mod reports;
mod resume;
mod runs;
mod safety;
mod secrets;
mod signals;
mod stops;
mod streaming;
