//! Disbands Tencent Cloud Chat groups in bulk: at the service's pace, with every intent on disk before its call, and
//! one report row for each input record.
//!
//! The modules, in the order in which an ID meets them; `ARCHITECTURE.md` draws the picture.

pub mod input;

pub mod escape;
pub mod figures;
pub mod group;
pub mod outcome;
pub mod record;
pub mod row;
pub mod secret;
pub mod wall;

pub mod verdict;

pub mod disband;
pub mod engine;
pub mod escape;
pub mod input;
pub mod ledger;
pub mod metrics;
pub mod lock;
pub mod observe;

pub mod cli;
pub mod commands;
pub mod config;
pub mod confirm;
pub mod error;
pub mod exit;
pub mod logging;
pub mod progress;
pub mod protect;
pub mod replace;
pub mod report;
pub mod secret;
pub mod settings;
pub mod simulator;
pub mod tencent;
pub mod pace;
pub mod protect;
pub mod retry;
