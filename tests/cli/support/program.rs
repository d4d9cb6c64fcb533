//! The program's process: how it is started, watched and ended.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use super::PATIENCE;

/// What the program's command line and environment are made of.
pub(crate) struct Program {
    command: Command,
}

impl Program {
    /// Of the tester's environment, only the path is left.
    pub(super) fn new(home: &Path) -> Self {
        Self::of(env!("CARGO_BIN_EXE_disband-batch"), home)
    }

    fn of(executable: &str, home: &Path) -> Self {
        let mut command = Command::new(executable);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_BACKTRACE", "1")
            .current_dir(home);
        Self { command }
    }

    /// The same in a session without a terminal, even where the tests are run from one.
    pub(crate) fn without_terminal(self) -> Self {
        let mut words = vec![self.command.get_program().to_owned()];
        words.extend(self.command.get_args().map(ToOwned::to_owned));
        let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
        self.through("setsid", &words)
    }

    /// The same environment and directory, for a line of shell; `$PROGRAM` is the program.
    pub(crate) fn in_shell(mut self, script: &str) -> Self {
        let executable = self.command.get_program().to_owned();
        self.command.env("PROGRAM", executable);
        self.through("sh", &["-c".as_ref(), script.as_ref()])
    }

    /// The same environment and directory, for the script that is run at night.
    pub(crate) fn at_night(self) -> Self {
        let executable = self.command.get_program().to_owned();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/nightly");
        self.through("sh", &[script.as_ref()])
            .env("DISBAND_BATCH", executable)
    }

    /// The same environment and directory, for another program.
    fn through(self, executable: &str, args: &[&OsStr]) -> Self {
        let mut command = Command::new(executable);
        command.args(args).env_clear();
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        Self { command }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with nothing on stdin.
    pub(crate) fn run(self) -> Finished {
        self.run_with("")
    }

    /// Runs it with this on stdin.
    pub(crate) fn run_with(self, stdin: impl Into<Vec<u8>>) -> Finished {
        let output = assert_cmd::Command::from_std(self.command)
            .timeout(PATIENCE)
            .write_stdin(stdin)
            .output()
            .unwrap();
        Finished {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts it; its stdin stays open until [`Running::stdin`] is dropped.
    pub(crate) fn start(self) -> Running {
        let (mut run, stdout) = self.start_with_stdout();
        run.stdout = Some(Heard::listen(stdout));
        run
    }

    /// Starts it, and gives its stdout away.
    pub(crate) fn start_with_stdout(mut self) -> (Running, ChildStdout) {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        (Running::new(child), stdout)
    }

    /// The command itself, for who starts it in another way.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// What a process has written so far.
#[derive(Default)]
struct Heard {
    /// The bytes, and whether there can be no more.
    so_far: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Heard {
    fn listen(mut from: impl Read + Send + 'static) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        let listener = Arc::clone(&heard);
        // Not joined: it ends with its pipe, and says so.
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let n = from.read(&mut buffer).unwrap_or(0);
                let mut so_far = listener.so_far.lock().unwrap();
                so_far.0.extend_from_slice(&buffer[..n]);
                so_far.1 = n == 0;
                listener.more.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        heard
    }

    /// Waits until what was heard satisfies `enough` or there can be no more; gives back all of it.
    fn until(&self, enough: impl Fn(&str) -> bool) -> String {
        let so_far = self.so_far.lock().unwrap();
        let more_wanted = |so_far: &mut (Vec<u8>, bool)| {
            !so_far.1 && !enough(&String::from_utf8_lossy(&so_far.0))
        };
        let (so_far, _) = self
            .more
            .wait_timeout_while(so_far, PATIENCE, more_wanted)
            .unwrap();
        text(so_far.0.clone())
    }
}

/// A process under way; killed when dropped.
pub(crate) struct Running {
    pub(crate) pid: u32,
    /// Its stdin, to be written to, or dropped for an end of input.
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Option<Arc<Heard>>,
    stderr: Arc<Heard>,
    ended: Receiver<io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
}

impl Running {
    fn new(mut child: std::process::Child) -> Self {
        let (pid, stdin) = (child.id(), child.stdin.take());
        let stderr = Heard::listen(child.stderr.take().unwrap());
        let (sender, ended) = sync_channel(1);
        // Not joined: it ends with the process, and who asks is told through the channel.
        thread::spawn(move || drop(sender.send(child.wait())));
        Self {
            pid,
            stdin,
            stdout: None,
            stderr,
            ended,
            status: None,
        }
    }

    /// Waits until it has said this on stderr.
    #[track_caller]
    pub(crate) fn wait_until_says(&self, words: &str) {
        let heard = self.stderr.until(|heard| heard.contains(words));
        assert!(heard.contains(words), "{words:?} is not said in: {heard}");
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(kill(self.pid, name), "the process is gone");
    }

    /// Writes to its stdin, and leaves it open.
    pub(crate) fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Its end, with stdin left as it is.
    pub(crate) fn wait(mut self) -> Finished {
        let status = match self.ended.recv_timeout(PATIENCE) {
            Ok(status) => status.unwrap(),
            Err(_) => {
                kill(self.pid, "KILL");
                panic!(
                    "it did not end within {PATIENCE:?}:\n{}",
                    self.stderr.until(|_| true)
                );
            }
        };
        self.status = Some(status);
        let all = |heard: &Arc<Heard>| heard.until(|_| false);
        Finished {
            status,
            stdout: self.stdout.as_ref().map(all).unwrap_or_default(),
            stderr: all(&self.stderr),
        }
    }

    /// Its end, after an end of input.
    pub(crate) fn end_input_and_wait(mut self) -> Finished {
        self.stdin = None;
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not if it was waited for: its number may be another's by now.
        if self.status.is_none() && self.ended.try_recv().is_err() {
            kill(self.pid, "KILL");
        }
    }
}

fn kill(pid: u32, signal: &str) -> bool {
    Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// It ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}\nstdout: {}\nstderr: {}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// It said this, perhaps over several lines.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            one_line(&self.stderr).contains(&one_line(words)),
            "{words:?} is not said in: {}",
            self.stderr
        );
        self
    }

    /// The run, as its closing words name it.
    #[track_caller]
    pub(crate) fn run_id(&self) -> String {
        let (_, after) = self.stderr.rsplit_once("\nRun ").unwrap();
        after.split_whitespace().next().unwrap().to_owned()
    }
}
