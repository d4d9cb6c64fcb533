//! What the service decides about a call. Knows no socket; takes the time as an argument.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde_json::json;

use super::{
    check::{self, Api, ListGroups, Refusal},
    credentials::Credentials,
    draw::Draw,
    fault::{Fault, FaultKind, Stage},
    groups::Register,
    log::{Call, Ring, Stats, Violation},
    options::SimulatorOptions,
    reply::{Answer, envelope},
    trouble::{Outage, Reply},
    window::{RateLimit, Window},
};

/// Violations that are kept with their text; all are counted.
const VIOLATIONS_KEPT: usize = 1_000;

/// A call whose head has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    at: Instant,
    api: Option<Api>,
    /// It is within the rate limit.
    admitted: bool,
}

/// A call that asks properly.
enum Asked {
    Destroy(String),
    List(ListGroups),
}

/// The service: its groups, its limits, its memory.
pub(super) struct Service {
    options: SimulatorOptions,
    started: Instant,
    register: Register,
    scripts: HashMap<u128, VecDeque<Reply>>,
    arrivals: Window,
    destroy_limit: RateLimit,
    list_limit: RateLimit,
    credentials: Credentials,
    last_random: Option<u32>,
    log: Ring<Call>,
    violations: Ring<Violation>,
    pub(super) stats: Stats,
}

impl Service {
    pub(super) fn new(mut options: SimulatorOptions, started: Instant) -> Self {
        let groups = std::mem::replace(&mut options.groups, super::Groups::Any);
        let remember = options.remember.map(std::num::NonZeroUsize::get);
        let refused_count = options.refused_count;
        Self {
            register: Register::new(groups, options.seed, remember),
            destroy_limit: RateLimit::new(options.rate_limit, options.other_load, refused_count),
            list_limit: RateLimit::new(options.rate_limit.and(Some(1)), 0, refused_count),
            log: Ring::new(options.log_capacity),
            violations: Ring::new(VIOLATIONS_KEPT),
            started,
            scripts: HashMap::new(),
            arrivals: Window::default(),
            credentials: Credentials::new(&options),
            last_random: None,
            stats: Stats::default(),
            options,
        }
    }

    /// Notes that the head of a call has arrived.
    pub(super) fn arrive(&mut self, at: Instant, path: &str) -> Arrival {
        let api = Api::of_path(path);
        self.stats.calls += 1;
        self.stats.in_flight += 1;
        let admitted = match api {
            Some(Api::DestroyGroup) => {
                let in_one_second = self.arrivals.note(at) as u64;
                self.stats.max_in_one_second = self.stats.max_in_one_second.max(in_one_second);
                self.destroy_limit.admits(at)
            }
            Some(Api::ListGroups) => self.list_limit.admits(at),
            None => true,
        };
        Arrival { at, api, admitted }
    }

    /// Decides about a call, and does what it asks unless something speaks against it.
    pub(super) fn decide(
        &mut self,
        arrival: Arrival,
        parts: &Parts,
        body: Result<Bytes, Refusal>,
        outage: Outage,
    ) -> Answer {
        let mut call = Call {
            at: arrival.at.saturating_duration_since(self.started),
            api: arrival.api,
            group: None,
            code: None,
            status: None,
            fault: None,
            destroyed: false,
            violation: None,
        };
        let answer = if parts.uri.path() == check::REDIRECT_PATH {
            call.violation = Some(check::REDIRECT_FOLLOWED);
            Answer::faulty(FaultKind::Redirect, 0)
        } else {
            let asked = self.check(arrival, parts, body, &mut call);
            self.answer(asked, outage.fault(), &mut call)
        };
        (call.code, call.status) = (answer.code, answer.status);
        self.note(call);
        answer
    }

    fn answer(
        &mut self,
        asked: Result<Asked, Refusal>,
        outage: Option<Fault>,
        call: &mut Call,
    ) -> Answer {
        if let Ok(Asked::Destroy(group)) = &asked {
            call.group = Some(group.as_str().into());
        }
        let mut answer = match (outage, asked) {
            // A service that can give codes first looks at the request.
            (
                None
                | Some(Fault {
                    kind: FaultKind::Code(_),
                    ..
                }),
                Err(refusal),
            ) => Answer::code(refusal.code),
            (Some(fault), _) => {
                call.fault = Some(fault);
                Answer::faulty(fault.kind, 0)
            }
            (None, Ok(Asked::List(list))) => self.list(&list),
            (None, Ok(Asked::Destroy(group))) => return self.destroy(&group, call),
        };
        answer.delay = self.options.latency.least();
        answer
    }

