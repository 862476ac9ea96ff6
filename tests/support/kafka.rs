//! Real brokers and real Kafka Connect workers, as processes on loopback.
//!
//! The jars come from `.ci/parts connect`; where they are missing the test fails and says so.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::time::Instant;

const START_LIMIT: Duration = Duration::from_secs(120);

/// Where `.ci/parts` puts things.
pub fn parts() -> PathBuf {
    let home = || std::env::var_os("HOME").expect("HOME is set");
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map_or_else(|| PathBuf::from(home()).join(".cache"), PathBuf::from);
    std::env::var_os("CONNECT_WARDEN_PARTS")
        .map_or_else(|| cache.join("connect-warden/parts"), PathBuf::from)
}

fn class_path(version: &str) -> String {
    let lib = parts().join(format!("connect-{version}/lib"));
    assert!(
        lib.is_dir(),
        "Kafka Connect {version} is not in {}: run .ci/parts connect",
        lib.display()
    );
    format!("{}/*", lib.display())
}

/// A free port on loopback.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// One `GET`, with time-outs: the status and the body, or nothing.
pub fn get(port: u16, path: &str, timeout: Duration) -> Option<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

/// A Java process; ended and reaped when dropped.
struct Java {
    child: Option<Child>,
    class_path: String,
    options: Vec<String>,
    arguments: Vec<String>,
    log: PathBuf,
}

impl Java {
    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new("java")
            .args(["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(&self.options)
            .args(["-cp", &self.class_path])
            .args(&self.arguments)
            .current_dir(self.log.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("java can be started");
        self.child = Some(child);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the process runs");
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    }

    fn end(&mut self, signal: Signal) {
        self.signal(signal);
        self.child.take().unwrap().wait().unwrap();
    }

    fn died(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            println!("the end of {}:\n{}", self.log.display(), self.log_tail());
        }
    }
}

/// One Kafka broker (KRaft), 4.3.0 or 3.9.1.
pub struct Broker {
    java: Java,
    pub port: u16,
}

impl Broker {
    fn start(version: &str, folder: &Path) -> Self {
        let (port, controller) = (free_port(), free_port());
        let newer = if version.starts_with('4') {
            "share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n"
        } else {
            ""
        };
        let properties = folder.join("server.properties");
        fs::write(
            &properties,
            format!(
                "process.roles=broker,controller\nnode.id=1\n\
                 controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
                 listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
                 advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
                 inter.broker.listener.name=PLAINTEXT\ncontroller.listener.names=CONTROLLER\n\
                 listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
                 log.dirs={}\nnum.partitions=1\noffsets.topic.num.partitions=1\n\
                 offsets.topic.replication.factor=1\ntransaction.state.log.num.partitions=1\n\
                 transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
                 group.initial.rebalance.delay.ms=0\n{newer}",
                folder.join("kraft").display()
            ),
        )
        .unwrap();
        let class_path = class_path(version);
        let format = Command::new("java")
            .args(["-cp", &class_path, "kafka.tools.StorageTool", "format", "--standalone"])
            .args(["-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
            .arg(&properties)
            .output()
            .unwrap();
        assert!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
        let mut java = Java {
            child: None,
            class_path,
            options: Vec::new(),
            arguments: vec!["kafka.Kafka".to_owned(), properties.display().to_string()],
            log: folder.join("broker.log"),
        };
        java.start();
        Self { java, port }
    }

    /// Kafka is there and does not answer.
    pub fn sigstop(&self) {
        self.java.signal(Signal::SIGSTOP);
    }

    /// Kafka goes on.
    pub fn sigcont(&self) {
        self.java.signal(Signal::SIGCONT);
    }
}

/// How a worker is secured: HTTPS in place of HTTP, and who is let in.
pub struct Security {
    pub properties: String,
    pub java_options: Vec<String>,
}

/// How workers differ from the usual ones.
#[derive(Default)]
pub struct Ways<'w> {
    pub security: Option<&'w Security>,
    /// More properties, for each worker in turn; they win over the usual ones.
    pub properties: &'w [String],
    /// A folder of classes beside the version's own.
    pub classes: Option<&'w Path>,
}

/// Compiles Java source against a version's classes; gives the folder of the result.
pub fn compile(version: &str, source: &str, name: &str, folder: &Path) -> PathBuf {
    let (file, classes) = (folder.join(format!("{name}.java")), folder.join("classes"));
    fs::write(&file, source).unwrap();
    let compiled = Command::new("javac")
        .args(["-proc:none", "-cp", &class_path(version), "-d"])
        .args([&classes, &file])
        .output()
        .expect("javac can be started: a JDK is there");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    classes
}

/// One Kafka Connect worker.
pub struct Worker {
    java: Java,
    version: String,
    pub port: u16,
}

impl Worker {
    fn start(version: &str, broker: u16, number: usize, ways: &Ways<'_>, folder: &Path) -> Self {
        let (port, security) = (free_port(), ways.security);
        let name = "ct";
        let more = ways.properties.get(number).map_or("", String::as_str);
        let old = version.starts_with("0.") || version.starts_with("1.");
        let rest = if old {
            format!(
                "rest.host.name=127.0.0.1\nrest.port={port}\n\
                 internal.key.converter=org.apache.kafka.connect.json.JsonConverter\n\
                 internal.value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                 internal.key.converter.schemas.enable=false\ninternal.value.converter.schemas.enable=false\n"
            )
        } else {
            let (scheme, more) = security.map_or(("http", ""), |s| ("https", &s.properties));
            format!(
                "listeners={scheme}://127.0.0.1:{port}\nscheduled.rebalance.max.delay.ms=5000\n{more}"
            )
        };
        let properties = folder.join(format!("worker-{name}-{port}.properties"));
        fs::write(
            &properties,
            format!(
                "bootstrap.servers=127.0.0.1:{broker}\ngroup.id={name}\n{rest}\
                 rest.advertised.host.name=127.0.0.1\nrest.advertised.port={port}\n\
                 key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                 value.converter=org.apache.kafka.connect.storage.StringConverter\n\
                 config.storage.topic={name}-config\nconfig.storage.replication.factor=1\n\
                 offset.storage.topic={name}-offset\noffset.storage.replication.factor=1\n\
                 offset.storage.partitions=1\nstatus.storage.topic={name}-status\n\
                 status.storage.replication.factor=1\nstatus.storage.partitions=1\n\
                 session.timeout.ms=6000\nheartbeat.interval.ms=1000\n\
                 task.shutdown.graceful.timeout.ms=1000\noffset.flush.interval.ms=1000\n{more}"
            ),
        )
        .unwrap();
        let java = Java {
            child: None,
            class_path: ways.classes.map_or_else(
                || class_path(version),
                |classes| format!("{}:{}", class_path(version), classes.display()),
            ),
            options: security.map(|s| s.java_options.clone()).unwrap_or_default(),
            arguments: vec![
                "org.apache.kafka.connect.cli.ConnectDistributed".to_owned(),
                properties.display().to_string(),
            ],
            log: folder.join(format!("worker-{name}-{port}.log")),
        };
        let mut worker = Self { java, version: version.to_owned(), port };
        worker.java.start();
        worker
    }

