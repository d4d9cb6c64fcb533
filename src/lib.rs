//! Disbands Tencent Cloud Chat groups in bulk: at the service's pace, with every intent on disk before its call, and
//! one report row for each input record.
//!
//! The modules, in the order in which an ID meets them; `ARCHITECTURE.md` draws the picture.

pub mod group;
pub mod outcome;
pub mod record;
pub mod row;
pub mod wall;

pub mod verdict;

pub mod disband;
pub mod engine;
pub mod escape;
pub mod input;
pub mod ledger;
pub mod observe;
pub mod pace;
pub mod protect;
pub mod retry;
