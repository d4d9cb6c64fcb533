//! What the ledger says of what it was told.

use std::sync::Arc;

use super::*;

async fn begun() -> (Ledger, RunLedger) {
    let ledger = Ledger::inline().unwrap();
    let run = ledger.begin(new_run(0)).await.unwrap();
    (ledger, run)
}

#[test]
fn only_the_first_record_of_an_id_is_to_be_called() {
    wait(async {
        let (_ledger, run) = begun().await;
        let invalid = NewRecord {
            admission: Admission::Invalid {
                shown: "é".into(),
                reason: "not ASCII".into(),
            },
            ..candidate(3, "-")
        };
        let protected = NewRecord {
            admission: Admission::Protected(group("keep")),
            ..candidate(4, "-")
        };
        let batch = vec![candidate(1, "a"), candidate(2, "a"), invalid, protected];
        let admitted = run.admit(batch).await.unwrap();
        use Admitted::{Duplicate, First, Settled};
        assert_eq!(admitted, [First, Duplicate, Settled, Settled]);
        // IDs are case-sensitive, and white space belongs to them.
        let later = vec![candidate(5, "A"), candidate(6, " a"), candidate(7, "a")];
        assert_eq!(run.admit(later).await.unwrap(), [First, First, Duplicate]);
        let outcomes = all_rows(&run).await;
        let outcomes: Vec<_> = outcomes.iter().map(|row| row.outcome.name()).collect();
        assert_eq!(
            outcomes.join(" "),
            "not_attempted duplicate invalid protected not_attempted not_attempted duplicate"
        );
        let counts = run.tally().await.unwrap().counts;
        assert_eq!((counts.records, counts.pending), (7, 3));
    });
}

#[test]
fn a_group_of_an_earlier_run_is_no_duplicate() {
    wait(async {
        let (ledger, run) = begun().await;
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        let next = ledger.begin(new_run(1)).await.unwrap();
        let admitted = next.admit(vec![candidate(1, "a")]).await.unwrap();
        assert_eq!(admitted, [Admitted::First]);
    });
}

#[test]
fn a_settled_record_remains_a_first_sighting() {
    wait(async {
        let (_ledger, run) = begun().await;
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        run.intend(vec![intent(1, 1, 1)]).await.unwrap();
        run.record(vec![done(1, 1)]).await.unwrap();
        let again = run.admit(vec![candidate(2, "a")]).await.unwrap();
        assert_eq!(again, [Admitted::Duplicate]);
    });
}

#[test]
fn rows_tell_the_whole_story() {
    wait(async {
        let (_ledger, run) = begun().await;
        let invalid = NewRecord {
            source: 1,
            admission: Admission::Invalid {
                shown: "é".into(),
                reason: "not ASCII".into(),
            },
            ..candidate(3, "-")
        };
        run.admit(vec![candidate(1, "a"), candidate(2, "b"), invalid])
            .await
            .unwrap();
        run.intend(vec![intent(1, 1, 1), intent(2, 2, 1)])
            .await
            .unwrap();
        run.record(vec![busy(1, 1), busy(2, 2)]).await.unwrap();
        run.intend(vec![intent(3, 1, 2)]).await.unwrap();
        let gone = settled(3, 1, Outcome::PresumedDisbanded, 2, 1);
        let gone = Reply {
            code: Some(10010),
            info: "group not exist".into(),
            ..gone
        };
        run.record(vec![gone]).await.unwrap();

        let first = crate::row::Row {
            seq: 1,
            group_id: "a".into(),
            outcome: Outcome::PresumedDisbanded,
            error_code: Some(10010),
            error_info: Some("group not exist".into()),
            attempts: 2,
            http_status: Some(200),
            latency: Some(Duration::from_micros(1_234)),
            started_at: Some(UnixMillis(10_001)),
            finished_at: Some(UnixMillis(20_003)),
            source: Arc::from("a.csv"),
            line: 2,
        };
        let second = crate::row::Row {
            seq: 2,
            group_id: "b".into(),
            outcome: Outcome::NotAttempted,
            error_code: Some(10002),
            error_info: Some("try again".into()),
            attempts: 1,
            started_at: Some(UnixMillis(10_002)),
            finished_at: Some(UnixMillis(20_002)),
            line: 3,
            ..first.clone()
        };
        let third = crate::row::Row {
            seq: 3,
            group_id: "é".into(),
            outcome: Outcome::Invalid,
            error_code: None,
            error_info: Some("not ASCII".into()),
            attempts: 0,
            http_status: None,
            latency: None,
            started_at: None,
            finished_at: None,
            source: Arc::from("stdin"),
            line: 4,
        };
        let rows = async |filter| run.rows(filter, 0, 9).await.unwrap();
        assert_eq!(
            rows(RowFilter::Settled).await,
            [first.clone(), third.clone()]
        );
        assert_eq!(
            rows(RowFilter::Unsettled).await,
            std::slice::from_ref(&second)
        );
        assert_eq!(rows(RowFilter::All).await, [first, second, third]);
    });
}

