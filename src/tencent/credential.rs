//! The UserSig that calls carry: made here and renewed in time, or made elsewhere and used as it is.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::usersig;
use crate::{disband::CannotRenew, secret::Secret};

/// For how long a UserSig that is made here holds.
///
/// The vendor advises 24 hours or more ("Error Codes", 70001). A week keeps them valid when this machine's clock jumps by
/// hours or days, either way, and is as harmless: they live in this process and its calls only.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// A moment on both clocks: the steady one, which stands still while a machine sleeps, and the wall's, which jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// On the steady clock.
    pub steady: Instant,
    /// On the wall clock, in seconds since the Unix epoch.
    pub unix_s: u64,
}

impl Moment {
    /// Reads both clocks.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            steady: Instant::now(),
            unix_s: since.as_secs(),
        }
    }
}

/// One UserSig and its number, counted from 1 as they are made.
#[derive(Debug)]
pub struct Credential {
    /// Its number.
    pub generation: u64,
    /// The UserSig.
    pub usersig: Secret,
    made_at: Moment,
}

/// Hands out the current UserSig to all workers.
pub struct Credentials {
    signer: Option<Signer>,
    current: Mutex<Arc<Credential>>,
}

/// What makes UserSigs.
struct Signer {
    key: Secret,
    identifier: String,
    sdkappid: u64,
    lifetime: Duration,
}

impl Signer {
    fn sign(&self, generation: u64, now: Moment) -> Arc<Credential> {
        Arc::new(Credential {
            generation,
            usersig: usersig::sign(
                &self.key,
                &self.identifier,
                self.sdkappid,
                now.unix_s,
                self.lifetime,
            ),
            made_at: now,
        })
    }

    /// Whether a UserSig should be replaced: a quarter of its time is left by either clock, or the wall clock went back
    /// to before it was made.
    fn is_due(&self, made_at: Moment, now: Moment) -> bool {
        let used = self.lifetime / 4 * 3;
        now.steady.saturating_duration_since(made_at.steady) >= used
            || now
                .unix_s
                .checked_sub(made_at.unix_s)
                .is_none_or(|age_s| age_s >= used.as_secs())
    }
}

impl Credentials {
    /// Signs with the app's key, anew when a quarter of `lifetime` is left; see [`LIFETIME`].
    pub fn signing(
        key: Secret,
        identifier: &str,
        sdkappid: u64,
        lifetime: Duration,
        now: Moment,
    ) -> Self {
        let signer = Signer {
            key,
            identifier: identifier.to_owned(),
            sdkappid,
            lifetime,
        };
        Self {
            current: Mutex::new(signer.sign(1, now)),
            signer: Some(signer),
        }
    }

    /// Uses a UserSig that was made elsewhere, for as long as it holds.
    pub fn made_elsewhere(usersig: Secret, now: Moment) -> Self {
        Self {
            signer: None,
            current: Mutex::new(Arc::new(Credential {
                generation: 1,
                usersig,
                made_at: now,
            })),
        }
    }

    /// The UserSig for a call that is made now. Cheap, but when a new one is due.
    pub fn current(&self, now: Moment) -> Arc<Credential> {
        let mut current = self.lock();
        if let Some(signer) = &self.signer
            && signer.is_due(current.made_at, now)
        {
            *current = signer.sign(current.generation + 1, now);
        }
        Arc::clone(&current)
    }

    /// Makes a fresh UserSig unless one fresher than `used` exists already, and returns the number of the current one.
    /// So many workers that are refused with the same UserSig make one new one together.
    ///
    /// # Errors
    /// [`CannotRenew::NoKey`] for a UserSig that was made elsewhere.
    pub fn renew(&self, used: u64, now: Moment) -> Result<u64, CannotRenew> {
        let signer = self.signer.as_ref().ok_or(CannotRenew::NoKey)?;
        let mut current = self.lock();
        if current.generation <= used {
            *current = signer.sign(current.generation + 1, now);
        }
        Ok(current.generation)
    }

    /// Whether there is a key here, so that UserSigs can be renewed.
    pub fn can_renew(&self) -> bool {
        self.signer.is_some()
    }

