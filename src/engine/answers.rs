//! What follows from an answer: the policy's decision, carried out.

use std::time::Duration;

use crate::{
    disband::{Answer, Disband},
    escape::Escaped,
    ledger::{Reply, Settlement},
    outcome::{Class, Outcome},
    row::Row,
    verdict::{Action, Reach, Verdict},
    wall::UnixMillis,
};

use super::{
    breaker::Change,
    collector::Message,
    dispatcher::{Dispatcher, Unproven},
    feeder::source_name,
    herd::Alarm,
    job::{Job, Prepared},
    policy::{History, Next, NoKey, UsedUp, decide},
    stop::StopReason,
};

/// A group refused as one too many asks again after about this long: the service's window is one second.
const SLOW: Duration = Duration::from_secs(1);

/// A group whose attempts are used up, with its last answer, while it is open whether there is an outage.
#[derive(Debug)]
pub(super) struct Held {
    row: u64,
    job: Job,
    reply: Reply,
}

impl<D: Disband> Dispatcher<D> {
    /// Takes in an answer.
    pub(super) async fn answered(&mut self, prepared: Prepared, answer: Answer) {
        let now = self.now();
        let Prepared { call, mut job } = prepared;
        let verdict = answer.verdict;
        let (code, credential) = (answer.code, answer.credential);
        self.watch_health(&job, &answer, now).await;
        self.prove(verdict, credential);
        let history = History {
            may_have_acted: job.may_have_acted,
            re_signed: job.re_signed,
        };
        job.may_have_acted |= verdict.may_have_acted;
        let retry_after = answer.retry_after;
        let reply = Reply {
            call,
            seq: job.seq,
            at: UnixMillis::now(),
            code,
            info: answer.info,
            http_status: answer.http_status,
            latency: answer.latency,
            may_have_acted: verdict.may_have_acted,
            settles: None,
        };
        match decide(verdict, answer.http_status, credential, history) {
            Next::Settle(outcome) => {
                self.settle(job, reply, outcome).await;
                self.watch_herd(verdict, code).await;
            }
            Next::Backoff { charge, then } => self.back_off(job, reply, charge, then).await,
            Next::SlowDown => self.slow_down(job, reply, retry_after).await,
            Next::ReSign { or } => self.re_sign(job, reply, credential, or).await,
            Next::Stop => self.refused(reply).await,
        }
        self.judge_held().await;
    }

    async fn settle(&mut self, job: Job, mut reply: Reply, outcome: Outcome) {
        let started_at = job.started_at.unwrap_or(reply.at);
        reply.settles = Some(Settlement {
            outcome,
            attempts: job.attempts,
            started_at,
        });
        self.watch
            .settled(outcome.class() == Class::Failure, self.now());
        let row = Row {
            seq: job.seq,
            group_id: job.group.as_str().into(),
            outcome,
            error_code: reply.code,
            error_info: Some(reply.info.clone()).filter(|info| !info.is_empty()),
            attempts: job.attempts,
            http_status: reply.http_status,
            latency: Some(reply.latency),
            started_at: Some(started_at),
            finished_at: Some(reply.at),
            source: source_name(&self.plan.sources, job.source),
            line: job.line,
        };
        self.tell(Message::Answered(Box::new((reply, Some(row)))))
            .await;
    }

    async fn unsettled(&mut self, reply: Reply) {
        self.tell(Message::Answered(Box::new((reply, None)))).await;
    }

    async fn back_off(&mut self, mut job: Job, reply: Reply, charge: bool, then: UsedUp) {
        let charged = if charge { job.charge(&self.breaker) } else { 0 };
        if charged < self.plan.retry.max_attempts.get() {
            self.unsettled(reply).await;
            let delay = self.plan.retry.delay(charged, rand::random());
            return self.wait(job, delay);
        }
        match then {
            UsedUp::Stop => self.refused(reply).await,
            UsedUp::Exhausted => self.held.push(Held {
                row: self.breaker.row(),
                job,
                reply,
            }),
        }
    }

    async fn slow_down(&mut self, job: Job, reply: Reply, retry_after: Option<Duration>) {
        self.counts.throttled += 1;
        let now = self.now();
        let before = self.throttle.rate(now);
        if self.throttle.refused(now, retry_after) && before >= f64::from(self.plan.rate.get()) {
            let rate = self.throttle.rate(now);
            let text = Escaped(&reply.info);
            let code = reply
                .code
                .map_or_else(String::new, |code| format!("{code} "));
            self.notice(false, format!("the service refuses calls as too many ({code}{text}): slowing down to {rate:.0} a second"))
                .await;
        }
        self.unsettled(reply).await;
        self.wait(job, SLOW.mul_f64(0.5 + rand::random::<f64>()));
    }

