//! A real Prometheus 3 that scrapes the demo: in mode `on` with all state series, and in dry-run with
//! the current ones, each as two replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use regex::Regex;
use serde_json::Value;
use tokio::time::Instant;

use crate::alertmanager::Alertmanager;
use crate::promtool::prometheus_3;
use crate::support::kafka::{free_port, pause};
use crate::support::warden::{Warden, eventually};
use crate::{dashboards, files};

/// In the demo nothing answers these, and why.
const EMPTY: [(&str, &str); 4] = [
    ("Standing still", "the demo has no progress:"),
    ("Dependencies", "the demo has no probe:"),
    ("annotation Configuration reloads", "the demo has no file that could be reloaded"),
    ("annotation Starts of connect-warden", "it is started once"),
];
/// In dry-run, moreover.
const EMPTY_IN_DRY_RUN: [(&str, &str); 3] = [
    ("Time to recovery", "nothing was restarted that could recover"),
    ("annotation Restarts", "nothing was restarted"),
    ("Holds", "a hold of the first seconds may be over before it is scraped"),
];

struct Prometheus {
    child: Child,
    port: u16,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// With a job for each of these, scraped under two names.
    fn start(jobs: &[(&str, u16)]) -> Self {
        Self::start_with(jobs, str::to_owned, None)
    }