    /// A panic elsewhere leaves a whole credential behind: there is nothing half-done in the lock.
    fn lock(&self) -> MutexGuard<'_, Arc<Credential>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("can_renew", &self.can_renew())
            .field("generation", &self.lock().generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;
    const WALL: u64 = 1_700_000_000;

    fn key() -> Secret {
        Secret::new("swordfish".to_owned())
    }

    fn signing(start: Moment) -> Credentials {
        Credentials::signing(
            key(),
            "administrator",
            1_400_000_000,
            Duration::from_secs(4 * DAY_S),
            start,
        )
    }

    fn start() -> Moment {
        Moment {
            steady: Instant::now(),
            unix_s: WALL,
        }
    }

    fn after(start: Moment, steady_s: u64, wall_s: i64) -> Moment {
        Moment {
            steady: start.steady + Duration::from_secs(steady_s),
            unix_s: start.unix_s.checked_add_signed(wall_s).unwrap(),
        }
    }

    #[test]
    fn a_usersig_is_replaced_when_a_quarter_of_its_time_is_left_by_either_clock() {
        let due_s = 3 * DAY_S;
        let due_i = i64::try_from(due_s).unwrap();
        for (steady_s, wall_s, generation) in [
            (0, 0, 1),
            (due_s - 1, due_i - 1, 1),
            (due_s, due_i, 2),
            (due_s, 0, 2),
            (0, due_i, 2),
            (0, due_i - 1, 1),
            (0, -1, 2),
            (0, -i64::try_from(WALL).unwrap(), 2),
        ] {
            let start = start();
            let credentials = signing(start);
            let now = after(start, steady_s, wall_s);
            let credential = credentials.current(now);
            assert_eq!(credential.generation, generation, "{steady_s} {wall_s}");
            let read = usersig::verify(&key(), credential.usersig.expose(), now.unix_s);
            assert!(read.is_ok(), "{steady_s} {wall_s}");
            assert_eq!(credentials.current(now).generation, generation);
        }
    }

    #[test]
    fn a_usersig_made_when_the_clock_had_gone_wrong_is_replaced_when_it_is_right_again() {
        let start = start();
        let credentials = signing(start);
        let wrong = after(start, 10, 10 * 86_400);
        assert_eq!(credentials.current(wrong).generation, 2);
        let right = after(start, 20, 20);
        let credential = credentials.current(right);
        assert_eq!(credential.generation, 3);
        let read = usersig::inspect(credential.usersig.expose()).unwrap();
        assert_eq!(read.made_at_unix_s, WALL + 20);
    }

    #[test]
    fn many_refusals_of_one_usersig_make_one_new_one() {
        let start = start();
        let credentials = signing(start);
        let now = after(start, 1, 1);
        for _ in 0..256 {
            assert_eq!(credentials.renew(1, now), Ok(2));
        }
        assert_eq!(credentials.current(now).generation, 2);
        assert_eq!(credentials.renew(2, now), Ok(3));
        assert_eq!(credentials.renew(1, now), Ok(3));
        let read = usersig::inspect(credentials.current(now).usersig.expose()).unwrap();
        assert_eq!(read.made_at_unix_s, WALL + 1);
    }

    #[test]
    fn a_usersig_made_elsewhere_stays_as_it_is() {
        let start = start();
        let given = Secret::new("given".to_owned());
        let credentials = Credentials::made_elsewhere(given, start);
        assert_eq!(credentials.renew(1, start), Err(CannotRenew::NoKey));
        let credential = credentials.current(after(start, 1_000_000, -5));
        assert_eq!(credential.usersig.expose(), "given");
        assert_eq!(credential.generation, 1);
        assert!(!credentials.can_renew());
    }

    #[test]
    fn neither_key_nor_usersig_is_printed() {
        let start = start();
        let credentials = signing(start);
        let credential = credentials.current(start);
        let shown = format!("{credentials:?} {credential:?} {credentials:#?}");
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(!shown.contains(credential.usersig.expose()), "{shown}");
    }
}
