//! The engine in virtual time: hours of a run within seconds, with every departure looked at.

mod decisions;
mod outages;
mod pace;
mod run;
mod scripted;
mod throttling;
