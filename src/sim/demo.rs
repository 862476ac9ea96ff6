//! Two clusters in which things fail, for `demo`.

use std::sync::Arc;
use std::time::Duration;

use crate::watchdog::policy::Limits;

use super::{SimCluster, SimConfig};

const POISON: &str = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\tat org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.execAndHandleError(RetryWithToleranceOperator.java:260)\nCaused by: org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: \n\tat org.apache.kafka.connect.json.JsonConverter.toConnectData(JsonConverter.java:333)\nCaused by: org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'orders': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const REFUSED: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)\nCaused by: org.apache.kafka.connect.errors.ConnectException: org.postgresql.util.PSQLException: Connection to db.example:5432 refused. Check that the hostname and port are correct.\n\tat io.confluent.connect.jdbc.util.CachedConnectionProvider.getConnection(CachedConnectionProvider.java:62)\nCaused by: java.net.ConnectException: Connection refused";
const DENIED: &str = "org.apache.kafka.common.errors.GroupAuthorizationException: Not authorized to access group: connect-invoices-s3";

const ORDERS: [(&str, &str, &str); 11] = [
    ("orders-sink", "io.confluent.connect.jdbc.JdbcSinkConnector", "3"),
    ("orders-cdc", "io.debezium.connector.postgresql.PostgresConnector", "1"),
    ("invoices-s3", "io.confluent.connect.s3.S3SinkConnector", "4"),
    ("customers-elastic", "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "2"),
    ("shipments/eu", "io.confluent.connect.jdbc.JdbcSinkConnector", "2"),
    ("returns-sink", "io.confluent.connect.jdbc.JdbcSinkConnector", "1"),
    ("prices-sink", "io.confluent.connect.jdbc.JdbcSinkConnector", "1"),
    ("payments-http", "io.confluent.connect.http.HttpSinkConnector", "2"),
    ("audit-file", "org.apache.kafka.connect.file.FileStreamSinkConnector", "1"),
    ("stock-mongo", "com.mongodb.kafka.connect.MongoSinkConnector", "2"),
    ("nothing-to-do", "io.confluent.connect.jdbc.JdbcSourceConnector", "0"),
];

/// Starts them; a task in the background makes things happen, the same for the same seed.
pub async fn start(seed: u64) -> std::io::Result<Vec<(String, Arc<SimCluster>)>> {
    let orders = Arc::new(SimCluster::start(SimConfig::default()).await?);
    let old = SimConfig { version: "2.2.2".to_owned(), workers: 1, ..SimConfig::default() };
    let legacy = Arc::new(SimCluster::start(old).await?);
    for (name, class, tasks) in ORDERS {
        orders.create(name, &[("connector.class", class), ("tasks.max", tasks)]);
    }
    for name in ["mainframe-source", "reports-sink", "x y"] {
        let class = "org.apache.kafka.connect.file.FileStreamSinkConnector";
        legacy.create(name, &[("connector.class", class), ("tasks.max", "1")]);
    }
    orders.fail_task("orders-sink", 1, POISON, true);
    orders.fail_task("invoices-s3", 0, DENIED, true);
    orders.set_state("audit-file", None, "PAUSED", None);
    orders.set_state("audit-file", Some(0), "PAUSED", None);
    tokio::spawn(happen(Arc::clone(&orders), fastrand::Rng::with_seed(seed)));
    Ok(vec![("orders".to_owned(), orders), ("legacy".to_owned(), legacy)])
}

const ON_THE_DATABASE: [&str; 4] = ["orders-sink", "shipments/eu", "returns-sink", "prices-sink"];

/// The policy's waits, shortened so that a visitor sees what usually takes an hour; budgets fill as
/// much sooner.
pub fn limits() -> Limits {
    let seconds = Duration::from_secs;
    Limits {
        grace: seconds(4),
        first_jitter: seconds(2),
        backoff_base: seconds(10),
        backoff_cap: seconds(120),
        data_delay: seconds(30),
        auth_spacing: seconds(60),
        rebalance_hold: seconds(6),
        rebalance_most: seconds(60),
        verify: seconds(10),
        stale_status: seconds(6),
        stable: seconds(60),
        longest_gap: seconds(10),
        canary_waits: [seconds(6), seconds(12), seconds(24), seconds(30)],
        canary_watch: seconds(6),
        release_step: seconds(4),
        release_first: 2,
        canary_old_wait: seconds(60),
        connector_budget: (3, 60),
        cluster_budget: (10, 60),
        process_budget: (30, 300),
        refused_wait: seconds(6),
        verify_most: seconds(60),
        stuck: seconds(30),
        foreign_window: seconds(60),
        stand_down: seconds(90),
        ..Limits::default()
    }
}

/// A database goes and comes back; what nobody restarted in good time a person does. Then a worker
/// dies.
async fn happen(orders: Arc<SimCluster>, mut random: fastrand::Rng) {
    let mut wait = |seconds| tokio::time::sleep(Duration::from_secs(random.u64(seconds)));
    loop {
        wait(15..20).await;
        tracing::info!("demo: the database goes away");
        for name in ON_THE_DATABASE {
            orders.fail_task(name, 0, REFUSED, true);
        }
        wait(40..60).await;
        tracing::info!(
            "demo: the database is back; what failed stays FAILED until it is restarted"
        );
        for name in ON_THE_DATABASE {
            orders.mend_task(name, 0);
        }
        // A canary, its proof and the release come first, where the watchdog is on.
        wait(100..120).await;
        let failed = |name: &&str| orders.task_state(name, 0).is_some_and(|s| s == "FAILED");
        let left: Vec<_> = ON_THE_DATABASE.into_iter().filter(failed).collect();
        if !left.is_empty() {
            tracing::info!(connectors = ?left, "demo: a person restarts what is still FAILED");
        }
        for name in left {
            orders.set_state(name, Some(0), "RUNNING", None);
        }
        wait(20..30).await;
        tracing::info!(worker = orders.worker_id(1), "demo: a worker dies");
        orders.kill_worker(1);
        wait(14..16).await;
        if orders.start_worker(1).await.is_ok() {
            tracing::info!(worker = orders.worker_id(1), "demo: the worker is back");
        }
        wait(15..20).await;
    }
}
