//! What the service saw, held against what the program reports.

use std::collections::BTreeMap;

use disband_batch::simulator::{Call, Fault, FaultKind};

use super::{ReportRow, Scenario};

/// The service's log, group by group, each in the order of its calls.
pub(crate) fn calls_by_group(scenario: &Scenario) -> BTreeMap<String, Vec<Call>> {
    let mut groups = BTreeMap::<String, Vec<Call>>::new();
    for call in scenario.service.log() {
        let group = call.group.as_deref().unwrap().to_owned();
        groups.entry(group).or_default().push(call);
    }
    groups
}

/// Every row that was called says what the service's log says of its group, and no other group was called.
///
/// For runs whose service neither slowed them down nor refused their credentials.
#[track_caller]
pub(crate) fn assert_rows_agree_with_log(scenario: &Scenario, rows: &[ReportRow]) {
    let mut log = calls_by_group(scenario);
    for row in rows.iter().filter(|row| row.attempts > 0) {
        let calls = log
            .remove(&row.group_id)
            .unwrap_or_else(|| panic!("nobody called for {row:?}"));
        assert_eq!(row.attempts as usize, calls.len(), "{row:?}\n{calls:?}");
        assert_eq!(row.outcome, expected(&calls), "{row:?}\n{calls:?}");
        let last = calls.last().unwrap();
        assert_eq!(row.error_code, last.code, "{row:?}\n{calls:?}");
        assert_eq!(row.http_status, last.status, "{row:?}\n{calls:?}");
    }
    assert!(log.is_empty(), "called without a row: {log:?}");
}

/// What a group's outcome must be, by section 4 of what is known of the service.
fn expected(calls: &[Call]) -> &'static str {
    let (last, earlier) = calls.split_last().unwrap();
    match last.code {
        Some(0) => "disbanded",
        Some(10010) if earlier.iter().any(may_have_acted) => "presumed_disbanded",
        Some(10010) => "already_gone",
        Some(10002) | None => "exhausted",
        Some(_) => "failed",
    }
}

fn may_have_acted(call: &Call) -> bool {
    match call.fault {
        None => false,
        Some(Fault { kind, .. }) => matches!(
            kind,
            FaultKind::Reset
                | FaultKind::Close
                | FaultKind::Hang
                | FaultKind::Status(500..)
                | FaultKind::Code(10002)
        ),
    }
}
