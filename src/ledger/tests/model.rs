//! Random histories, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One step of a history. Numbers choose among what is there, modulo its size.
#[derive(Clone, Debug)]
enum Step {
    Admit(Vec<u8>),
    Protected,
    Intend(usize),
    Reply {
        which: usize,
        acted: bool,
        ends: Option<Outcome>,
    },
    Withdraw(usize),
    RetryFailed,
    /// The process dies and the run is resumed: on disk by another ledger while the first one's thread is still there.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let ends = prop_oneof![
        Just(Outcome::Disbanded),
        Just(Outcome::Failed),
        Just(Outcome::Exhausted),
        Just(Outcome::PresumedDisbanded),
    ];
    let reply = (any::<usize>(), any::<bool>(), prop::option::of(ends));
    prop_oneof![
        3 => prop::collection::vec(0_u8..20, 1..5).prop_map(Step::Admit),
        1 => Just(Step::Protected),
        6 => any::<usize>().prop_map(Step::Intend),
        5 => reply.prop_map(|(which, acted, ends)| Step::Reply { which, acted, ends }),
        2 => any::<usize>().prop_map(Step::Withdraw),
        1 => Just(Step::RetryFailed),
        1 => Just(Step::Crash),
    ]
}

#[derive(Clone, Debug)]
struct Record {
    text: String,
    outcome: Option<Outcome>,
    attempts: u32,
    acted: bool,
    started_at: Option<UnixMillis>,
}

#[derive(Default)]
struct Model {
    records: Vec<Record>,
    /// Open calls: call, record's number.
    open: BTreeMap<u64, u64>,
    last_call: u64,
    calls: u64,
}

impl Model {
    fn of(&mut self, seq: u64) -> &mut Record {
        &mut self.records[seq as usize - 1]
    }

    fn admit(&mut self, text: String, outcome: Option<Outcome>) -> u64 {
        self.records.push(Record {
            text,
            outcome,
            attempts: 0,
            acted: false,
            started_at: None,
        });
        self.records.len() as u64
    }

    fn answered(&mut self, call: u64, seq: u64, acted: bool, outcome: Option<Outcome>) {
        let record = self.of(seq);
        record.attempts += 1;
        record.acted |= acted;
        record.outcome = outcome;
        record.started_at.get_or_insert(intent(call, seq, 1).at);
    }

    fn crash(&mut self) {
        for (call, seq) in std::mem::take(&mut self.open) {
            self.answered(call, seq, true, None);
        }
    }

    /// Records that may be called: no outcome, and no call under way (the engine makes one at a time for a group).
    fn callable(&self) -> Vec<u64> {
        let seqs = (1..).zip(&self.records);
        seqs.filter(|(seq, r)| r.outcome.is_none() && !self.open.values().any(|s| s == seq))
            .map(|(seq, _)| seq)
            .collect()
    }

    fn nth_open(&self, which: usize) -> Option<(u64, u64)> {
        let index = which % self.open.len().max(1);
        self.open.iter().nth(index).map(|(c, s)| (*c, *s))
    }
}

