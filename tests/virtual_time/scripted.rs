//! A service in virtual time: answers as a script says, and remembers when each call arrived.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use disband_batch::{
    disband::{Answer, CannotRenew, Departure, Disband},
    group::GroupId,
    verdict::{Action, Herd, Reach, Verdict},
};
use tokio::time::{Instant, sleep};

/// What a script is told of a call.
pub(crate) struct Call<'a> {
    pub(crate) group: &'a str,
    /// Which call for this group this is, from 1.
    pub(crate) nth: u32,
    /// Since the service began.
    pub(crate) at: Duration,
    pub(crate) credential: u64,
}

/// What a script says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Says {
    pub(crate) action: Action,
    pub(crate) code: Option<i64>,
    pub(crate) reach: Reach,
    pub(crate) may_have_acted: bool,
    pub(crate) latency: Duration,
    pub(crate) herd: Herd,
    /// How long the call waits for its connection before it leaves.
    pub(crate) connect: Duration,
    pub(crate) retry_after: Option<Duration>,
}

impl Says {
    pub(crate) const fn new(action: Action, code: i64, latency: Duration) -> Self {
        let (reach, herd) = (Reach::Answered, Herd::Ordinary);
        Self {
            action,
            code: Some(code),
            reach,
            may_have_acted: false,
            latency,
            herd,
            connect: Duration::ZERO,
            retry_after: None,
        }
    }

    pub(crate) const fn done(latency: Duration) -> Self {
        Self::new(Action::Done, 0, latency)
    }

    pub(crate) const fn again(latency: Duration) -> Self {
        Self {
            may_have_acted: true,
            ..Self::new(Action::Retry, 10002, latency)
        }
    }

    pub(crate) const fn slow(latency: Duration) -> Self {
        Self::new(Action::Slow, 60011, latency)
    }

    pub(crate) const fn lost(after: Duration) -> Self {
        Self {
            code: None,
            reach: Reach::Lost,
            may_have_acted: true,
            ..Self::new(Action::Retry, 0, after)
        }
    }

    pub(crate) const fn unreached(after: Duration) -> Self {
        Self {
            code: None,
            reach: Reach::Unreached,
            ..Self::new(Action::Retry, 0, after)
        }
    }
}

type Script = dyn FnMut(&Call<'_>) -> Says + Send;

pub(crate) struct Scripted {
    began: Instant,
    script: Mutex<Box<Script>>,
    seen: Mutex<Seen>,
    credential: Mutex<u64>,
    has_key: bool,
}

#[derive(Default)]
struct Seen {
    calls: HashMap<String, u32>,
    departures: Vec<Duration>,
}

impl Scripted {
    pub(crate) fn new(script: impl FnMut(&Call<'_>) -> Says + Send + 'static) -> Arc<Self> {
        Self::with_key(true, script)
    }

    pub(crate) fn with_key(
        has_key: bool,
        script: impl FnMut(&Call<'_>) -> Says + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            script: Mutex::new(Box::new(script)),
            seen: Mutex::default(),
            credential: Mutex::new(1),
            has_key,
        })
    }

    /// When each call left, in order.
    pub(crate) fn departures(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().departures.clone()
    }

    /// How often this group was called.
    pub(crate) fn calls_for(&self, group: &str) -> u32 {
        self.seen
            .lock()
            .unwrap()
            .calls
            .get(group)
            .copied()
            .unwrap_or(0)
    }
}

impl Disband for Scripted {
    async fn disband(&self, group: &GroupId, departure: Arc<dyn Departure>) -> Answer {
        let asked = Instant::now();
        let credential = *self.credential.lock().unwrap();
        let says = {
            let mut seen = self.seen.lock().unwrap();
            let nth = seen.calls.entry(group.as_str().to_owned()).or_default();
            *nth += 1;
            let call = Call {
                group: group.as_str(),
                nth: *nth,
                at: self.began.elapsed(),
                credential,
            };
            (self.script.lock().unwrap())(&call)
        };
        if !says.connect.is_zero() {
            sleep(says.connect).await;
        }
        if says.reach != Reach::Unreached {
            departure.departed();
            self.seen
                .lock()
                .unwrap()
                .departures
                .push(self.began.elapsed());
        }
        sleep(says.latency).await;
        let Says {
            action,
            code,
            reach,
            may_have_acted,
            herd,
            retry_after,
            ..
        } = says;
        Answer {
            verdict: Verdict {
                action,
                may_have_acted,
                herd,
                reach,
            },
            code,
            info: "scripted".into(),
            http_status: (reach == Reach::Answered).then_some(200),
            latency: asked.elapsed(),
            retry_after,
            credential,
        }
    }

    fn renew(&self, used: u64) -> Result<u64, CannotRenew> {
        if !self.has_key {
            return Err(CannotRenew::NoKey);
        }
        let mut credential = self.credential.lock().unwrap();
        if *credential <= used {
            *credential = used + 1;
        }
        Ok(*credential)
    }
}
