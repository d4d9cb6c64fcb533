//! What the service checks, and what it says.

use disband_batch::simulator::{
    Api, Groups, Key, Simulator, SimulatorOptions, Stats, sign, wall_clock_s,
};
use proptest::prelude::*;

use crate::caller::{Caller, DESTROY, NOW_S, options, request, usersig};

/// The worked example of spec section 7, computed by the official package.
const EXAMPLE_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const EXAMPLE_USERSIG: &str = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDKAAKpdaUZBZlAqUsTAzgQuWZOaChAzN0RQXZ6aDLLFMLA9PDfWx8K2oSHLKs0jJcDLwKivNN-Dy9swwSfFz9sl294wwyTNNSzGwVaoFAEa2NTU_";

#[test]
fn a_group_is_disbanded_once_and_then_is_not_there() {
    let simulator = Simulator::start(options()).unwrap();
    let mut caller = Caller::new(&simulator);
    let first = caller.destroy("@TGS#2J4SZEAEL").unwrap();
    assert_eq!(
        first.json(),
        serde_json::json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0})
    );
    assert!(first.head.contains("content-type: application/json"));
    assert_eq!(caller.destroy("@TGS#2J4SZEAEL").unwrap().code(), 10010);
    assert_eq!(simulator.destroyed("@TGS#2J4SZEAEL"), 1);
    assert_eq!(simulator.calls("@TGS#2J4SZEAEL"), 2);
    assert_eq!(simulator.destroyed("@TGS#OTHER"), 0);
    // One connection served both.
    let stats = simulator.stats();
    assert_eq!((stats.connections, stats.calls), (1, 2));
    assert_eq!((stats.destroyed, stats.missing), (1, 1));
    assert_eq!(simulator.violations(), []);
}

#[test]
fn only_listed_groups_exist_where_groups_are_listed() {
    let simulator = Simulator::start(SimulatorOptions {
        groups: Groups::Listed(["a", "b"].map(str::to_owned).into()),
        ..options()
    })
    .unwrap();
    let mut caller = Caller::new(&simulator);
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
    assert_eq!(caller.destroy("A").unwrap().code(), 10010);
    simulator.create("a");
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
    assert_eq!(simulator.destroyed("a"), 2);
}

#[test]
fn the_log_tells_each_call_in_order() {
    let simulator = Simulator::start(options()).unwrap();
    let mut caller = Caller::new(&simulator);
    caller.destroy("a").unwrap();
    caller.destroy("a").unwrap();
    caller.list("[]");
    let log = simulator.log();
    let told: Vec<_> = log
        .iter()
        .map(|c| (c.api, c.group.as_deref(), c.code, c.status, c.destroyed))
        .collect();
    assert_eq!(
        told,
        [
            (Some(Api::DestroyGroup), Some("a"), Some(0), Some(200), true),
            (
                Some(Api::DestroyGroup),
                Some("a"),
                Some(10010),
                Some(200),
                false
            ),
            (Some(Api::ListGroups), None, Some(10011), Some(200), false),
        ]
    );
    assert_eq!(log[2].violation, Some("the body is not a JSON object"));
    assert!(log.is_sorted_by_key(|call| call.at));
    assert!(log[2].at <= simulator.started().elapsed());
}

#[test]
fn the_log_is_bounded_and_off_unless_asked_for() {
    for (capacity, kept) in [(0, 0), (2, 2), (9, 3)] {
        let simulator = Simulator::start(SimulatorOptions {
            log_capacity: capacity,
            ..options()
        })
        .unwrap();
        let mut caller = Caller::new(&simulator);
        for group in ["a", "b", "c"] {
            caller.destroy(group).unwrap();
        }
        let log = simulator.log();
        assert_eq!(log.len(), kept);
        assert!(log.last().is_none_or(|c| c.group.as_deref() == Some("c")));
    }
    assert_eq!(SimulatorOptions::sample().log_capacity, 0);
}

