//! What stands between a list and groups that nobody wanted to lose.

use std::time::Duration;

use disband_batch::simulator::{SimulatorOptions, sign};
use rexpect::session::{PtySession, spawn_command};

use crate::support::{
    APP, PATIENCE, Program, Scenario, assert_each_record_once, figures, id_lines, sorted,
};

const QUESTION: &str = "Type the SDKAppID to go on, anything else to leave: ";

#[test]
fn a_dry_run_connects_to_nobody_and_leaves_no_ledger() {
    let scenario = Scenario::new();
    let ids = scenario.ids(40);
    let protect = scenario.file("keep.txt", "group-00007\n");
    scenario
        .unasked()
        .without_terminal()
        .args(["--dry-run", "--summary", "summary.json", "--protect"])
        .args([protect, ids])
        .run()
        .exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 40);
    let figures = figures(&rows);
    assert_eq!((figures["would_disband"], figures["protected"]), (39, 1));
    scenario.assert_untouched();
    assert!(scenario.ledger_files().is_empty());
    assert!(scenario.read("summary.json").contains("\"calls\": 0"));
}

#[test]
fn a_dry_run_finds_the_failures_that_a_run_would_find_before_its_first_call() {
    let scenario = Scenario::new();
    let csv = scenario.file("two.csv", "A,B\n1,2\n");
    scenario.program().arg("--dry-run").arg(csv).run().exits(2);
    let ids = scenario.ids(4);
    scenario
        .program()
        .args(["--dry-run", "--max-groups", "3"])
        .arg(ids)
        .run()
        .exits(2);
    scenario.assert_untouched();
}

#[test]
fn without_terminal_and_consent_nobody_is_called() {
    for input in ["", "a\nb\n"] {
        let scenario = Scenario::new();
        scenario
            .unasked()
            .without_terminal()
            .run_with(input)
            .exits(2)
            .says("--yes");
        scenario.assert_untouched();
        assert!(!scenario.path("report.csv").exists());
    }
}

#[test]
fn consent_in_the_environment_must_name_the_app() {
    for wrong in ["yes", "1", "true", "1400000001", " 1400000000"] {
        let scenario = Scenario::new();
        scenario
            .program()
            .without_terminal()
            .env("DISBAND_BATCH_YES", wrong)
            .run_with("a\n")
            .exits(2)
            .says(APP);
        scenario.assert_untouched();
    }
    let scenario = Scenario::new();
    scenario
        .program()
        .without_terminal()
        .run_with("a\n")
        .exits(0);
    assert_eq!(scenario.service.destroyed("a"), 1);
}

#[test]
fn consent_is_never_taken_from_the_config_file() {
    let scenario = Scenario::new();
    let config = scenario.file("config.toml", "yes = true\n");
    scenario
        .unasked()
        .without_terminal()
        .args(["--config".as_ref(), config.as_os_str()])
        .run_with("a\n")
        .exits(2);
    scenario.assert_untouched();
}

#[test]
fn the_flag_consents_for_any_app() {
    let scenario = Scenario::new();
    scenario
        .unasked()
        .without_terminal()
        .arg("--yes")
        .run_with("a\n")
        .exits(0);
    assert_eq!(scenario.service.destroyed("a"), 1);
}

/// A line of shell on a terminal of its own.
fn on_terminal(program: Program, line: &str) -> PtySession {
    let patience_ms = u64::try_from(PATIENCE.as_millis()).unwrap();
    // The shell outlives a Ctrl-C, to tell how the program ended.
    let script = format!("trap : INT; {line}; echo exit code $?.");
    spawn_command(program.in_shell(&script).into_command(), Some(patience_ms)).unwrap()
}

/// The exit code, and what was shown until then.
fn ends(mut session: PtySession) -> (i32, String) {
    let shown = session.exp_string("exit code ").unwrap();
    let code = session.exp_string(".").unwrap();
    session.exp_eof().unwrap();
    (code.parse().unwrap(), shown)
}

#[test]
fn the_question_shows_what_is_about_to_happen_and_the_sdkappid_answers_it() {
    let scenario = Scenario::new();
    scenario.file("list.txt", "1001\n1002\n1003\n1002\n1004\n1005\n1006\n");
    let mut session = on_terminal(scenario.unasked(), "$PROGRAM list.txt");
    let shown = session.exp_string(QUESTION).unwrap();
    for fact in [
        APP,
        "administrator",
        &scenario.service.url(),
        "groups    6",
        "1001",
        "1005",
        "all 7 IDs are numbers",
        "cannot be undone",
    ] {
        assert!(shown.contains(fact), "{fact:?} is not in {shown}");
    }
    assert!(!shown.contains("1006"), "{shown}");
    scenario.assert_untouched();
    session.send_line(APP).unwrap();
    assert_eq!(ends(session).0, 0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 7);
    assert_eq!(figures(&rows)["disbanded"], 6);
    assert_eq!(scenario.service.stats().destroyed, 6);
}

