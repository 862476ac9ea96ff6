//! What every Kafka Connect cluster must do, whether real or simulated: one set of assertions for
//! both. A difference is a defect of the simulation.
#![allow(missing_docs, unreachable_pub)]

mod changes;

use std::collections::BTreeMap;
use std::time::Duration;

use connect_warden::config::ConnectSettings;
use connect_warden::connect::error::Conflict;
use connect_warden::connect::model::{ConnectorConfig, Health, State};
use connect_warden::connect::version::Version;
use connect_warden::connect::{ClusterClient, Error, ErrorKind, WorkerClient};

/// Names that somebody gave a connector once.
pub const NAMES: [&str; 5] = ["a b", "x/y", "p%q", "tail?z", "é;{x}#\"q\""];

/// Those of them that a version lets be created.
pub fn names_of(version: &str) -> Vec<&'static str> {
    let refuses_slash = version.starts_with("0.");
    NAMES.into_iter().filter(|name| !(refuses_slash && name.contains('/'))).collect()
}

pub fn client(urls: &[String]) -> ClusterClient {
    let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
    ClusterClient::new(&ConnectSettings::new(urls)).unwrap()
}

pub fn file_sink(file: &str) -> ConnectorConfig {
    BTreeMap::from([
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("tasks.max", "1"),
        ("topics", "lines"),
        ("file", file),
    ])
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
    .collect()
}