    /// `host:port` as it stands in `worker_id`.
    pub fn id(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.java.log).unwrap_or_default()
    }

    /// The host is gone, for all the others know.
    pub fn sigkill(&mut self) {
        self.java.end(Signal::SIGKILL);
    }

    /// A graceful stop.
    pub fn sigterm(&mut self) {
        self.java.end(Signal::SIGTERM);
    }

    /// The same worker once more, on the same port.
    pub fn start_again(&mut self) {
        self.java.start();
    }

    /// Waits until it can serve.
    pub fn wait_ready(&mut self) {
        let has_health = self.version.starts_with('4') || self.version.starts_with("3.9");
        let path = if has_health { "/health" } else { "/connectors" };
        let limit = Instant::now() + START_LIMIT;
        loop {
            let answer = get(self.port, path, Duration::from_secs(5));
            if answer.is_some_and(|(status, _)| status == 200) {
                return;
            }
            assert!(
                !self.java.died() && Instant::now() < limit,
                "worker {} on port {} did not get ready:\n{}",
                self.version,
                self.port,
                self.java.log_tail()
            );
            pause(Duration::from_millis(300));
        }
    }
}

/// A broker and the workers of one cluster.
pub struct Cluster {
    pub broker: Broker,
    pub workers: Vec<Worker>,
    pub folder: TempDir,
}

impl Cluster {
    /// Starts it and waits until every worker can serve. Workers older than 4.0 get a 3.9 broker: a
    /// 4.x broker refuses the oldest clients.
    pub fn start(version: &str, workers: usize) -> Self {
        Self::start_in(version, workers, &Ways::default())
    }

    /// The same, with workers that have ways of their own.
    pub fn start_in(version: &str, workers: usize, ways: &Ways<'_>) -> Self {
        let mut cluster = Self::begin(version, workers, ways);
        for worker in &mut cluster.workers {
            worker.wait_ready();
        }
        cluster
    }

    /// Starts a secured worker; whether it can serve is for who knows its secrets to find out.
    pub fn begin_secured(version: &str, security: &Security) -> Self {
        Self::begin(version, 1, &Ways { security: Some(security), ..Ways::default() })
    }

    fn begin(version: &str, workers: usize, ways: &Ways<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker_version = if version.starts_with('4') { version } else { "3.9.1" };
        let mut broker = Broker::start(broker_version, folder.path());
        let limit = Instant::now() + START_LIMIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, broker.port)).is_err() {
            let log = broker.java.log_tail();
            assert!(
                !broker.java.died() && Instant::now() < limit,
                "the broker did not start:\n{log}"
            );
            pause(Duration::from_millis(200));
        }
        let worker = |number| Worker::start(version, broker.port, number, ways, folder.path());
        Self { workers: (0..workers).map(worker).collect(), broker, folder }
    }

    /// The workers' base URLs.
    pub fn urls(&self) -> Vec<String> {
        self.workers.iter().map(|worker| format!("http://127.0.0.1:{}", worker.port)).collect()
    }

    /// A file in the cluster's own folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// The harness is a program of its own beside the one under test: it may wait.
#[allow(clippy::disallowed_methods)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
