//! What the process costs beside the clusters it watches: processor time against an exporter of the
//! usual kind, memory at 10,000 connectors x 10 tasks and what of it is the watchdog's, 200 clusters
//! at once. `cargo bench --bench footprint`, or of one part `-- watchdog`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

mod support;

use std::process::Command;
use std::time::Duration;

use support::{Process, body, get, get_bytes, sim, wait, yaml_of};

const GZIP: &str = "Accept-Encoding: gzip\r\n";

/// The yardstick: one request a connector for each scrape, as exporters of Connect usually do.
mod usual {
    use std::convert::Infallible;

    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::registry::Registry;
    use serde_json::Value;

    type Labels = Vec<(String, String)>;

    async fn scrape(client: &reqwest::Client, url: &str) -> Bytes {
        let read = async |url: String| -> Value {
            let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice(&body).unwrap()
        };
        let (connectors, tasks) =
            (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
        let names = read(format!("{url}/connectors")).await;
        for name in names.as_array().unwrap() {
            let name = name.as_str().unwrap();
            let status = read(format!("{url}/connectors/{name}/status")).await;
            let label = |key: &str, value: &Value| {
                (key.to_owned(), value.as_str().unwrap_or_default().to_owned())
            };
            let own = &status["connector"];
            let labels = |of: &Value| {
                vec![
                    label("connector", &status["name"]),
                    label("state", &of["state"]),
                    label("worker_id", &of["worker_id"]),
                ]
            };
            connectors.get_or_create(&labels(own)).set(1);
            for task in status["tasks"].as_array().unwrap() {
                let mut labels = labels(task);
                labels.push(("task".to_owned(), task["id"].to_string()));
                tasks.get_or_create(&labels).set(1);
            }
        }
        let mut registry = Registry::default();
        registry.register("connector_state", "State of the connector", connectors);
        registry.register("task_state", "State of the task", tasks);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text.into()
    }

    #[expect(clippy::print_stderr, reason = "says where it listens")]
    pub(super) async fn run(url: String) {
        rustls::crypto::ring::default_provider().install_default().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("address={}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(async |_: Request<hyper::body::Incoming>| {
                Ok::<_, Infallible>(Response::new(Full::new(scrape(&client, &url).await)))
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("usual"), Some(url)) => runtime.block_on(usual::run(url)),
        (Some("watchdog"), _) => runtime.block_on(memory_of_the_watchdog()),
        _ => {
            runtime.block_on(processor_time());
            runtime.block_on(memory());
            runtime.block_on(memory_of_the_watchdog());
            runtime.block_on(many_clusters());
        }
    }
}

/// Polls done, from the exposition.
fn polls(port: u16) -> f64 {
    let metrics = get(port, "/metrics", "").unwrap();
    let polls = metrics.lines().filter(|line| line.starts_with("connect_warden_polls_total"));
    polls.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

async fn processor_time() {
    const SCRAPES: u32 = 20;
    let cluster = sim(1000, 4).await;
    let itself = std::env::current_exe().unwrap();
    let usual = Process::start(Command::new(itself).args(["usual", &cluster.urls()[0]]));
    assert!(get(usual.port, "/metrics", "").unwrap().contains("c00999"));
    let before = usual.cpu();
    for _ in 0..SCRAPES {
        get_bytes(usual.port, "/metrics", "").unwrap();
    }
    let theirs = (usual.cpu() - before) / SCRAPES;
    drop(usual);
    for states in ["full", "current"] {
        for (how, header) in [("plain", ""), ("gzip", GZIP)] {
            let yaml = yaml_of(&[("default", &cluster)])
                + "poll: {interval: 1s}\nmetrics: {state_series: "
                + states
                + "}\n";
            let warden = Process::warden(&yaml, None);
            get_bytes(warden.port, "/metrics", header).unwrap();
            let (before, polls_before) = (warden.cpu(), polls(warden.port));
            for _ in 0..SCRAPES {
                wait(Duration::from_secs(1));
                get_bytes(warden.port, "/metrics", header).unwrap();
            }
            let ours = (warden.cpu() - before) / SCRAPES;
            let polls = polls(warden.port) - polls_before;
            println!(
                "processor time for a poll and a scrape, 1000 x 4, {states}, {how}: {ours:?} ({polls} polls in {SCRAPES} scrapes); one request a connector: {theirs:?}; ratio 1/{:.1}",
                theirs.as_secs_f64() / ours.as_secs_f64()
            );
        }
    }
}

async fn memory() {
    let cluster = sim(10_000, 10).await;
    for states in ["full", "current"] {
        let yaml = yaml_of(&[("default", &cluster)])
            + "poll: {interval: 3s}\nmetrics: {state_series: "
            + states
            + "}\n";
        let warden = Process::warden(&yaml, None);
        let mut exposition = 0;
        for _ in 0..5 {
            exposition = body(&get_bytes(warden.port, "/metrics", "").unwrap()).len();
            get_bytes(warden.port, "/metrics", GZIP).unwrap();
            wait(Duration::from_secs(3));
        }
        let (now, most) = warden.memory();
        let mb = |bytes: u64| bytes as f64 / 1e6;
        println!(
            "resident memory, 10,000 x 10, {states}: {:.0} MB, at most {:.0} MB; exposition {:.0} MB; (at most - 30 MB) / exposition {:.2}",
            mb(now),
            mb(most),
            mb(exposition as u64),
            (mb(most) - 30.0) / mb(exposition as u64)
        );
    }
}

/// The same process with the watchdog off is the reference; all units are healthy.
async fn memory_of_the_watchdog() {
    const UNITS: f64 = 110_000.0;
    const ROUNDS: usize = 3;
    let cluster = sim(10_000, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let mut resident = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (mode, resident) in ["off", "on"].into_iter().zip(&mut resident) {
            let yaml = yaml_of(&[("default", &cluster)])
                + &format!(
                    "poll: {{interval: 3s}}\nwatchdog: {{mode: '{mode}', journal: '{}', journal_lost_hold: 10ms}}\n",
                    folder.path().join("journal").display()
                );
            let warden = Process::warden(&yaml, None);
            while polls(warden.port) < 5.0 {
                wait(Duration::from_secs(1));
            }
            resident.push(warden.memory().0 as f64);
        }
    }
    let [off, on] = resident.map(support::median);
    let of_one = (on - off) / UNITS;
    println!(
        "resident memory, 10,000 x 10, all healthy: {:.0} MB with the watchdog off, {:.0} MB on: {of_one:.0} bytes a unit",
        off / 1e6,
        on / 1e6
    );
    assert!(of_one <= 1024.0, "at most 1 KB a healthy unit");
}

async fn many_clusters() {
    const CLUSTERS: usize = 200;
    let mut clusters = Vec::new();
    for number in 0..CLUSTERS {
        clusters.push((format!("k{number}"), sim(20, 2).await));
    }
    let named: Vec<_> = clusters.iter().map(|(name, cluster)| (name.as_str(), cluster)).collect();
    let warden = Process::warden(&yaml_of(&named), None);
    wait(Duration::from_secs(5));
    let (before, polls_before, start) =
        (warden.cpu(), polls(warden.port), std::time::SystemTime::now());
    for _ in 0..4 {
        wait(Duration::from_secs(15));
        get_bytes(warden.port, "/metrics", GZIP).unwrap();
    }
    let time = start.elapsed().unwrap();
    let cores = (warden.cpu() - before).as_secs_f64() / time.as_secs_f64();
    let metrics = get(warden.port, "/metrics", "").unwrap();
    let sum = |name: &str| -> f64 {
        let lines = metrics.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    println!(
        "{CLUSTERS} clusters x 20 connectors at 15 s: {cores:.3} cores, {} polls in {time:?}, {} skipped, {} failed",
        polls(warden.port) - polls_before,
        sum("connect_warden_polls_skipped_total"),
        sum("connect_warden_poll_failures_total"),
    );
}
