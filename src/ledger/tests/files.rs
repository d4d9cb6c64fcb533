//! What becomes of the file, and of files that are none of ours.

use std::{fs, path::Path};

use rusqlite::Connection;

use super::*;
use crate::ledger::schema;

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join("ledger.db")).unwrap()
}

/// A ledger with one run and one settled record, closed.
fn recorded(dir: &Path) {
    wait(async {
        let ledger = Ledger::open(dir).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        run.admit(vec![candidate(1, "a"), candidate(2, "b")])
            .await
            .unwrap();
        run.intend(vec![intent(1, 1, 1)]).await.unwrap();
        run.record(vec![done(1, 1)]).await.unwrap();
    });
}

#[cfg(unix)]
#[test]
fn the_ledger_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("state/disband-batch");
    let ledger = Ledger::open(&dir).unwrap();
    wait(ledger.begin(new_run(0))).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(files.len(), 3, "the file, its log and the log's index");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
    }

    drop(ledger);
    let file = dir.join("ledger.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Ledger::open(&dir).unwrap());
    assert_eq!(mode(&file), 0o600, "a copy that was open to all");
}

#[test]
fn a_commit_reaches_the_disk_before_it_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let opened = file::open(dir.path()).unwrap();
    let pragma = |name| {
        opened
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("synchronous"), 2.into(), "FULL");
    assert_eq!(pragma("cache_size"), (-8192).into());
    assert_eq!(pragma("foreign_keys"), 1.into());
}

#[test]
fn an_orderly_end_leaves_one_file() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["ledger.db"]);
    let check: String = raw(dir.path())
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn many_openers_at_once_all_get_the_same_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let ledger = Ledger::open(dir).unwrap();
                    wait(ledger.begin(new_run(number))).unwrap();
                })
            })
            .collect();
        for opener in openers {
            opener.join().unwrap();
        }
    });
    assert_eq!(Archive::open(dir).unwrap().runs().unwrap().len(), 8);
}

#[test]
fn a_newer_ledger_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let newer = schema::VERSION + 5;
    raw(dir.path())
        .pragma_update(None, "user_version", newer)
        .unwrap();
    let before = fs::read(dir.path().join("ledger.db")).unwrap();
    for error in [
        Ledger::open(dir.path()).err().unwrap(),
        Archive::open(dir.path()).err().unwrap(),
    ] {
        assert!(
            matches!(error, LedgerError::Newer { found, known, .. } if found == newer && known == schema::VERSION)
        );
    }
    assert_eq!(fs::read(dir.path().join("ledger.db")).unwrap(), before);
}