#[test]
fn credentials_are_checked_like_the_service_does() {
    let options = options();
    let simulator = Simulator::start(options.clone()).unwrap();
    let (key, app, admin) = (&options.key, options.sdkappid, &options.identifier);
    let good = usersig(&options);
    let ours = format!("sdkappid={app}&identifier={admin}");
    let other_admin = format!("sdkappid={app}&identifier=mallory");
    let with = |who: &str, usersig: &str| format!("{who}&usersig={usersig}");
    let other_key = Key::new("another");
    for (code, query) in [
        (0, with(&ours, &good)),
        (70020, with("sdkappid=1&identifier=administrator", &good)),
        (70013, with(&other_admin, &good)),
        (
            70013,
            with(&format!("sdkappid={app}&identifier=Administrator"), &good),
        ),
        (70014, with(&ours, &sign(key, app + 1, admin, NOW_S, 60))),
        (70009, with(&ours, &sign(&other_key, app, admin, NOW_S, 60))),
        (70001, with(&ours, &sign(key, app, admin, NOW_S - 60, 60))),
        (0, with(&ours, &sign(key, app, admin, NOW_S - 59, 60))),
        (
            60010,
            with(&other_admin, &sign(key, app, "mallory", NOW_S, 60)),
        ),
        (70003, with(&ours, &good[..good.len() / 2])),
        (70003, with(&ours, "eJx")),
        (70002, with(&ours, "")),
        // Once more, after all the bad ones: nothing of them is remembered.
        (0, with(&ours, &good)),
        (70009, with(&ours, &sign(&other_key, app, admin, NOW_S, 60))),
    ] {
        let mut caller = Caller::new(&simulator);
        simulator.create("a");
        caller.query = query;
        assert_eq!(
            caller.destroy("a").unwrap().code(),
            code,
            "{}",
            caller.query
        );
    }
    assert_eq!(simulator.destroyed("a"), 3);
    let violations = simulator.violations();
    assert_eq!(violations.len(), 3, "{violations:?}");
}

#[test]
fn the_worked_example_is_let_in_and_expires_on_the_second() {
    let simulator = Simulator::start(SimulatorOptions {
        key: Key::new(EXAMPLE_KEY),
        ..options()
    })
    .unwrap();
    let mut caller = Caller::signed(&simulator, EXAMPLE_USERSIG);
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
    simulator.set_clock_offset_s(86_399);
    assert_eq!(caller.destroy("b").unwrap().code(), 0);
    simulator.set_clock_offset_s(86_400);
    assert_eq!(caller.destroy("c").unwrap().code(), 70001);
    assert_eq!(simulator.violations(), []);
}

#[test]
fn the_sample_lets_in_a_usersig_of_its_own_by_the_real_clock() {
    let options = SimulatorOptions {
        faults: Default::default(),
        ..SimulatorOptions::sample()
    };
    let simulator = Simulator::start(options.clone()).unwrap();
    assert!(wall_clock_s() > NOW_S);
    let usersig = options.usersig(std::time::Duration::from_secs(60));
    let mut caller = Caller::signed(&simulator, &usersig);
    assert_eq!(caller.destroy("a").unwrap().code(), 0);
}

