//! The watchdog on real Kafka Connect workers in trouble. Needs `.ci/parts`; run one at a time:
//! `cargo test --test real_outage -- --ignored --test-threads=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[allow(dead_code, reason = "the contract itself is asserted elsewhere")]
mod contract;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use connect_warden::connect::WorkerClient;
use support::kafka::{Cluster, Ways, compile, free_port, pause};
use support::scene;
use support::warden::{Warden, eventually};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(120);
const NEEDS_TCP: &str = include_str!("support/java/NeedsTcp.java");
const MANY: usize = 30;

/// A server that takes connections and says nothing; gone when the task is aborted.
async fn serve(port: u16) -> tokio::task::JoinHandle<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    })
}

async fn create(worker: &WorkerClient, name: &str, entries: &[(&str, &str)]) {
    let config: BTreeMap<_, _> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
    worker.create(name, &config).await.unwrap();
}

fn hold(reason: &str) -> String {
    format!("connect_warden_hold{{connect_cluster=\"default\",reason=\"{reason}\"}}")
}

fn sent(warden: &Warden) -> f64 {
    let metrics = warden.metrics();
    let attempts =
        metrics.lines().filter(|line| line.starts_with("connect_warden_restart_attempts_total{"));
    attempts.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

fn start(folder: &Path, urls: &[String], more: &[(&str, &str)]) -> Warden {
    let file = scene::configure(folder, urls, "{interval: 1s}", more);
    Warden::start([format!("--config.file={file}")])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn many_that_need_one_server_wait_for_a_canary_and_all_come_back() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let classes = compile("4.3.0", NEEDS_TCP, "NeedsTcp", folder.path());
    let ways = Ways { classes: Some(&classes), ..Ways::default() };
    let cluster = Cluster::start_in("4.3.0", 1, &ways);
    let server = serve(port).await;
    let client = contract::client(&cluster.urls());
    let worker = &client.workers()[0];
    for number in 0..MANY {
        let entries = [
            ("connector.class", "needs.NeedsTcp"),
            ("tasks.max", "1"),
            ("port", &*port.to_string()),
        ];
        create(worker, &format!("needs{number:02}"), &entries).await;
    }
    let numbers = [
        ("canary", "{waits: [4s, 5s, 6s, 7s], watch: 3s, old: 1h, old_wait: 2m}"),
        ("release", "{first: 4, factor: 2, step: 2s, failing: 0.2}"),
        ("backoff_base", "5s"),
        ("backoff_cap", "5s"),
        ("breaker", "{signature_connectors: 3}"),
    ];
    let warden = start(folder.path(), &cluster.urls(), &numbers);
    let tasks = |state: &str| {
        format!("kafka_connect_tasks{{connect_cluster=\"default\",state=\"{state}\"}}")
    };
    let all = u32::try_from(MANY).unwrap().into();
    warden.wait(&tasks("running"), Some(all), LIMIT);
    server.abort();
    warden.wait(&tasks("failed"), Some(all), LIMIT);
    // Two canaries, and nothing else.
    let canaries = || warden.lines(&["message=restarting", "because=canary"]);
    eventually("two canaries were out", LIMIT, || (canaries() >= 2).then_some(()));
    let others = warden.lines(&["message=restarting"]) - canaries();
    assert!(others <= 2, "canaries only: {}", warden.log());
    let server = serve(port).await;
    warden.wait(&tasks("running"), Some(all), LIMIT);
    assert!(warden.lines(&["a canary runs"]) >= 1, "{}", warden.log());
    let released = warden.lines(&["message=restarting", "because=release"]);
    assert!(released >= MANY - 3, "{released} released: {}", warden.log());
    assert_eq!(warden.end(), Some(0));
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn nothing_is_restarted_while_workers_die_and_roll_or_kafka_is_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start("4.3.0", 3);
    let client = contract::client(&cluster.urls());
    for number in 0..6 {
        let config = contract::file_sink(&cluster.file(&format!("out{number}")));
        client.workers()[0].create(&format!("sink{number}"), &config).await.unwrap();
    }
    let warden = start(folder.path(), &cluster.urls(), &[]);
    let running = "kafka_connect_tasks{connect_cluster=\"default\",state=\"running\"}";
    warden.wait(running, Some(6.0), LIMIT);
    cluster.workers[0].sigkill();
    warden.wait(&hold("rebalance"), Some(1.0), LIMIT);
    warden.wait(&hold("rebalance"), Some(0.0), LIMIT);
    cluster.workers[0].start_again();
    cluster.workers[0].wait_ready();
    for at in 1..3 {
        cluster.workers[at].sigterm();
        pause(Duration::from_secs(2));
        cluster.workers[at].start_again();
        cluster.workers[at].wait_ready();
    }
    warden.wait(running, Some(6.0), LIMIT);
    cluster.broker.sigstop();
    warden.wait(&hold("not_fresh"), Some(1.0), LIMIT);
    pause(Duration::from_secs(5));
    cluster.broker.sigcont();
    warden.wait(&hold("not_fresh"), Some(0.0), LIMIT);
    warden.wait(running, Some(6.0), LIMIT);
    assert!(sent(&warden) < 0.5, "not one restart: {}", warden.log());
    assert_eq!(warden.end(), Some(0));
}
