//! A caller on a plain socket: sends what the test says, returns what came, shares no code with any client.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use disband_batch::simulator::{Simulator, SimulatorOptions, sign};

pub(crate) const DESTROY: &str = "/v4/group_open_http_svc/destroy_group";
pub(crate) const LIST: &str = "/v4/group_open_http_svc/get_appid_group_list";

/// The time of the worked example of spec section 7.
pub(crate) const NOW_S: i64 = 1_700_000_000;

/// Fresh for each call, whoever makes it.
static RANDOM: AtomicU32 = AtomicU32::new(3_000_000_000);

/// A simulator without limits, whose clock stands still, and that logs everything.
pub(crate) fn options() -> SimulatorOptions {
    SimulatorOptions {
        rate_limit: None,
        log_capacity: 100_000,
        clock: || NOW_S,
        ..SimulatorOptions::plain()
    }
}

/// A UserSig that is good for a day.
pub(crate) fn usersig(options: &SimulatorOptions) -> String {
    sign(
        &options.key,
        options.sdkappid,
        &options.identifier,
        NOW_S,
        86_400,
    )
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Http {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `ErrorCode` of an answer whose `ActionStatus` agrees with it.
    pub(crate) fn code(&self) -> i64 {
        let json = self.json();
        let code = json["ErrorCode"].as_i64().unwrap();
        assert_eq!(self.status, 200);
        assert_eq!(json["ActionStatus"], if code == 0 { "OK" } else { "FAIL" });
        assert!(json["ErrorInfo"].is_string());
        code
    }
}

/// A kept-alive connection to a simulator, with credentials.
pub(crate) struct Caller {
    stream: BufReader<TcpStream>,
    pub(crate) query: String,
}

impl Caller {
    pub(crate) fn new(simulator: &Simulator) -> Self {
        Self::signed(simulator, &usersig(&options()))
    }

    pub(crate) fn signed(simulator: &Simulator, usersig: &str) -> Self {
        let stream = TcpStream::connect(simulator.addr()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
            query: format!("sdkappid=1400000000&identifier=administrator&usersig={usersig}"),
        }
    }

    /// Disbands a group over this connection.
    pub(crate) fn destroy(&mut self, group: &str) -> io::Result<Http> {
        self.send_destroy(group)?;
        self.receive()
    }

    pub(crate) fn send_destroy(&mut self, group: &str) -> io::Result<()> {
        let body = serde_json::json!({ "GroupId": group }).to_string();
        let target = self.target(DESTROY);
        self.send(&request("POST", &target, body.as_bytes()))
    }

    pub(crate) fn list(&mut self, body: &str) -> Http {
        let target = self.target(LIST);
        self.send(&request("POST", &target, body.as_bytes()))
            .unwrap();
        self.receive().unwrap()
    }

    /// Path and query of a proper call.
    pub(crate) fn target(&self, path: &str) -> String {
        format!(
            "{path}?{}&random={}&contenttype=json",
            self.query,
            RANDOM.fetch_add(1, Ordering::Relaxed)
        )
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer. `UnexpectedEof` where the connection ends before the answer does.
    pub(crate) fn receive(&mut self) -> io::Result<Http> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Http { status, head, body })
    }

    /// Reads what comes until `bytes` have come or the connection ends.
    pub(crate) fn receive_raw(&mut self, bytes: usize) -> Vec<u8> {
        let mut raw = Vec::new();
        (&mut self.stream)
            .take(bytes as u64)
            .read_to_end(&mut raw)
            .unwrap();
        raw
    }

    /// Says that nothing more is sent, and takes in whatever the answer is, a reset included.
    pub(crate) fn shut(mut self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
        let _ = self.stream.read_to_end(&mut Vec::new());
    }

    /// Whether nothing more has come up to now.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.get_ref().set_nonblocking(true).unwrap();
        let silent = self
            .stream
            .fill_buf()
            .is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock);
        self.stream.get_ref().set_nonblocking(false).unwrap();
        silent
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
