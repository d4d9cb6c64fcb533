//! How long a UserSig made elsewhere has to hold.

use std::time::Duration;

use crate::{error::Error, settings::RunSettings};

use super::inputs::Opened;

/// What it must hold for at least, where the run's length can't be told: a quarter of an hour.
const AT_LEAST: Duration = Duration::from_secs(15 * 60);

/// How long the run will likely take. Reads input files once to count their records.
pub(super) fn likely(settings: &RunSettings, inputs: &Opened) -> Result<Duration, Error> {
    let groups = match settings.safety.limit {
        Some(limit) => Some(limit.get()),
        None => inputs.count_records()?,
    };
    Ok(match groups {
        None => AT_LEAST,
        Some(groups) => Duration::from_secs(groups / u64::from(settings.pace.rate.get()))
            .max(settings.calls.timeout),
    })
}