    /// Whether the call asks properly, as an admin, and within the limit.
    fn check(
        &mut self,
        arrival: Arrival,
        parts: &Parts,
        body: Result<Bytes, Refusal>,
        call: &mut Call,
    ) -> Result<Asked, Refusal> {
        let outcome = (|| {
            let (api, query) = check::head(parts)?;
            if self.last_random.replace(query.random) == Some(query.random) {
                call.violation = Some(check::RANDOM_REPEATED);
            }
            self.credentials.check(&query)?;
            if !arrival.admitted {
                self.stats.throttled += 1;
                return Err(Refusal::plain(self.options.rate_code));
            }
            let body = body?;
            match api {
                Api::DestroyGroup => check::destroy_body(&body).map(Asked::Destroy),
                Api::ListGroups => check::list_body(&body).map(Asked::List),
            }
        })();
        if let Err(refusal) = outcome {
            call.violation = refusal.violation.or(call.violation);
            return Err(refusal);
        }
        outcome
    }

    fn destroy(&mut self, group: &str, call: &mut Call) -> Answer {
        let draw = Draw::new(self.options.seed, group);
        let (fault, late) = self.in_store(&draw);
        let acts = fault.is_none_or(|fault| fault.stage == Stage::After);
        call.destroyed = acts && self.register.destroy(draw.key);
        let honest = if acts && !call.destroyed { 10010 } else { 0 };
        self.stats.destroyed += u64::from(call.destroyed);
        self.stats.missing += u64::from(fault.is_none() && honest == 10010);
        call.fault = fault;
        let mut answer = match fault {
            Some(fault) => Answer::faulty(fault.kind, honest),
            None => Answer::code(honest),
        };
        let calls = self.register.past(draw.key).calls;
        answer.delay = late.unwrap_or_else(|| self.options.latency.of(&draw, calls));
        answer
    }

    /// What the group meets this time: what its script says, or else what the plan says. Counts the call.
    fn in_store(&mut self, draw: &Draw) -> (Option<Fault>, Option<Duration>) {
        let rule = self.options.faults.rule_for(draw).copied();
        let past = self.register.past_mut(draw.key);
        past.calls = past.calls.saturating_add(1);
        if let Some(reply) = self
            .scripts
            .get_mut(&draw.key)
            .and_then(VecDeque::pop_front)
        {
            return match reply {
                Reply::Honest => (None, None),
                Reply::Late(latency) => (None, Some(latency)),
                Reply::Fault(fault) => (Some(fault), None),
            };
        }
        let due = rule.filter(|rule| rule.times.is_none_or(|times| past.faulted < times.get()));
        past.faulted = past.faulted.saturating_add(u32::from(due.is_some()));
        (due.map(|rule| rule.fault), None)
    }

    fn list(&self, list: &ListGroups) -> Answer {
        let page = self.register.page(list);
        let ids: Vec<_> = page.ids.iter().map(|id| json!({"GroupId": id})).collect();
        let mut body = envelope(0);
        body["TotalCount"] = json!(page.total);
        body["GroupIdList"] = json!(ids);
        body["Next"] = json!(page.next);
        Answer::json(0, &body)
    }

    fn note(&mut self, call: Call) {
        tracing::debug!(
            at = ?call.at, group = ?call.group, code = call.code, status = call.status,
            fault = call.fault.map(tracing::field::display), destroyed = call.destroyed,
            violation = call.violation, "call"
        );
        self.stats.faults += u64::from(call.fault.is_some());
        if let Some(what) = call.violation {
            self.violated(call.at, what);
        }
        self.log.push(call);
    }

    fn violated(&mut self, at: Duration, what: &'static str) {
        self.stats.violations += 1;
        self.violations.push(Violation { at, what });
    }

    /// Notes bytes on a connection that are no HTTP request.
    pub(super) fn not_http(&mut self, at: Instant) {
        let at = at.saturating_duration_since(self.started);
        self.violated(at, "what was sent is not HTTP/1");
    }

    pub(super) fn log(&self) -> Vec<Call> {
        self.log.to_vec()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.violations.to_vec()
    }

    pub(super) fn script(&mut self, group: &str, replies: impl IntoIterator<Item = Reply>) {
        let key = Draw::new(self.options.seed, group).key;
        self.scripts.entry(key).or_default().extend(replies);
    }

    pub(super) fn create(&mut self, group: &str) {
        self.register.create(group);
    }

    /// How often the group was called, and how often it was disbanded.
    pub(super) fn calls_and_destroyed(&self, group: &str) -> (u32, u32) {
        let past = self.register.past(Draw::new(self.options.seed, group).key);
        (past.calls, past.destroyed)
    }

    pub(super) fn set_other_load(&mut self, calls_a_second: u32) {
        self.destroy_limit.other_load = calls_a_second;
    }

    pub(super) fn set_clock_offset(&mut self, offset_s: i64) {
        self.credentials.clock_offset_s = offset_s;
    }
}