#[test]
fn any_other_answer_leaves_without_a_call_and_without_a_run_to_resume() {
    for answer in ["", "y", "yes", "1400000001"] {
        let scenario = Scenario::new();
        scenario.ids(3);
        let mut session = on_terminal(scenario.unasked(), "$PROGRAM ids.txt");
        session.exp_string(QUESTION).unwrap();
        session.send_line(answer).unwrap();
        assert_eq!(ends(session).0, 2, "{answer:?}");
        scenario.assert_untouched();
        assert!(!scenario.path("report.csv").exists(), "{answer:?}");
        scenario
            .program()
            .arg("--resume")
            .run()
            .exits(2)
            .says("no unfinished run");
        scenario.assert_untouched();
    }
}

#[test]
fn an_end_of_the_terminal_or_an_interrupt_at_the_question_calls_nobody() {
    for key in ['d', 'c'] {
        let scenario = Scenario::new();
        scenario.ids(3);
        let mut session = on_terminal(scenario.unasked(), "$PROGRAM ids.txt");
        session.exp_string(QUESTION).unwrap();
        session.send_control(key).unwrap();
        let (code, shown) = ends(session);
        let expected = if key == 'c' { 130 } else { 2 };
        assert_eq!(code, expected, "{key}: {shown}");
        scenario.assert_untouched();
        assert!(!scenario.path("report.csv").exists(), "{key}");
        scenario.program().arg("--resume").run().exits(2);
        scenario.assert_untouched();
    }
}

#[test]
fn a_resume_that_is_declined_can_be_resumed_later() {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--limit", "5"])
        .arg(scenario.ids(20))
        .run()
        .exits(4);
    for key in ['d', 'c'] {
        let mut session = on_terminal(scenario.unasked(), "$PROGRAM --resume");
        let shown = session.exp_string(QUESTION).unwrap();
        assert!(shown.contains("groups    15"), "{shown}");
        session.send_control(key).unwrap();
        assert_ne!(ends(session).0, 0);
        assert_eq!(scenario.service.stats().calls, 5);
        assert_each_record_once(&scenario.report(), 20);
    }
    let mut session = on_terminal(scenario.unasked(), "$PROGRAM --resume");
    session.exp_string(QUESTION).unwrap();
    session.send_line(APP).unwrap();
    assert_eq!(ends(session).0, 0);
    assert_eq!(figures(&scenario.report())["disbanded"], 20);
}

#[test]
fn a_signal_before_the_first_call_leaves_nothing_behind() {
    for (signal, exit) in [("INT", 130), ("TERM", 143)] {
        let scenario = Scenario::new();
        let mut run = scenario
            .program()
            .args(["--max-groups", "10", "-vv"])
            .start();
        run.feed(&id_lines(5));
        // The report is claimed once the input is about to be read.
        run.wait_until_says("WARN");
        while !scenario.path("report.csv").exists() {
            std::thread::yield_now();
        }
        run.signal(signal);
        let run = run.wait();
        scenario.assert_untouched();
        assert_eq!(run.status.code(), Some(exit), "{run:?}");
        assert!(!scenario.path("report.csv").exists());
        scenario.program().arg("--resume").run().exits(2);
    }
}

#[test]
fn a_pipe_is_asked_about_on_the_terminal_and_what_smells_is_said_first() {
    let scenario = Scenario::new();
    scenario.file("cut.txt", "a\nb\nb\nb\nb\nb\ncut-o");
    let mut session = on_terminal(scenario.unasked(), "cat cut.txt | $PROGRAM");
    let shown = session.exp_string(QUESTION).unwrap();
    for smell in ["newline", "duplicates", "groups    3"] {
        assert!(shown.contains(smell), "{smell:?} is not in {shown}");
    }
    scenario.assert_untouched();
    session.send_line(APP).unwrap();
    assert_eq!(ends(session).0, 0);
    assert_eq!(scenario.service.stats().destroyed, 3);
}

