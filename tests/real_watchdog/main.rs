//! The watchdog on real Kafka Connect clusters in trouble. What it sends is counted by a witness
//! between. Needs `.ci/parts connect` and a JDK; run one at a time:
//! `cargo test --test real_watchdog -- --ignored --test-threads=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod kafka;
mod old;
mod one;
mod outage;
#[path = "../support/mod.rs"]
mod support;
mod workers;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use connect_warden::config::ConnectSettings;
use connect_warden::connect::model::{ConnectorConfig, ConnectorStatus, State};
use connect_warden::connect::{ClusterClient, WorkerClient};
use support::kafka::{Cluster, Ways, pause};
use support::proxy::{Proxy, Seen};
use support::scene;
use support::warden::{Warden, eventually};
use tempfile::TempDir;
use tokio::time::Instant;

/// Long enough for a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(150);
const POLL: &str = "{interval: 2s, worker_interval: 1s}";
const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

/// A real cluster with a witness before each worker, by which workers find each other, too.
struct Bench {
    cluster: Cluster,
    proxies: Vec<Proxy>,
    client: ClusterClient,
}

impl Bench {
    async fn start(version: &str, workers: usize) -> Self {
        Self::start_in(version, workers, "", None).await
    }

    /// With more properties, and more classes.
    async fn start_in(version: &str, workers: usize, more: &str, classes: Option<&Path>) -> Self {
        let mut proxies = Vec::new();
        for _ in 0..workers {
            proxies.push(Proxy::ahead().await);
        }
        let advertised = |proxy: &Proxy| format!("rest.advertised.port={}\n{more}", proxy.port);
        let properties: Vec<_> = proxies.iter().map(advertised).collect();
        let ways = Ways { properties: &properties, classes, ..Ways::default() };
        let cluster = Cluster::start_in(version, workers, &ways);
        for (proxy, worker) in proxies.iter().zip(&cluster.workers) {
            proxy.lead_to(worker.port);
        }
        let urls = cluster.urls().iter().map(|url| url.parse().unwrap()).collect();
        let client = ClusterClient::new(&ConnectSettings::new(urls)).unwrap();
        Self { cluster, proxies, client }
    }

    fn worker(&self, number: usize) -> &WorkerClient {
        &self.client.workers()[number]
    }

    /// What a worker calls itself.
    fn worker_id(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.proxies[number].port)
    }

    async fn create(&self, name: &str, config: &[(&str, &str)]) {
        let config: ConnectorConfig = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())))
            .collect::<BTreeMap<_, _>>();
        let end = Instant::now() + LIMIT;
        // A rebalance that is under way answers 409.
        while let Err(error) = self.worker(0).create(name, &config).await {
            assert!(Instant::now() < end, "{name}: {error}");
            pause(Duration::from_millis(500));
        }
    }

    /// A sink that writes what comes to this file.
    async fn create_sink(&self, name: &str, file: &str, more: &[(&str, &str)]) {
        let usual = [("connector.class", FILE_SINK), ("topics", "lines"), ("file", file)];
        self.create(name, &[&usual, more].concat()).await;
    }

    /// A sink whose folder, `missing`, is not there.
    async fn create_stuck(&self, name: &str) {
        self.create_sink(name, &self.cluster.file("missing/out"), &[]).await;
        self.wait_state(name, has_failed_task).await;
    }

    fn make_the_folder(&self) {
        std::fs::create_dir(self.cluster.file("missing")).unwrap();
    }

    async fn wait_state(&self, name: &str, is: impl Fn(&ConnectorStatus) -> bool) {
        let end = Instant::now() + LIMIT;
        loop {
            let status = self.worker(0).status(name).await;
            if status.as_ref().is_ok_and(&is) {
                return;
            }
            assert!(Instant::now() < end, "{name}: {status:?}");
            pause(Duration::from_millis(200));
        }
    }

    async fn wait_running(&self, name: &str) {
        self.wait_state(name, is_running).await;
    }

    fn watchdog(&self, folder: &TempDir, more: &[(&str, &str)]) -> Warden {
        let urls: Vec<_> = self.proxies.iter().map(Proxy::url).collect();
        let file = scene::configure(folder.path(), &urls, POLL, more);
        Warden::start([format!("--config.file={file}")])
    }

    /// Every restart that was sent, in order.
    fn posts(&self) -> Vec<Seen> {
        let mut posts: Vec<_> = self.proxies.iter().flat_map(Proxy::posts).collect();
        posts.sort_by_key(|seen| seen.at);
        posts
    }

    fn posts_of(&self, name: &str) -> Vec<Seen> {
        let of = format!("/connectors/{name}/");
        self.posts().into_iter().filter(|seen| seen.path.starts_with(&of)).collect()
    }

    fn wait_posts(&self, name: &str, count: usize) {
        eventually(&format!("{count} restarts of {name}"), LIMIT, || {
            (self.posts_of(name).len() >= count).then_some(())
        });
    }
}

fn has_failed_task(status: &ConnectorStatus) -> bool {
    status.tasks.iter().any(|task| task.instance.state == State::Failed)
}

fn is_running(status: &ConnectorStatus) -> bool {
    let all = status.tasks.iter().all(|task| task.instance.state == State::Running);
    status.connector.state == State::Running && !status.tasks.is_empty() && all
}