/// Tries until the state is so; a 404 or a conflict meanwhile is a part of life.
async fn wait_for(
    worker: &WorkerClient,
    name: &str,
    what: &str,
    is: impl Fn(State, &[State]) -> bool,
) {
    for _ in 0..150 {
        if let Ok(status) = worker.status(name).await {
            let tasks: Vec<_> = status.tasks.iter().map(|task| task.instance.state).collect();
            if is(status.connector.state, &tasks) {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{name}: not {what}: {:?}", worker.status(name).await);
}

/// Tries until a rebalance is over.
async fn settled<T>(mut call: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..100 {
        match call().await {
            Err(Error { kind: ErrorKind::Conflict(which, _), .. })
                if which != Conflict::AlreadyExists => {}
            answer => return answer,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    call().await
}

fn not_found<T: std::fmt::Debug>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error { kind: ErrorKind::NotFound(_), .. }))
}

fn unsupported<T: std::fmt::Debug>(answer: &Result<T, Error>) -> bool {
    // 0.11 answers unknown paths with Jetty's page.
    matches!(answer, Err(Error { kind: ErrorKind::Unsupported | ErrorKind::Starting, .. }))
}

/// Every call, on a cluster without connectors.
pub async fn holds(urls: &[String], version_text: &str, file: &str) {
    let version = Version::parse(version_text).unwrap();
    let client = client(urls);
    let worker = &client.workers()[0];

    let info = worker.server_info().await.unwrap();
    assert_eq!(info.version, version_text);
    assert_eq!(info.kafka_cluster_id.is_some(), (version.major, version.minor) >= (1, 1));
    if version.has_health() {
        assert_eq!(worker.health(Duration::from_secs(12)).await.unwrap().health, Health::Healthy);
    }

    let created = settled(async || worker.create("a b", &file_sink(file)).await).await.unwrap();
    assert_eq!(created.name, "a b");
    let running = |own, tasks: &[State]| own == State::Running && tasks == [State::Running];
    wait_for(worker, "a b", "running", running).await;
    assert_eq!(settled(async || worker.connectors().await).await.unwrap(), ["a b"]);
    expand(worker, version).await;
    reads(worker, version).await;
    changes::topics_and_loggers(worker, version).await;
    changes::offsets(worker, version, true).await;
    refusals(worker, file).await;
    restarts(worker, version).await;
    changes::configurations(worker, version, file).await;
    wait_for(worker, "a b", "running with one task", running).await;

    settled(async || worker.pause("a b").await).await.unwrap();
    wait_for(worker, "a b", "paused", |own, tasks| {
        own == State::Paused && tasks == [State::Paused]
    })
    .await;
    settled(async || worker.resume("a b").await).await.unwrap();
    wait_for(worker, "a b", "running again", running).await;
    let stopped = settled(async || worker.stop("a b").await).await;
    if version.has_stop() {
        stopped.unwrap();
        wait_for(worker, "a b", "stopped", |own, tasks| own == State::Stopped && tasks.is_empty())
            .await;
        let restarted = worker.restart_task("a b", 0).await;
        assert!(
            matches!(
                &restarted,
                Err(Error { kind: ErrorKind::Conflict(Conflict::NoLeader, _), .. })
            ),
            "{restarted:?}"
        );
        changes::offsets(worker, version, false).await;
    } else {
        assert!(unsupported(&stopped), "{stopped:?}");
    }

    settled(async || worker.delete("a b").await).await.unwrap();
    let again = settled(async || worker.delete("a b").await).await;
    assert!(not_found(&again), "{again:?}");
    names(worker, version, file).await;
}

async fn expand(worker: &WorkerClient, version: Version) {
    let body = settled(async || worker.expanded_body().await).await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    if !version.knows_expand() {
        assert_eq!(json, serde_json::json!(["a b"]));
        return;
    }
    let of_one = &json["a b"];
    assert_eq!(of_one["status"]["connector"]["state"], "RUNNING");
    assert_eq!(of_one["status"]["type"], "sink");
    assert_eq!(of_one["info"]["config"]["tasks.max"], "1");
    let has_version = of_one["status"]["tasks"][0].get("version").is_some();
    assert_eq!(has_version, (version.major, version.minor) >= (4, 1), "{json}");
}

async fn reads(worker: &WorkerClient, version: Version) {
    let info = settled(async || worker.info("a b").await).await.unwrap();
    assert_eq!((info.name.as_str(), info.tasks.len()), ("a b", 1));
    let config = settled(async || worker.config("a b").await).await.unwrap();
    assert_eq!(config["tasks.max"].as_deref(), Some("1"));
    assert_eq!(settled(async || worker.tasks("a b").await).await.unwrap().len(), 1);
    assert_eq!(worker.task_status("a b", 0).await.unwrap().instance.state, State::Running);
    assert!(!worker.plugins(true).await.unwrap().is_empty());
    let topics = worker.topics("a b").await;
    assert!(if version.has_topics() { topics.is_ok() } else { unsupported(&topics) }, "{topics:?}");
    let offsets = worker.offsets("a b").await;
    assert!(
        if version.has_stop() { offsets.is_ok() } else { unsupported(&offsets) },
        "{offsets:?}"
    );
    let loggers = worker.loggers().await;
    assert!(
        if version.has_loggers() { loggers.is_ok() } else { unsupported(&loggers) },
        "{loggers:?}"
    );
}

async fn refusals(worker: &WorkerClient, file: &str) {
    let again = settled(async || worker.create("a b", &file_sink(file)).await).await;
    assert!(
        matches!(&again, Err(Error { kind: ErrorKind::Conflict(Conflict::AlreadyExists, _), .. })),
        "{again:?}"
    );
    let without_class = settled(async || worker.create("no class", &BTreeMap::new()).await).await;
    assert!(
        matches!(&without_class, Err(Error { kind: ErrorKind::Status { status: 400, .. }, .. })),
        "{without_class:?}"
    );
    let status = worker.status("nobody").await;
    assert!(not_found(&status), "{status:?}");
    let info = settled(async || worker.info("nobody").await).await;
    assert!(not_found(&info), "{info:?}");
    let restarted = settled(async || worker.restart("nobody").await).await;
    assert!(not_found(&restarted), "{restarted:?}");
    let task = settled(async || worker.restart_task("a b", 9).await).await;
    assert!(
        matches!(&task, Err(Error { kind: ErrorKind::NotFound(m), .. }) if m == "Unknown task: a b-9"),
        "{task:?}"
    );
}

async fn restarts(worker: &WorkerClient, version: Version) {
    settled(async || worker.restart_task("a b", 0).await).await.unwrap();
    settled(async || worker.restart("a b").await).await.unwrap();
    let with_tasks = settled(async || worker.restart_failed("a b", true).await).await;
    if version.major >= 3 {
        assert_eq!(with_tasks.unwrap().status.name, "a b");
    } else {
        assert!(unsupported(&with_tasks), "{with_tasks:?}");
    }
    let all = settled(async || worker.restart_with_tasks("a b").await).await;
    if version.restarts_with_tasks() {
        assert_eq!(all.unwrap().status.tasks[0].instance.state, State::Restarting);
    } else {
        assert!(unsupported(&all), "{all:?}");
    }
    let running = |own, tasks: &[State]| own == State::Running && tasks == [State::Running];
    wait_for(worker, "a b", "running after the restarts", running).await;
}

async fn names(worker: &WorkerClient, version: Version, file: &str) {
    for name in NAMES {
        let created = settled(async || worker.create(name, &file_sink(file)).await).await;
        if version.major == 0 && name.contains('/') {
            let kind = created.map(|_| ()).unwrap_err().kind;
            assert!(matches!(kind, ErrorKind::Status { status: 400, .. }), "{kind:?}");
            continue;
        }
        // The worker creates it, and then fails to write the answer's Location.
        let no_location = matches!(&created, Err(Error { kind: ErrorKind::Status { status: 500, message }, .. })
            if message == "The template variable 'x' has no value" || message == "an HTML page");
        assert_eq!(no_location, name.contains("{x}"), "{name}: {created:?}");
        assert!(no_location || created.is_ok(), "{name}: {created:?}");
        if version.major >= 4 && name.contains(['/', '%']) {
            let kind = worker.status(name).await.map(|_| ()).unwrap_err().kind;
            assert!(matches!(&kind, ErrorKind::NotAddressable(n) if n == name), "{name}: {kind:?}");
        } else {
            wait_for(worker, name, "running", |own, _| own == State::Running).await;
        }
        let listed = settled(async || worker.connectors().await).await.unwrap();
        assert!(listed.iter().any(|listed| listed == name), "{name}: {listed:?}");
    }
}