#[test]
fn a_terminal_as_stdin_is_a_usage_error() {
    let scenario = Scenario::new();
    let (code, shown) = ends(on_terminal(scenario.program(), "$PROGRAM"));
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("terminal"), "{shown}");
    scenario.assert_untouched();
}

#[test]
fn a_list_with_too_many_groups_is_refused_as_a_whole() {
    for from_file in [true, false] {
        let scenario = Scenario::new();
        let program = scenario.program().args(["--max-groups", "10"]);
        let run = match from_file {
            true => program.arg(scenario.ids(11)).run(),
            false => program.run_with(id_lines(11)),
        };
        run.exits(2).says("11 groups").says("--max-groups");
        scenario.assert_untouched();
        assert!(!scenario.path("report.csv").exists());
        scenario.program().arg("--resume").run().exits(2);
        scenario.assert_untouched();
    }
}

#[test]
fn as_many_groups_as_allowed_are_disbanded_and_duplicates_do_not_count() {
    let scenario = Scenario::new();
    let list = id_lines(10) + &id_lines(10);
    scenario
        .program()
        .args(["--max-groups", "10"])
        .run_with(list)
        .exits(0);
    assert_each_record_once(&scenario.report(), 20);
    assert_eq!(scenario.service.stats().destroyed, 10);
}

#[test]
fn a_canary_calls_as_many_groups_as_asked_for_and_the_resume_calls_the_rest() {
    let scenario = Scenario::new();
    let ids = scenario.ids(50);
    scenario
        .program()
        .args(["--limit", "5"])
        .arg(ids)
        .run()
        .exits(4)
        .says("--resume=");
    assert_eq!(scenario.service.stats().calls, 5);
    let rows = scenario.report();
    assert_each_record_once(&rows, 50);
    assert_eq!(figures(&rows)["not_attempted"], 45);
    scenario.program().arg("--resume").run().exits(0);
    let rows = scenario.report();
    assert_each_record_once(&rows, 50);
    assert_eq!(figures(&rows)["disbanded"], 50);
    assert_eq!(scenario.service.stats().calls, 50);
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let scenario = Scenario::new();
    let ids = scenario.ids(5);
    scenario
        .program()
        .args(["--limit", "5"])
        .arg(ids)
        .run()
        .exits(0);
}

#[test]
fn what_is_protected_is_never_called() {
    let scenario = Scenario::new();
    let exact = scenario.file("exact.txt", "keep me\n\nwhat?\n");
    let globs = scenario.file("globs.txt", "live_*\n@TGS#_*\n");
    let list = "keep me\nkeep me not\nwhat?\nwhats\nlive_1\nlive_\nalive_1\n@TGS#_c1\n@TGS#2C1\n";
    scenario
        .program()
        .args([
            "--protect".as_ref(),
            exact.as_os_str(),
            "--protect".as_ref(),
            globs.as_os_str(),
        ])
        .run_with(list)
        .exits(0);
    let rows = sorted(scenario.report());
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&*row.group_id, &*row.outcome))
        .collect();
    assert_eq!(
        shown,
        [
            ("keep me", "protected"),
            ("keep me not", "disbanded"),
            ("what?", "protected"),
            ("whats", "disbanded"),
            ("live_1", "protected"),
            ("live_", "protected"),
            ("alive_1", "disbanded"),
            ("@TGS#_c1", "protected"),
            ("@TGS#2C1", "disbanded"),
        ]
    );
    assert_eq!(scenario.service.stats().calls, 4);
}

#[test]
fn a_protect_list_that_is_not_there_stops_the_run_before_its_first_call() {
    let scenario = Scenario::new();
    scenario
        .program()
        .args(["--protect", "missing.txt"])
        .run_with("a\n")
        .exits(2)
        .says("missing.txt");
    scenario.assert_untouched();
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    for endpoint in [
        "http://192.0.2.1",
        "http://console.tim.qq.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "http://user:pass@127.0.0.1",
    ] {
        let scenario = Scenario::new();
        scenario
            .program()
            .env("DISBAND_BATCH_ENDPOINT", endpoint)
            .run_with("a\n")
            .exits(2);
    }
}

#[test]
fn an_earlier_report_or_summary_is_refused_and_stays_as_it_was() {
    for option in ["--report", "--summary"] {
        let scenario = Scenario::new();
        let precious = scenario.file("precious.csv", "precious");
        let program = match option {
            "--report" => scenario.program(),
            _ => scenario.program().args(["--report", "other.csv"]),
        };
        program
            .args([option.as_ref(), precious.as_os_str()])
            .run_with("a\n")
            .exits(2)
            .says("precious.csv already exists");
        assert_eq!(scenario.read("precious.csv"), "precious");
        assert!(!scenario.path("other.csv").exists());
        scenario.assert_untouched();
    }
}

