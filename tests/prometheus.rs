//! A real Prometheus 3 scrapes the binary over both text formats. Needs `.ci/parts prometheus`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod support;

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use support::kafka::{free_port, get, parts};
use support::tls::Certificates;
use support::warden::{Warden, eventually};

fn tool(name: &str) -> std::path::PathBuf {
    let found = std::fs::read_dir(parts()).ok().into_iter().flatten().flatten().find_map(|entry| {
        let is = entry.file_name().to_string_lossy().starts_with("prometheus-");
        Some(entry.path().join(name)).filter(|path| is && path.is_file())
    });
    found.unwrap_or_else(|| {
        panic!("{name} is not in {}: run .ci/parts prometheus", parts().display())
    })
}

struct Prometheus {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Prometheus {
    fn scrape(target: u16, protocol: &str) -> Self {
        Self::scrape_as(target, protocol, "")
    }

    /// `job` stands in the job of the target.
    fn scrape_as(target: u16, protocol: &str, job: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, format!("global: {{scrape_interval: 1s, scrape_protocols: [{protocol}]}}\nscrape_configs:\n- job_name: warden\n{job}  static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n")).unwrap();
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(tool("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, port, folder }
    }

    /// The values of an instant query.
    fn query(&self, query: &str) -> Option<Vec<f64>> {
        let query =
            percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC);
        let (status, body) =
            get(self.port, &format!("/api/v1/query?query={query}"), Duration::from_secs(5))?;
        // The body may be chunked; the JSON object is what is between the braces.
        let json = &body[body.find('{')?..=body.rfind('}')?];
        let answer: serde_json::Value =
            serde_json::from_str(json).ok().filter(|_| status == 200)?;
        let results = answer["data"]["result"].as_array()?.iter();
        Some(results.filter_map(|r| r["value"][1].as_str()?.parse().ok()).collect())
    }

    fn wait(&self, query: &str, wanted: &[f64]) {
        eventually(&format!("{query} is {wanted:?}"), Duration::from_secs(30), || {
            (self.query(query)? == wanted).then_some(())
        });
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Prometheus"]
async fn prometheus_3_scrapes_both_formats_and_sees_what_vanishes() {
    for protocol in ["OpenMetricsText1.0.0", "PrometheusText0.0.4"] {
        let cluster =
            SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
        for name in ["a b", "x/y", "p%q", "quote\"back\\slash", "é;{x}#\"q\""] {
            cluster.create(name, &[("tasks.max", "2")]);
        }
        let warden = Warden::watch(&cluster.urls());
        let prometheus = Prometheus::scrape(warden.port, protocol);
        prometheus.wait("up{job=\"warden\"}", &[1.0]);
        prometheus.wait("sum(kafka_connect_task_state{state=\"running\"})", &[10.0]);
        prometheus.wait("sum(kafka_connect_connector_info)", &[5.0]);
        prometheus.wait(
            "kafka_connect_task_state{connector=\"x/y\",task=\"0\",state=\"running\"}",
            &[1.0],
        );
        prometheus.wait("count(connect_warden_poll_duration_seconds_bucket{le=\"+Inf\"})", &[1.0]);
        cluster.delete("x/y");
        prometheus.wait("kafka_connect_connector_info{connector=\"x/y\"}", &[]);
        prometheus.wait("up{job=\"warden\"}", &[1.0]);
        let log = std::fs::read_to_string(prometheus.folder.path().join("log")).unwrap();
        let complaint =
            log.lines().find(|line| line.contains("level=WARN") && line.contains("scrape"));
        assert_eq!(complaint, None, "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Prometheus"]
async fn prometheus_3_shows_its_password_over_tls_and_pays_for_it_once() {
    let cluster =
        SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
    cluster.create("a", &[("tasks.max", "2")]);
    let certificates = Certificates::new();
    let hash = bcrypt::hash("prometheus' own word", 4).unwrap();
    let web_file = certificates.path("web.yml");
    let text = format!(
        "tls_server_config: {{cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, \
         client_auth_type: RequireAndVerifyClientCert}}\nbasic_auth_users: {{prometheus: {hash}}}\n"
    );
    std::fs::write(&web_file, text).unwrap();
    let warden = Warden::start([
        format!("--connect.url={}", cluster.urls()[0]),
        format!("--web.config.file={}", web_file.display()),
        "--poll.interval=1s".to_owned(),
        "--log.level=debug".to_owned(),
    ]);
    let file = |name: &str| certificates.path(name).display().to_string();
    let job = |password: &str| {
        format!(
            "  scheme: https\n  tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}\n  \
             basic_auth: {{username: prometheus, password: {password}}}\n",
            file("ca.pem"),
            file("client.pem"),
            file("client.key")
        )
    };
    let protocol = "OpenMetricsText1.0.0";
    let good = Prometheus::scrape_as(warden.port, protocol, &job("\"prometheus' own word\""));
    good.wait("up{job=\"warden\"}", &[1.0]);
    good.wait("sum(kafka_connect_task_state{state=\"running\"})", &[2.0]);
    good.wait("sum(count_over_time(up{job=\"warden\"}[1m])) >= bool 5", &[1.0]);
    assert_eq!(warden.lines(&["a password is hashed", "user=prometheus"]), 1);
    let bad = Prometheus::scrape_as(warden.port, protocol, &job("wrong"));
    bad.wait("up{job=\"warden\"}", &[0.0]);
    good.wait("up{job=\"warden\"}", &[1.0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real promtool"]
async fn promtool_has_nothing_to_say() {
    let cluster =
        SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
    cluster.create("a", &[("tasks.max", "2")]);
    cluster.fail_task("a", 0, "x.Y: z", false);
    let warden = Warden::watch(&cluster.urls());
    warden.wait(
        "kafka_connect_up{connect_cluster=\"default\"}",
        Some(1.0),
        Duration::from_secs(10),
    );
    let mut promtool = Command::new(tool("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(warden.metrics().as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&said).trim()), (Some(0), ""));
}
