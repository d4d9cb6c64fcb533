//! The engine in virtual time: hours of a run within seconds, with every departure looked at.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod decisions;
mod outages;
mod pace;
mod run;
mod scripted;
mod throttling;