#[test]
fn a_withdrawn_call_is_no_attempt() {
    wait(async {
        let (ledger, run) = begun().await;
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        run.intend(vec![intent(1, 1, 1), intent(2, 1, 2)])
            .await
            .unwrap();
        run.withdraw(vec![CallId(1), CallId(2)]).await.unwrap();
        let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        let run = ledger.resume(&info, session()).await.unwrap();
        let pending = run.pending(0, 9).await.unwrap();
        assert_eq!((pending[0].attempts, pending[0].may_have_acted), (0, false));
        assert_eq!(pending[0].started_at, None);
        let tally = run.tally().await.unwrap();
        assert_eq!((tally.counts.calls, tally.counts.retries), (0, 0));
        assert_eq!(tally.last_call, Some(CallId(2)), "its number stays taken");
    });
}

#[test]
fn a_resume_takes_unanswered_calls_for_lost_once() {
    wait(async {
        let (ledger, run) = begun().await;
        run.admit(vec![candidate(1, "a"), candidate(2, "b")])
            .await
            .unwrap();
        run.intend(vec![intent(1, 1, 1), intent(2, 2, 1)])
            .await
            .unwrap();
        let harmless = Reply {
            may_have_acted: false,
            ..busy(2, 2)
        };
        run.record(vec![harmless]).await.unwrap();
        for _ in 0..3 {
            let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
            let run = ledger.resume(&info, session()).await.unwrap();
            let pending = run.pending(0, 9).await.unwrap();
            let known: Vec<_> = pending
                .iter()
                .map(|p| (p.seq, p.attempts, p.may_have_acted, p.started_at))
                .collect();
            assert_eq!(
                known,
                [
                    (1, 1, true, Some(UnixMillis(10_001))),
                    (2, 1, false, Some(UnixMillis(10_002))),
                ]
            );
        }
    });
}

#[test]
fn failed_and_exhausted_groups_get_another_try_and_keep_their_history() {
    wait(async {
        let (_ledger, run) = begun().await;
        let ids = ["a", "b", "c"];
        let records = (1..).zip(ids).map(|(seq, id)| candidate(seq, id)).collect();
        run.admit(records).await.unwrap();
        run.intend((1..=3).map(|n| intent(n, n, 1)).collect())
            .await
            .unwrap();
        let exhausted = Reply {
            may_have_acted: true,
            ..settled(2, 2, Outcome::Exhausted, 1, 2)
        };
        run.record(vec![
            settled(1, 1, Outcome::Failed, 1, 1),
            exhausted,
            done(3, 3),
        ])
        .await
        .unwrap();
        assert_eq!(run.retry_failed().await.unwrap(), 2);
        let known: Vec<_> = run.pending(0, 9).await.unwrap();
        let known: Vec<_> = known
            .iter()
            .map(|p| (p.seq, p.attempts, p.may_have_acted))
            .collect();
        assert_eq!(known, [(1, 1, false), (2, 1, true)]);
        let counts = run.tally().await.unwrap().counts;
        assert_eq!((counts.pending, counts.outcomes.total()), (2, 1));
        assert_eq!(run.retry_failed().await.unwrap(), 0);
    });
}

#[test]
fn pages_begin_after_the_given_number_and_keep_to_the_limit() {
    wait(async {
        let (ledger, run) = begun().await;
        let other = ledger.begin(new_run(1)).await.unwrap();
        for run in [&run, &other] {
            let records = (1..=5).map(|seq| candidate(seq, &seq.to_string()));
            run.admit(records.collect()).await.unwrap();
        }
        let seqs = async |after, limit| {
            let page = run.page(after, limit).await.unwrap();
            let pending = run.pending(after, limit).await.unwrap();
            let texts: Vec<_> = page.iter().map(|(seq, text)| (*seq, &**text)).collect();
            let groups: Vec<_> = pending.iter().map(|p| (p.seq, p.group.as_str())).collect();
            assert_eq!(texts, groups);
            page.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(0, 2).await, [1, 2]);
        assert_eq!(seqs(2, 9).await, [3, 4, 5]);
        assert!(seqs(5, 9).await.is_empty());
        assert!(seqs(u64::MAX, 9).await.is_empty());
        assert!(seqs(0, 0).await.is_empty());
        assert_eq!(seqs(0, usize::MAX).await.len(), 5);
    });
}

