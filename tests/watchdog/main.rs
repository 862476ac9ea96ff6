//! The watchdog on simulated clusters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod acts;
mod crash;
mod holds;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod turn;

use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use support::proxy::Proxy;
use support::scene;
use support::warden::Warden;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(30);
const REFUSED: &str =
    "a.B: x\nCaused by: java.net.ConnectException: Connection refused: db.example:5432";
const QUICK_POLL: &str = "{interval: 200ms, worker_interval: 200ms, health_timeout: 2s}";

async fn sim(version: &str) -> SimCluster {
    let config = SimConfig {
        version: version.to_owned(),
        workers: 1,
        herder_timeout: Duration::from_millis(300),
        ..SimConfig::default()
    };
    SimCluster::start(config).await.unwrap()
}

fn posts(cluster: &SimCluster) -> Vec<String> {
    cluster.take_requests().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

/// A simulated cluster of one worker, a witness before it, and a folder for the watchdog.
struct Bench {
    sim: SimCluster,
    proxy: Proxy,
    folder: TempDir,
}

impl Bench {
    async fn new(version: &str) -> Self {
        let sim = sim(version).await;
        let proxy = before(&sim, 0).await;
        Self { sim, proxy, folder: tempfile::tempdir().unwrap() }
    }

    /// A connector with one task.
    fn create(&self, name: &str) {
        self.sim.create(name, &[("connector.class", "org.example.SinkConnector")]);
    }

    /// Its task fails, again and again.
    fn fail(&self, name: &str) {
        self.sim.fail_task(name, 0, REFUSED, true);
    }

    fn start(&self, more: &[(&str, &str)]) -> Warden {
        self.start_polling(QUICK_POLL, more)
    }

    fn start_polling(&self, poll: &str, more: &[(&str, &str)]) -> Warden {
        let file = scene::configure(self.folder.path(), &[self.proxy.url()], poll, more);
        Warden::start([format!("--config.file={file}")])
    }

    /// The witness saw no restart of this connector.
    fn is_silent(&self, name: &str) -> bool {
        self.posts_of(name) == 0
    }

    fn posts_of(&self, name: &str) -> usize {
        let of = format!("/connectors/{name}/");
        self.proxy.posts().iter().filter(|seen| seen.path.starts_with(&of)).count()
    }

    fn wait_post(&self, name: &str) {
        let what = format!("{name} is restarted");
        support::warden::eventually(&what, SOON, || (!self.is_silent(name)).then_some(()));
    }
}

async fn before(sim: &SimCluster, worker: usize) -> Proxy {
    let port = sim.worker_id(worker).rsplit(':').next().unwrap().parse().unwrap();
    Proxy::before(port).await
}
