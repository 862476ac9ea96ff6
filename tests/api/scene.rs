//! A warden of simulated clusters, and somebody who asks it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use connect_warden::sim::{SimCluster, SimConfig};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

use super::support::warden::{Warden, eventually};

pub(crate) const SOON: Duration = Duration::from_secs(20);
const PASSWORD: &str = "a word of one's own";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Reader,
    Administrator,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) warden: Warden,
    client: Client,
    /// Path and method as they were asked, and the status.
    pub(crate) asked: Mutex<BTreeSet<(String, String, u16)>>,
}

pub(crate) async fn sim(version: &str) -> SimCluster {
    let config = SimConfig { workers: 1, version: version.to_owned(), ..SimConfig::default() };
    SimCluster::start(config).await.unwrap()
}

/// A failure that a restart may help.
pub(crate) const REFUSED: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask\n\tat x.Y.z(Y.java:1)\nCaused by: java.net.ConnectException: Connection refused: db:5432 password=s3cret\n\tat x.Y.z(Y.java:2)\n";

impl Scene {
    /// `clusters` by name and URL; `more` are further lines of the configuration, with the names of
    /// its sections.
    pub(crate) fn start(clusters: &[(&str, String)], poll: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let hash = bcrypt::hash(PASSWORD, 4).unwrap();
        std::fs::write(
            place("web.yml"),
            format!("basic_auth_users: {{alice: '{hash}', bob: '{hash}'}}\n"),
        )
        .unwrap();
        let clusters: Vec<_> = clusters
            .iter()
            .map(|(name, url)| format!("  - {{name: '{name}', urls: ['{url}']}}\n"))
            .collect();
        let text = format!(
            "clusters:\n{}poll: {poll}\nweb:\n  config_file: '{}'\n  administrators: [alice]\n  \
             max_connections: 40\nwatchdog:\n  journal: '{}'\n  audit: '{}'\n  stop_file: '{}'\n{more}",
            clusters.concat(),
            place("web.yml"),
            place("journal"),
            place("audit"),
            place("stop"),
        );
        std::fs::write(place("warden.yaml"), text).unwrap();
        let warden = Warden::start([format!("--config.file={}", place("warden.yaml"))]);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().gzip(false).timeout(SOON).build().unwrap();
        Self { folder, warden, client, asked: Mutex::default() }
    }

    pub(crate) fn place(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn request(&self, who: Who, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("http://127.0.0.1:{}/api/v1{path}", self.warden.port);
        let request = self.client.request(method, url);
        match who {
            Who::Nobody => request,
            Who::Reader => request.basic_auth("bob", Some(PASSWORD)),
            Who::Administrator => request.basic_auth("alice", Some(PASSWORD)),
        }
    }

    /// Sends a request of this method and path, and remembers that.
    pub(crate) async fn send(&self, method: &str, path: &str, request: RequestBuilder) -> Response {
        let response = request.send().await.unwrap();
        let path = path.split('?').next().unwrap().to_owned();
        let what = (path, method.to_owned(), response.status().as_u16());
        self.asked.lock().unwrap().insert(what);
        response
    }

    pub(crate) async fn told(&self, method: &str, path: &str, request: RequestBuilder) -> Told {
        let response = self.send(method, path, request).await;
        let headers = response.headers().clone();
        let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        Told {
            status: response.status().as_u16(),
            kind: kind.to_owned(),
            headers: headers.clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// What a reader is told.
    pub(crate) async fn get(&self, path: &str) -> Told {
        self.told("GET", path, self.request(Who::Reader, "GET", path)).await
    }

    /// What a reader is told where all is well.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let told = self.get(path).await;
        assert_eq!(
            (told.status, told.kind.as_str()),
            (200, "application/json"),
            "{path}: {told:?}"
        );
        told.json()
    }

    /// What an administrator sends as JSON; nothing where that is null.
    pub(crate) async fn write(&self, method: &str, path: &str, body: &Value) -> Told {
        let request = self.request(Who::Administrator, method, path);
        let request = if body.is_null() {
            request
        } else {
            request.header("content-type", "application/json").body(body.to_string())
        };
        self.told(method, path, request).await
    }

    /// What an administrator is told who says that so many bytes follow, and waits.
    pub(crate) fn announced(&self, method: &str, path: &str, bytes: usize) -> Told {
        let credentials =
            base64::engine::general_purpose::STANDARD.encode(format!("alice:{PASSWORD}"));
        let mut stream = TcpStream::connect(("127.0.0.1", self.warden.port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        write!(
            stream,
            "{method} /api/v1{path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
             Authorization: Basic {credentials}\r\nContent-Type: application/json\r\n\
             Content-Length: {bytes}\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
        Told {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            kind: kind.to_owned(),
            headers: reqwest::header::HeaderMap::new(),
            body: body.to_owned(),
        }
    }

    /// Waits until what a reader is told is so.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = tokio::time::Instant::now() + SOON;
        loop {
            let told = self.get(path).await;
            if told.status == 200 && is_so(&told.json()) {
                return told.json();
            }
            assert!(tokio::time::Instant::now() < end, "{path} is not so: {}", told.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The lines of an event in the audit file, once there are more than so many: it is written by a thread of its own.
    pub(crate) fn audited_after(&self, event: &str, before: usize) -> Vec<Value> {
        eventually("it is in the audit log", SOON, || {
            Some(self.audited(event)).filter(|lines| lines.len() > before)
        })
    }

    /// The lines of an event in the audit file.
    pub(crate) fn audited(&self, event: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.place("audit")).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == event).collect()
    }
}
