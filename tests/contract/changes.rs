//! The calls that change configurations, offsets and loggers.

use std::collections::BTreeMap;

use connect_warden::connect::model::PartitionOffset;
use connect_warden::connect::version::Version;
use connect_warden::connect::{Error, ErrorKind, WorkerClient};
use serde_json::json;

use super::{file_sink, not_found, settled, unsupported};

const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

/// On the running connector `a b`. The number of tasks stays: fewer leave zombie entries before
/// 2.6, and for a moment a task that is one too many fails (3.8 and later).
pub async fn configurations(worker: &WorkerClient, version: Version, file: &str) {
    let mut config = file_sink(file);
    let set = |value: &str| Some(value.to_owned());
    config.insert("name".to_owned(), set("a b"));
    config.insert("note".to_owned(), set("one"));
    let put = settled(async || worker.put_config("a b", &config).await).await.unwrap();
    assert_eq!(put.config["note"].as_deref(), Some("one"));

    let changes = BTreeMap::from([("note".to_owned(), set("two"))]);
    let patched = settled(async || worker.patch_config("a b", &changes).await).await;
    if version.patches_config() {
        let patched = patched.unwrap();
        assert_eq!(patched.config["note"].as_deref(), Some("two"));
        assert_eq!(patched.config["topics"].as_deref(), Some("lines"));
    } else {
        assert!(unsupported(&patched), "{patched:?}");
    }
    let validated = worker.validate(FILE_SINK, &config).await.unwrap();
    assert_eq!((&validated["name"], &validated["error_count"]), (&json!(FILE_SINK), &json!(0)));
    let wrong: BTreeMap<_, _> = config.clone().into_iter().filter(|(k, _)| k != "topics").collect();
    let wrong = worker.validate(FILE_SINK, &wrong).await;
    if version.at_least(3, 9) {
        let wrong = wrong.unwrap();
        let topics = wrong["configs"].as_array().unwrap().iter().map(|key| &key["value"]);
        let topics = topics.into_iter().find(|value| value["name"] == "topics").unwrap();
        assert!(topics["errors"][0].as_str().unwrap().contains("topics.regex"), "{topics}");
    } else if version.at_least(2, 2) {
        assert!(
            matches!(&wrong, Err(Error { kind: ErrorKind::Status { status: 500, message }, .. })
                if message.contains("Must configure one of topics")),
            "{wrong:?}"
        );
    }
    let keys = worker.plugin_config(FILE_SINK).await;
    if version.at_least(3, 2) {
        assert!(keys.unwrap().iter().any(|key| key["name"] == "file"));
    } else {
        assert!(unsupported(&keys), "{keys:?}");
    }
    let other = worker.validate("org.example.Other", &config).await;
    assert!(
        matches!(&other, Err(Error { kind: ErrorKind::Status { status: 400, .. }, .. })),
        "{other:?}"
    );
}

/// `running` of the running connector `a b`, else of the stopped one.
pub async fn offsets(worker: &WorkerClient, version: Version, running: bool) {
    let to = [PartitionOffset {
        partition: json!({"kafka_topic": "lines", "kafka_partition": 0}),
        offset: json!({"kafka_offset": 0}),
    }];
    let altered = settled(async || worker.alter_offsets("a b", &to).await).await;
    let reset = settled(async || worker.reset_offsets("a b").await).await;
    for answer in [altered, reset] {
        if !version.alters_offsets() {
            assert!(unsupported(&answer), "{answer:?}");
        } else if running {
            assert!(
                matches!(&answer, Err(Error { kind: ErrorKind::Status { status: 400, message }, .. })
                    if message.contains("must be in the STOPPED state")),
                "{answer:?}"
            );
        } else {
            assert!(answer.is_ok(), "{answer:?}");
        }
    }
}

pub async fn topics_and_loggers(worker: &WorkerClient, version: Version) {
    let reset = worker.reset_topics("a b").await;
    assert!(if version.has_topics() { reset.is_ok() } else { unsupported(&reset) }, "{reset:?}");
    let name = "org.apache.kafka.connect.runtime.Probe";
    let set = worker.set_logger(name, "WARN").await;
    if !version.has_loggers() {
        assert!(unsupported(&set), "{set:?}");
        return;
    }
    assert_eq!(set.unwrap(), [name]);
    assert_eq!(worker.logger(name).await.unwrap().level.as_deref(), Some("WARN"));
    if version.at_least(3, 7) {
        worker.set_logger_of_all(name, "ERROR").await.unwrap();
        // Each worker reads it from the configuration topic.
        for left in (0..50).rev() {
            if worker.logger(name).await.unwrap().level.as_deref() == Some("ERROR") {
                break;
            }
            assert!(left > 0, "the level arrives");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let loud = worker.set_logger(name, "LOUD").await;
    assert!(not_found(&loud), "{loud:?}");
    let unknown = worker.logger("no.such.logger").await;
    assert!(not_found(&unknown), "{unknown:?}");
}
