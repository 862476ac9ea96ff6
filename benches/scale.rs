//! 10,000 connectors with 10 tasks each: a poll against fetching and reading the same body with
//! typed serde_json, rendering, and the resident memory. `cargo bench --bench scale`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::BTreeMap;
use std::sync::Arc;

use connect_warden::config::ConnectSettings;
use connect_warden::connect::ClusterClient;
use connect_warden::connect::model::{ConnectorInfo, ConnectorStatus};
use connect_warden::observe::Selection;
use connect_warden::observe::poll::Poller;
use connect_warden::sim::{SimCluster, SimConfig};
use tokio::time::Instant;

/// What the yardstick reads: all of the answer, as types.
#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "read, not used")]
struct Expanded {
    status: ConnectorStatus,
    info: ConnectorInfo,
}

const ROUNDS: usize = 7;

#[tokio::main]
async fn main() {
    let config = SimConfig { workers: 1, ..SimConfig::default() };
    for connectors in [1_000, 10_000] {
        let cluster = SimCluster::start(config.clone()).await.unwrap();
        cluster.create_many("c", connectors, 10);
        let urls = vec![cluster.urls()[0].parse().unwrap()];
        let client = Arc::new(ClusterClient::new(&ConnectSettings::new(urls)).unwrap());
        let mut poller = Poller::new(Arc::clone(&client), Selection::default(), Arc::default(), 8);
        let (mut yardstick, mut poll) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let body = client.workers()[0].expanded_body().await.unwrap();
            let all: BTreeMap<String, Expanded> = serde_json::from_slice(&body).unwrap();
            yardstick.push(start.elapsed());
            assert_eq!(all.len(), connectors);
            drop((body, all));
            let start = Instant::now();
            let snapshot = poller.poll().await.unwrap();
            poll.push(start.elapsed());
            assert_eq!(snapshot.1.connectors.len(), connectors);
        }
        yardstick.sort();
        poll.sort();
        let (yardstick, poll) = (yardstick[ROUNDS / 2], poll[ROUNDS / 2]);
        let ratio = poll.as_secs_f64() / yardstick.as_secs_f64();
        println!(
            "{connectors} x 10: poll {poll:?}, typed read of the same body {yardstick:?}, ratio {ratio:.2}"
        );
    }
}