#[test]
fn every_violation_is_answered_counted_and_kept_without_the_usersig() {
    let simulator = Simulator::start(options()).unwrap();
    let good = usersig(&options());
    let body = br#"{"GroupId":"a"}"#;
    let long = vec![b' '; 64 * 1024 + 1];
    // What the call is, and what is replaced in its request line.
    let violations: [(i64, &str, &[u8], &str, &str); 12] = [
        (60002, "GET", body, "", ""),
        (60009, "POST", body, "/v4/", "/v3/"),
        (10003, "POST", body, "destroy_group", "destroy"),
        (60012, "POST", body, "sdkappid=1400000000&", ""),
        (60025, "POST", body, "random=", "random=-"),
        (
            60025,
            "POST",
            body,
            "sdkappid=",
            &format!("{good}={good}&sdkappid="),
        ),
        (60025, "POST", body, "=json", "=xml"),
        (70003, "POST", body, "usersig=", "usersig=!"),
        (60003, "POST", b"GroupId=a", "", ""),
        (60003, "POST", &long, "", ""),
        (10004, "POST", br#"{"GroupId":["a"]}"#, "", ""),
        (10015, "POST", br#"{"GroupId":" \n"}"#, "", ""),
    ];
    for (code, method, body, from, to) in violations {
        let mut caller = Caller::new(&simulator);
        let target = caller.target(DESTROY).replacen(from, to, 1);
        caller.send(&request(method, &target, body)).unwrap();
        let got = caller.receive().unwrap().code();
        assert_eq!(got, code, "{method} {target}");
    }
    let kept = simulator.violations();
    assert_eq!(kept.len(), violations.len(), "{kept:#?}");
    assert_eq!(simulator.stats().violations, violations.len() as u64);
    assert_eq!(simulator.destroyed("a"), 0);
    let told = format!("{kept:?}{:?}{simulator:?}", simulator.log());
    assert!(!told.contains(&good[..20]));
}

#[test]
fn a_random_that_does_not_change_is_a_violation() {
    let simulator = Simulator::start(options()).unwrap();
    let mut caller = Caller::new(&simulator);
    let target = caller.target(DESTROY);
    for (group, violations) in [("a", 0), ("b", 1)] {
        let body = format!(r#"{{"GroupId":"{group}"}}"#);
        caller
            .send(&request("POST", &target, body.as_bytes()))
            .unwrap();
        assert_eq!(caller.receive().unwrap().code(), 0);
        assert_eq!(simulator.stats().violations, violations);
    }
}

#[test]
fn what_is_not_http_is_a_violation_and_harms_nobody() {
    let simulator = Simulator::start(options()).unwrap();
    let mut stranger = Caller::new(&simulator);
    stranger
        .send(b"\x16\x03\x01\x02\x00\x01 hello\r\n\r\n")
        .unwrap();
    stranger.receive_raw(10_000);
    let told = |stats: &Stats| stats.violations == 1;
    assert!(simulator.wait_until(std::time::Duration::from_secs(20), told));
    assert_eq!(Caller::new(&simulator).destroy("a").unwrap().code(), 0);
}

#[test]
fn a_connection_serves_one_call_where_keep_alive_is_off() {
    let simulator = Simulator::start(SimulatorOptions {
        keep_alive: false,
        ..options()
    })
    .unwrap();
    let mut caller = Caller::new(&simulator);
    let answer = caller.destroy("a").unwrap();
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert_eq!(caller.receive_raw(1), b"");
}

#[test]
fn groups_are_listed_page_by_page() {
    let simulator = Simulator::start(SimulatorOptions {
        groups: Groups::Listed(["a", "b", "@TGS#_c"].map(str::to_owned).into()),
        ..options()
    })
    .unwrap();
    let mut caller = Caller::new(&simulator);
    let first = caller.list(r#"{"Limit":2}"#);
    assert_eq!(first.code(), 0);
    let first = first.json();
    assert_eq!(first["TotalCount"], 3);
    let ids = serde_json::json!([{"GroupId": "@TGS#_c"}, {"GroupId": "a"}]);
    assert_eq!(first["GroupIdList"], ids);
    let second = caller.list(&format!(r#"{{"Limit":2,"Next":{}}}"#, first["Next"]));
    assert_eq!(
        second.json()["GroupIdList"],
        serde_json::json!([{"GroupId": "b"}])
    );
    assert_eq!(second.json()["Next"], 0);
    let communities = caller.list(r#"{"GroupType":"Community"}"#).json();
    assert_eq!(communities["TotalCount"], 1);
    caller.query = caller.query.replace("administrator", "mallory");
    assert_eq!(caller.list("{}").code(), 70013);
    assert_eq!(simulator.violations(), []);
}

#[test]
fn the_port_is_free_after_the_end() {
    let simulator = Simulator::start(options()).unwrap();
    let listen = simulator.addr();
    let mut caller = Caller::new(&simulator);
    caller.destroy("a").unwrap();
    simulator.stop();
    assert_eq!(caller.receive_raw(1), b"");
    let again = Simulator::start(SimulatorOptions {
        listen,
        ..options()
    })
    .unwrap();
    assert_eq!(again.url(), format!("http://{listen}"));
    let taken = Simulator::start(SimulatorOptions {
        listen,
        ..options()
    });
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn no_bytes_make_the_simulator_panic() {
    let simulator = Simulator::start(options()).unwrap();
    let target = Caller::new(&simulator).target(DESTROY);
    let body = br#"{"GroupId":"a"}"#;
    let proper = request("POST", &target, body);
    proptest!(ProptestConfig::with_cases(300), |(
        noise: Vec<u8>,
        cut in 0..proper.len(),
        insert: bool,
        flip: u8,
    )| {
        let mut bytes = proper.clone();
        if insert {
            bytes.splice(cut..cut, noise);
        } else {
            bytes[cut] ^= flip;
        }
        let mut caller = Caller::new(&simulator);
        caller.send(&bytes).unwrap();
        caller.shut();
    });
    assert!(Caller::new(&simulator).destroy("z").is_ok());
}
