//! Lists: what is in them, filters, sorting, pages, tags.

use std::collections::BTreeSet;
use std::io::Read as _;

use connect_warden::sim::SimCluster;
use serde_json::{Value, json};

use super::scene::{REFUSED, Scene, Who, sim};

const FAST: &str = "{interval: 500ms, worker_interval: 500ms}";

/// Two clusters: `east` has 30 healthy connectors and three that are not, `west` has one.
async fn two() -> (Scene, SimCluster, SimCluster) {
    let (east, west) = (sim("4.3.0").await, sim("2.8.2").await);
    east.create_many("many-", 30, 2);
    for name in ["orders-sink", "broken-sink", "<b>orders</b>"] {
        east.create(
            name,
            &[("tasks.max", "2"), ("connector.class", "org.example.JdbcSinkConnector")],
        );
    }
    east.fail_task("orders-sink", 1, REFUSED, true);
    east.fail_task(
        "broken-sink",
        0,
        "org.apache.kafka.connect.errors.DataException: Schema does not fit\n\tat x.Y.z(Y.java:1)\n",
        true,
    );
    west.create("orders-sink", &[("tasks.max", "1")]);
    let clusters = [("east", east.urls().remove(0)), ("west", west.urls().remove(0))];
    let scene = Scene::start(&clusters, FAST, "  mode: dry-run\n  grace: 10ms\n");
    scene
        .until("/plan", |plan| {
            let units = |at: usize| plan["clusters"][at]["units"].as_array().map_or(0, Vec::len);
            units(0) == 2
        })
        .await;
    scene
        .until("/clusters/west", |west| west["up"] == true && west["versions"][0] == "2.8.2")
        .await;
    scene.until("/clusters/east", |east| east["workers_up"] == 1 && east["fresh"] == true).await;
    (scene, east, west)
}