async fn take(step: Step, model: &mut Model, run: &RunLedger) {
    match step {
        Step::Admit(ids) => {
            let mut expected = Vec::new();
            let mut batch = Vec::new();
            for id in ids {
                let text = format!("g{id}");
                let seen = model
                    .records
                    .iter()
                    .any(|r| r.text == text && r.outcome != Some(Outcome::Protected));
                let seq = model.admit(text.clone(), seen.then_some(Outcome::Duplicate));
                batch.push(candidate(seq, &text));
                expected.push(if seen {
                    Admitted::Duplicate
                } else {
                    Admitted::First
                });
            }
            assert_eq!(run.admit(batch).await.unwrap(), expected);
        }
        Step::Protected => {
            let seq = model.admit("g0".into(), Some(Outcome::Protected));
            let record = NewRecord {
                admission: Admission::Protected(group("g0")),
                ..candidate(seq, "g0")
            };
            assert_eq!(run.admit(vec![record]).await.unwrap(), [Admitted::Settled]);
        }
        Step::Intend(which) => {
            let callable = model.callable();
            let Some(&seq) = callable.get(which % callable.len().max(1)) else {
                return;
            };
            model.last_call += 1;
            model.calls += 1;
            model.open.insert(model.last_call, seq);
            let attempt = model.of(seq).attempts + 1;
            run.intend(vec![intent(model.last_call, seq, attempt)])
                .await
                .unwrap();
        }
        Step::Reply { which, acted, ends } => {
            let Some((call, seq)) = model.nth_open(which) else {
                return;
            };
            model.open.remove(&call);
            model.answered(call, seq, acted, ends);
            let record = model.of(seq);
            let settles = ends.map(|outcome| Settlement {
                outcome,
                attempts: record.attempts,
                started_at: record.started_at.unwrap(),
            });
            let reply = Reply {
                may_have_acted: acted,
                settles,
                ..busy(call, seq)
            };
            run.record(vec![reply]).await.unwrap();
        }
        Step::Withdraw(which) => {
            let Some((call, _)) = model.nth_open(which) else {
                return;
            };
            model.open.remove(&call);
            model.calls -= 1;
            run.withdraw(vec![CallId(call)]).await.unwrap();
        }
        Step::RetryFailed => {
            let mut again = 0;
            for record in &mut model.records {
                if matches!(record.outcome, Some(Outcome::Failed | Outcome::Exhausted)) {
                    record.outcome = None;
                    again += 1;
                }
            }
            assert_eq!(run.retry_failed().await.unwrap(), again);
        }
        Step::Crash => model.crash(),
    }
}

async fn agree(model: &Model, run: &RunLedger) {
    let pending = run.pending(0, usize::MAX).await.unwrap();
    let mut expected = Vec::new();
    for (seq, record) in (1..).zip(&model.records) {
        if record.outcome.is_none() {
            expected.push(Pending {
                seq,
                group: group(&record.text),
                source: 0,
                line: seq + 1,
                attempts: record.attempts,
                may_have_acted: record.acted,
                started_at: record.started_at,
            });
        }
    }
    assert_eq!(pending, expected);

    let rows = all_rows(run).await;
    assert_eq!(rows.len(), model.records.len());
    for ((seq, record), row) in (1..).zip(&model.records).zip(rows) {
        assert_eq!((row.seq, &*row.group_id), (seq, &*record.text));
        assert_eq!(row.outcome, record.outcome.unwrap_or(Outcome::NotAttempted));
        assert_eq!(row.attempts, record.attempts);
        assert_eq!(row.started_at, record.started_at);
    }

    let tally = run.tally().await.unwrap();
    let mut outcomes = crate::outcome::Tally::default();
    for outcome in model.records.iter().filter_map(|r| r.outcome) {
        outcomes.add(outcome);
    }
    assert_eq!(tally.counts.outcomes, outcomes);
    assert_eq!(tally.counts.pending, expected.len() as u64);
    assert_eq!(tally.counts.calls, model.calls);
    assert_eq!(tally.last_call.map_or(0, |call| call.0), model.last_call);
}

async fn resumed(ledger: &Ledger) -> RunLedger {
    let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
    ledger.resume(&info, session()).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_is_kept_in_memory(steps in prop::collection::vec(step(), 1..60)) {
        wait(async {
            let ledger = Ledger::inline().unwrap();
            let mut run = ledger.begin(new_run(0)).await.unwrap();
            let mut model = Model::default();
            for step in steps {
                let crash = matches!(step, Step::Crash);
                take(step, &mut model, &run).await;
                if crash {
                    run = resumed(&ledger).await;
                }
                agree(&model, &run).await;
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_history_is_kept_on_disk(steps in prop::collection::vec(step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        wait(async {
            let mut ledger = Ledger::open(dir.path()).unwrap();
            let mut run = ledger.begin(new_run(0)).await.unwrap();
            let mut model = Model::default();
            for step in steps.into_iter().chain([Step::Crash]) {
                let crash = matches!(step, Step::Crash);
                take(step, &mut model, &run).await;
                if crash {
                    let next = Ledger::open(dir.path()).unwrap();
                    run = resumed(&next).await;
                    ledger = next;
                    agree(&model, &run).await;
                }
            }
            drop(ledger);
        });
    }
}
