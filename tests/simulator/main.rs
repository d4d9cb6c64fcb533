//! The simulator over real sockets, called by a caller that knows nothing but the API page.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod caller;
mod faults;
mod outages;
mod protocol;
mod rate;