fn names(page: &Value, key: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_told_and_nothing_else() {
    let (scene, ..) = two().await;
    for (path, total, first) in [
        ("/clusters", 2, json!({"name": "east", "failures": 2})),
        ("/clusters?sort=-name", 2, json!({"name": "west"})),
        ("/clusters?q=WES", 1, json!({"name": "west"})),
        ("/connectors", 34, json!({"cluster": "east", "name": "<b>orders</b>"})),
        ("/connectors?cluster=west", 1, json!({"cluster": "west", "name": "orders-sink"})),
        ("/clusters/west/connectors", 1, json!({"cluster": "west"})),
        ("/connectors?name=orders-.*", 2, json!({"name": "orders-sink", "cluster": "east"})),
        ("/connectors?q=ORDERS", 3, json!({"name": "<b>orders</b>"})),
        ("/connectors?q=jdbc", 3, json!({"type": "sink"})),
        ("/connectors?state=failed", 2, json!({"name": "broken-sink"})),
        ("/connectors?state=running,failed&name=broken.*", 1, json!({"state": "running"})),
        ("/connectors?class=DATA", 1, json!({"name": "broken-sink", "severity": "critical"})),
        ("/connectors?severity=fine&limit=1", 32, json!({"name": "<b>orders</b>"})),
        ("/connectors?sort=-severity&limit=2", 34, json!({"severity": "critical"})),
        ("/connectors?worker=nowhere:1", 0, Value::Null),
        ("/connectors?phase=parked", 0, Value::Null),
        ("/tasks", 67, json!({"connector": "<b>orders</b>", "id": 0, "type": "sink"})),
        ("/tasks?state=failed", 2, json!({"connector": "broken-sink", "id": 0})),
        ("/tasks?cluster=west", 1, json!({"cluster": "west", "state": "running"})),
        ("/failures", 2, json!({"severity": "critical"})),
        ("/failures?class=data", 1, json!({"connector": "broken-sink", "task": 0})),
        ("/failures?q=refused", 1, json!({"connector": "orders-sink", "task": 1})),
        ("/failures?cluster=west", 0, Value::Null),
        ("/workers?sort=-tasks_failed", 2, json!({"up": true, "tasks_failed": 2})),
        ("/workers?cluster=west", 1, json!({"version": "2.8.2", "tasks": 1})),
    ] {
        let page = scene.json(path).await;
        assert_eq!(page["total"], total, "{path}: {page}");
        let found = &page["items"][0];
        for (key, value) in first.as_object().into_iter().flatten() {
            assert_eq!(&found[key], value, "{path} {key}: {found}");
        }
        assert_eq!(first.is_null(), found.is_null(), "{path}");
    }
    let failure = &scene.json("/failures?q=refused").await["items"][0];
    assert_eq!(failure["exception"], "java.net.ConnectException", "{failure}");
    assert!(failure["watchdog"]["says"].as_str().unwrap().contains("FAILED since"), "{failure}");
    let all = scene.get("/failures").await.body + &scene.get("/audit").await.body;
    assert!(!all.contains("s3cret") && all.contains("Connection refused"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_comes_once_over_all_pages_in_order() {
    let (scene, ..) = two().await;
    for (list, key, sort) in [
        ("/connectors", "name", "name"),
        ("/connectors", "name", "-severity"),
        ("/tasks", "connector", "-name"),
    ] {
        let (mut seen, mut told, mut cursor) = (BTreeSet::new(), 0, String::new());
        loop {
            let path = format!("{list}?limit=7&sort={sort}{cursor}");
            let page = scene.json(&path).await;
            let items = page["items"].as_array().unwrap().clone();
            told += items.len();
            seen.extend(
                items
                    .iter()
                    .map(|item| format!("{} {} {}", item["cluster"], item[key], item["id"])),
            );
            assert!(items.len() == 7 || page["next"].is_null(), "{page}");
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => {
                    assert_eq!((seen.len(), page["total"].as_u64()), (told, Some(told as u64)));
                    break;
                }
            }
        }
    }
    let page = scene.json("/connectors?sort=-name&limit=1000&cluster=east").await;
    assert!(names(&page, "name").is_sorted_by(|a, b| a >= b));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connector_is_told_in_full() {
    let (scene, east, _west) = two().await;
    let path = "/clusters/east/connectors/orders-sink";
    let told = scene.json(path).await;
    assert_eq!(
        (&told["connector"]["name"], &told["connector"]["tasks"][1]["state"]),
        (&json!("orders-sink"), &json!("failed"))
    );
    let failure = &told["failures"][0];
    assert_eq!((&failure["task"], &failure["failure_class"]), (&json!(1), &json!("TRANSIENT")));
    let trace = failure["trace"].as_str().unwrap();
    assert!(trace.contains("Caused by: java.net.ConnectException") && !trace.contains("s3cret"));
    assert!(told["watchdog"][0]["says"].as_str().unwrap().contains("FAILED since"), "{told}");
    assert_eq!(told["history"][2]["spells"][0]["state"], "failed");
    let details = &told["details"];
    assert_eq!(details["configuration"]["tasks.max"], "2", "{details}");
    assert_eq!(details["offsets"][0]["partition"]["kafka_topic"], "lines");
    assert_eq!((&details["topics"], &details["problems"]["topics"]), (&json!([]), &Value::Null));
    assert!(scene.json(&format!("{path}?details=false")).await["details"].is_null());

    let old = scene.json("/clusters/west/connectors/orders-sink").await;
    let problem = old["details"]["problems"]["offsets"].as_str().unwrap();
    assert_eq!(problem, "needs Kafka Connect 3.5 or later; this worker has 2.8.2");

    east.fault(0, Some(connect_warden::sim::Fault::Hang));
    let hangs = scene.json("/clusters/east/connectors/broken-sink").await;
    let problem = hangs["details"]["problems"]["topics"].as_str().unwrap();
    assert!(problem.ends_with("no answer within 3s"), "{problem}");
    assert_eq!(hangs["connector"]["name"], "broken-sink");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_remembered_from_when_to_when() {
    let (scene, east, _west) = two().await;
    east.mend_task("orders-sink", 1);
    east.set_state("orders-sink", Some(1), "RUNNING", None);
    let path = "/history?cluster=east&connector=orders-sink&task=1";
    let told = scene
        .until(path, |told| told["units"][0]["spells"].as_array().is_some_and(|all| all.len() == 2))
        .await;
    let spells = &told["units"][0]["spells"];
    assert_eq!((&spells[0]["state"], &spells[1]["state"]), (&json!("failed"), &json!("running")));
    assert_eq!(spells[0]["until"], spells[1]["from"]);
    assert!(spells[1]["until"].is_null());
    let all = scene.json("/history?cluster=east&connector=orders-sink").await;
    let tasks: Vec<_> = all["units"].as_array().unwrap().iter().map(|unit| &unit["task"]).collect();
    assert_eq!(tasks, [&Value::Null, &json!(0), &json!(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_with_what_would_be_right() {
    let (scene, ..) = two().await;
    for (path, status, key, value, near) in [
        ("/clusters/eats", 404, "detail", "no cluster \"eats\"; did you mean \"east\"?", "east"),
        (
            "/clusters/east/connectors/orders-snik",
            404,
            "detail",
            "did you mean \"orders-sink\"?",
            "orders-sink",
        ),
        ("/clusters/east/connectors/entirely-other", 404, "title", "Not Found", ""),
        ("/conectors", 404, "title", "Not Found", "/api/v1/connectors"),
        ("/clusters/", 404, "title", "Not Found", "/api/v1/clusters"),
        ("/connectors?cluster=eats", 400, "parameter", "cluster", "east"),
        ("/connectors?state=borken", 400, "parameter", "state", ""),
        ("/connectors?limit=0", 400, "parameter", "limit", ""),
        ("/connectors?limit=1001", 400, "parameter", "limit", ""),
        ("/connectors?name=(", 400, "parameter", "name", ""),
        ("/connectors?sort=size", 400, "parameter", "sort", ""),
        ("/connectors?cursor=x", 400, "parameter", "cursor", ""),
        ("/connectors?sate=failed", 400, "parameter", "sate", ""),
        ("/clusters/east/connectors?cluster=west", 400, "parameter", "cluster", ""),
        ("/clusters/east?x=1", 400, "parameter", "x", ""),
        ("/live?x=1", 400, "parameter", "x", ""),
        ("/session?x=1", 400, "parameter", "x", ""),
        ("/history", 400, "parameter", "cluster", ""),
        ("/history?cluster=east", 400, "parameter", "connector", ""),
        (
            "/history?cluster=east&connector=orders-snik",
            404,
            "parameter",
            "connector",
            "orders-sink",
        ),
        ("/history?cluster=east&connector=orders-sink&task=7", 404, "parameter", "task", ""),
        ("/audit?limit=x", 400, "parameter", "limit", ""),
    ] {
        let told = scene.get(path).await;
        assert_eq!(
            (told.status, told.kind.as_str()),
            (status, "application/problem+json"),
            "{path}"
        );
        let problem = told.json();
        assert_eq!(problem["status"], status);
        assert!(problem[key].as_str().unwrap().contains(value), "{path}: {problem}");
        let found = problem["near"][0].as_str().unwrap_or_default();
        assert_eq!(found, near, "{path}: {problem}");
    }
    let states = scene.get("/connectors?state=borken").await.json()["choices"].clone();
    assert!(states.as_array().unwrap().contains(&json!("failed")), "{states}");
    let told = scene.write("DELETE", "/clusters", &Value::Null).await;
    assert_eq!((told.status, told.header("allow")), (405, "GET, HEAD"));
    let told = scene.write("PUT", "/silences", &json!({})).await;
    assert_eq!((told.status, told.header("allow")), (405, "GET, HEAD, POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_already_is_told_only_that_until_it_changes() {
    let (scene, east, _west) = two().await;
    let path = "/connectors?cluster=east&limit=1000";
    let first = scene.get(path).await;
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let ask = |headers: &[(&'static str, &str)]| {
        let request = scene.request(Who::Reader, "GET", path);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    let tag = first.header("etag").to_owned();
    let same = scene.told("GET", path, ask(&[("if-none-match", &tag)])).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", &*tag));
    let packed = ask(&[("accept-encoding", "gzip")]).send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut plain).unwrap();
    assert_eq!(plain, first.body);
    assert!(packed.len() * 3 < plain.len());
    let head = scene.told("HEAD", path, scene.request(Who::Reader, "HEAD", path)).await;
    assert_eq!((head.status, head.header("etag"), head.body.as_str()), (200, &*tag, ""));
    assert_eq!(head.header("content-length"), first.body.len().to_string());

    east.fail_task("<b>orders</b>", 0, REFUSED, true);
    scene.until("/failures?cluster=east", |page| page["total"] == 3).await;
    let changed = scene.told("GET", path, ask(&[("if-none-match", &tag)])).await;
    assert_eq!(changed.status, 200);
}
