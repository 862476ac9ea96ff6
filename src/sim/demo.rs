//! Two clusters in which things fail, for `demo`.

use std::sync::Arc;
use std::time::Duration;

use super::{SimCluster, SimConfig};

const POISON: &str = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\tat org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.execAndHandleError(RetryWithToleranceOperator.java:260)\nCaused by: org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: \n\tat org.apache.kafka.connect.json.JsonConverter.toConnectData(JsonConverter.java:333)\nCaused by: org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'orders': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const REFUSED: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)\nCaused by: org.apache.kafka.connect.errors.ConnectException: org.postgresql.util.PSQLException: Connection to db.example:5432 refused. Check that the hostname and port are correct.\n\tat io.confluent.connect.jdbc.util.CachedConnectionProvider.getConnection(CachedConnectionProvider.java:62)\nCaused by: java.net.ConnectException: Connection refused";
const DENIED: &str = "org.apache.kafka.common.errors.GroupAuthorizationException: Not authorized to access group: connect-invoices-s3";

const ORDERS: [(&str, &str, &str); 9] = [
    ("orders-sink", "io.confluent.connect.jdbc.JdbcSinkConnector", "3"),
    ("orders-cdc", "io.debezium.connector.postgresql.PostgresConnector", "1"),
    ("invoices-s3", "io.confluent.connect.s3.S3SinkConnector", "4"),
    ("customers-elastic", "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "2"),
    ("shipments/eu", "io.confluent.connect.jdbc.JdbcSinkConnector", "2"),
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

/// A database goes and comes back; now and then a worker dies.
async fn happen(orders: Arc<SimCluster>, mut random: fastrand::Rng) {
    let on_the_database = ["orders-sink", "shipments/eu"];
    loop {
        tokio::time::sleep(Duration::from_secs(random.u64(10..20))).await;
        tracing::info!("demo: the database goes away");
        for name in on_the_database {
            orders.fail_task(name, 0, REFUSED, false);
        }
        tokio::time::sleep(Duration::from_secs(random.u64(15..30))).await;
        tracing::info!("demo: the database is back, and somebody restarts the tasks");
        for name in on_the_database {
            orders.set_state(name, Some(0), "RUNNING", None);
        }
        let worker = random.usize(1..3);
        tracing::info!(worker = orders.worker_id(worker), "demo: a worker dies");
        orders.kill_worker(worker);
        tokio::time::sleep(Duration::from_secs(15)).await;
        if orders.start_worker(worker).await.is_ok() {
            tracing::info!(worker = orders.worker_id(worker), "demo: the worker is back");
        }
    }
}
