//! The documents are true: README, architecture, runbook and examples say what the program does.
//!
//! `BLESS=1 cargo test --test docs` writes the tables that are made from the program into the README.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use disband_batch::{
    cli,
    exit::ExitCode,
    outcome::{Class, Outcome},
    report::csv::COLUMNS,
};

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "contrib/RUNBOOK.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the README has between `<!-- name -->` and `<!-- /name -->` must be `table`.
fn assert_in_readme(name: &str, table: &str) {
    // One writer at a time.
    static README: Mutex<()> = Mutex::new(());
    let _alone = README.lock();
    let readme = read("README.md");
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = readme.find(&begin).expect(&begin) + begin.len();
    let to = from + readme[from..].find(&end).expect(&end);
    let wanted = format!("\n{}\n\n", table.trim());
    if std::env::var_os("BLESS").is_some() && readme[from..to] != wanted {
        let blessed = [&readme[..from], &wanted, &readme[to..]].concat();
        fs::write(root().join("README.md"), blessed).unwrap();
        return;
    }
    assert_eq!(&readme[from..to], wanted, "README.md, {name}");
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

/// An option's line: its help without the default, which has a column of its own.
fn option_line(arg: &clap::Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default().join(" ");
    let long = arg.get_long().map(|long| format!("--{long}"));
    let takes = arg.get_action().takes_values();
    let name = match (long, takes) {
        (None, _) => format!("{values}..."),
        (Some(long), false) => long,
        (Some(long), true) if arg.is_require_equals_set() => format!("{long}[={values}]"),
        (Some(long), true) => format!("{long} {values}"),
    };
    let name = match arg.get_short() {
        Some(short) => format!("`-{short}`, `{name}`"),
        None => format!("`{name}`"),
    };
    let help = arg.get_help().unwrap_or_default().to_string();
    let (help, told) = match help.split_once(" [default: ") {
        Some((help, told)) => (help.to_owned(), told.trim_end_matches(']').to_owned()),
        None => (help, String::new()),
    };
    let default = match (takes, arg.get_default_values()) {
        (true, [value]) => format!("`{}`", value.to_string_lossy()),
        _ => told,
    };
    format!(
        "| {} | {} | {} |\n",
        escaped(&name),
        escaped(&help),
        escaped(&default)
    )
}

#[test]
fn the_readme_has_every_option_with_the_meaning_and_default_of_the_help() {
    let command = cli::command(|c| c);
    let mut table = "| option | meaning | default |\n| --- | --- | --- |\n".to_owned();
    for arg in command.get_arguments() {
        if !["help", "version"].contains(&arg.get_id().as_str()) {
            table.push_str(&option_line(arg));
        }
    }
    assert_in_readme("options", &table);
}

#[test]
fn the_readme_has_every_job() {
    let command = cli::command(|c| c);
    let mut table = "| job | what it does |\n| --- | --- |\n".to_owned();
    for job in command
        .get_subcommands()
        .filter(|job| job.get_name() != "help")
    {
        let takes: String = job
            .get_positionals()
            .map(|arg| format!(" <{}>", arg.get_value_names().unwrap_or_default().join(" ")))
            .collect();
        let about = job.get_about().unwrap_or_default();
        table.push_str(&format!("| `{}{takes}` | {about} |\n", job.get_name()));
    }
    assert_in_readme("jobs", &table);
}

#[test]
fn the_readme_has_every_exit_code() {
    assert_in_readme("exit-codes", &ExitCode::markdown_table());
}

#[test]
fn the_readme_and_the_runbook_know_every_exit_code() {
    let runbook = read("contrib/RUNBOOK.md");
    let table = runbook
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    let told: BTreeSet<&str> = table
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|codes| codes.split(','))
        .map(str::trim)
        .collect();
    for code in ExitCode::ALL {
        assert!(told.contains(&*code.number().to_string()), "{code:?}");
    }
}

