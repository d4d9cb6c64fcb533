//! The sockets: accepts, serves, cuts.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver as Ack, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{FutureExt, future};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    check::TOO_LARGE,
    log::Stats,
    reply::{Delivery, Takeover},
    service::Service,
    trouble::Outage,
};

/// Bytes of a request's body that are read; an honest one has some sixty.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Connections that may wait to be accepted: more than any client opens at once.
const BACKLOG: u32 = 4_096;
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How slow [`Takeover::Drip`] is.
const DRIP_PAUSE: Duration = Duration::from_secs(1);

/// What the simulator's thread and its handle share.
pub(super) struct Shared {
    service: Mutex<Service>,
    /// Told of every change of the counts.
    changed: Condvar,
    pub(super) outage: watch::Sender<Outage>,
    keep_alive: bool,
}

impl Shared {
    pub(super) fn new(service: Service, keep_alive: bool) -> Self {
        Self {
            service: Mutex::new(service),
            changed: Condvar::new(),
            outage: watch::Sender::new(Outage::None),
            keep_alive,
        }
    }

    /// The service, to look at or to set up; held for a moment only, never across an await.
    pub(super) fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that may change the counts, and tells who waits for that.
    fn update<T>(&self, change: impl FnOnce(&mut Service) -> T) -> T {
        let result = change(&mut self.service());
        self.changed.notify_all();
        result
    }

    /// Waits until the counts satisfy `enough`.
    pub(super) fn wait_until(
        &self,
        timeout: Duration,
        mut enough: impl FnMut(&Stats) -> bool,
    ) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.service(), timeout, |service| !enough(&service.stats));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// Opens or closes the door, and says when that is done.
pub(super) struct Command {
    pub(super) open: bool,
    pub(super) done: SyncSender<io::Result<()>>,
}

impl Command {
    pub(super) fn new(open: bool) -> (Self, Ack<io::Result<()>>) {
        let (done, ack) = sync_channel(1);
        (Self { open, done }, ack)
    }
}

/// The listening socket, or its address kept while nobody listens.
enum Door {
    Open(TcpListener),
    /// Bound, so that nobody else takes the port, but not listening: who connects is refused.
    Closed(TcpSocket),
}

/// A socket on this address. One on a port of the system's choice may be bound beside another of ours, so that the door
/// turns without letting the port go; a port that somebody named is not shared.
fn bind(addr: SocketAddr, shared: bool) -> io::Result<TcpSocket> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Else the port stays taken for a minute after connections on it ended.
    #[cfg(unix)]
    {
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(shared)?;
    }
    socket.bind(addr)?;
    Ok(socket)
}

/// Listens. Needs a runtime around it.
pub(super) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    bind(addr, addr.port() == 0)?.listen(BACKLOG)
}

impl Door {
    async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Open(listener) => Ok(listener.accept().await?.0),
            Self::Closed(_) => future::pending().await,
        }
    }

    fn turn(self, open: bool, addr: SocketAddr, shared: bool) -> io::Result<Self> {
        match (self, open) {
            (Self::Open(listener), false) if shared => {
                let closed = bind(addr, shared)?;
                drop(listener);
                Ok(Self::Closed(closed))
            }
            (Self::Open(listener), false) => {
                drop(listener);
                bind(addr, shared).map(Self::Closed)
            }
            (Self::Closed(socket), true) => socket.listen(BACKLOG).map(Self::Open),
            (unchanged, _) => Ok(unchanged),
        }
    }
}

