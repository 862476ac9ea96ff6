//! Stands between connect-warden and a worker, or a simulated one: writes down what connect-warden
//! asks, as an independent witness, and does to it what a network may do.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// One request of connect-warden's; what workers send each other is passed on and not written down.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// The status of the answer, once there is one.
    pub status: Option<u16>,
    /// Whether the answer speaks of something FAILED.
    pub tells_failed: bool,
}

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It does not reach the worker until this is over.
    HoldRequest,
    /// The worker has it; its answer does not come until this is over.
    HoldAnswer,
    /// The answer comes so much later.
    DelayAnswer(Duration),
    /// The worker has it; the connection breaks in place of an answer.
    DropAnswer,
    /// It does not reach the worker; this status is the answer.
    Answer(u16),
}

/// Which requests, and what is done to them.
#[derive(Clone, Debug)]
struct Rule {
    method: &'static str,
    /// Of path and query.
    fits: fn(&str) -> bool,
    doing: Doing,
}

#[derive(Debug)]
struct Shared {
    to: AtomicU16,
    seen: Mutex<Vec<Seen>>,
    held: Mutex<usize>,
    rule: watch::Sender<Option<Rule>>,
}

/// A proxy in front of one worker; its port is closed when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// A poll's list of connectors.
pub fn is_list(path: &str) -> bool {
    path == "/connectors" || path.starts_with("/connectors?")
}

/// One connector's status, which is read right before a restart.
pub fn is_status(path: &str) -> bool {
    path.ends_with("/status")
}

/// A restart.
pub fn is_restart(path: &str) -> bool {
    path.contains("/restart")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Proxy {
    /// In front of what listens, or will listen, on this port of loopback.
    pub async fn before(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            to: AtomicU16::new(to),
            seen: Mutex::default(),
            held: Mutex::default(),
            rule: watch::Sender::new(None),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { port, shared, serving }
    }

    /// In front of what is yet to be: until [`Self::lead_to`] every connection breaks.
    pub async fn ahead() -> Self {
        Self::before(0).await
    }

    pub fn lead_to(&self, port: u16) {
        self.shared.to.store(port, Ordering::SeqCst);
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// What was asked that was no `GET`.
    pub fn posts(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method != "GET").collect()
    }

    /// From now on this is done to requests of this method whose path and query fit.
    pub fn do_from_now(&self, method: &'static str, fits: fn(&str) -> bool, doing: Doing) {
        self.shared.rule.send_replace(Some(Rule { method, fits, doing }));
    }

    /// Everything passes again, also what is held and whose client still waits.
    pub fn pass(&self) {
        self.shared.rule.send_replace(None);
    }

    /// How many are held now.
    pub fn held(&self) -> usize {
        *lock(&self.shared.held)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A connection that breaks is what a proxy has to pass on, by closing its own.
            let _ = connection(client, &shared).await;
        });
    }
}

/// One request to a connection: the next one then comes in a new one.
async fn connection(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some(request) = message(&mut client).await? else { return Ok(()) };
    let text = String::from_utf8_lossy(&request).into_owned();
    let (line, rest) = text.split_once("\r\n").unwrap_or_default();
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_warden = rest.to_ascii_lowercase().contains("\r\nuser-agent: connect-warden/")
        || rest.to_ascii_lowercase().starts_with("user-agent: connect-warden/");
    let number = is_warden.then(|| {
        let mut seen = lock(&shared.seen);
        let (at, method, path) = (Instant::now(), method.clone(), path.clone());
        seen.push(Seen { at, method, path, status: None, tells_failed: false });
        seen.len() - 1
    });
    let rule = shared.rule.borrow().clone();
    let fits = |rule: &Rule| is_warden && rule.method == method && (rule.fits)(&path);
    let doing = rule.filter(fits).map(|rule| rule.doing);
    if let Some(Doing::Answer(status)) = doing {
        let text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return client.write_all(text.as_bytes()).await;
    }
    if doing == Some(Doing::HoldRequest) && !shared.is_released(&mut client).await {
        return Ok(());
    }
    let mut worker =
        TcpStream::connect((Ipv4Addr::LOCALHOST, shared.to.load(Ordering::SeqCst))).await?;
    worker.write_all(format!("{line}\r\nConnection: close\r\n{rest}").as_bytes()).await?;
    let mut answer = Vec::new();
    worker.read_to_end(&mut answer).await?;
    if let Some(number) = number {
        let text = String::from_utf8_lossy(&answer);
        let seen = &mut lock(&shared.seen)[number];
        seen.status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        seen.tells_failed = text.contains("\"FAILED\"");
    }
    match doing {
        Some(Doing::DropAnswer) => return Ok(()),
        Some(Doing::HoldAnswer) if !shared.is_released(&mut client).await => return Ok(()),
        Some(Doing::DelayAnswer(delay)) => tokio::time::sleep(delay).await,
        Some(Doing::HoldAnswer | Doing::HoldRequest | Doing::Answer(_)) | None => {}
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}

/// Head and body of a request, without `Connection:`; `None`: nothing came.
async fn message(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let named = |line: &str, name: &str| {
        line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let length = text.split("\r\n").find(|line| named(line, "content-length"));
    let length = length.and_then(|line| line.split_once(':')?.1.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let lines = text.split("\r\n").filter(|line| !named(line, "connection"));
    let mut message = lines.collect::<Vec<_>>().join("\r\n").into_bytes();
    message.extend_from_slice(&bytes[head..]);
    Ok(Some(message))
}

impl Shared {
    /// Waits until the rule is taken away; `false`: who asked is gone before that.
    async fn is_released(&self, client: &mut TcpStream) -> bool {
        *lock(&self.held) += 1;
        let mut rule = self.rule.subscribe();
        let mut byte = [0];
        let released = tokio::select! {
            changed = rule.wait_for(Option::is_none) => changed.is_ok(),
            _ = client.read(&mut byte) => false,
        };
        *lock(&self.held) -= 1;
        released
    }
}
