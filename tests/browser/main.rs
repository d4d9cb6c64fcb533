//! The page about a run in a real browser: headless Chromium, driven by ChromeDriver.
//!
//! Needs Debian's packages `chromium` and `chromium-driver`, or a `chromedriver` of the same version as its browser in the
//! path. Asked for by `cargo test --features browser-tests --test browser`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod driver;
mod many;
mod page;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../jobs/program.rs"]
mod program;