/// Serves until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    (addr, port_shared): (SocketAddr, bool),
    shared: Arc<Shared>,
    mut commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
) {
    let mut door = Some(Door::Open(listener));
    let mut cut = CancellationToken::new();
    loop {
        let accept = async {
            match &door {
                Some(door) => door.accept().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(Command { open, done }) = commands.recv() => {
                if !open {
                    std::mem::take(&mut cut).cancel();
                }
                let turned = match door.take() {
                    Some(door) => door.turn(open, addr, port_shared),
                    None => bind(addr, port_shared)
                        .and_then(|socket| socket.listen(BACKLOG))
                        .map(Door::Open),
                };
                let told = turned.map(|turned| door = Some(turned));
                // Whoever asked may have stopped waiting.
                drop(done.try_send(told));
            }
            accepted = accept => match accepted {
                Ok(stream) => {
                    shared.update(|service| service.stats.connections += 1);
                    tokio::spawn(connection(stream, Arc::clone(&shared), cut.clone()));
                }
                Err(e) => {
                    tracing::warn!("the simulator cannot accept a connection: {e}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// Serves one connection until it ends, a fault takes it over, or it is cut.
async fn connection(stream: TcpStream, shared: Arc<Shared>, cut: CancellationToken) {
    if let Err(e) = stream.set_nodelay(true) {
        tracing::debug!("the connection was gone at once: {e}");
        return;
    }
    let service = service_fn(|request| answer(Arc::clone(&shared), request).boxed());
    let mut http = Builder::new()
        .keep_alive(shared.keep_alive)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| http.poll_without_shutdown(cx)) => Some(ended),
        () = cut.cancelled() => None,
    };
    let stream = http.into_parts().io.into_inner();
    let takeover = match ended {
        None => Takeover::Reset,
        Some(Ok(())) => Takeover::Close,
        Some(Err(e)) => {
            if e.is_parse() {
                shared.update(|service| service.not_http(Instant::now()));
            }
            std::error::Error::source(&e)
                .and_then(|cause| cause.downcast_ref::<Takeover>())
                .cloned()
                .unwrap_or(Takeover::Close)
        }
    };
    tokio::select! {
        ended = take_over(stream, takeover) => if let Err(e) = ended {
            tracing::debug!("the caller ended the connection first: {e}");
        },
        () = cut.cancelled() => {}
    }
}

async fn take_over(mut stream: TcpStream, takeover: Takeover) -> io::Result<()> {
    match takeover {
        Takeover::Reset => return stream.set_zero_linger(),
        Takeover::Close => {}
        Takeover::Bytes(bytes) => stream.write_all(&bytes).await?,
        Takeover::Drip(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                sleep(DRIP_PAUSE).await;
            }
        }
        Takeover::Flood(opening, piece) => {
            stream.write_all(opening).await?;
            let pieces = piece.repeat(64);
            loop {
                stream.write_all(&pieces).await?;
            }
        }
    }
    stream.shutdown().await
}

/// Counts a call as in flight until its answer is handed over or its caller is gone.
struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.update(|service| service.stats.in_flight -= 1);
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Takeover> {
    let arrived = Instant::now();
    let arrival = shared.update(|service| service.arrive(arrived, request.uri().path()));
    let _in_flight = InFlight(&shared);
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(e) if e.is::<LengthLimitError>() => Err(TOO_LARGE),
        // The caller went away, or what it sent is no HTTP body.
        Err(_) => return Err(Takeover::Close),
    };
    let outage = after_stall(&shared).await;
    let answer = shared.update(|service| service.decide(arrival, &parts, body, outage));
    if !answer.delay.is_zero() {
        sleep(answer.delay).await;
    }
    match answer.delivery {
        Delivery::Response(response) => Ok(response),
        Delivery::Never => future::pending().await,
        Delivery::Takeover(takeover) => Err(takeover),
    }
}

/// The outage that reigns once there is no stall.
async fn after_stall(shared: &Shared) -> Outage {
    let outage = *shared.outage.borrow();
    if outage != Outage::Stall {
        return outage;
    }
    let mut changes = shared.outage.subscribe();
    let over = pin!(changes.wait_for(|outage| *outage != Outage::Stall));
    // The sender is in `shared`, so it outlives the wait.
    over.await.map_or(Outage::None, |outage| *outage)
}
