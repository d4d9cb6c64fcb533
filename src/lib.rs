//! Disbands Tencent Cloud Chat groups in bulk: at the service's pace, with every intent on disk before its call, and
//! one report row for each input record.
//!
//! As a library, on a simulator of the service (`examples/disband_iterator.rs` has it as a program):
//!
//! ```
//! use std::{num::NonZeroU32, sync::Arc};
//! use disband_batch::{
//!     engine::{self, Audience, Intake, Plan, Stopper},
//!     ledger::{Ledger, NewRun},
//!     outcome::Outcome,
//!     secret::Secret,
//!     simulator::{Simulator, SimulatorOptions},
//!     tencent::{client::{Client, ClientSettings}, hosts::Hosts},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = SimulatorOptions::plain();
//! let (app, admin) = (options.sdkappid, options.identifier.clone());
//! let key = Secret::new(options.key.expose().to_owned());
//! let service = Simulator::start(options)?;
//!
//! let hosts = Hosts::only(service.url().parse()?); // Hosts::of_region(Region::Sgp) for the real one
//! let client = Client::new(ClientSettings::signing(hosts, app, &admin, key))?;
//! let run = NewRun::of_program(app, &service.url(), &admin);
//! let run = Ledger::in_memory()?.begin(run).await?; // Ledger::open(directory) remembers
//! let ids = Intake::of_ids(["team-1", "team-2", "team-1", "no group: \u{e9}"])?;
//! let show = Audience::of_rows(|row| println!("{}: {}", row.group_id, row.outcome));
//! let plan = Plan::new(NonZeroU32::new(200).ok_or("no rate")?);
//! let end = engine::run(Arc::new(client), run, plan, ids, show, Stopper::default()).await?;
//!
//! let outcomes = end.snapshot.outcomes;
//! assert_eq!(outcomes.get(Outcome::Disbanded), 2);
//! assert_eq!(outcomes.get(Outcome::Duplicate), 1);
//! assert_eq!(outcomes.get(Outcome::Invalid), 1);
//! # Ok(())
//! # }
//! ```
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
