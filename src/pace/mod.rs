//! Pace: all of the calls a second that are allowed, and never one more.
//!
//! Two rules stand behind each other. A GCRA (governor's) spreads the calls evenly and remembers a slot that a late
//! timer missed; an exact guard over the departures of the last second refuses what would be one call too many,
//! whatever the GCRA thinks. The arithmetic, for 200 calls a second:
//!
//! - The service counts arrivals, and we know departures. If two calls that are 200 apart leave at least 1 s + m after
//!   each other, they arrive at least 1 s apart as long as the way to the service varies by less than m.
//! - `NOMINAL` is 1004 ms: 200 calls in 1004 ms are 199.2 a second, 99.6 % of the rate. The promise is 99.5 %, so
//!   4 ms is nearly all the room for jitter that there is: in ten seconds 1992 calls leave, 1990 are promised, and two
//!   remain for the edges of the window.
//! - `GUARD` is 1002 ms: a call that left late (a timer, a busy machine) may be caught up with, which brings it nearer
//!   to its successor 200 places on; the guard stops that at 1002 ms, so 2 ms of jitter are left even then. The 2 ms
//!   between guard and nominal are also how fast a train of bunched calls spreads out again.
//! - `CATCH_UP` is 50 ms: a burst of 10 calls at most, after a stall or an idle moment. It is spent before the first
//!   call, so that the run starts evenly. A longer stall loses its slots for good, for they can't be caught up with
//!   inside the guard anyway.

mod departures;
mod window;

pub use departures::{Departures, Slip};

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};

use window::Window;

/// The time in which the calls of one second are sent: one second and the jitter that must be survived.
const NOMINAL: Duration = Duration::from_millis(1004);
/// No more than one second's calls leave in any span of this length.
const GUARD: Duration = Duration::from_millis(1002);
/// How much lost time the GCRA remembers.
const CATCH_UP: Duration = Duration::from_millis(50);

/// Hands out permits to call. Time is told, as the span since the run began.
#[derive(Debug)]
pub struct Pacer {
    limiter: Gcra,
    hand: Hand,
    window: Window,
    departures: Arc<Departures>,
    effective: f64,
    last_permit: Duration,
}

type Gcra = RateLimiter<NotKeyed, InMemoryState, Hand, NoOpMiddleware<Nanos>>;

/// Why there is no permit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Ask again then.
    Until(Duration),
    /// Ask again when a permit that is out has been used: [`Departures::changed`].
    ForDeparture,
}

impl Pacer {
    /// A pacer for `rate` calls a second, from `now` on, where `before` calls may have left within the last second.
    pub fn new(rate: NonZeroU32, now: Duration, before: u32, departures: Arc<Departures>) -> Self {
        let hand = Hand::default();
        hand.set(now);
        let effective = f64::from(rate.get());
        let window = Window::new(rate.get() as usize, GUARD, (now, before));
        Self {
            limiter: gcra(effective, &hand),
            hand,
            window,
            departures,
            effective,
            last_permit: now,
        }
    }

    /// A permit for one call that leaves now.
    ///
    /// # Errors
    /// When to ask again.
    pub fn permit(&mut self, now: Duration) -> Result<Slip, Wait> {
        self.departures.drain(|at| self.window.departed(at));
        let out = self.departures.outstanding();
        if let Some(next) = self.window.refuses(now, out) {
            return Err(next.map_or(Wait::ForDeparture, Wait::Until));
        }
        self.hand.set(now);
        match self.limiter.check() {
            Ok(()) => {
                self.last_permit = now;
                Ok(Departures::slip(&self.departures))
            }
            Err(until) => Err(Wait::Until(now + until.wait_time_from(self.hand.now()))),
        }
    }

    /// The calls a second that the GCRA lets through now.
    pub fn effective_rate(&self) -> f64 {
        self.effective
    }

    /// Lets through `per_second` calls from `now` on; the guard stays as it is.
    pub fn set_effective_rate(&mut self, per_second: f64, now: Duration) {
        if (per_second - self.effective).abs() > f64::EPSILON {
            // As if the last permit had been the new limiter's: a change costs no slot.
            self.hand
                .set(self.last_permit.max(now.saturating_sub(CATCH_UP)));
            self.effective = per_second;
            self.limiter = gcra(per_second, &self.hand);
        }
    }

    /// The most calls that left within one second so far.
    pub fn max_in_one_second(&mut self) -> usize {
        self.departures.drain(|at| self.window.departed(at));
        self.window.max_in_one_second()
    }
}

/// A GCRA whose catch-up is already spent.
fn gcra(per_second: f64, hand: &Hand) -> Gcra {
    let per_second = per_second.max(0.01);
    let burst =
        NonZeroU32::new((per_second * CATCH_UP.as_secs_f64()) as u32).unwrap_or(NonZeroU32::MIN);
    let burst = burst.max(NonZeroU32::MIN.saturating_add(1));
    let period = NOMINAL.div_f64(per_second).max(Duration::from_nanos(1));
    let quota = Quota::with_period(period)
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst);
    let limiter = RateLimiter::direct_with_clock(quota, hand.clone());
    // Infallible: it asks for no more than the burst; and were it refused, the run would only start faster.
    let _spent = limiter.check_n(burst);
    limiter
}

/// A clock that stands where it was put: governor reads the time that the caller told.
#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn set(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}
