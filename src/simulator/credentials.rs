//! Whether a call comes from the app's admin.

use super::{
    check::{BROKEN_USERSIG, Query, Refusal},
    options::{Key, SimulatorOptions},
    usersig::Claims,
};

/// The app, its admin and its key, against which every call is held.
pub(super) struct Credentials {
    sdkappid: u64,
    identifier: String,
    key: Key,
    clock: fn() -> i64,
    /// How far the service's clock is ahead of the wall clock.
    pub(super) clock_offset_s: i64,
    verified: Option<Verified>,
}

/// The UserSig that verified last, so that the next call with it costs no cryptography.
struct Verified {
    usersig: String,
    claims: Claims,
}

impl Credentials {
    pub(super) fn new(options: &SimulatorOptions) -> Self {
        Self {
            sdkappid: options.sdkappid,
            identifier: options.identifier.clone(),
            key: options.key.clone(),
            clock: options.clock,
            clock_offset_s: 0,
            verified: None,
        }
    }

    /// Lets an admin of the app in; else says why not, as spec section 5.3 has it.
    pub(super) fn check(&mut self, query: &Query<'_>) -> Result<(), Refusal> {
        if query.sdkappid != self.sdkappid {
            return Err(Refusal::plain(70020));
        }
        let known = self
            .verified
            .take()
            .filter(|known| known.usersig == query.usersig);
        let fresh = known.is_none();
        let verified = match known {
            Some(known) => known,
            None => Verified {
                usersig: query.usersig.clone().into_owned(),
                claims: Claims::decode(&query.usersig).ok_or(BROKEN_USERSIG)?,
            },
        };
        let claims = &verified.claims;
        if claims.identifier != query.identifier {
            return Err(Refusal::plain(70013));
        }
        if claims.sdkappid != query.sdkappid {
            return Err(Refusal::plain(70014));
        }
        if fresh && !claims.verifies(&self.key) {
            return Err(Refusal::plain(70009));
        }
        let now_s = (self.clock)().saturating_add(self.clock_offset_s);
        if claims.expires_at_s() <= now_s {
            return Err(Refusal::plain(70001));
        }
        if claims.identifier != self.identifier {
            return Err(Refusal::plain(60010));
        }
        self.verified = Some(verified);
        Ok(())
    }
}
