//! Simulated fleets in trouble, each with a process that watches it.

use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};

use super::SOON;
use super::support::kafka::get;
use super::support::warden::{Warden, eventually};

pub(crate) const REFUSED: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)\nCaused by: java.net.ConnectException: Connection to db.example:5432 refused";
const POISON: &str = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\tat o.a.k.c.runtime.errors.RetryWithToleranceOperator.execAndHandleError(RetryWithToleranceOperator.java:260)\nCaused by: org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: <b>&\"'";
const DENIED: &str = "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [orders]";

/// Names that a page may stumble over.
pub(crate) fn evil() -> Vec<String> {
    let mut all: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "..",
        ".",
        "a/b",
        "%2F%2e%2e",
        "x?y=1&z=2#w",
        "\u{202e}gnp.exe \u{5d0}\u{5d1}\u{5d2}",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}",
        "tab\tand\nline",
        "&lt;b&gt;",
        " blank ",
        "\u{1f4a5}",
        "{{7*7}}",
    ]
    .map(str::to_owned)
    .into();
    all.push("long-".repeat(40));
    all.push("w".repeat(200));
    all
}

/// A simulated cluster and the process that watches it.
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    cluster: SimCluster,
    warden: Warden,
}

impl Fleet {
    /// Of 0, 3, 300 and 2,000 connectors, and one of evil names.
    pub(crate) async fn all() -> Vec<Self> {
        let fleets = vec![
            Self::start("none", 1, "1s", |_| {}).await,
            Self::start("three", 2, "1s", three).await,
            Self::start("evil", 1, "1s", of_evil_names).await,
            Self::start("hundreds", 3, "2s", hundreds).await,
            Self::start("thousands", 3, "5s", thousands).await,
        ];
        for fleet in &fleets {
            let ready = || get(fleet.warden.port, "/-/ready", Duration::from_secs(5));
            eventually(fleet.name, SOON, || ready().filter(|(status, _)| *status == 200));
        }
        fleets
    }

    async fn start(
        name: &'static str,
        workers: usize,
        poll: &str,
        fill: impl Fn(&SimCluster),
    ) -> Self {
        let config = SimConfig { workers, ..SimConfig::default() };
        let cluster = SimCluster::start(config).await.unwrap();
        fill(&cluster);
        let urls = cluster.urls().into_iter().map(|url| format!("--connect.url={url}"));
        let more = [format!("--poll.interval={poll}"), "--connect.cluster=main".to_owned()];
        let warden = Warden::start(urls.chain(more));
        Self { name, cluster, warden }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.warden.port)
    }
}

fn three(cluster: &SimCluster) {
    for name in ["orders-sink", "orders-cdc", "invoices-s3"] {
        cluster
            .create(name, &[("connector.class", "org.example.SinkConnector"), ("tasks.max", "2")]);
    }
    cluster.fail_task("orders-sink", 1, POISON, true);
}

fn of_evil_names(cluster: &SimCluster) {
    for name in evil() {
        cluster.create(&name, &[("connector.class", "org.example.<i>Sink"), ("tasks.max", "2")]);
        let trace = format!("org.example.{name}: <script>alert(2)</script> {name}\n\tat <b>x</b>");
        cluster.fail_task(&name, 0, &trace, true);
    }
}

fn hundreds(cluster: &SimCluster) {
    cluster.create_many("c", 300, 3);
    trouble(cluster, 300, 12);
}

fn thousands(cluster: &SimCluster) {
    cluster.create_many("c", 2000, 2);
    trouble(cluster, 2000, 200);
}

fn trouble(cluster: &SimCluster, connectors: usize, outage: usize) {
    let name = |n: usize| format!("c{n:05}");
    for n in 0..outage {
        cluster.fail_task(&name(n * (connectors / outage)), 0, REFUSED, true);
    }
    cluster.fail_task(&name(1), 1, POISON, true);
    cluster.fail_task(&name(7), 0, DENIED, true);
    cluster.set_state(&name(8), None, "FAILED", Some(DENIED));
    for n in [11, 12, 13] {
        cluster.set_state(&name(n), None, "PAUSED", None);
        cluster.set_state(&name(n), Some(0), "PAUSED", None);
        cluster.set_state(&name(n), Some(1), "PAUSED", None);
    }
    cluster.set_state(&name(15), Some(1), "UNASSIGNED", None);
    cluster.set_state(&name(16), Some(0), "DESTROYED", None);
}

/// `FLEET fail CONNECTOR TASK` or `FLEET run CONNECTOR TASK`, as `look.mjs` says it.
pub(crate) async fn act(fleets: &[Fleet], order: &str) {
    let words: Vec<_> = order.split(' ').collect();
    let [fleet, what, connector, task] = words[..] else { panic!("not an order: {order}") };
    let fleet = fleets.iter().find(|one| one.name == fleet).unwrap();
    let task = task.parse().unwrap();
    match what {
        "fail" => fleet.cluster.fail_task(connector, task, REFUSED, true),
        "run" => {
            fleet.cluster.mend_task(connector, task);
            fleet.cluster.set_state(connector, Some(task), "RUNNING", None);
        }
        other => panic!("not to be done: {other}"),
    }
}
