//! The contract on real Kafka Connect workers of every version, and the binary on real clusters in
//! trouble. Needs `.ci/parts`; run one at a time: `cargo test --test real -- --ignored --test-threads=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod contract;
mod support;

use std::time::Duration;

use connect_warden::connect::version::Version;
use connect_warden::sim::{Fault, SimCluster, SimConfig};
use support::kafka::{Cluster, Security};
use support::tls::{Certificates, STORE_PASSWORD};
use support::warden::{Warden, eventually};

async fn contract(version: &str, workers: usize) {
    let cluster = Cluster::start(version, workers);
    contract::holds(&cluster.urls(), version, &cluster.file("out")).await;
    let warden = Warden::watch(&cluster.urls());
    warden.shows_running(&contract::names_of(version), LIMIT);
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_4_3_0() {
    contract("4.3.0", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_3_9_1() {
    contract("3.9.1", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_3_2_3() {
    contract("3.2.3", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_2_2_2() {
    contract("2.2.2", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_1_1_1() {
    contract("1.1.1", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn contract_0_11_0_3() {
    contract("0.11.0.3", 1).await;
}

const UP: &str = "kafka_connect_up{connect_cluster=\"default\"}";
const FRESH: &str = "kafka_connect_status_fresh{connect_cluster=\"default\"}";
const RUNNING: &str = "kafka_connect_connectors{connect_cluster=\"default\",state=\"running\"}";
const LIMIT: Duration = Duration::from_secs(40);

async fn create(cluster: &Cluster, names: &[&str]) {
    let client = contract::client(&cluster.urls());
    for name in names {
        let config = contract::file_sink(&cluster.file("out"));
        let created = client.workers()[0].create(name, &config).await;
        assert!(created.is_ok() || name.contains('{'), "{created:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_worker_dies_and_workers_roll_and_all_stop() {
    let mut cluster = Cluster::start("4.3.0", 3);
    // Whether a connector with a slash gets its tasks depends on the worker it comes to.
    let names = ["a b", "tail?z", "é;{x}#\"q\"", "plain", "x/y", "more"];
    let with_a_task = ["a b", "tail?z", "plain", "more"];
    create(&cluster, &names).await;
    let warden = Warden::watch(&cluster.urls());
    let count = Some(6.0);
    warden.wait(RUNNING, count, LIMIT);
    eventually("tasks run", LIMIT, || {
        let metrics = warden.metrics();
        let runs = |name: &str| {
            let of_it = format!("connector=\"{name}\",task=\"0\"");
            metrics.lines().any(|line| {
                line.starts_with("kafka_connect_task_state{")
                    && line.contains(&of_it)
                    && line.ends_with("state=\"running\"} 1")
            })
        };
        with_a_task.into_iter().all(runs).then_some(())
    });

    let dead = cluster.workers[0].id();
    cluster.workers[0].sigkill();
    let orphaned = || {
        let metrics = warden.metrics();
        metrics.lines().any(|l| l.starts_with("kafka_connect_task_orphaned") && l.contains(&dead))
    };
    let up = format!("kafka_connect_worker_up{{connect_cluster=\"default\",worker_id=\"{dead}\"}}");
    warden.wait(&up, Some(0.0), Duration::from_secs(5));
    eventually("its tasks are orphans", Duration::from_secs(5), || orphaned().then_some(()));
    eventually("they are moved", Duration::from_secs(60), || (!orphaned()).then_some(()));
    let stale = warden.metrics();
    assert!(!stale.lines().any(|l| l.starts_with("kafka_connect_task_state") && l.contains(&dead)));
    cluster.workers[0].start_again();
    cluster.workers[0].wait_ready();

    let failures_before = failures(&warden);
    for worker in 0..3 {
        cluster.workers[worker].sigterm();
        cluster.workers[worker].start_again();
        cluster.workers[worker].wait_ready();
        assert_eq!(warden.value(UP), Some(1.0));
        let listed = warden.metrics();
        let listed = listed.lines().filter(|l| l.starts_with("kafka_connect_connector_info{"));
        assert_eq!(listed.count(), names.len(), "no connector is reported deleted");
    }
    assert_eq!(failures(&warden), failures_before, "up stayed 1 through fail-over");

    for worker in &mut cluster.workers {
        worker.sigkill();
    }
    warden.wait(UP, Some(0.0), LIMIT);
    warden.wait(RUNNING, None, LIMIT);
    for worker in &mut cluster.workers {
        worker.start_again();
    }
    warden.wait(UP, Some(1.0), Duration::from_secs(90));
    warden.wait(RUNNING, count, Duration::from_secs(90));
    let decided = warden.metrics();
    let decided = decided.lines().find(|l| l.starts_with("connect_warden_restart_attempts_total{"));
    assert_eq!(decided, None, "workers that die, roll and stop are no reason to restart anything");
    assert_eq!(warden.end(), Some(0));
}

fn failures(warden: &Warden) -> f64 {
    failures_of(warden, "default")
}

fn failures_of(warden: &Warden, cluster: &str) -> f64 {
    let metrics = warden.metrics();
    let of_cluster = format!("connect_warden_poll_failures_total{{connect_cluster=\"{cluster}\"");
    let failures = metrics.lines().filter(|line| line.starts_with(&of_cluster));
    failures.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

async fn freeze(version: &str) {
    let cluster = Cluster::start(version, 1);
    create(&cluster, &["a"]).await;
    let warden = Warden::watch(&cluster.urls());
    warden.wait(FRESH, Some(1.0), LIMIT);
    cluster.broker.sigstop();
    warden.wait(FRESH, Some(0.0), Duration::from_secs(30));
    if Version::parse(version).unwrap().knows_expand() {
        assert_eq!(warden.value(UP), Some(1.0), "the statuses themselves still come");
    }
    cluster.broker.sigcont();
    warden.wait(FRESH, Some(1.0), Duration::from_secs(90));
    warden.wait(UP, Some(1.0), LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn kafka_frozen_behind_4_3_0() {
    freeze("4.3.0").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn kafka_frozen_behind_2_2_2() {
    freeze("2.2.2").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_source_that_reads_on_and_one_that_does_not() {
    let cluster = Cluster::start("4.3.0", 1);
    let input = cluster.file("in");
    let append = |line: &str| {
        use std::io::Write as _;
        let mut file = std::fs::File::options().create(true).append(true).open(&input).unwrap();
        writeln!(file, "{line}").unwrap();
    };
    append("first");
    let mut config = contract::file_sink(&input);
    config.remove("topics");
    for (key, value) in [
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector"),
        ("topic", "read"),
    ] {
        config.insert(key.to_owned(), Some(value.to_owned()));
    }
    contract::client(&cluster.urls()).workers()[0].create("reads", &config).await.unwrap();
    let file = cluster.file("warden.yaml");
    let mut yaml = format!(
        "poll: {{interval: 1s}}\nclusters:\n- {{name: default, urls: ['{}'], progress: {{interval: 500ms, stalled_after: 6s}}}}\n",
        cluster.urls()[0]
    );
    // One that hangs, one that floods and one that lies, in the same process.
    let mut bad = Vec::new();
    for (number, fault) in
        [Fault::Hang, Fault::Flood(200 << 20), Fault::Body(b"{\"a\":7}".to_vec())]
            .into_iter()
            .enumerate()
    {
        let neighbour =
            SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
        neighbour.fault(0, Some(fault));
        yaml.push_str(&format!("- {{name: bad{number}, urls: ['{}']}}\n", neighbour.urls()[0]));
        bad.push(neighbour);
    }
    std::fs::write(&file, yaml).unwrap();
    let warden = Warden::start([format!("--config.file={file}")]);
    let stalled =
        "kafka_connect_connector_stalled{connect_cluster=\"default\",connector=\"reads\"}";
    warden.wait(stalled, Some(0.0), LIMIT);
    for line in 0..16 {
        append(&format!("line {line}"));
        support::kafka::pause(Duration::from_millis(500));
        assert_eq!(warden.value(stalled), Some(0.0), "it reads on");
    }
    warden.wait(stalled, Some(1.0), LIMIT);
    append("more");
    warden.wait(stalled, Some(0.0), LIMIT);
    assert_eq!(failures_of(&warden, "default"), 0.0, "its neighbours' trouble is not its own");
    for number in 0..bad.len() {
        assert!(failures_of(&warden, &format!("bad{number}")) > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_sink_whose_folder_is_missing_is_restarted_until_it_is_there() {
    let cluster = Cluster::start("4.3.0", 2);
    let client = contract::client(&cluster.urls());
    let missing = cluster.file("missing");
    let config = contract::file_sink(&format!("{missing}/out"));
    client.workers()[0].create("stuck", &config).await.unwrap();
    create(&cluster, &["neighbour"]).await;
    let file = cluster.file("warden.yaml");
    let urls = cluster.urls().join("', '");
    let journal = cluster.file("journal");
    let yaml = format!(
        "clusters: [{{name: default, urls: ['{urls}']}}]\npoll: {{interval: 1s}}\n\
         watchdog: {{mode: 'on', journal: '{journal}', journal_lost_hold: 10ms, grace: 2s, first_jitter: 10ms, backoff_base: 3s, backoff_cap: 10s, verify: 5s, stale_status: 3s}}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let warden = Warden::start([format!("--config.file={file}")]);
    let outcome = |outcome: &str| {
        format!(
            "connect_warden_restart_outcomes_total{{connect_cluster=\"default\",connector=\"stuck\",scope=\"task\",failure_class=\"UNKNOWN\",outcome=\"{outcome}\"}}"
        )
    };
    // Both workers joining is a rebalance, which holds for a minute.
    warden.wait(&outcome("failed"), Some(1.0), Duration::from_secs(100));
    std::fs::create_dir(&missing).unwrap();
    warden.wait(&outcome("recovered"), Some(1.0), LIMIT);
    let metrics = warden.metrics();
    let attempts: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("connect_warden_restart_attempts_total{"))
        .collect();
    assert_eq!(attempts.len(), 1, "the neighbour is left alone: {attempts:?}");
    assert!(
        attempts[0].contains("connector=\"stuck\",scope=\"task\",failure_class=\"UNKNOWN\"} 2"),
        "{attempts:?}"
    );
    let status = client.workers()[1].status("stuck").await.unwrap();
    assert_eq!(status.tasks[0].instance.state, connect_warden::connect::model::State::Running);
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn https_with_client_certificates_and_basic_authentication() {
    let certificates = Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let users = file("users", "warden=s3cret\n");
    let extension = "org.apache.kafka.connect.rest.basic.auth.extension";
    let login = file(
        "jaas.conf",
        &format!(
            "KafkaConnect {{ {extension}.PropertyFileLoginModule required file=\"{users}\"; }};\n"
        ),
    );
    let (key, trust) = certificates.java_stores();
    let ca = certificates.path("worker.pem");
    let cluster = Cluster::begin_secured(
        "4.3.0",
        &Security {
            properties: format!(
                "rest.extension.classes={extension}.BasicAuthSecurityRestExtension\n\
             listeners.https.ssl.keystore.type=PKCS12\nlisteners.https.ssl.keystore.location={}\n\
             listeners.https.ssl.keystore.password={STORE_PASSWORD}\n\
             listeners.https.ssl.truststore.type=PKCS12\nlisteners.https.ssl.truststore.location={}\n\
             listeners.https.ssl.truststore.password={STORE_PASSWORD}\n\
             listeners.https.ssl.client.auth=required\n",
                key.display(),
                trust.display()
            ),
            java_options: vec![format!("-Djava.security.auth.login.config={login}")],
        },
    );
    let port = cluster.workers[0].port;
    let with = |password: &str, certificate: &str| {
        let password = file(&format!("password-{password}"), password);
        let yaml = format!(
            "clusters:\n- name: default\n  urls: ['https://127.0.0.1:{port}']\n  \
             basic_auth: {{username: warden, password: {{file: {password}}}}}\n  \
             tls: {{ca_file: {}{certificate}}}\npoll: {{interval: 1s}}\n",
            ca.display()
        );
        Warden::start([format!("--config.file={}", file("warden.yaml", &yaml))])
    };
    let client = format!(
        ", cert_file: {}, key_file: {}",
        certificates.path("client.pem").display(),
        certificates.path("client.key").display()
    );
    let good = with("s3cret", &client);
    good.wait(UP, Some(1.0), Duration::from_secs(90));
    good.wait(FRESH, Some(1.0), LIMIT);
    for (password, certificate, reason) in
        [("wrong", client.as_str(), "unauthorized"), ("s3cret", "", "tls")]
    {
        let refused = with(password, certificate);
        let series = format!(
            "connect_warden_poll_failures_total{{connect_cluster=\"default\",reason=\"{reason}\"}}"
        );
        eventually(reason, LIMIT, || (refused.value(&series)? >= 1.0).then_some(()));
        assert!(!refused.log().contains("s3cret"));
    }
    assert!(!good.log().contains("s3cret") && !good.metrics().contains("s3cret"));
}
