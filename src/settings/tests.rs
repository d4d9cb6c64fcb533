//! Precedence, refusals, and that no secret shows.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::{exit::ExitCode, tencent::hosts::Region};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A command line, an environment and perhaps a config file.
struct Case {
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin_is_terminal: bool,
    directory: tempfile::TempDir,
}

impl Case {
    /// `args` are separated by blanks; `HOME` is an empty directory.
    fn new(args: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap().to_owned();
        Self {
            args: args
                .split(' ')
                .filter(|a| !a.is_empty())
                .map(String::from)
                .collect(),
            env: vec![("HOME".into(), home)],
            stdin_is_terminal: false,
            directory,
        }
    }

    /// With all that a run needs, so that a test says only what it is about.
    fn complete(args: &str) -> Self {
        Self::new(args)
            .env("DISBAND_BATCH_SDKAPPID", "1400000000")
            .env("DISBAND_BATCH_REGION", "sgp")
            .env("DISBAND_BATCH_SECRET_KEY", KEY)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn terminal(mut self) -> Self {
        self.stdin_is_terminal = true;
        self
    }

    fn file(self, text: &str) -> Self {
        let path = self.directory.path().join(".config/disband-batch");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("config.toml"), text).unwrap();
        self
    }

    fn read(&self) -> Result<Invocation, Error> {
        let env = self
            .env
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let args = std::iter::once("disband-batch").chain(self.args.iter().map(String::as_str));
        read(args.map(OsString::from), &env, self.stdin_is_terminal)
    }

    fn run(&self) -> (RunSettings, Vec<String>) {
        let invocation = self.read().unwrap();
        match invocation.job {
            Job::Run(settings) => (*settings, invocation.warnings),
            other => panic!("{other:?}"),
        }
    }

