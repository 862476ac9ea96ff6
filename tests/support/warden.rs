//! The binary, run as a user runs it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::kafka::{get, pause};

/// A running connect-warden; ended when dropped.
pub struct Warden {
    child: Child,
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
}

impl Warden {
    /// Starts it on a free port with short intervals.
    pub fn watch(urls: &[String]) -> Self {
        let urls = urls.iter().map(|url| format!("--connect.url={url}"));
        Self::start(
            urls.chain(["--poll.interval=1s".to_owned(), "--metrics.staleness=3s".to_owned()]),
        )
    }

    pub fn start(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
            .args(arguments)
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let writer = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writer.lock().unwrap().push(line);
            }
        });
        let mut warden = Self { child, port: 0, log };
        warden.port = eventually("connect-warden listens", Duration::from_secs(10), || {
            let log = warden.log();
            let (_, rest) = log.split_once("listening address=127.0.0.1:")?;
            rest.split(' ').next()?.parse().ok()
        });
        warden
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn metrics(&self) -> String {
        let (status, body) = get(self.port, "/metrics", Duration::from_secs(5)).unwrap();
        assert_eq!(status, 200);
        body
    }

    /// The value of one series, written as it stands in the exposition.
    pub fn value(&self, series: &str) -> Option<f64> {
        value(&self.metrics(), series)
    }

    /// Waits until a series has a value, or with `None` until it is gone.
    pub fn wait(&self, series: &str, wanted: Option<f64>, limit: Duration) {
        let what = format!("{series} is {wanted:?}");
        eventually(&what, limit, || (self.value(series) == wanted).then_some(()));
    }

    /// Waits until each of these connectors is told as running and none as anything else.
    pub fn shows_running(&self, names: &[&str], limit: Duration) {
        eventually(&format!("{names:?} are running"), limit, || {
            let metrics = self.metrics();
            let of_connectors =
                || metrics.lines().filter(|l| l.starts_with("kafka_connect_connector_state{"));
            let running = names.iter().all(|name| {
                let label = format!(",connector=\"{}\",", name.replace('"', "\\\""));
                of_connectors()
                    .any(|line| line.contains(&label) && line.ends_with("state=\"running\"} 1"))
            });
            let others = of_connectors()
                .filter(|l| l.ends_with(" 1") && !l.ends_with("state=\"running\"} 1"));
            (running && others.count() == 0).then_some(())
        });
    }

    /// The most resident memory that it had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let process = procfs::process::Process::new(self.child.id().cast_signed()).unwrap();
        process.status().unwrap().vmhwm.unwrap() * 1024
    }

    /// SIGTERM; gives the exit code.
    pub fn end(mut self) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("connect-warden's log:\n{}", self.log());
        }
    }
}

/// The value of one series in an exposition.
pub fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Tries until there is an answer.
pub fn eventually<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        pause(Duration::from_millis(100));
    }
}