    /// The same with other rules, told to an Alertmanager.
    fn start_with(
        jobs: &[(&str, u16)],
        other: impl Fn(&str) -> String,
        alertmanager: Option<u16>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let mut text = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n".to_owned();
        let rules = files::rules().into_iter().map(|path| {
            let place = folder.path().join(path.file_name().unwrap());
            std::fs::write(&place, other(&std::fs::read_to_string(path).unwrap())).unwrap();
            place.display().to_string()
        });
        let rules: Vec<_> = rules.collect();
        if let Some(port) = alertmanager {
            text += &format!(
                "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
            );
        }
        text += &format!("rule_files: {rules:?}\nscrape_configs:\n");
        for (job, port) in jobs {
            text += &format!(
                "- job_name: {job}\n  static_configs: [{{targets: ['127.0.0.1:{port}', 'localhost:{port}']}}]\n"
            );
        }
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(prometheus_3("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, port, client, _folder: folder }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let mut url = url::Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.client.get(url).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    async fn now(&self) -> Option<f64> {
        let answer = self.get("/api/v1/query", &[("query", "time()")]).await?;
        answer["data"]["result"][0].as_f64()
    }

    /// Whether the query had a number at any time since.
    async fn has_data(&self, query: &str, since: f64) -> bool {
        let end = self.now().await.unwrap();
        let (start, end) = (since.to_string(), end.to_string());
        let more = [("query", query), ("start", &start), ("end", &end), ("step", "2")];
        let answer = self.get("/api/v1/query_range", &more).await.unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        series
            .iter()
            .flat_map(|one| one["values"].as_array().unwrap())
            .any(|sample| sample[1].as_str().is_some_and(|number| !number.contains(['N', 'I'])))
    }

    /// The labels of each series.
    async fn labels(&self, query: &str, at: f64) -> BTreeSet<String> {
        let at = at.to_string();
        let answer = self.get("/api/v1/query", &[("query", query), ("time", &at)]).await.unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        series.iter().map(|one| one["metric"].to_string()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn filled(query: &str, job: &str, instance: &str) -> String {
    [("$__rate_interval", "10s"), ("$job", job), ("$instance", instance)]
        .into_iter()
        .fold(query.to_owned(), |query, (variable, value)| query.replace(variable, value))
        .replace("$cluster", ".+")
        .replace("$connector", ".+")
}

fn demo(flags: &[&str]) -> Warden {
    Warden::start(["demo"].iter().chain(flags).map(|flag| (*flag).to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Prometheus"]
async fn each_panel_has_data_and_each_rule_is_evaluated() {
    let full = demo(&["--watchdog.mode=on", "--metrics.state-series=full"]);
    let current = demo(&["--metrics.state-series=current"]);
    let jobs = [("connect-warden", full.port), ("connect-warden-current", current.port)];
    let prometheus = Prometheus::start(&jobs);
    let since = loop {
        match prometheus.now().await {
            Some(now) => break now,
            None => pause(Duration::from_millis(200)),
        }
    };
    let mut waiting = BTreeMap::new();
    for (job, _) in jobs {
        for name in dashboards::NAMES {
            let dashboard = dashboards::read(name);
            let mut queries = dashboards::queries(&dashboard);
            queries.extend(dashboards::variables(&dashboard));
            for (panel, query) in queries {
                let is = |known: &[(&str, &str)]| known.iter().any(|(empty, _)| *empty == panel);
                let empty = is(&EMPTY) || job.ends_with("current") && is(&EMPTY_IN_DRY_RUN);
                waiting.insert((job, name, panel, filled(&query, job, ".+")), empty);
            }
        }
    }
    let end = Instant::now() + Duration::from_secs(400);
    loop {
        let mut left = BTreeMap::new();
        for ((job, name, panel, query), empty) in waiting {
            // What is known to be empty is asked all the same: it must not be an error.
            if !prometheus.has_data(&query, since).await && !empty {
                left.insert((job, name, panel, query), empty);
            }
        }
        if left.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "without data: {left:#?}");
        waiting = left;
        pause(Duration::from_secs(5));
    }
    replicas_are_one(&prometheus, full.port).await;
    let rules = prometheus.get("/api/v1/rules", &[]).await.unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    let rules: Vec<_> = groups.iter().flat_map(|of| of["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 40);
    for rule in rules {
        assert_eq!((&rule["health"], rule["lastError"].as_str()), (&"ok".into(), None), "{rule}");
    }
}

/// A cluster of which a connector fails and then every worker dies: on call is told the one, then the
/// other, and nothing that follows from it. What alerts wait for is left out.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Prometheus and Alertmanager"]
async fn an_outage_is_one_alert() {
    let cluster = SimCluster::start(SimConfig { workers: 2, ..SimConfig::default() });
    let cluster = cluster.await.unwrap();
    for name in ["a", "b"] {
        cluster.create(name, &[("connector.class", "org.example.SinkConnector")]);
    }
    let warden = Warden::watch(&cluster.urls());
    let alertmanager = Alertmanager::start();
    let at_once = |rules: &str| {
        let wait = Regex::new(r"(?m)^( +(?:for|keep_firing_for)): .*$").unwrap();
        wait.replace_all(rules, "$1: 0s").into_owned()
    };
    let jobs = [("connect-warden", warden.port)];
    let _prometheus = Prometheus::start_with(&jobs, at_once, Some(alertmanager.port));
    let soon = Duration::from_secs(60);
    cluster.fail_task("a", 0, "a.B: x", true);
    let failed = "KafkaConnectTaskFailed default".to_owned();
    eventually("the failed task is told", soon, || {
        alertmanager.told().contains(&failed).then_some(())
    });
    for worker in 0..2 {
        cluster.kill_worker(worker);
    }
    let (outage, worker) = (
        "KafkaConnectClusterUnreachable default".to_owned(),
        "KafkaConnectWorkerDown default".to_owned(),
    );
    eventually("the outage is told, and its parts are not", soon, || {
        let (told, inhibited) = (alertmanager.told(), alertmanager.inhibited());
        (told.contains(&outage) && !told.contains(&failed) && inhibited.contains(&worker))
            .then_some(())
    });
    for worker in 0..2 {
        cluster.start_worker(worker).await.unwrap();
    }
    eventually("it is over, and the task is still failed", soon, || {
        let told = alertmanager.told();
        (told.contains(&failed) && !told.contains(&outage)).then_some(())
    });
}

/// What is not told by instance has as many lines with two replicas as with one.
async fn replicas_are_one(prometheus: &Prometheus, port: u16) {
    let at = prometheus.now().await.unwrap() - 3.0;
    for name in dashboards::NAMES {
        for (panel, query) in dashboards::queries(&dashboards::read(name)) {
            if query.contains("instance)") || panel.starts_with("annotation") {
                continue;
            }
            let one = filled(&query, "connect-warden", &format!("127.0.0.1:{port}"));
            let both = filled(&query, "connect-warden", ".+");
            let (one, both) =
                (prometheus.labels(&one, at).await, prometheus.labels(&both, at).await);
            // A state that changed between the two scrapes is told twice for a second.
            let apart = both.symmetric_difference(&one).count();
            assert!(apart <= 2, "{name}: {panel}: {one:?} and {both:?}");
        }
    }
}
