//! The binary, run as a user runs it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::kafka::{get, pause};

/// A running connect-warden; ended when dropped. An error in its log that the test did not say it
/// expects fails the test then.
pub struct Warden {
    child: Child,
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    expected: Vec<&'static str>,
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        command.args(arguments);
        Self::spawn(command)
    }

    /// Started by this command, which takes further flags.
    pub fn spawn(mut command: Command) -> Self {
        let mut child =
            command.arg("--web.listen-address=127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let writer = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writer.lock().unwrap().push(line);
            }
        });
        let (reader, expected) = (Some(reader), Vec::new());
        let mut warden = Self { child, port: 0, log, reader, expected };
        warden.port = eventually("connect-warden listens", Duration::from_secs(10), || {
            let log = warden.log();
            let (_, rest) = log.split_once("listening address=127.0.0.1:")?;
            rest.split(' ').next()?.parse().ok()
        });
        warden
    }

    /// Errors that have this in their line are part of the test.
    pub fn expect_errors(&mut self, part: &'static str) {
        self.expected.push(part);
    }

    fn unexpected(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let is_error = |line: &&String| {
            line.contains(" level=error ") || line.to_lowercase().contains("\"level\":\"error\"")
        };
        let errors = log.iter().filter(is_error);
        errors
            .filter(|line| !self.expected.iter().any(|part| line.contains(part)))
            .cloned()
            .collect()
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

    /// Its standard output, where it was started with a pipe for it.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// SIGTERM; gives the exit code.
    pub fn end(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.child.wait().unwrap().code()
    }

    /// SIGKILL.
    pub fn die(mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().unwrap();
    }

    /// How many lines of the log have all of these parts.
    pub fn lines(&self, parts: &[&str]) -> usize {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }

    /// `/api/v1/plan`.
    pub fn plan(&self) -> serde_json::Value {
        let (status, body) = get(self.port, "/api/v1/plan", Duration::from_secs(5)).unwrap();
        assert_eq!(status, 200);
        serde_json::from_str(&body).unwrap()
    }

    /// A unit of the only cluster's plan; `None` while it is not there.
    pub fn unit(&self, connector: &str, task: Option<u32>) -> Option<serde_json::Value> {
        let plan = self.plan();
        let units = plan["clusters"][0]["units"].as_array()?;
        let is_it = |unit: &&serde_json::Value| {
            unit["connector"] == connector && unit["task"].as_u64() == task.map(u64::from)
        };
        units.iter().find(is_it).cloned()
    }

    /// Waits until a unit's plan has this value under this key, and gives the plan.
    pub fn wait_unit(
        &self,
        (connector, task): (&str, Option<u32>),
        key: &str,
        value: impl Into<serde_json::Value>,
        limit: Duration,
    ) -> serde_json::Value {
        let value = value.into();
        let end = Instant::now() + limit;
        loop {
            let unit = self.unit(connector, task);
            if let Some(unit) = unit.as_ref().filter(|unit| unit[key] == value) {
                return unit.clone();
            }
            assert!(Instant::now() < end, "{connector} {task:?}: {key} is not {value}: {unit:?}");
            pause(Duration::from_millis(100));
        }
    }

    /// Waits for so many more looks at which a unit was not restarted for this reason.
    pub fn wait_looks(&self, reason: &str, looks: u32, limit: Duration) {
        let series = format!(
            "connect_warden_restarts_skipped_total{{connect_cluster=\"default\",reason=\"{reason}\"}}"
        );
        let before = eventually("the watchdog has looked", limit, || self.value(&series));
        let wanted = before + f64::from(looks);
        eventually(&format!("{looks} looks and {reason}"), limit, || {
            (self.value(&series)? >= wanted).then_some(())
        });
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("connect-warden's log:\n{}", self.log());
            return;
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let unexpected = self.unexpected();
        assert!(unexpected.is_empty(), "errors in the log: {unexpected:#?}");
    }
}

/// The lines of an audit file that are about a connector, oldest first.
pub fn audited(file: &str, connector: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &serde_json::Value| line["connector"] == connector).collect()
}

/// What happened, each as `event`, or `event outcome`, `event answer`, `event why`.
pub fn story(lines: &[serde_json::Value]) -> Vec<String> {
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().map(str::to_owned);
    let of = |line: &serde_json::Value| {
        let more = ["outcome", "answer", "why"].into_iter().find_map(|key| text(line, key));
        let event = text(line, "event").unwrap();
        more.map_or(event.clone(), |more| format!("{event} {more}"))
    };
    lines.iter().map(of).collect()
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
