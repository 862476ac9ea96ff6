//! The example for Alertmanager in a real Alertmanager, asked with amtool.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::files;
use crate::support::kafka::{free_port, get};
use crate::support::warden::eventually;

const SERVER: &str = "/usr/bin/prometheus-alertmanager";
const TOOL: &str = "/usr/bin/amtool";

pub struct Alertmanager {
    child: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    pub fn start() -> Self {
        assert!(Path::new(SERVER).is_file(), "apt-get install prometheus-alertmanager");
        let folder = tempfile::tempdir().unwrap();
        let (port, log) = (free_port(), std::fs::File::create(folder.path().join("log")).unwrap());
        let child = Command::new(SERVER)
            .arg(format!("--config.file={}", example().display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let alertmanager = Self { child, port, _folder: folder };
        eventually("Alertmanager is ready", Duration::from_secs(30), || {
            get(port, "/-/ready", Duration::from_secs(1)).filter(|(status, _)| *status == 200)
        });
        alertmanager
    }

    fn amtool(&self, arguments: &[&str]) -> String {
        let url = format!("--alertmanager.url=http://127.0.0.1:{}", self.port);
        amtool(&[arguments, &[&url]].concat())
    }

    fn add(&self, labels: &[&str]) {
        self.amtool(&[&["alert", "add"], labels].concat());
    }

    /// The names of the alerts that are told.
    pub fn told(&self) -> BTreeSet<String> {
        self.names("--active")
    }

    /// The names of the alerts that follow from others.
    pub fn inhibited(&self) -> BTreeSet<String> {
        self.names("--inhibited")
    }

    fn names(&self, which: &str) -> BTreeSet<String> {
        let alerts = self.amtool(&["alert", "query", which, "--output=json"]);
        let alerts: serde_json::Value = serde_json::from_str(&alerts).unwrap();
        let all = alerts.as_array().unwrap().iter();
        let state = which.trim_start_matches("--");
        all.filter(|alert| match state {
            "active" => alert["status"]["state"] == "active",
            _ => !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty(),
        })
        .map(|alert| {
            let labels = &alert["labels"];
            let part = |name: &str| labels[name].as_str().unwrap_or("-").to_owned();
            format!("{} {}", part("alertname"), part("connect_cluster"))
        })
        .collect()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn example() -> std::path::PathBuf {
    files::root().join("alerts/alertmanager/alertmanager.yaml")
}

fn amtool(arguments: &[&str]) -> String {
    let output = Command::new(TOOL).args(arguments).output().unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "amtool {arguments:?}: {said}{errors}");
    said.into_owned()
}

#[test]
#[ignore = "needs amtool"]
fn amtool_takes_the_example_and_sends_each_severity_where_it_belongs() {
    let file = example().display().to_string();
    amtool(&["check-config", &file]);
    for (severity, receiver) in
        [("critical", "on-call"), ("warning", "tickets"), ("info", "nobody")]
    {
        let config = format!("--config.file={file}");
        let label = format!("severity={severity}");
        let said = amtool(&["config", "routes", "test", &config, &label]);
        assert_eq!(said.trim(), receiver, "{severity}");
    }
}

/// What is told of one trouble and what follows from it, beside the same in another cluster and
/// another job, which are not concerned.
#[test]
#[ignore = "needs a real Alertmanager"]
fn one_trouble_is_one_alert() {
    let of_units = [
        "KafkaConnectConnectorFailed",
        "KafkaConnectTaskFailed",
        "KafkaConnectFlapping",
        "ConnectWardenParked",
        "ConnectWardenRestarting",
        "ConnectWardenGaveUp",
    ];
    let of_clusters = [
        "KafkaConnectUnassigned",
        "KafkaConnectWorkerDown",
        "KafkaConnectWorkerUnhealthy",
        "KafkaConnectTaskOrphaned",
        "KafkaConnectStatusNotFresh",
        "ConnectWardenBreakerOpen",
        "ConnectWardenBudgetExhausted",
        "ConnectWardenPollsFailing",
        "ConnectWardenPollLate",
        "ConnectWardenRestartsIneffective",
        "ConnectWardenRestartsRejected",
        "ConnectWardenForeignActor",
    ];
    let never =
        ["ConnectWardenJournalTrouble", "ConnectWardenStopped", "ConnectWardenReloadFailed"];
    let everything = [&of_units[..], &of_clusters[..]].concat();
    let not = |names: &[&'static str], without: &[&str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| !without.contains(name)).collect()
    };
    let scenes: [(&str, Vec<&str>); 6] = [
        ("KafkaConnectClusterUnreachable", everything.clone()),
        ("KafkaConnectStatusNotFresh", not(&everything, &["KafkaConnectStatusNotFresh"])),
        (
            "KafkaConnectManyFailed",
            [
                &of_units[..],
                &[
                    "ConnectWardenBreakerOpen",
                    "ConnectWardenBudgetExhausted",
                    "ConnectWardenRestartsIneffective",
                    "ConnectWardenRestartsRejected",
                ],
            ]
            .concat(),
        ),
        ("KafkaConnectTaskOrphaned", vec!["KafkaConnectWorkerDown"]),
        (
            "ConnectWardenGaveUp",
            vec!["ConnectWardenParked", "ConnectWardenRestarting", "KafkaConnectFlapping"],
        ),
        (
            "ConnectWardenBreakerOpen",
            vec![
                "ConnectWardenRestarting",
                "ConnectWardenRestartsIneffective",
                "ConnectWardenBudgetExhausted",
            ],
        ),
    ];
    for (source, follow) in scenes {
        let alertmanager = Alertmanager::start();
        let add = |name: &str, cluster: &str, job: &str| {
            let (name, cluster) =
                (format!("alertname={name}"), format!("connect_cluster={cluster}"));
            let more = ["connector=a", "worker_id=w:1"];
            alertmanager.add(&[&[&*name, &*cluster, &*format!("job={job}")], &more[..]].concat());
        };
        add(source, "orders", "connect-warden");
        for name in follow.iter().chain(&never) {
            add(name, "orders", "connect-warden");
        }
        // Elsewhere there is only one of them, which nothing else explains.
        add(follow[0], "legacy", "connect-warden");
        add(follow[0], "twin", "another-connect-warden");
        add(source, "twin", "connect-warden");
        let named = |names: &[&str], cluster: &str| -> BTreeSet<String> {
            names.iter().map(|name| format!("{name} {cluster}")).collect()
        };
        assert_eq!(alertmanager.inhibited(), named(&follow, "orders"), "{source}");
        let mut told = named(&never, "orders");
        told.extend([format!("{source} orders"), format!("{source} twin")]);
        told.extend(named(&follow[..1], "legacy").into_iter().chain(named(&follow[..1], "twin")));
        assert_eq!(alertmanager.told(), told, "{source}");
    }
}
