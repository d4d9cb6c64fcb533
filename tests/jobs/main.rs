//! The jobs beside the main one, as a user types them: the real program against the simulator.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod check;
mod during_a_run;
mod program;
mod report;
mod runs;
mod simulator;
