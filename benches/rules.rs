//! What the rules cost a real Prometheus 3 over 1,000 connectors x 4 tasks of which 50 fail, seen by
//! one and by two replicas; and how many samples a connector has. Needs `.ci/parts prometheus`.
//! `cargo bench --bench rules`
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Process, body, get, get_bytes, median, sim, wait, yaml_of};

const TRACE: &str = "a.B: x\nCaused by: java.net.ConnectException: Connection refused: db:5432";
/// How often the rules are evaluated and timed.
const CYCLES: u32 = 12;

struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// The rules look as far back as they do; a counter of an hour ago is one of 20 s ago, so that
    /// there is one.
    fn start(wardens: &[u16], folder: &Path) -> Self {
        let rules = ["kafka-connect.yaml", "connect-warden.yaml", "recording.yaml"].map(|name| {
            let text = std::fs::read_to_string(root().join("alerts").join(name)).unwrap();
            let place = folder.join(name);
            std::fs::write(&place, text.replace("offset 1h", "offset 20s")).unwrap();
            place.display().to_string()
        });
        let targets: Vec<_> = wardens.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let config = folder.join("prometheus.yml");
        std::fs::write(&config, format!("global: {{scrape_interval: 3s, evaluation_interval: 3s}}\nrule_files: {rules:?}\nscrape_configs: [{{job_name: connect-warden, static_configs: [{{targets: {targets:?}}}]}}]\n")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(prometheus())
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// The three rules that took longest, in milliseconds.
    async fn slowest(&self) -> Vec<(String, f64)> {
        let url = format!("http://127.0.0.1:{}/api/v1/rules", self.port);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let groups = told["data"]["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let mut all: Vec<_> = rules
            .map(|rule| {
                let time = 1000.0 * rule["evaluationTime"].as_f64().unwrap();
                (rule["name"].as_str().unwrap().to_owned(), time)
            })
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(3);
        all
    }

    /// The sum of a family of its own metrics.
    fn value(&self, family: &str) -> Option<f64> {
        let answer = get(self.port, "/metrics", "")?;
        let samples = answer.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            (series.split('{').next() == Some(family)).then(|| value.parse::<f64>().ok())?
        });
        let all: Vec<f64> = samples.collect();
        (!all.is_empty()).then(|| all.iter().sum())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn prometheus() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
        PathBuf::from,
    );
    let parts = std::env::var_os("CONNECT_WARDEN_PARTS")
        .map_or_else(|| cache.join("connect-warden/parts"), PathBuf::from);
    let found = std::fs::read_dir(&parts)
        .unwrap()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("prometheus-"));
    found
        .unwrap_or_else(|| panic!("no Prometheus in {}", parts.display()))
        .path()
        .join("prometheus")
}

fn samples(port: u16) -> usize {
    let answer = get_bytes(port, "/metrics", "").unwrap();
    let text = String::from_utf8_lossy(body(&answer)).into_owned();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

async fn count(states: &str) {
    let mut counts = Vec::new();
    for (connectors, tasks) in [(0, 0), (1000, 1), (1000, 2)] {
        let cluster = sim(connectors, tasks).await;
        let yaml = format!("{}metrics: {{state_series: {states}}}\n", yaml_of(&[("c", &cluster)]));
        let warden = Process::warden(&yaml, None);
        // What its watchdog tells comes a moment after the first poll.
        wait(Duration::from_secs(2));
        counts.push(samples(warden.port) as f64);
    }
    let task = (counts[2] - counts[1]) / 1000.0;
    let connector = (counts[1] - counts[0]) / 1000.0 - task;
    println!("samples, {states}: {connector} a connector and {task} a task; {} beside", counts[0]);
}

async fn evaluate(states: &str, replicas: usize) {
    let cluster = sim(1000, 4).await;
    for number in 0..50 {
        cluster.fail_task(&format!("c{number:05}"), 0, TRACE, true);
    }
    let yaml = format!(
        "{}metrics: {{state_series: {states}}}\npoll: {{interval: 3s, timeout: 3s}}\n",
        yaml_of(&[("c", &cluster)])
    );
    let wardens: Vec<_> = (0..replicas).map(|_| Process::warden(&yaml, None)).collect();
    let ports: Vec<_> = wardens.iter().map(|warden| warden.port).collect();
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&ports, folder.path());
    // Until counters have a past.
    wait(Duration::from_secs(30));
    let mut cycles = Vec::new();
    for _ in 0..CYCLES {
        wait(Duration::from_secs(3));
        cycles.push(
            1000.0 * prometheus.value("prometheus_rule_group_last_duration_seconds").unwrap(),
        );
    }
    let slowest = prometheus.slowest().await;
    let series = prometheus.value("prometheus_tsdb_head_series").unwrap();
    let failures =
        prometheus.value("prometheus_rule_evaluation_failures_total").unwrap_or_default();
    let most = cycles.iter().copied().fold(0.0, f64::max);
    println!(
        "rules, {states}, replicas {replicas}: {:.1} ms a cycle, {most:.1} ms at most, over {series} series, {failures} failed",
        median(cycles)
    );
    for (name, time) in slowest {
        println!("  of them {name}: {time:.1} ms");
    }
}

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    for states in ["full", "current"] {
        count(states).await;
        evaluate(states, 1).await;
        evaluate(states, 2).await;
    }
}
