//! What the benchmarks share: the binary as a process, simulated clusters, medians.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each benchmark uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use procfs::process::Process as Info;

/// A process under measurement; ended when dropped.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    /// Starts `command`, which says `address=127.0.0.1:PORT` on standard error when it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "{command:?} does not listen");
            if let Some((_, rest)) = line.split_once("address=127.0.0.1:") {
                break rest.split([' ', '\n']).next().unwrap().parse().unwrap();
            }
        };
        // The log goes on somewhere, or its writer would stop.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, port }
    }

    /// The binary on one core, on a configuration file's text.
    pub fn warden(yaml: &str, core: Option<usize>) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, yaml).unwrap();
        let binary = env!("CARGO_BIN_EXE_connect-warden");
        let mut command = match core {
            Some(core) => pinned(core, binary),
            None => Command::new(binary),
        };
        command.arg(format!("--config.file={}", file.path().display()));
        let process = Self::start(command.arg("--web.listen-address=127.0.0.1:0"));
        // Ready once every cluster was polled.
        while get(process.port, "/-/ready", "").is_none_or(|answer| !answer.contains(" 200 ")) {
            wait(Duration::from_millis(50));
        }
        process
    }

    fn info(&self) -> Info {
        Info::new(self.child.id().cast_signed()).unwrap()
    }

    /// Processor time used so far.
    pub fn cpu(&self) -> Duration {
        let stat = self.info().stat().unwrap();
        let ticks = (stat.utime + stat.stime) as f64;
        Duration::from_secs_f64(ticks / procfs::ticks_per_second() as f64)
    }

    /// Resident memory now and at most, in bytes.
    pub fn memory(&self) -> (u64, u64) {
        let status = self.info().status().unwrap();
        (status.vmrss.unwrap() * 1024, status.vmhwm.unwrap() * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn pinned(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// One `GET`; the whole answer.
pub fn get(port: u16, path: &str, headers: &str) -> Option<String> {
    get_bytes(port, path, headers).map(|answer| String::from_utf8_lossy(&answer).into_owned())
}

pub fn get_bytes(port: u16, path: &str, headers: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\n{headers}Connection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// The body of an answer.
pub fn body(answer: &[u8]) -> &[u8] {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    &answer[head + 4..]
}

#[expect(clippy::disallowed_methods, reason = "the harness is not the runtime under measurement")]
pub fn wait(time: Duration) {
    std::thread::sleep(time);
}

pub async fn sim(connectors: usize, tasks: usize) -> SimCluster {
    let config = SimConfig { workers: 1, ..SimConfig::default() };
    let cluster = SimCluster::start(config).await.unwrap();
    cluster.create_many("c", connectors, tasks);
    cluster
}

pub fn yaml_of(clusters: &[(&str, &SimCluster)]) -> String {
    let each = clusters
        .iter()
        .map(|(name, cluster)| format!("- {{name: {name}, urls: ['{}']}}\n", cluster.urls()[0]));
    format!("clusters:\n{}", each.collect::<String>())
}

pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
