//! Disbands an iterator of IDs and prints what became of each: `cargo run --example disband_iterator`.
//!
//! The service is a simulator here; for the real one, `Hosts::of_region(Region::Sgp)` and your app's own key.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, num::NonZeroU32, sync::Arc};

use disband_batch::{
    engine::{self, Audience, Intake, Plan, Stopper},
    ledger::{Ledger, NewRun},
    secret::Secret,
    simulator::{Simulator, SimulatorOptions},
    tencent::{client::*, hosts::Hosts},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = SimulatorOptions::sample();
    let (app, admin) = (options.sdkappid, options.identifier.clone());
    let key = Secret::new(options.key.expose().to_owned());
    let service = Simulator::start(options)?;

    let hosts = Hosts::only(service.url().parse()?);
    let client = Client::new(ClientSettings::signing(hosts, app, &admin, key))?;
    let ledger = Ledger::in_memory()?; // Ledger::open(directory) remembers.
    let run = ledger
        .begin(NewRun::of_program(app, &service.url(), &admin))
        .await?;
    let plan = Plan::new(NonZeroU32::new(200).ok_or("no rate")?);

    let ids = Intake::of_ids((1..=500).map(|n| format!("team-{n}")))?;
    let print = Audience::of_rows(|row| println!("{}: {}", row.group_id, row.outcome));
    let end = engine::run(Arc::new(client), run, plan, ids, print, Stopper::default()).await?;
    println!(
        "{} calls, {} retries",
        end.snapshot.calls, end.snapshot.retries
    );
    Ok(())
}
