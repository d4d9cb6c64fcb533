//! The embedded service: `destroy_group` over real HTTP, strict about the protocol, with faults on demand.
//!
//! `--simulate` runs against it, tests drive the program through it, and it stands alone as a subcommand. It shares no
//! code with the client: it checks parameters and UserSigs by itself, from the same documents, so that one proves the
//! other. Chance is a hash of seed and group ID, so a run can be repeated.
//!
//! The path of a call: `serve` (sockets), `service` (decides), `check`, `credentials` and `usersig` (is it asked
//! properly), `window` (rate), `groups` (is it there), `plan`, `fault` and `trouble` (what goes wrong), `reply` (what is
//! sent).
//!
//! Memory grows with the groups that were called, some 50 bytes each, unless [`SimulatorOptions::remember`] bounds it.

mod args;
mod check;
mod credentials;
mod draw;
mod fault;
mod groups;
mod log;
mod options;
mod plan;
mod reply;
mod serve;
mod service;
mod trouble;
mod usersig;
mod window;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, mpsc::sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;

pub use self::{
    args::{BadArgs, SimulatorArgs},
    check::Api,
    fault::{Fault, FaultKind, NotAFault, Stage},
    log::{Call, Stats, Violation},
    options::{
        DESTROY_GROUP_PER_SECOND, Groups, Key, Latency, NotALatency, SAMPLE_IDENTIFIER,
        SAMPLE_SDKAPPID, SimulatorOptions, wall_clock_s,
    },
    plan::{FaultPlan, FaultRule, NotARule, OverSubscribed},
    trouble::{Outage, Reply},
    usersig::sign,
};
use self::{
    serve::{Command, Shared},
    service::Service,
};

/// Commands that may wait for the simulator's thread, each from a thread that waits for it.
const COMMANDS: usize = 16;

/// A running simulator. Ends when dropped.
///
/// All methods may be called from any thread while it runs.
pub struct Simulator {
    addr: SocketAddr,
    started: Instant,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator in a thread of its own; it takes calls when this returns.
    ///
    /// # Errors
    /// The thread cannot be started or the address not be listened on.
    pub fn start(options: SimulatorOptions) -> io::Result<Self> {
        let started = Instant::now();
        let (listen, keep_alive) = (options.listen, options.keep_alive);
        let shared = Arc::new(Shared::new(Service::new(options, started), keep_alive));
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let stop = CancellationToken::new();
        let (ready, bound) = sync_channel(1);
        let thread = thread::Builder::new().name("simulator".to_owned()).spawn({
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            move || run(listen, shared, inbox, stop, |addr| drop(ready.send(addr)))
        })?;
        let ended = |_| io::Error::other("the simulator's thread ended at once");
        Ok(Self {
            addr: bound.recv().map_err(ended)??,
            started,
            shared,
            commands,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, as `--endpoint` takes it, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// When it started: the zero of [`Call::at`].
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Counts up to now.
    pub fn stats(&self) -> Stats {
        self.shared.service().stats
    }

    /// The newest calls, oldest first, in the order in which they were decided: at most
    /// [`SimulatorOptions::log_capacity`] of them.
    pub fn log(&self) -> Vec<Call> {
        self.shared.service().log()
    }

    /// The newest violations of the protocol, at most 1,000; [`Stats::violations`] counts all.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.service().violations()
    }

    /// How often a group was disbanded: at most once, unless it was created again.
    pub fn destroyed(&self, group: &str) -> u32 {
        self.shared.service().calls_and_destroyed(group).1
    }

    /// How many proper calls for a group came within the limit; an outage's are not counted.
    pub fn calls(&self, group: &str) -> u32 {
        self.shared.service().calls_and_destroyed(group).0
    }

    /// Lays down what the group's next calls meet, one reply each, before the plan has its turn.
    pub fn script(&self, group: &str, replies: impl IntoIterator<Item = Reply>) {
        self.shared.service().script(group, replies);
    }

    /// Creates a group, perhaps under an ID that was in use before.
    pub fn create(&self, group: &str) {
        self.shared.service().create(group);
    }

    /// Begins or ends trouble for everybody; in force when this returns.
    ///
    /// # Errors
    /// The port cannot be closed, or opened again.
    pub fn set_outage(&self, outage: Outage) -> io::Result<()> {
        self.shared.outage.send_replace(outage);
        let (command, done) = Command::new(outage != Outage::RefuseConnections);
        let stopped = || io::Error::other("the simulator has stopped");
        self.commands.try_send(command).map_err(|_| stopped())?;
        done.recv().map_err(|_| stopped())?
    }

    /// Answers every proper call with this code from now on; [`Simulator::set_outage`] ends it.
    ///
    /// # Errors
    /// As [`Simulator::set_outage`].
    pub fn refuse_everybody(&self, code: i64) -> io::Result<()> {
        self.set_outage(Outage::Code(code))
    }

    /// Changes how much of the limit another program spends.
    pub fn set_other_load(&self, calls_a_second: u32) {
        self.shared.service().set_other_load(calls_a_second);
    }

    /// Sets the service's clock ahead of the wall clock, for UserSigs that expire during a run.
    pub fn set_clock_offset_s(&self, offset_s: i64) {
        self.shared.service().set_clock_offset(offset_s);
    }

    /// Waits until the counts satisfy `enough`; `false` if they don't within `timeout`. Blocks the thread.
    pub fn wait_until(&self, timeout: Duration, enough: impl FnMut(&Stats) -> bool) -> bool {
        self.shared.wait_until(timeout, enough)
    }

    /// Stops it: connections are dropped, the port is free.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// The simulator's thread.
fn run(
    listen: SocketAddr,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
    ready: impl FnOnce(io::Result<SocketAddr>),
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return ready(Err(e)),
    };
    runtime.block_on(async {
        let bound = serve::listen(listen).and_then(|listener| {
            let addr = listener.local_addr()?;
            Ok((listener, addr))
        });
        match bound {
            Err(e) => ready(Err(e)),
            Ok((listener, addr)) => {
                ready(Ok(addr));
                let addr = (addr, listen.port() == 0);
                serve::serve(listener, addr, shared, commands, stop).await;
            }
        }
    });
}
