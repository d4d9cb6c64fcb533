//! A server that answers with given bytes, whatever they are, over real sockets.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What the server does once it has read a request.
#[derive(Clone)]
pub(super) enum Play {
    /// Sends these bytes and reads on.
    Answer(Vec<u8>),
    /// Sends these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Sends the first, then the second for as long as somebody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends the first, then the second byte by byte, one each ten milliseconds.
    Drip(Vec<u8>, Vec<u8>),
    /// Holds its tongue until the other side gives up.
    Hang,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) body: String,
}

impl Seen {
    /// The part of the request's target after `name=`, up to the next parameter.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let line = self.head.lines().next().unwrap();
        let target = line.split(' ').nth(1).unwrap();
        target
            .split(['?', '&'])
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .unwrap()
    }
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

/// Anything that speaks bytes: a socket, or TLS on one.
pub(super) trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

impl Server {
    /// Plays the same for each request.
    pub(super) fn playing(play: Play) -> Self {
        Self::with(play, |socket| Some(Box::new(socket)))
    }

    /// As [`Server::playing`]; `accept` turns a fresh connection into what is spoken on, or drops it.
    pub(super) fn with(
        play: Play,
        accept: impl Fn(TcpStream) -> Option<Box<dyn Wire>> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let seen = Arc::clone(&server.seen);
        let connections = Arc::clone(&server.connections);
        // Ends with the process: it waits for a connection that never comes.
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (play, accept, seen) = (play.clone(), accept.clone(), Arc::clone(&seen));
                thread::spawn(move || {
                    if let Some(mut wire) = accept(socket) {
                        while serve(&mut *wire, &play, &seen).unwrap_or(false) {}
                    }
                });
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request and answers it; says whether to go on.
fn serve(wire: &mut dyn Wire, play: &Play, seen: &Mutex<Vec<Seen>>) -> io::Result<bool> {
    let Some(request) = read_request(wire)? else {
        return Ok(false);
    };
    seen.lock().unwrap().push(request);
    match play {
        Play::Answer(bytes) => wire.write_all(bytes).map(|()| true),
        Play::AnswerAndClose(bytes) => wire.write_all(bytes).map(|()| false),
        Play::Endless(first, then) => {
            wire.write_all(first)?;
            loop {
                wire.write_all(then)?;
            }
        }
        Play::Drip(first, then) => {
            wire.write_all(first)?;
            for byte in then {
                wire.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(10));
            }
            Ok(true)
        }
        Play::Hang => Ok(wire.read(&mut [0])? > 0),
    }
}

fn read_request(wire: &mut dyn Wire) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if wire.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    wire.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    Ok(Some(Seen { head, body }))
}
