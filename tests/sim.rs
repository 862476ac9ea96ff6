//! The contract on simulated clusters of every version, and the binary on a simulated cluster in
//! trouble. Needs Rust alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod contract;
mod support;

use std::time::Duration;

use connect_warden::sim::{Fault, SimCluster, SimConfig};
use support::warden::{Warden, eventually, value};

async fn sim(version: &str, workers: usize) -> SimCluster {
    let config = SimConfig {
        version: version.to_owned(),
        workers,
        authorization: None,
        rebalance_delay: Duration::from_secs(3),
        herder_timeout: Duration::from_millis(500),
    };
    SimCluster::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_every_version() {
    for version in ["4.3.0", "3.9.1", "3.2.3", "2.2.2", "1.1.1", "0.11.0.3"] {
        let cluster = sim(version, 1).await;
        contract::holds(&cluster.urls(), version, "/dev/null").await;
        let warden = Warden::watch(&cluster.urls());
        warden.shows_running(&contract::names_of(version), SOON);
    }
}

const UP: &str = "kafka_connect_up{connect_cluster=\"default\"}";
const FRESH: &str = "kafka_connect_status_fresh{connect_cluster=\"default\"}";
const SOON: Duration = Duration::from_secs(10);
/// Where a few slow polls have to come.
const LATER: Duration = Duration::from_secs(60);

fn task_state(name: &str, worker: &str, state: &str) -> String {
    format!(
        "kafka_connect_task_state{{connect_cluster=\"default\",connector=\"{name}\",task=\"0\",worker_id=\"{worker}\",state=\"{state}\"}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_a_poll_tells_every_state() {
    let cluster = sim("4.3.0", 1).await;
    cluster.create_many("c", 1000, 1);
    cluster.create("quote\"back\\slash\nline", &[("tasks.max", "1")]);
    cluster.fail_task(
        "c00007",
        0,
        "a.B: x\nCaused by: java.net.ConnectException: Connection refused",
        false,
    );
    cluster.set_state("c00008", Some(0), "DANCING", None);
    let warden = Warden::start([
        format!("--connect.url={}", cluster.urls()[0]),
        "--poll.interval=10s".to_owned(),
    ]);
    warden.wait(UP, Some(1.0), SOON);
    warden.wait(FRESH, Some(1.0), SOON);
    let id = cluster.worker_id(0);
    let metrics = warden.metrics();
    assert_eq!(
        value(&metrics, "kafka_connect_connectors{connect_cluster=\"default\",state=\"running\"}"),
        Some(1001.0)
    );
    assert_eq!(
        value(&metrics, "kafka_connect_connectors{connect_cluster=\"default\",state=\"failed\"}"),
        Some(0.0)
    );
    assert_eq!(value(&metrics, &task_state("c00007", &id, "failed")), Some(1.0));
    assert_eq!(value(&metrics, &task_state("c00007", &id, "running")), Some(0.0));
    assert_eq!(value(&metrics, &task_state("c00008", &id, "unknown")), Some(1.0));
    assert_eq!(
        value(&metrics, &task_state("quote\\\"back\\\\slash\\nline", &id, "running")),
        Some(1.0)
    );
    assert_eq!(
        value(
            &metrics,
            "kafka_connect_task_failure{connect_cluster=\"default\",connector=\"c00007\",task=\"0\",failure_class=\"TRANSIENT\",exception=\"java.net.ConnectException\"}"
        ),
        Some(1.0)
    );
    let asked = cluster.take_requests();
    let lists = asked.iter().filter(|line| line.starts_with("GET /connectors")).count();
    assert_eq!(lists, 1, "{asked:?}");
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_state_gives_the_same_bytes_and_changes_are_counted() {
    let cluster = sim("2.2.2", 1).await;
    cluster.create("a", &[("tasks.max", "1")]);
    let warden = Warden::watch(&cluster.urls());
    warden.wait(UP, Some(1.0), SOON);
    let states = |metrics: String| {
        let lines = metrics.lines().filter(|line| line.contains("connector=")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let before = states(warden.metrics());
    pause_polls(&warden, 2.0);
    assert_eq!(states(warden.metrics()), before);
    cluster.set_state("a", Some(0), "FAILED", Some("x.Y: z"));
    let changes = "kafka_connect_task_state_changes_total{connect_cluster=\"default\",connector=\"a\",task=\"0\"}";
    assert_eq!(warden.value(changes), Some(0.0));
    warden.wait(changes, Some(1.0), SOON);
    let log = warden.log();
    let told = "message=failed cluster=default connector=a task=0 worker=127.0.0.1:";
    assert!(log.contains(told) && log.contains("class=UNKNOWN exception=x.Y"), "{log}");
    cluster.delete("a");
    cluster.create("b", &[("tasks.max", "1")]);
    warden.wait(changes, None, SOON);
}

fn pause_polls(warden: &Warden, polls: f64) {
    let series = "connect_warden_polls_total{connect_cluster=\"default\"}";
    let from = warden.value(series).unwrap();
    eventually("polls go on", SOON, || (warden.value(series)? >= from + polls).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connector_that_poisons_the_list_costs_only_itself() {
    let cluster = sim("3.2.3", 1).await;
    cluster.create_many("c", 5, 1);
    let warden = Warden::watch(&cluster.urls());
    warden.wait(UP, Some(1.0), SOON);
    cluster.poison("c00003");
    let running = "kafka_connect_connectors{connect_cluster=\"default\",state=\"running\"}";
    warden.wait(running, Some(4.0), SOON);
    assert_eq!(warden.value(UP), Some(1.0));
    let metrics = warden.metrics();
    assert!(!metrics.contains("connector=\"c00003\""), "what could not be read is left out");
    let class = "kafka_connect_connector_info{connect_cluster=\"default\",connector=\"c00002\",connector_type=\"sink\",connector_class=\"org.example.SinkConnector\"";
    assert!(metrics.contains(class), "{metrics}");
}

/// The binary with these lines for its only cluster, polling each half second.
fn with(url: &str, more: &str) -> Warden {
    polling(url, "500ms", more)
}

/// As often as this, which is also how long a poll may take.
fn polling(url: &str, interval: &str, more: &str) -> Warden {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warden.yaml");
    let yaml = format!(
        "clusters:\n- name: default\n  urls: ['{url}']\n{more}\npoll: {{interval: {interval}}}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    Warden::start([format!("--config.file={}", file.display())])
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_that_do_not_get_on_are_told_where_it_is_wanted() {
    let cluster = sim("4.3.0", 1).await;
    for name in ["busy-sink", "stuck-sink", "paused-sink", "other"] {
        cluster.create(name, &[("tasks.max", "1")]);
    }
    cluster.set_state("paused-sink", None, "PAUSED", None);
    let progress = "  progress: {connectors: ['.*-sink'], interval: 200ms, stalled_after: 2s}";
    let warden = with(&cluster.urls()[0], progress);
    let stalled = |name: &str| {
        format!(
            "kafka_connect_connector_stalled{{connect_cluster=\"default\",connector=\"{name}\"}}"
        )
    };
    warden.wait(&stalled("stuck-sink"), Some(0.0), SOON);
    eventually("one is stalled, the other gets on", SOON, || {
        cluster.advance("busy-sink", 1);
        assert_eq!(warden.value(&stalled("busy-sink")), Some(0.0));
        (warden.value(&stalled("stuck-sink"))? == 1.0).then_some(())
    });
    let metrics = warden.metrics();
    assert_eq!(value(&metrics, &stalled("paused-sink")), None);
    assert_eq!(value(&metrics, &stalled("other")), None);
    cluster.advance("stuck-sink", 1);
    warden.wait(&stalled("stuck-sink"), Some(0.0), SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_only_seen_are_dialled_where_that_is_allowed() {
    let cluster = sim("4.3.0", 3).await;
    cluster.create_many("c", 6, 1);
    let urls = cluster.urls();
    let up = |worker: usize| {
        let id = cluster.worker_id(worker);
        format!("kafka_connect_worker_up{{connect_cluster=\"default\",worker_id=\"{id}\"}}")
    };
    let pattern = cluster.worker_id(1).replace('.', "[.]");
    let warden = with(&urls[0], &format!("  dial_workers: ['{pattern}']"));
    warden.wait(&up(0), Some(1.0), SOON);
    warden.wait(&up(1), Some(1.0), SOON);
    assert_eq!(warden.value(&up(2)), None, "whether it lives is not known");
    cluster.kill_worker(1);
    warden.wait(&up(1), Some(0.0), SOON);
    eventually("its tasks are orphans", SOON, || {
        warden.metrics().contains("kafka_connect_task_orphaned{").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_huge_costs_a_bounded_amount_of_memory() {
    let cluster = sim("4.3.0", 1).await;
    cluster.create("a", &[("tasks.max", "2")]);
    cluster.fail_task("a", 0, &format!("a.B: {}\n\tat x.Y", "long ".repeat(1 << 20)), false);
    // A busy machine takes seconds for 64 MiB, and a poll that is over time is not too large.
    let warden = polling(&cluster.urls()[0], "5s", "");
    let failed = "kafka_connect_tasks{connect_cluster=\"default\",state=\"failed\"}";
    warden.wait(failed, Some(1.0), LATER);
    let metrics = warden.metrics();
    assert!(metrics.len() < 100_000 && metrics.contains("exception=\"a.B\""), "{metrics}");

    let task = |id: u32| format!("{{\"id\":{id},\"state\":\"WORD{id}\",\"worker_id\":\"h:1\"}}");
    let tasks = (0..100_000).map(task).collect::<Vec<_>>().join(",");
    let body = format!(
        "{{\"a\":{{\"status\":{{\"connector\":{{\"state\":\"RUNNING\"}},\"tasks\":[{tasks}]}}}}}}"
    );
    cluster.fault(0, Some(Fault::Body(body.into_bytes())));
    let unknown = "kafka_connect_tasks{connect_cluster=\"default\",state=\"unknown\"}";
    warden.wait(unknown, Some(100_000.0), LATER);
    assert!(!warden.metrics().contains("WORD"), "a word is never a label");

    cluster.fault(0, Some(Fault::Flood(200 << 20)));
    let refused =
        "connect_warden_poll_failures_total{connect_cluster=\"default\",reason=\"too_large\"}";
    eventually("it is refused", LATER, || (warden.value(refused)? >= 2.0).then_some(()));
    cluster.fault(0, None);
    warden.wait(failed, Some(1.0), LATER);
    let most = warden.peak_memory();
    assert!(most < 600 << 20, "{most} bytes at most");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_are_missing_too_many_or_none_are_told() {
    let cluster = sim("4.3.0", 1).await;
    for (name, tasks, configured) in [("fewer", "3", 1), ("more", "1", 3), ("none", "0", 0)] {
        cluster.create(name, &[("tasks.max", tasks)]);
        cluster.configure_tasks(name, configured);
    }
    cluster.create("right", &[("tasks.max", "2")]);
    cluster.create("stopped", &[("tasks.max", "0")]);
    cluster.set_state("stopped", None, "STOPPED", None);
    let warden = Warden::watch(&cluster.urls());
    warden.wait(UP, Some(1.0), SOON);
    let metrics = warden.metrics();
    let misfits = [
        "kafka_connect_task_zombie{",
        "kafka_connect_connector_tasks_missing{",
        "kafka_connect_connector_without_tasks{",
    ];
    let told: Vec<_> =
        metrics.lines().filter(|line| misfits.iter().any(|m| line.starts_with(m))).collect();
    assert_eq!(
        told,
        [
            "kafka_connect_task_zombie{connect_cluster=\"default\",connector=\"fewer\",task=\"1\"} 1",
            "kafka_connect_task_zombie{connect_cluster=\"default\",connector=\"fewer\",task=\"2\"} 1",
            "kafka_connect_connector_tasks_missing{connect_cluster=\"default\",connector=\"more\"} 2",
            "kafka_connect_connector_without_tasks{connect_cluster=\"default\",connector=\"none\"} 1",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_worker_orphans_its_tasks_until_they_are_moved() {
    let cluster = sim("4.3.0", 3).await;
    cluster.create_many("c", 6, 1);
    let warden = Warden::watch(&cluster.urls());
    warden.wait(UP, Some(1.0), SOON);
    let dead = cluster.worker_id(0);
    cluster.kill_worker(0);
    let up = format!("kafka_connect_worker_up{{connect_cluster=\"default\",worker_id=\"{dead}\"}}");
    warden.wait(&up, Some(0.0), SOON);
    let orphans = || {
        let metrics = warden.metrics();
        let lines = metrics.lines();
        lines.filter(|l| l.starts_with("kafka_connect_task_orphaned") && l.contains(&dead)).count()
    };
    eventually("orphans are told", SOON, || (orphans() == 2).then_some(()));
    eventually("they are moved", SOON, || (orphans() == 0).then_some(()));
    assert!(
        !warden
            .metrics()
            .lines()
            .any(|l| l.starts_with("kafka_connect_task_state") && l.contains(&dead))
    );
    assert_eq!(warden.value(UP), Some(1.0), "fail-over keeps the cluster up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_never_started_is_told() {
    for version in ["4.3.0", "2.2.2"] {
        let cluster = sim(version, 1).await;
        cluster.create_many("c", 3, 1);
        cluster.forget_status("c00001");
        let warden = Warden::watch(&cluster.urls());
        let series = "kafka_connect_connector_without_status{connect_cluster=\"default\",connector=\"c00001\"}";
        warden.wait(series, Some(1.0), SOON);
        let running = "kafka_connect_connectors{connect_cluster=\"default\",state=\"running\"}";
        assert_eq!(warden.value(running), Some(2.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_dead_behind_connect_is_told() {
    for version in ["4.3.0", "2.2.2"] {
        let cluster = sim(version, 1).await;
        cluster.create("a", &[("tasks.max", "1")]);
        let warden = Warden::watch(&cluster.urls());
        warden.wait(FRESH, Some(1.0), SOON);
        cluster.freeze_kafka(true);
        warden.wait(FRESH, Some(0.0), SOON);
        cluster.freeze_kafka(false);
        warden.wait(FRESH, Some(1.0), SOON);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sudden_empty_list_is_not_believed_from_a_worker_that_starts() {
    let cluster = sim("4.3.0", 1).await;
    cluster.create_many("c", 5, 1);
    let warden = Warden::watch(&cluster.urls());
    let running = "kafka_connect_connectors{connect_cluster=\"default\",state=\"running\"}";
    warden.wait(running, Some(5.0), SOON);
    cluster.fault(0, Some(Fault::ReadingTopics));
    let suspicious =
        "connect_warden_poll_failures_total{connect_cluster=\"default\",reason=\"suspicious\"}";
    eventually("it is suspicious", SOON, || (warden.value(suspicious)? >= 1.0).then_some(()));
    assert_eq!(warden.value(UP), Some(0.0));
    assert_ne!(warden.value(running), Some(0.0));
    cluster.fault(0, None);
    warden.wait(running, Some(5.0), SOON);
    for name in ["c00000", "c00001", "c00002", "c00003", "c00004"] {
        cluster.delete(name);
    }
    warden.wait(running, Some(0.0), SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_answers_fail_the_poll_with_their_reason_and_the_next_good_one_heals() {
    let cluster = sim("4.3.0", 1).await;
    cluster.create("a", &[("tasks.max", "1")]);
    let url = cluster.urls().remove(0);
    // What is too large is so soon, or a busy machine reads on until the time is over.
    let warden = polling(&url, "1s, timeout: 900ms", "  max_body_bytes: 65536");
    let task = |states: &str| {
        format!("{{\"a\":{{\"status\":{{\"connector\":{{\"state\":\"RUNNING\"}},\"tasks\":[{states}]}}}}}}").into_bytes()
    };
    let faults = [
        ("shape", Fault::Body(b"<html>login</html>".to_vec())),
        ("shape", Fault::Body(b"{\"a\":{\"status\":\xff}}".to_vec())),
        ("shape", Fault::Body(task("{\"id\":-1,\"state\":\"RUNNING\"}"))),
        (
            "shape",
            Fault::Body(task("{\"id\":1,\"state\":\"RUNNING\"},{\"id\":1,\"state\":\"FAILED\"}")),
        ),
        ("broken", Fault::HalfAnswer),
        ("broken", Fault::Garbage),
        ("timeout", Fault::Drip),
        ("timeout", Fault::Hang),
        ("redirect", Fault::Redirect("http://127.0.0.1:1/login".to_owned())),
        ("too_large", Fault::Flood(1 << 20)),
        ("starting", Fault::Starting),
        ("unauthorized", Fault::Status(401, "User cannot access the resource.".to_owned())),
        ("http_status", Fault::Status(502, "<html>proxy</html>".to_owned())),
    ];
    for (reason, fault) in faults {
        warden.wait(UP, Some(1.0), SOON);
        let series = format!(
            "connect_warden_poll_failures_total{{connect_cluster=\"default\",reason=\"{reason}\"}}"
        );
        let before = warden.value(&series).unwrap();
        cluster.fault(0, Some(fault.clone()));
        eventually(&format!("{fault:?} is {reason}"), Duration::from_secs(20), || {
            (warden.value(&series)? > before).then_some(())
        });
        cluster.fault(0, None);
    }
    warden.wait(UP, Some(1.0), SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_let_in_and_are_never_shown() {
    // warden:s3cret and a token, as they go over the wire.
    for authorization in ["Basic d2FyZGVuOnMzY3JldA==", "Bearer s3cret"] {
        let config = SimConfig {
            workers: 1,
            authorization: Some(authorization.to_owned()),
            ..SimConfig::default()
        };
        let cluster = SimCluster::start(config).await.unwrap();
        cluster.create("a", &[("tasks.max", "1")]);
        let url = cluster.urls().remove(0);
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "s3cret\n").unwrap();
        let file = folder.path().join("warden.yaml");
        let secret = secret.display();
        let with = if authorization.starts_with("Basic") {
            format!("basic_auth: {{username: warden, password: {{file: {secret}}}}}")
        } else {
            format!("bearer_token: {{file: {secret}}}")
        };
        let yaml = format!(
            "clusters: [{{name: default, urls: ['{url}'], {with}}}]\npoll: {{interval: 1s}}\n"
        );
        std::fs::write(&file, yaml).unwrap();
        let warden = Warden::start([format!("--config.file={}", file.display())]);
        warden.wait(UP, Some(1.0), SOON);
        let without = Warden::watch(&[url]);
        let refused = "connect_warden_poll_failures_total{connect_cluster=\"default\",reason=\"unauthorized\"}";
        eventually("it is refused", SOON, || (without.value(refused)? >= 1.0).then_some(()));
        for shown in [warden.metrics(), warden.log(), without.log(), without.metrics()] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clusters_trouble_does_not_touch_another() {
    let good = sim("4.3.0", 1).await;
    good.create("a", &[("tasks.max", "1")]);
    let faults = [Fault::Hang, Fault::Flood(200 << 20), Fault::Garbage];
    let mut yaml = format!("clusters:\n- {{name: good, urls: ['{}']}}\n", good.urls()[0]);
    let mut bad = Vec::new();
    for (number, fault) in faults.into_iter().enumerate() {
        let cluster = sim("4.3.0", 1).await;
        cluster.fault(0, Some(fault));
        yaml.push_str(&format!("- {{name: bad{number}, urls: ['{}']}}\n", cluster.urls()[0]));
        bad.push(cluster);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warden.yaml");
    std::fs::write(&file, yaml).unwrap();
    let warden = Warden::start([
        format!("--config.file={}", file.display()),
        // Also the time that a poll may take: the one that hangs hangs for all of it.
        "--poll.interval=3s".to_owned(),
    ]);
    let polls = "connect_warden_polls_total{connect_cluster=\"good\"}";
    eventually("the good one is polled on and on", LATER, || {
        (warden.value(polls)? >= 4.0).then_some(())
    });
    assert_eq!(
        warden.value(
            "connect_warden_poll_failures_total{connect_cluster=\"good\",reason=\"timeout\"}"
        ),
        Some(0.0)
    );
    assert_eq!(warden.value("kafka_connect_up{connect_cluster=\"good\"}"), Some(1.0));
    assert_eq!(warden.value("kafka_connect_up{connect_cluster=\"bad0\"}"), Some(0.0));
}