#[test]
fn the_readme_has_every_outcome_and_what_it_counts_as() {
    let readme = read("README.md");
    for outcome in Outcome::ALL {
        let class = match outcome.class() {
            Class::Gone => "gone",
            Class::Failure => "failure",
            Class::Neutral => "neutral",
        };
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{outcome}` |")));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {outcome}"));
        assert!(row.ends_with(&format!("| {class} |")), "{row}");
    }
}

#[test]
fn the_readme_has_the_columns_of_the_report() {
    let columns = COLUMNS.join(",");
    assert!(
        read("README.md").lines().any(|line| line == columns),
        "{columns}"
    );
}

#[test]
fn every_command_line_in_the_documents_is_one() {
    let mut count = 0;
    for document in DOCUMENTS {
        for line in code_lines(&read(document)) {
            for words in our_commands(&line) {
                let parsed = cli::command(|c| c).try_get_matches_from(&words);
                let fine = parsed
                    .as_ref()
                    .map_or_else(|error| !error.use_stderr(), |_| true);
                assert!(fine, "{document}: {line}\n{}", parsed.unwrap_err());
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} command lines were found");
}

/// Lines of code blocks, fenced and indented, those that end in a backslash joined.
fn code_lines(text: &str) -> Vec<String> {
    let (mut lines, mut fenced, mut open) = (Vec::<String>::new(), false, false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let (line, goes_on) = match line.trim().strip_suffix('\\') {
                Some(line) => (line, true),
                None => (line.trim(), false),
            };
            match lines.last_mut().filter(|_| open) {
                Some(last) => *last = format!("{last} {line}"),
                None => lines.push(line.to_owned()),
            }
            open = goes_on;
        }
    }
    lines
}

/// The calls of our program in a line of shell, as words.
fn our_commands(line: &str) -> Vec<Vec<String>> {
    let line = line.trim_start_matches("$ ");
    let line = line.split(" #").next().unwrap_or_default();
    line.split(['|', ';', '&'])
        .filter_map(|command| {
            let words = command
                .split_whitespace()
                .map(|w| w.trim_matches(['\'', '"']));
            let words: Vec<&str> = words.take_while(|w| !w.starts_with(['>', '<'])).collect();
            let arguments = match words.as_slice() {
                ["cargo", "run", "--release", "--", rest @ ..] => rest,
                ["disband-batch", rest @ ..] => rest,
                _ => return None,
            };
            let name = std::iter::once(cli::NAME);
            Some(
                name.chain(arguments.iter().copied())
                    .map(str::to_owned)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn every_variable_in_the_documents_and_examples_is_an_option() {
    let command = cli::command(|c| c);
    let mut known: BTreeSet<String> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .map(|long| long.replace('-', "_").to_uppercase())
        .collect();
    known.extend(["SECRET_KEY", "USERSIG"].map(str::to_owned));
    let examples = [
        "contrib/environment.example",
        "contrib/crontab.example",
        "contrib/kubernetes.yaml",
        "contrib/systemd/disband-batch.service",
        "contrib/nightly",
        "Dockerfile",
    ];
    for file in DOCUMENTS.iter().chain(&examples) {
        for (at, prefix) in read(file).match_indices("DISBAND_BATCH_") {
            let text = read(file);
            let rest = &text[at + prefix.len()..];
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            assert!(
                name.is_empty() || known.contains(name),
                "{file}: DISBAND_BATCH_{name}"
            );
        }
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document).parent().unwrap().to_owned();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") {
                continue;
            }
            if path.is_empty() {
                assert!(headings(&text).contains(heading), "{document}: {target}");
            } else {
                assert!(folder.join(path).exists(), "{document}: {target}");
            }
        }
    }
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let ours = [
        "src/",
        "tests/",
        "benches/",
        "contrib/",
        "docs/",
        "examples/",
        "sample-input/",
    ];
    for document in DOCUMENTS {
        for word in read(document).split('`').skip(1).step_by(2) {
            let is_ours = ours.iter().any(|folder| word.starts_with(folder));
            let is_path = is_ours && !word.contains([' ', '*']);
            assert!(!is_path || root().join(word).exists(), "{document}: {word}");
        }
    }
}

/// The anchors of a document's headings, as they are made from Markdown.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = text.lines().filter(|line| line.starts_with('#'));
    titles
        .map(|title| {
            let title = title.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn the_code_map_knows_every_room_and_no_room_that_is_gone() {
    let map = read("ARCHITECTURE.md");
    assert!(
        map.lines().count() < 150,
        "ARCHITECTURE.md has grown out of one sitting"
    );
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let room = if entry.path().is_dir() {
            format!("{name}/")
        } else {
            name
        };
        assert!(
            map.contains(&format!("`{room}`")),
            "{room} is not in ARCHITECTURE.md"
        );
        if entry.path().is_dir() {
            for file in files_below(&entry.path()) {
                let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
                let known =
                    stem == "mod" || stem.ends_with("tests") || map.contains(&format!("`{stem}`"));
                assert!(known, "{} is not in ARCHITECTURE.md", file.display());
            }
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if !path.ends_with("tests") && !path.ends_with("snapshots") => {
                files.extend(files_below(&path));
            }
            _ if path.extension().is_some_and(|e| e == "rs") => files.push(path),
            _ => {}
        }
    }
    files
}
