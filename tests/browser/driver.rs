//! A browser, spoken to by the WebDriver protocol (W3C, "WebDriver", section 8 to 15).

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// Long enough for a browser to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Without a sandbox, for continuous integration runs as root; and without the browser's own errands on the network.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// The key of an element's reference in the protocol (section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; ends when dropped.
pub(crate) struct Browser {
    driver: Child,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian's package chromium-driver)");
        let base = format!("http://127.0.0.1:{}", port(&mut driver));
        // An error says that one is installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let mut browser = Self {
            driver,
            runtime: runtime.enable_all().build().unwrap(),
            http: http.tls_certs_only([]).build().unwrap(),
            session: format!("{base}/session"),
        };
        let capabilities = json!({
            "capabilities": { "alwaysMatch": {
                "goog:chromeOptions": { "args": ARGUMENTS },
                "goog:loggingPrefs": { "browser": "ALL" },
            }}
        });
        let started = browser.post("", &capabilities);
        let id = started["sessionId"].as_str().unwrap();
        browser.session = format!("{base}/session/{id}");
        browser
    }

    /// Loads a file, and waits until its scripts have run.
    pub(crate) fn open(&self, page: &Path) {
        let url = reqwest::Url::from_file_path(page).unwrap();
        self.post("/url", &json!({ "url": url.as_str() }));
    }

    /// What a script returns.
    pub(crate) fn ask(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Asks until the answer is as expected; fails if it never is.
    pub(crate) fn until(&self, script: &str, expected: &Value) {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(script);
            if answer == *expected {
                return;
            }
            let over = std::time::Instant::now() > deadline;
            assert!(!over, "{script} is {answer}, not {expected}");
        }
    }

    /// Types into the element that the selector finds, after what is there was deleted.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/clear"), &json!({}));
        let body = json!({ "text": text });
        self.post(&format!("/element/{element}/value"), &body);
    }

    /// Clicks on the element that the selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// What the console said since it was asked last.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }));
        let said = |entry: &Value| entry["message"].to_string();
        entries.as_array().unwrap().iter().map(said).collect()
    }

    /// A window of this width, and a reader who likes it dark or light.
    pub(crate) fn emulate(&self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    fn devtools(&self, command: &str, params: &Value) {
        let body = json!({ "cmd": command, "params": params });
        self.post("/goog/cdp/execute", &body);
    }

    fn find(&self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &body);
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self
            .http
            .post(format!("{}{path}", self.session))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = async { request.send().await?.bytes().await };
        let answer = self.runtime.block_on(answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser with the session; without it, the browser would outlive us.
        let closing = async { self.http.delete(&self.session).send().await };
        let _closed = self.runtime.block_on(closing);
        let _killed = self.driver.kill();
        let _ended = self.driver.wait();
    }
}

/// The port that the driver says it listens on.
fn port(driver: &mut Child) -> u16 {
    let said = BufReader::new(driver.stdout.take().unwrap());
    let port = |line: String| {
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse().ok()
    };
    said.lines().find_map(|line| port(line.unwrap())).unwrap()
}
