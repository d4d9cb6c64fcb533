//! What a report is made of besides its rows.

use super::*;
use crate::outcome::Class;

/// An archive of a run whose calls end in every way, and what still writes to it.
async fn recorded(dir: &std::path::Path) -> (Archive, RunInfo, RunLedger) {
    let ledger = Ledger::open(dir).unwrap();
    let run = ledger.begin(new_run(0)).await.unwrap();
    let invalid = NewRecord {
        admission: Admission::Invalid {
            shown: "é".into(),
            reason: "not ASCII".into(),
        },
        ..candidate(1, "-")
    };
    let mut records = vec![invalid];
    records.extend((2..=9).map(|seq| candidate(seq, &seq.to_string())));
    run.admit(records).await.unwrap();
    let intents = (1..=8).map(|call| intent(call, call + 1, 1)).collect();
    run.intend(intents).await.unwrap();
    let ends = [
        Outcome::Disbanded,
        Outcome::AlreadyGone,
        Outcome::PresumedDisbanded,
        Outcome::Failed,
        Outcome::Exhausted,
    ];
    let mut replies: Vec<_> = (1..)
        .zip(ends)
        .map(|(call, outcome)| settled(call, call + 1, outcome, 1, call))
        .collect();
    replies.push(busy(6, 7));
    run.record(replies).await.unwrap();
    run.withdraw(vec![CallId(7)]).await.unwrap();
    let archive = Archive::open(dir).unwrap();
    let info = archive.newest_unfinished(APP).unwrap().unwrap();
    (archive, info, run)
}

#[test]
fn each_filter_lets_through_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let (archive, info, _run) = recorded(dir.path()).await;
        let report = archive.report(&info).unwrap();
        let rows = |filter| -> Vec<_> { report.each_row(filter).map(Result::unwrap).collect() };
        let all = rows(RowFilter::All);
        let expected: Vec<_> = all
            .iter()
            .filter(|row| row.outcome.class() == Class::Failure)
            .cloned()
            .collect();
        assert_eq!(expected.len(), 3);
        assert_eq!(rows(RowFilter::Failures), expected);
        let troubled: Vec<_> = rows(RowFilter::Troubled)
            .iter()
            .map(|row| (row.seq, row.outcome.name()))
            .collect();
        let expected = [
            (1, "invalid"),
            (3, "already_gone"),
            (4, "presumed_disbanded"),
            (5, "failed"),
            (6, "exhausted"),
            (7, "not_attempted"),
        ];
        assert_eq!(troubled, expected);
    });
}

#[test]
fn only_answered_calls_are_answers() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let (archive, info, _run) = recorded(dir.path()).await;
        let report = archive.report(&info).unwrap();
        let answers: Vec<_> = report.each_answer().map(Result::unwrap).collect();
        let calls: Vec<_> = answers.iter().map(|answer| answer.call.0).collect();
        assert_eq!(calls, [1, 2, 3, 4, 5, 6]);
        let retried = &answers[5];
        assert_eq!(
            (retried.code, retried.info.as_deref()),
            (Some(10002), Some("try again"))
        );
        assert_eq!(retried.latency, busy(6, 7).latency);
        assert_eq!(
            (retried.intended_at, retried.answered_at),
            (UnixMillis(10_006), UnixMillis(20_006))
        );
        let span = report.first_and_last_answer().unwrap();
        assert_eq!(span, Some((UnixMillis(20_001), UnixMillis(20_006))));
        assert_eq!(report.session_starts().unwrap(), [UnixMillis(1_000)]);
    });
}

#[test]
fn more_rows_than_a_page_holds_come_once_each() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let ledger = Ledger::open(dir.path()).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        let records = (1..=2_500).map(|seq| candidate(seq, &seq.to_string()));
        run.admit(records.collect()).await.unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let info = archive.newest_unfinished(APP).unwrap().unwrap();
        let report = archive.report(&info).unwrap();
        let seqs = report.each_row(RowFilter::All).map(|row| row.unwrap().seq);
        assert!(seqs.eq(1..=2_500));
    });
}

#[test]
fn at_one_moment_nothing_changes_though_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let (archive, info, run) = recorded(dir.path()).await;
        let pending = |archive: &Archive| archive.runs().unwrap()[0].counts.pending;
        let (before, after) = archive
            .at_one_moment(|archive| {
                let before = pending(archive);
                let call = settled(8, 9, Outcome::Failed, 1, 8);
                futures::executor::block_on(run.record(vec![call])).unwrap();
                let failures = archive.report(&info)?.each_row(RowFilter::Failures).count();
                assert_eq!(failures, 3);
                Ok::<_, LedgerError>((before, pending(archive)))
            })
            .unwrap();
        assert_eq!((before, after), (3, 3));
        assert_eq!(pending(&archive), 2);
    });
}