#[test]
fn the_tally_knows_what_the_app_called_in_the_session_before() {
    wait(async {
        let (ledger, run) = begun().await;
        let nothing = run.tally().await.unwrap();
        assert_eq!(nothing, RunTally::default());
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        run.intend(vec![intent(9, 1, 1)]).await.unwrap();
        let same_app = ledger.begin(new_run(1)).await.unwrap();
        let other_app = NewRun {
            sdkappid: APP + 1,
            ..new_run(2)
        };
        let other_app = ledger.begin(other_app).await.unwrap();
        assert_eq!(run.tally().await.unwrap().last_call, Some(CallId(9)));
        let same = same_app.tally().await.unwrap();
        assert_eq!(same.last_call, None);
        let killed = Before {
            ended_at: None,
            last_calls: 1,
        };
        assert_eq!(same.before, Some(killed));
        assert_eq!(other_app.tally().await.unwrap().before, None);
    });
}

#[test]
fn runs_are_found_by_name_beginning_or_age() {
    wait(async {
        let (ledger, run) = begun().await;
        let second = ledger.begin(new_run(1)).await.unwrap();
        let name = |number| RunId::new(UnixMillis(0), number);
        let find = async |text: &str| ledger.find_run(text).await.unwrap();

        assert_eq!(find(name(0).as_str()).await.unwrap().run_id, name(0));
        let beginning = &name(1).to_string()[..name(1).as_str().len() - 3];
        assert_eq!(find(beginning).await.unwrap().run_id, name(1));
        assert_eq!(
            find("1970").await,
            Err(NoSuchRun::Ambiguous {
                wanted: "1970".into(),
                first: name(1),
                second: name(0)
            })
        );
        for nobody in ["x", "%", "1970____"] {
            assert!(matches!(find(nobody).await, Err(NoSuchRun::Unknown { .. })));
        }

        let newest = async || ledger.newest_unfinished(APP).await.unwrap();
        assert_eq!(newest().await.unwrap().run_id, name(1));
        second.finish(end(Status::Finished)).await.unwrap();
        assert_eq!(newest().await.unwrap().run_id, name(0));
        run.finish(end(Status::Stopped)).await.unwrap();
        assert_eq!(newest().await.unwrap().status, Status::Stopped);
        run.finish(end(Status::Finished)).await.unwrap();
        assert_eq!(newest().await, None);
    });
}

#[test]
fn a_run_comes_back_as_it_was_entered() {
    wait(async {
        let (ledger, run) = begun().await;
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        run.finish(end(Status::Stopped)).await.unwrap();
        let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        let new = new_run(0);
        assert_eq!(info.run_id, new.run_id);
        assert_eq!((info.sdkappid, &info.endpoint), (APP, &new.endpoint));
        assert_eq!(info.identifier, new.identifier);
        assert_eq!(info.inputs, new.inputs);
        assert_eq!(info.session, new.session);
        assert_eq!(info.started_at, UnixMillis(1_000));
        assert_eq!(info.finished_at, Some(UnixMillis(99_000)));
        assert_eq!(info.stop_reason.as_deref(), Some("--limit was reached"));
        assert_eq!((info.exit_code, info.input_complete), (Some(4), true));
        assert_eq!(info.counts.pending, 1);

        let later = Session {
            started_at: UnixMillis(200_000),
            pid: 8,
            ..session()
        };
        ledger.resume(&info, later.clone()).await.unwrap();
        let again = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        assert_eq!((again.status, again.finished_at), (Status::Running, None));
        assert_eq!((again.stop_reason, again.exit_code), (None, None));
        assert_eq!((again.started_at, again.session), (info.started_at, later));
    });
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_comes_back() {
    use std::os::unix::ffi::OsStringExt;
    wait(async {
        let ledger = Ledger::inline().unwrap();
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"/in/\xff.csv".to_vec()));
        let mut new = new_run(0);
        new.inputs[0].path = Some(path.clone());
        ledger.begin(new).await.unwrap();
        let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        assert_eq!(info.inputs[0].path, Some(path));
    });
}