    /// What the user reads, with the home directory as `~`.
    fn told(&self) -> String {
        let error = self.read().unwrap_err();
        assert_eq!(error.exit(), ExitCode::Usage);
        let told = match error.cause().downcast_ref::<clap::Error>() {
            Some(clap) => clap.to_string(),
            None => format!("{error:?}"),
        };
        told.replace(self.directory.path().to_str().unwrap(), "~")
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "rate = 30\n";
    for (args, env, file, rate) in [
        ("", "", "", 200),
        ("", "", file, 30),
        ("", "20", file, 20),
        ("--rate 10", "20", file, 10),
        ("--rate 200", "20", file, 200),
        ("--rate=10", "", "", 10),
    ] {
        let case = Case::complete(args)
            .env("DISBAND_BATCH_RATE", env)
            .file(file);
        assert_eq!(
            case.run().0.pace.rate.get(),
            rate,
            "{args:?} {env:?} {file:?}"
        );
    }
}

#[test]
fn every_kind_of_option_can_be_set_in_every_layer() {
    let by_flags = Case::complete(
        "--no-header --column 2 --protect a --protect b --resume=r1 --max-failures 2% -v -v",
    );
    let by_env = Case::complete("")
        .env("DISBAND_BATCH_NO_HEADER", "yes")
        .env("DISBAND_BATCH_COLUMN", "2")
        .env("DISBAND_BATCH_PROTECT", "a:b")
        .env("DISBAND_BATCH_RESUME", "r1")
        .env("DISBAND_BATCH_MAX_FAILURES", "2%")
        .env("DISBAND_BATCH_VERBOSE", "2");
    let by_file = Case::complete("").file(
        "no-header = true\ncolumn = 2\nprotect = ['a', 'b']\nresume = 'r1'\nmax-failures = '2%'\n\
         verbose = 2\n",
    );
    for case in [by_flags, by_env, by_file] {
        let (settings, _) = case.run();
        assert!(!settings.reading.has_header);
        assert_eq!(settings.reading.column.unwrap().to_string(), "2");
        assert_eq!(settings.safety.protect, [Path::new("a"), Path::new("b")]);
        assert_eq!(
            settings.safety.max_failures,
            Some(crate::cli::MaxFailures::Percent(2.0))
        );
        let Mode::Resume { target, .. } = settings.mode else {
            panic!("{:?}", settings.mode);
        };
        assert_eq!(target, crate::cli::ResumeTarget::Run("r1".into()));
        assert_eq!(case.read().unwrap().logging.verbose, 2);
    }
}

#[test]
fn every_option_has_a_variable_and_all_but_two_a_name_in_the_file() {
    for option in layers::options() {
        let name = option.name.as_str();
        let value = match option.takes {
            crate::config::Takes::Flag => "true",
            crate::config::Takes::Count => "1",
            crate::config::Takes::Optional => "'r1'",
            _ => match name {
                "format" | "report-format" => "'csv'",
                "region" => "'cn'",
                "timeout" | "connect-timeout" | "max-outage" | "max-duration" => "'7s'",
                "progress" => "'none'",
                "log-format" => "'json'",
                "delimiter" => "';'",
                _ => "'7'",
            },
        };
        let case = Case::new("config");
        let origins = |case: &Case| match case.read().unwrap().job {
            Job::Config(shown) => shown
                .into_iter()
                .filter(|s| s.name == name)
                .map(|s| s.origin)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let variable = layers::variable(name);
        if name != "config" {
            let case = Case::new("config").env(&variable, value.trim_matches('\''));
            assert_eq!(origins(&case), [variable], "{name}");
        }
        let case = case.file(&format!("{name} = {value}\n"));
        if name == "yes" || name == "config" {
            assert!(case.told().contains("cannot stand"), "{name}");
        } else {
            assert!(origins(&case)[0].ends_with("config.toml, line 1"), "{name}");
        }
    }
}

#[test]
fn flags_in_the_environment_are_true_or_false() {
    for (value, is_dry) in [
        ("1", true),
        ("true", true),
        ("YES", true),
        ("0", false),
        ("false", false),
        ("no", false),
        ("", false),
    ] {
        let case = Case::complete("").env("DISBAND_BATCH_DRY_RUN", value);
        assert_eq!(case.run().0.mode == Mode::Dry, is_dry, "{value:?}");
    }
    let case = Case::complete("").env("DISBAND_BATCH_DRY_RUN", "maybe");
    insta::assert_snapshot!(case.told(), @"error: DISBAND_BATCH_DRY_RUN is `maybe`: must be 1, true, yes, 0, false or no");
    for (value, resumes) in [("yes", true), ("no", false)] {
        let case = Case::complete("").env("DISBAND_BATCH_RESUME", value);
        assert_eq!(matches!(case.run().0.mode, Mode::Resume { .. }), resumes);
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let (settings, warnings) = Case::complete("").run();
    insta::assert_debug_snapshot!((
        &settings.inputs,
        &settings.reading,
        &settings.pace,
        &settings.calls,
        &settings.safety,
        settings.consent,
        &settings.results,
        settings.progress,
    ));
    assert_eq!(warnings, [] as [String; 0]);
    let Service::Live(account) = &settings.service else {
        panic!("{:?}", settings.service);
    };
    assert_eq!(account.identifier, "administrator");
    assert_eq!(account.home, Home::Region(Region::Sgp));
}

#[test]
fn where_the_app_lives_is_said_once_in_a_layer_and_the_higher_one_wins() {
    let endpoint = Home::Endpoint("https://chat.test".into());
    let case = Case::complete("--endpoint https://chat.test");
    assert!(matches!(case.run().0.service, Service::Live(a) if a.home == endpoint));
    let case = Case::complete("--region cn").env("DISBAND_BATCH_ENDPOINT", "https://chat.test");
    insta::assert_snapshot!(
        Case::complete("--region cn --endpoint https://chat.test").told(), @r"
    error: --region and --endpoint both say where the app lives: exactly one must
      hint: remove one of them
    ");
    // Both variables are set, but a flag settles it.
    assert!(matches!(case.run().0.service, Service::Live(a) if a.home == Home::Region(Region::Cn)));
    let case = Case::complete("").env("DISBAND_BATCH_ENDPOINT", "https://chat.test");
    assert!(
        case.told()
            .starts_with("error: DISBAND_BATCH_REGION and DISBAND_BATCH_ENDPOINT both")
    );
}

#[test]
fn exactly_one_credential_is_taken() {
    let case = Case::complete("").env("DISBAND_BATCH_USERSIG", "eJyrVgrx");
    insta::assert_snapshot!(case.told(), @r"
    error: DISBAND_BATCH_SECRET_KEY and DISBAND_BATCH_USERSIG are both set: exactly one credential must be
      hint: remove one of them
    ");
    insta::assert_snapshot!(
        Case::complete("--secret-key-file a --usersig-file b").told(), @r"
    error: --secret-key-file and --usersig-file are both set: exactly one credential must be
      hint: remove one of them
    ");
    let case = Case::new("--sdkappid 7 --region cn");
    assert!(case.told().starts_with("error: no credential is set\n"));
}

#[test]
fn a_credential_from_a_file_wins_over_a_lower_layer_and_loses_its_line_end() {
    let case = Case::complete("");
    let path = case.directory.path().join("sig");
    fs::write(&path, "eJyrVgrx*-_\r\n").unwrap();
    for (mode, is_open) in [(0o600, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let mut case = Case::complete("");
        case.args = vec!["--usersig-file".into(), path.to_str().unwrap().into()];
        let (settings, warnings) = case.run();
        let Service::Live(account) = settings.service else {
            panic!()
        };
        assert!(
            matches!(account.credential, Credential::UserSig(s) if s.expose() == "eJyrVgrx*-_")
        );
        assert_eq!(
            warnings.len(),
            usize::from(is_open),
            "{mode:o} {warnings:?}"
        );
        let case = case.env(
            "CREDENTIALS_DIRECTORY",
            path.parent().unwrap().to_str().unwrap(),
        );
        assert_eq!(case.run().1, [] as [String; 0]);
    }
}

#[test]
fn a_credential_file_that_cannot_be_one_is_refused_without_showing_it() {
    for (text, said) in [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("hush\nhush\n", "it has several lines"),
        (
            "hush hush",
            "it has a blank or another character that no key has",
        ),
        ("'hush'", "it stands in quotes"),
        (
            "-----BEGIN PRIVATE KEY-----",
            "keys of the old scheme in PEM form cannot sign",
        ),
    ] {
        let mut case = Case::complete("");
        let path = case.directory.path().join("key");
        fs::write(&path, text).unwrap();
        case.args = vec![format!("--secret-key-file={}", path.display())];
        let told = case.told();
        assert!(
            told.starts_with(&format!(
                "error: --secret-key-file: ~/key holds no key: {said}\n"
            )),
            "{told}"
        );
        assert!(!told.contains("hush"), "{told}");
    }
    let told = Case::complete("--secret-key-file /no/such").told();
    insta::assert_snapshot!(told, @r"
    error: cannot read --secret-key-file: /no/such
      because: No such file or directory (os error 2)
      hint: check that the file is there and readable by this user
    ");
}

#[test]
fn a_secret_shows_nowhere() {
    let sig = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl";
    for (args, env) in [
        (format!("--secret-key {KEY}"), ""),
        (format!("--secret-key={KEY}"), ""),
        (format!("--usersig={sig}"), ""),
        (format!("--secretkey={KEY}"), ""),
        (format!("--usersig-file {sig}"), ""),
        (format!("--secret-key-file={KEY}"), ""),
        ("--rate x".into(), KEY),
        (String::new(), "two words hush"),
    ] {
        let mut case = Case::new(&format!("--sdkappid 7 --region cn {args}"));
        if !env.is_empty() {
            case = case.env("DISBAND_BATCH_SECRET_KEY", env);
        }
        let told = case.told();
        for secret in [KEY, sig, "hush"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let case = Case::complete("");
    assert!(!format!("{:?}", case.read().unwrap()).contains(KEY));
    let mut shown = Case::complete("config");
    shown = shown.env("DISBAND_BATCH_SECRET_KEY_FILE", KEY);
    let shown = format!("{:?}", shown.read().unwrap());
    assert!(!shown.contains(KEY) && shown.contains("\"set\""), "{shown}");
}

#[test]
fn a_typed_secret_is_refused_with_the_way_to_do_it() {
    insta::assert_snapshot!(Case::complete("--secret-key abc").told(), @r"
    error: there is no flag --secret-key: a command line is public, every user of this host can read it
      hint: name a file with --secret-key-file, or set DISBAND_BATCH_SECRET_KEY
    ");
}

#[test]
fn a_rehearsal_in_the_simulator_needs_no_account_and_never_asks() {
    let (settings, warnings) = Case::new("--simulate").run();
    assert!(matches!(
        settings.service,
        Service::Simulated { sdkappid: None, .. }
    ));
    assert_eq!(settings.consent, Consent::Given);
    assert_eq!(warnings, [] as [String; 0]);
    let case = Case::complete("--simulate --region cn --secret-key-file /no/such")
        .env("DISBAND_BATCH_YES", "8");
    let (_, warnings) = case.run();
    assert_eq!(
        warnings,
        ["This run goes to a simulator: --region, --secret-key-file are not used."]
    );
}

#[test]
fn consent_is_the_flag_or_this_very_app_in_the_environment() {
    for (args, env, consent) in [
        ("", "", Consent::Ask),
        ("-y", "", Consent::Given),
        ("--yes", "8", Consent::Given),
        ("", "1400000000", Consent::Given),
        ("--dry-run", "", Consent::Given),
    ] {
        let case = Case::complete(args).env("DISBAND_BATCH_YES", env);
        assert_eq!(case.run().0.consent, consent, "{args:?} {env:?}");
    }
    for env in ["1", "true", "140000000", " 1400000000"] {
        let told = Case::complete("").env("DISBAND_BATCH_YES", env).told();
        assert!(
            told.contains("is not this run's SDKAppID 1400000000"),
            "{told}"
        );
    }
}

#[test]
fn every_refusal_says_what_is_wrong_and_what_to_do() {
    let terminal = |args| Case::complete(args).terminal().told();
    let told: Vec<String> = vec![
        terminal(""),
        terminal("-"),
        Case::complete("- a.txt -").told(),
        Case::new("").told(),
        Case::new("--sdkappid 7").told(),
        Case::complete("--retry-failed").told(),
        Case::complete("--dry-run --resume").told(),
        Case::complete("--format lines --column id").told(),
        Case::complete("--format jsonl --no-header").told(),
        Case::complete("--timeout 4s --connect-timeout 5s").told(),
        Case::complete("--report r --summary r").told(),
        Case::complete("--summary -").told(),
        Case::complete("-v -q").told(),
        Case::complete("a.txt --rate 5 runs").told(),
        Case::complete("--rate 5 runs").told(),
        Case::complete("--config /no/such.toml").told(),
        Case::complete("").file("rates = 1").told(),
        Case::complete("").file("rate = 1\ntimeout = 10").told(),
        Case::complete("").file("region = 'mars'").told(),
        Case::complete("").env("DISBAND_BATCH_RATE", "0").told(),
        Case::complete("")
            .env("DISBAND_BATCH_MAX_FAILURES", "0%")
            .told(),
    ];
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn an_option_of_another_format_is_left_behind_if_a_higher_layer_chose_the_format() {
    let case = Case::complete("--format lines")
        .env("DISBAND_BATCH_DELIMITER", "tab")
        .env("DISBAND_BATCH_NO_HEADER", "yes")
        .file("column = 'id'");
    let (settings, _) = case.run();
    assert_eq!(settings.reading.column, None);
    assert_eq!(settings.reading.delimiter, None);
    let case = Case::complete("--column id").file("format = 'lines'");
    assert!(
        case.told()
            .starts_with("error: --column means nothing to plain lines")
    );
}

#[test]
fn clap_refuses_values_that_no_run_could_use() {
    for args in [
        "--rate 0",
        "--rate 1000001",
        "--rate 1.5",
        "--concurrency 0",
        "--max-attempts 0",
        "--max-attempts 101",
        "--timeout 0s",
        "--timeout 10",
        "--max-outage 30M",
        "--sdkappid 0",
        "--sdkappid -1",
        "--limit 0",
        "--max-groups 0",
        "--max-failures 0",
        "--region mars",
        "--identifier=",
        "--column 0",
        "--delimiter ab",
        "--resume=../x",
        "--resume=",
        "--report=",
        "--no-such",
        "completions",
        "completions cobol",
        "report",
        "report ../x",
    ] {
        let told = Case::complete(args).told();
        assert!(told.starts_with("error: "), "{args}: {told}");
    }
}

#[test]
fn no_home_directory_hurts_only_where_it_is_needed() {
    let homeless = |args| {
        let mut case = Case::complete(args);
        case.env.retain(|(name, _)| name != "HOME");
        case
    };
    for args in ["", "runs", "report r1"] {
        assert!(
            homeless(args)
                .told()
                .starts_with("error: where does the ledger live?"),
            "{args}"
        );
    }
    for args in [
        "--dry-run",
        "check",
        "simulator",
        "--state-dir /x",
        "runs --state-dir /x",
        "config",
    ] {
        assert!(homeless(args).read().is_ok(), "{args}");
    }
}

#[test]
fn shared_options_are_taken_before_and_after_a_job() {
    for args in [
        "--state-dir /x runs",
        "runs --state-dir /x",
        "--state-dir /y runs --state-dir /x",
    ] {
        let Job::Runs(settings) = Case::new(args).read().unwrap().job else {
            panic!()
        };
        assert_eq!(settings.state_dir, Path::new("/x"), "{args}");
    }
    let case = Case::new("runs")
        .env("DISBAND_BATCH_STATE_DIR", "/x")
        .file("state-dir = '/y'");
    let Job::Runs(settings) = case.read().unwrap().job else {
        panic!()
    };
    assert_eq!(settings.state_dir, Path::new("/x"));
}

#[test]
fn a_file_that_is_called_like_a_job_is_an_input_behind_its_directory_or_two_dashes() {
    for args in ["./runs", "-- runs"] {
        assert!(
            matches!(Case::complete(args).run().0.inputs, Inputs::Named(_)),
            "{args}"
        );
    }
    let case = Case::complete("--resume runs.txt");
    let (settings, _) = case.run();
    assert_eq!(
        settings.inputs,
        Inputs::Named(vec![Input::File("runs.txt".into())])
    );
    assert!(matches!(
        settings.mode,
        Mode::Resume {
            target: crate::cli::ResumeTarget::Newest,
            ..
        }
    ));
}

#[test]
fn a_run_that_goes_on_needs_no_input() {
    let (settings, _) = Case::complete("--resume").terminal().run();
    assert_eq!(
        settings.inputs,
        Inputs::OfTheRun {
            stdin_is_terminal: true
        }
    );
}

#[test]
fn a_report_is_written_by_its_paths_ending() {
    for (args, report, is_jsonl) in [
        ("", "disband-{run}.csv", false),
        ("--report-format jsonl", "disband-{run}.jsonl", true),
        ("--report a.JSONL", "a.JSONL", true),
        ("--report a.txt", "a.txt", false),
        ("--report a.jsonl --report-format csv", "a.jsonl", false),
    ] {
        let results = Case::complete(args).run().0.results;
        assert_eq!(results.report, ReportTo::File(report.into()), "{args}");
        assert_eq!(
            results.report_format == crate::cli::ReportFormat::Jsonl,
            is_jsonl,
            "{args}"
        );
    }
    let results = Case::complete("--report -").run().0.results;
    assert_eq!(results.report, ReportTo::Stdout);
    for (args, format) in [
        ("report r1", ExportFormat::Csv),
        ("report r1 -o x.html", ExportFormat::Html),
        ("report r1 -o - --format jsonl", ExportFormat::Jsonl),
    ] {
        let Job::Report(settings) = Case::new(args).read().unwrap().job else {
            panic!()
        };
        assert_eq!(settings.format, format, "{args}");
    }
}

#[test]
fn what_may_surprise_is_warned_about() {
    let warnings = |args| Case::complete(args).run().1;
    assert!(warnings("--timeout 3s")[0].starts_with("A call gets 3s (--timeout)"));
    assert!(warnings("--rate 201")[0].starts_with("201 calls a second (--rate)"));
    assert_eq!(
        Case::complete("--timeout 4s")
            .run()
            .0
            .calls
            .connect_timeout
            .as_secs(),
        4
    );
    let case = Case::complete("").env("DISBAND_BATCH_MAX_GROUP", "5");
    assert_eq!(
        case.run().1,
        ["DISBAND_BATCH_MAX_GROUP sets nothing; DISBAND_BATCH_MAX_GROUPS may be meant"]
    );
}

#[test]
fn quiet_shows_no_progress_unless_it_is_asked_for() {
    use crate::cli::ProgressMode;
    for (args, progress) in [
        ("-q", ProgressMode::None),
        ("-q --progress lines", ProgressMode::Lines),
        ("", ProgressMode::Auto),
    ] {
        assert_eq!(Case::complete(args).run().0.progress, progress, "{args}");
    }
}

#[test]
fn help_works_where_the_settings_are_broken() {
    for args in ["--help", "man", "completions bash"] {
        let case = Case::new(args)
            .env("DISBAND_BATCH_RATE", "x")
            .file("no toml");
        match case.read() {
            Ok(_) => {}
            Err(error) => assert_eq!(error.exit(), ExitCode::Finished, "{args}"),
        }
    }
}