    async fn re_sign(&mut self, mut job: Job, reply: Reply, used: u64, or: NoKey) {
        match (self.service.renew(used), or) {
            (Ok(credential), _) => {
                if self
                    .unproven
                    .as_ref()
                    .is_none_or(|fresh| fresh.credential < credential)
                {
                    let refused = self.unproven.is_some();
                    self.unproven = Some(Unproven {
                        credential,
                        asking: false,
                        refused,
                    });
                    self.notice(
                        false,
                        "the service refused the UserSig: made a fresh one".to_owned(),
                    )
                    .await;
                }
                job.re_signed = Some(used);
                self.unsettled(reply).await;
                self.wait(job, Duration::ZERO);
            }
            (Err(_), NoKey::Stop) => self.refused(reply).await,
            (Err(_), NoKey::Backoff) => self.back_off(job, reply, true, UsedUp::Stop).await,
        }
    }

    /// Everybody would get this answer: the run stops, and the group stays without an outcome.
    async fn refused(&mut self, reply: Reply) {
        let code = reply.code;
        let what = code.map_or_else(
            || "the service refuses every call".to_owned(),
            |code| format!("the service refuses every call with {code}"),
        );
        let text = match &*reply.info {
            "" => what,
            info => format!("{what} ({})", Escaped(info)),
        };
        self.stopper.stop(StopReason::Refused { text, code });
        self.unsettled(reply).await;
    }

    fn wait(&mut self, job: Job, delay: Duration) {
        self.waiting.push(self.now() + delay, job);
    }

    /// A fresh credential is proven by any answer that does not refuse it.
    fn prove(&mut self, verdict: Verdict, credential: u64) {
        let refused = matches!(
            verdict.action,
            Action::ReSign | Action::ReSignThenRetry | Action::Stop
        );
        if let Some(fresh) = &mut self.unproven {
            if credential >= fresh.credential && !refused && verdict.reach == Reach::Answered {
                self.unproven = None;
            } else if credential >= fresh.credential {
                fresh.asking = false;
                fresh.refused |= refused;
            }
        }
    }

    async fn watch_health(&mut self, job: &Job, answer: &Answer, now: Duration) {
        let verdict = answer.verdict;
        if verdict.settles() || verdict.action == Action::Retry {
            self.throttle.taken(now);
        }
        let change = self.breaker.answer(
            (job.seq, job.sent_in_row),
            verdict,
            answer.http_status,
            now,
            rand::random(),
        );
        let info = Escaped(&answer.info);
        match change {
            None => {}
            Some(Change::Opened) => {
                self.notice(
                    false,
                    format!(
                        "the service answers nobody ({info}): waiting for it, no group is charged"
                    ),
                )
                .await;
                self.try_other_host(verdict).await;
            }
            Some(Change::StillOpen) => self.try_other_host(verdict).await,
            Some(Change::Closed { after }) => {
                let after = Duration::from_secs(after.as_secs());
                let after = humantime::format_duration(after);
                self.notice(
                    false,
                    format!("the service answers again after {after}: going on"),
                )
                .await;
            }
            Some(Change::Misdirected { status }) => {
                let text = format!(
                    "every call is answered with HTTP {status} ({info}), which is not the service's answer but that of \
                     something in the way: a proxy, or a wrong host"
                );
                self.stopper.stop(StopReason::Refused { text, code: None });
            }
        }
    }

    async fn try_other_host(&mut self, verdict: Verdict) {
        if verdict.reach == Reach::Unreached
            && let Some(host) = self.service.switch_host()
        {
            self.notice(false, format!("trying the region's other host, {host}"))
                .await;
        }
    }

    async fn watch_herd(&mut self, verdict: Verdict, code: Option<i64>) {
        match self.herd.definite(verdict, code) {
            None => {}
            Some(Alarm::RefusedEverybody { code, row }) => {
                let text = format!(
                    "{row} groups in a row were refused with {code}: that concerns the caller, not the groups"
                );
                self.stopper.stop(StopReason::Refused {
                    text,
                    code: Some(code),
                });
            }
            Some(Alarm::SameFailure { code, row }) => {
                let text =
                    format!("{row} groups in a row failed with {code}: is this the right list?");
                self.notice(true, text).await;
            }
            Some(Alarm::AllGone { row }) => {
                let text = format!(
                    "the first {row} groups were all gone already: the list may belong to another app, or have been worked off before"
                );
                self.notice(true, text).await;
            }
        }
    }

    /// Settles the groups that are held once their row of failures has ended, one way or the other.
    async fn judge_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (row, open) = (self.breaker.row(), self.breaker.open().is_some());
        for held in std::mem::take(&mut self.held) {
            if self.breaker.was_outage(held.row) {
                self.unsettled(held.reply).await;
                self.waiting.push(
                    self.now() + self.plan.retry.delay(1, rand::random()),
                    held.job,
                );
            } else if held.row != row && !open {
                self.settle(held.job, held.reply, Outcome::Exhausted).await;
            } else {
                self.held.push(held);
            }
        }
    }

    /// Settles the groups that are held: no other group is left to tell an outage from bad luck.
    pub(super) async fn settle_held(&mut self) {
        for held in std::mem::take(&mut self.held) {
            self.settle(held.job, held.reply, Outcome::Exhausted).await;
        }
    }
}
