//! Processes that die: this test binary again, told by a variable to write a ledger until it is killed.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use super::*;

/// Tells the child which directory to write to.
const DIR: &str = "DISBAND_BATCH_TEST_LEDGER_DIR";

/// The child: admits, intends and answers, and says on stdout what was acknowledged, until it dies. As a test of its own
/// it does nothing.
#[test]
fn child_writes_until_it_dies() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    wait(async {
        let ledger = Ledger::open(Path::new(&dir)).unwrap();
        let run = match ledger.newest_unfinished(APP).await.unwrap() {
            None => ledger.begin(new_run(0)).await.unwrap(),
            Some(info) => ledger.resume(&info, session()).await.unwrap(),
        };
        let tally = run.tally().await.unwrap();
        let mut out = std::io::stdout();
        let mut say = |what: &str, n: u64| writeln!(out, "{what} {n}").unwrap();
        let mut call = tally.last_call.map_or(0, |call| call.0);
        for seq in tally.counts.records + 1.. {
            let result = async {
                run.admit(vec![candidate(seq, &seq.to_string())]).await?;
                say("admitted", seq);
                call += 1;
                run.intend(vec![intent(call, seq, 1)]).await?;
                say("intended", seq);
                if seq % 3 == 0 {
                    run.record(vec![done(call, seq)]).await?;
                    say("settled", seq);
                }
                Ok::<_, LedgerError>(())
            };
            if let Err(error) = result.await {
                writeln!(out, "failed {error}").unwrap();
                return;
            }
        }
    });
}

/// This binary again, with nothing but the child's test.
fn child(dir: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!(
            "{shell} exec \"$0\" --exact ledger::tests::crash::child_writes_until_it_dies --nocapture --test-threads=1"
        ))
        .arg(std::env::current_exe().unwrap())
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The records of which each thing was said.
#[derive(Debug, Default)]
struct Acknowledged {
    admitted: Vec<u64>,
    intended: Vec<u64>,
    settled: Vec<u64>,
    failed: Option<String>,
}

impl Acknowledged {
    fn hear(&mut self, line: &str) {
        // The test harness writes its own words into the first line.
        let line = line.rsplit_once("... ").map_or(line, |(_, said)| said);
        match line.split_once(' ') {
            Some(("admitted", n)) => self.admitted.push(n.parse().unwrap()),
            Some(("intended", n)) => self.intended.push(n.parse().unwrap()),
            Some(("settled", n)) => self.settled.push(n.parse().unwrap()),
            Some(("failed", why)) => self.failed = Some(why.into()),
            _ => {}
        }
    }
}

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = Acknowledged::default();
    for round in 1..=6 {
        let mut process = child(dir.path(), "").spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        for line in lines.by_ref().take(40 * round + 7) {
            said.hear(&line.unwrap());
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // What it had said before it was killed, but nobody had read yet. Its last line may be cut short.
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        for line in rest.iter().take(rest.len().saturating_sub(1)) {
            said.hear(line);
        }
        assert!(said.failed.is_none(), "{said:?}");
        check(dir.path(), &said);
    }
    assert!(said.intended.len() > 60, "{said:?}");
}

/// Everything acknowledged is there, nothing is half there, and an answer that never came counts as lost.
fn check(dir: &Path, said: &Acknowledged) {
    wait(async {
        let ledger = Ledger::open(dir).unwrap();
        let info = ledger.newest_unfinished(APP).await.unwrap().unwrap();
        assert_eq!(info.status, Status::Running);
        let run = ledger.resume(&info, session()).await.unwrap();
        let rows = all_rows(&run).await;
        let numbers: Vec<_> = rows.iter().map(|row| row.seq).collect();
        let expected: Vec<_> = (1..=rows.len() as u64).collect();
        assert_eq!(numbers, expected);
        assert_eq!(
            run.tally().await.unwrap().counts.records,
            expected.len() as u64
        );

        let row = |seq: &u64| &rows[*seq as usize - 1];
        assert!(said.admitted.iter().all(|seq| row(seq).seq == *seq));
        for seq in &said.intended {
            assert_eq!(row(seq).attempts, 1, "record {seq}");
        }
        for seq in &said.settled {
            assert_eq!(row(seq).outcome, Outcome::Disbanded, "record {seq}");
        }
        for pending in run.pending(0, usize::MAX).await.unwrap() {
            let intended = pending.attempts > 0;
            assert_eq!(pending.may_have_acted, intended, "{pending:?}");
        }
    });
}

#[test]
fn a_limit_on_the_files_size_stops_the_run_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // The signal of that limit is ignored, as the program does, so that the write fails. Blocks of 512 bytes.
    let output = child(dir.path(), "trap '' XFSZ; ulimit -f 2000;")
        .output()
        .unwrap();
    let mut said = Acknowledged::default();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        said.hear(line);
    }
    let failed = said.failed.clone().unwrap();
    assert!(failed.contains("could not be read or written"), "{failed}");
    assert!(said.intended.len() > 10, "{said:?}");
    check(dir.path(), &said);
}
