//! Holds what the service saw, what the ledger knows and what the report says against each other.

use std::collections::{HashMap, HashSet};

use disband_batch::simulator::Simulator;
use rusqlite::Connection;

use crate::session::Home;

/// Codes after which a group is not called again, of those that this world gives.
const DEFINITE: [i64; 3] = [0, 10007, 10010];

/// Each record has one row, and each row is true.
pub(crate) fn report(home: &Home, simulator: &Simulator, groups: &[String]) {
    let mut reader = csv::Reader::from_path(home.path("report.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let [seq, group_id, outcome] = ["seq", "group_id", "outcome"].map(column);
    let mut seqs = HashSet::new();
    let mut first = HashMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        let is_new = seqs.insert(row[seq].parse::<usize>().unwrap());
        assert!(is_new, "twice: {row:?}");
        let destroyed = simulator.destroyed(&row[group_id]);
        match &row[outcome] {
            "disbanded" | "presumed_disbanded" => assert_eq!(destroyed, 1, "{row:?}"),
            "failed" => assert_eq!(destroyed, 0, "{row:?}"),
            "duplicate" | "invalid" => continue,
            // Every group was there at first, so that only we can have made it go; and all faults are short ones.
            _ => panic!("{row:?}"),
        }
        let known = first.insert(row[group_id].to_owned(), row[outcome].to_owned());
        assert_eq!(known, None, "two rows that are no duplicates: {row:?}");
    }
    let records = 1 + groups.len() / 500 * 3;
    assert_eq!(seqs.len(), groups.len() + records - 1);
    assert_eq!(seqs.iter().max(), Some(&seqs.len()));
    for group in groups {
        assert!(first.contains_key(group), "{group} has no row");
    }
    let failed = first
        .values()
        .filter(|outcome| *outcome == "failed")
        .count();
    let summary = std::fs::read(home.path("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["status"], "finished");
    assert_eq!(summary["outcomes"]["failed"], failed);
    assert_eq!(summary["input_records"], seqs.len());
    assert_eq!(simulator.stats().destroyed as usize + failed, groups.len());
}

/// Each call that the service saw was intended first, and none was made after a definite answer was on disk.
pub(crate) fn ledger(home: &Home, simulator: &Simulator) {
    let ledger = home
        .path("state")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|end| end == "db" || end == "sqlite")
        })
        .expect("the ledger's file");
    let ledger = Connection::open(ledger).unwrap();
    let check: String = ledger
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut calls = ledger
        .prepare("SELECT group_id, state, error_code FROM call_log ORDER BY seq, call")
        .unwrap();
    let calls = calls.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, Option<i64>>(2)?,
        ))
    });
    let mut intents: HashMap<String, u32> = HashMap::new();
    let mut settled = HashSet::new();
    for call in calls.unwrap() {
        let (group, state, code) = call.unwrap();
        if state == "never sent" {
            continue;
        }
        assert!(
            !settled.contains(&group),
            "{group} was called after a definite answer"
        );
        if code.is_some_and(|code| DEFINITE.contains(&code)) {
            settled.insert(group.clone());
        }
        *intents.entry(group).or_default() += 1;
    }
    let mut seen: HashMap<Box<str>, u32> = HashMap::new();
    for call in simulator.log() {
        if let Some(group) = call.group {
            *seen.entry(group).or_default() += 1;
        }
    }
    for (group, calls) in seen {
        let intended = intents.get(&*group).copied().unwrap_or(0);
        assert!(
            calls <= intended,
            "{group}: {calls} calls came, {intended} were intended"
        );
    }
}