#[test]
fn a_resume_overwrites_only_what_belongs_to_its_run() {
    for option in ["--report", "--summary"] {
        let scenario = Scenario::new();
        let ids = scenario.ids(10);
        scenario
            .program()
            .args(["--limit", "3", "--summary", "summary.json"])
            .arg(ids)
            .run()
            .exits(4);
        let precious = scenario.file("precious.csv", "precious");
        scenario
            .program()
            .args([option.as_ref(), precious.as_os_str(), "--resume".as_ref()])
            .run()
            .exits(2)
            .says("already exists");
        assert_eq!(scenario.read("precious.csv"), "precious", "{option}");
        assert_eq!(scenario.service.stats().calls, 3);
        scenario
            .program()
            .args(["--resume", "--summary", "summary.json"])
            .run()
            .exits(0);
        assert_each_record_once(&scenario.report(), 10);
        assert!(scenario.read("summary.json").contains("\"finished\""));
    }
}

fn with_usersig(scenario: &Scenario, usersig: &str) -> Program {
    let file = scenario.file("usersig", usersig);
    scenario
        .program()
        .env("DISBAND_BATCH_SECRET_KEY", "")
        .args(["--usersig-file".as_ref(), file.as_os_str()])
}

/// A UserSig of the scenario's key, made now.
fn usersig(options: &SimulatorOptions, app: u64, admin: &str, lifetime: Duration) -> String {
    let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap();
    sign(&options.key, app, admin, (options.clock)(), lifetime_s)
}

#[test]
fn a_usersig_made_elsewhere_is_looked_at_before_the_first_call() {
    const DAY: Duration = Duration::from_secs(86_400);
    let options = SimulatorOptions::plain();
    let (app, admin) = (options.sdkappid, &*options.identifier);
    let long_ago = sign(&options.key, app, admin, 1_700_000_000, 86_400);
    for (usersig, word) in [
        (usersig(&options, app + 1, admin, DAY), "1400000001"),
        (usersig(&options, app, "somebody", DAY), "somebody"),
        (long_ago, "expired"),
        (
            usersig(&options, app, admin, Duration::from_secs(5)),
            "holds for another",
        ),
        ("eJyrVgrxCdYrSy1SslI".to_owned(), "UserSig"),
    ] {
        let scenario = Scenario::new();
        let run = with_usersig(&scenario, &usersig).run_with(id_lines(3));
        let run = run.exits(2).says(word);
        assert!(!run.stderr.contains(&usersig), "{}", run.stderr);
        scenario.assert_untouched();
    }
    let scenario = Scenario::new();
    with_usersig(&scenario, &usersig(&options, app, admin, DAY))
        .run_with(id_lines(3))
        .exits(0);
    assert_eq!(scenario.service.stats().destroyed, 3);
    scenario.assert_no_violations();
}

#[test]
fn a_usersig_must_outlast_a_long_list() {
    let scenario = Scenario::new();
    let ids = scenario.ids(2_000);
    let options = &scenario.options;
    let hour = usersig(
        options,
        options.sdkappid,
        &options.identifier,
        Duration::from_secs(3_600),
    );
    with_usersig(&scenario, &hour)
        .args(["--rate", "1", "--limit", "3601"])
        .arg(&ids)
        .run()
        .exits(2);
    scenario.assert_untouched();
    with_usersig(&scenario, &hour).arg(&ids).run().exits(0);
}

#[test]
fn ambiguous_input_is_refused_rather_than_guessed() {
    for (name, text, words) in [
        ("columns.csv", "Name,Owner\nx,y\n", "--column"),
        ("utf16.csv", "\u{0}", ""),
    ] {
        let scenario = Scenario::new();
        let bytes = match name {
            "utf16.csv" => b"\xff\xfea\0\n\0".to_vec(),
            _ => text.as_bytes().to_vec(),
        };
        let file = scenario.file(name, bytes);
        scenario
            .program()
            .arg(file)
            .run()
            .exits(2)
            .says(name)
            .says(words);
        scenario.assert_untouched();
    }
    let scenario = Scenario::new();
    scenario
        .program()
        .arg("missing.csv")
        .run()
        .exits(2)
        .says("missing.csv");
    scenario.program().arg(".").run().exits(2);
    scenario.assert_untouched();
}