#[test]
fn an_older_ledger_is_brought_up_to_date_by_a_writer_only() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    raw(dir.path())
        .execute_batch(
            "DROP VIEW report; DROP VIEW group_history; DROP VIEW call_log; DROP VIEW run_history;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    assert!(matches!(
        Archive::open(dir.path()),
        Err(LedgerError::Older { found: 1, .. })
    ));
    drop(Ledger::open(dir.path()).unwrap());
    let runs = Archive::open(dir.path()).unwrap().runs().unwrap();
    assert_eq!(runs[0].counts.records, 2);
    let history: String = raw(dir.path())
        .query_row(
            "SELECT outcome FROM group_history WHERE group_id = 'a'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(history, "disbanded");
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let foreign: [fn(&Path); 4] = [
        |path| fs::write(path, "group_id\n@TGS#1\n".repeat(1_000)).unwrap(),
        |path| fs::write(path, "short").unwrap(),
        |path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("CREATE TABLE t(x)").unwrap();
        },
        |path| {
            let connection = Connection::open(path).unwrap();
            connection.pragma_update(None, "application_id", 7).unwrap();
        },
    ];
    for make in foreign {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        make(&path);
        let before = fs::read(&path).unwrap();
        for error in [
            Ledger::open(dir.path()).err().unwrap(),
            Archive::open(dir.path()).err().unwrap(),
        ] {
            assert!(matches!(error, LedgerError::NotOurs { .. }), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn an_archive_without_a_ledger_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let missing = |dir: &Path| matches!(Archive::open(dir), Err(LedgerError::Missing { .. }));
    assert!(missing(dir.path()));
    assert!(missing(&dir.path().join("nowhere")));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    fs::write(dir.path().join("ledger.db"), "").unwrap();
    assert!(missing(dir.path()), "a writer died before its first commit");
    drop(Ledger::open(dir.path()).unwrap());
    assert!(
        Archive::open(dir.path())
            .unwrap()
            .runs()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_archive_reads_while_a_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    wait(async {
        let ledger = Ledger::open(dir.path()).unwrap();
        let run = ledger.begin(new_run(0)).await.unwrap();
        run.admit((1..=5).map(|n| candidate(n, &n.to_string())).collect())
            .await
            .unwrap();
        run.intend(vec![intent(1, 1, 1), intent(2, 2, 1)])
            .await
            .unwrap();
        run.record(vec![done(1, 1)]).await.unwrap();

        let archive = Archive::open(dir.path()).unwrap();
        let info = archive.newest_unfinished(APP).unwrap().unwrap();
        assert_eq!((info.status, info.counts.pending), (Status::Running, 4));
        let report = archive.report(&info).unwrap();
        let first = report.rows(RowFilter::All, 0, 2).unwrap();
        assert_eq!(first[0].outcome, Outcome::Disbanded);
        let second = &first[1];
        assert_eq!(second.outcome, Outcome::NotAttempted);
        assert_eq!(second.attempts, 1, "a call whose answer is still out");

        // Between two pages the run goes on: still each record once.
        run.intend(vec![intent(3, 5, 1)]).await.unwrap();
        run.record(vec![done(2, 2), done(3, 5)]).await.unwrap();
        let rest = report.rows(RowFilter::All, 2, 9).unwrap();
        let seqs: Vec<_> = first.iter().chain(&rest).map(|row| row.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
        assert_eq!(rest[2].outcome, Outcome::Disbanded);
    });
}

#[test]
fn the_views_answer_a_person_and_use_the_index() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let connection = raw(dir.path());
    let text = |sql: &str| -> String {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|i| row.get::<_, rusqlite::types::Value>(i))
                .map(|value| {
                    Ok(match value? {
                        rusqlite::types::Value::Null => "-".into(),
                        rusqlite::types::Value::Integer(n) => n.to_string(),
                        rusqlite::types::Value::Real(x) => x.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        rusqlite::types::Value::Blob(_) => "blob".into(),
                    })
                })
                .collect::<Result<Vec<_>, rusqlite::Error>>()
                .map(|row| row.join("|"))
        });
        let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        rows.join("\n")
    };
    insta::assert_snapshot!(text("SELECT * FROM report"), @r"
    19700101-000000-2222|1|a|disbanded|0|-|1|200|1.234|1970-01-01T00:00:10.001Z|1970-01-01T00:00:20.001Z|a.csv|2
    19700101-000000-2222|2|b|not_attempted|-|-|0|-|-|-|-|a.csv|3
    ");
    insta::assert_snapshot!(text("SELECT * FROM group_history"), @r"
    a|1400000000|disbanded|1970-01-01T00:00:20.001Z|0|-|1|19700101-000000-2222|administrator|here|https://console.tim.qq.com|1|2
    b|1400000000|not_attempted|-|-|-|0|19700101-000000-2222|administrator|here|https://console.tim.qq.com|2|3
    ");
    insta::assert_snapshot!(text("SELECT * FROM call_log"), @"19700101-000000-2222|1|1|a|1|answered|1970-01-01T00:00:10.001Z|1970-01-01T00:00:20.001Z|200|0|-|1.234|0");
    insta::assert_snapshot!(text("SELECT * FROM run_history"), @r#"19700101-000000-2222|1400000000|running|1970-01-01T00:00:01.000Z|-|-|-|{"calls":1,"disbanded":1,"pending":1}|administrator|https://console.tim.qq.com|here"#);
    let plan = text("EXPLAIN QUERY PLAN SELECT * FROM group_history WHERE group_id = 'a'");
    assert!(plan.contains("USING INDEX records_by_group"), "{plan}");
    for view in ["report", "call_log"] {
        let plan = text(&format!(
            "EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE run_id = 'x'"
        ));
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}