#[test]
fn what_contradicts_the_ledger_is_refused_with_all_that_came_along() {
    type Wrong = fn(RunLedger) -> std::pin::Pin<Box<dyn Future<Output = Result<(), LedgerError>>>>;
    let table: [(&str, Wrong); 8] = [
        ("a record twice", |run| {
            Box::pin(async move {
                let batch = vec![candidate(8, "x"), candidate(1, "y")];
                run.admit(batch).await.map(|_| ())
            })
        }),
        ("a call twice", |run| {
            Box::pin(async move { run.intend(vec![intent(8, 1, 1), intent(1, 1, 1)]).await })
        }),
        ("an answer without intent", |run| {
            Box::pin(async move { run.record(vec![busy(2, 2), done(7, 2)]).await })
        }),
        ("two answers", |run| {
            Box::pin(async move { run.record(vec![busy(2, 2), busy(1, 1)]).await })
        }),
        ("two outcomes", |run| {
            Box::pin(async move { run.record(vec![done(2, 1)]).await })
        }),
        ("an outcome that is none", |run| {
            Box::pin(async move {
                let reply = settled(2, 2, Outcome::NotAttempted, 1, 2);
                run.record(vec![reply]).await
            })
        }),
        ("an answered call withdrawn", |run| {
            Box::pin(async move { run.withdraw(vec![CallId(2), CallId(1)]).await })
        }),
        ("a number that is too large", |run| {
            Box::pin(async move { run.intend(vec![intent(1 << 40, 1, 1)]).await })
        }),
    ];
    for (what, wrong) in table {
        wait(async {
            let dir = tempfile::tempdir().unwrap();
            let ledger = Ledger::open(dir.path()).unwrap();
            let run = ledger.begin(new_run(0)).await.unwrap();
            run.admit(vec![candidate(1, "a"), candidate(2, "b")])
                .await
                .unwrap();
            run.intend(vec![intent(1, 1, 1), intent(2, 2, 1)])
                .await
                .unwrap();
            run.record(vec![done(1, 1)]).await.unwrap();
            let (before, tally) = (all_rows(&run).await, run.tally().await.unwrap());

            let error = wrong(run.clone()).await.unwrap_err();
            assert!(
                matches!(error, LedgerError::Contradiction { .. }),
                "{what}: {error}"
            );
            assert_eq!(run.tally().await, Err(error), "{what}: failed for good");
            drop((run, ledger));

            let ledger = Ledger::open(dir.path()).unwrap();
            let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
            let run = ledger.run(info.key, before.iter().map(|r| r.source.clone()).collect());
            assert_eq!(all_rows(&run).await, before, "{what}");
            assert_eq!(run.tally().await.unwrap(), tally, "{what}");
        });
    }
}

#[test]
fn intents_that_gather_share_a_commit() {
    wait(async {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path()).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        run.admit(vec![candidate(1, "a")]).await.unwrap();
        let before = ledger.commits();
        let intents = (1..=200).map(|n| run.intend(vec![intent(n, 1, 1)]));
        let intended = futures::future::join_all(intents).await;
        assert!(intended.iter().all(Result::is_ok));
        let commits = ledger.commits() - before;
        assert!((1..100).contains(&commits), "{commits} for 200 intents");
        assert_eq!(run.tally().await.unwrap().counts.calls, 200);
    });
}

#[tokio::test(start_paused = true)]
async fn an_inline_ledger_lets_a_paused_clock_stand_still() {
    let (_ledger, run) = begun().await;
    let before = tokio::time::Instant::now();
    let sleep = tokio::time::sleep(Duration::from_secs(1));
    tokio::pin!(sleep);
    for seq in 1..100 {
        tokio::select! {
            biased;
            admitted = run.admit(vec![candidate(seq, &seq.to_string())]) => {
                assert_eq!(admitted.unwrap(), [Admitted::First]);
            }
            () = &mut sleep => panic!("the clock moved"),
        }
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[test]
fn a_throwaway_ledger_works_like_any_other() {
    wait(async {
        for ledger in [Ledger::throwaway().unwrap(), Ledger::in_memory().unwrap()] {
            let run = ledger.begin(new_run(0)).await.unwrap();
            run.admit(vec![candidate(1, "a"), candidate(2, "a")])
                .await
                .unwrap();
            assert_eq!(run.tally().await.unwrap().counts.pending, 1);
        }
    });
}
