//! Disbands Tencent Cloud Chat groups in bulk: at the service's pace, with every intent on disk before its call, and
//! one report row for each input record.
//!
//! The modules, in the order in which an ID meets them; `ARCHITECTURE.md` draws the picture.

// The nouns that every module shares.
pub mod group;
pub mod outcome;
pub mod record;
pub mod row;
pub mod secret;
pub mod verdict;
pub mod wall;

// The seams: the call, the ledger, those who watch.
pub mod disband;
pub mod ledger;
pub mod lock;
pub mod observe;

// From bytes to records, and which of them are never called.
pub mod input;
pub mod protect;

// What is called next, and when.
pub mod engine;
pub mod pace;
pub mod retry;

// The service, and one that is like it.
pub mod simulator;
pub mod tencent;

// What a run leaves behind and shows.
pub mod escape;
pub mod figures;
pub mod metrics;
pub mod progress;
pub mod replace;
pub mod report;

// The command line, and the jobs that put the rooms together.
pub mod cli;
pub mod commands;
pub mod config;
pub mod confirm;
pub mod error;
pub mod exit;
pub mod logging;
pub mod settings;
