//! A watchdog whose journal cannot be used.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use connect_warden::watchdog::journal::read_history;
use tempfile::TempDir;

use crate::line;
use crate::support::warden::{Warden, eventually};

const SOON: Duration = Duration::from_secs(10);

/// A cluster with one task that fails again and again, and a watchdog whose journal is at `path`.
async fn watchdog(folder: &TempDir, path: &Path) -> (SimCluster, Warden) {
    let config = SimConfig { workers: 1, ..SimConfig::default() };
    let cluster = SimCluster::start(config).await.unwrap();
    cluster.create("a", &[("tasks.max", "1")]);
    let trace = "a.B: x\nCaused by: java.net.ConnectException: Connection refused: db.example:5432";
    cluster.fail_task("a", 0, trace, true);
    let file = folder.path().join("warden.yaml");
    let yaml = format!(
        "clusters: [{{name: default, urls: ['{}']}}]\n\
         poll: {{interval: 200ms}}\n\
         watchdog: {{mode: 'on', journal: '{}', journal_lost_hold: 10ms, grace: 200ms, first_jitter: 10ms, backoff_base: 400ms, backoff_cap: 400ms, verify: 1s, stale_status: 1s}}\n",
        cluster.urls()[0],
        path.display()
    );
    fs::write(&file, yaml).unwrap();
    (cluster, Warden::start([format!("--config.file={}", file.display())]))
}

fn posts(cluster: &SimCluster) -> usize {
    cluster.take_requests().iter().filter(|line| !line.starts_with("GET")).count()
}

const FAILURES: &str = "connect_warden_journal_failures_total{connect_cluster=\"default\"}";
const POLLS: &str = "connect_warden_polls_total{connect_cluster=\"default\"}";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_journal_it_exports_and_restarts_nothing_until_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/journal");
    fs::write(folder.path().join("state"), "in the way").unwrap();
    let (cluster, warden) = watchdog(&folder, &path).await;
    let log = warden.log();
    assert!(log.contains("nothing is restarted until the journal can be used"), "{log}");
    eventually("it tries again", SOON, || (warden.value(FAILURES)? >= 3.0).then_some(()));
    assert_eq!(posts(&cluster), 0);
    fs::remove_file(folder.path().join("state")).unwrap();
    let mut sent = 0;
    eventually("it restarts", SOON, || {
        sent += posts(&cluster);
        (sent > 0).then_some(())
    });
    // The disk goes away under it, and comes back.
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    fs::write(folder.path().join("state"), "in the way").unwrap();
    let failures = warden.value(FAILURES).unwrap();
    eventually("it cannot write", SOON, || (warden.value(FAILURES)? > failures).then_some(()));
    sent += posts(&cluster);
    let polls = warden.value(POLLS).unwrap();
    eventually("it exports", SOON, || (warden.value(POLLS)? > polls + 5.0).then_some(()));
    assert_eq!(posts(&cluster), 0);
    fs::remove_file(folder.path().join("state")).unwrap();
    sent += posts(&cluster);
    let known = eventually("it is written again", SOON, || {
        let events = read_history(&mut std::fs::File::open(&path).ok()?).ok()?;
        events.iter().filter_map(|event| Some(event.unit.as_ref()?.attempts)).max()
    });
    assert!(known as usize >= sent, "{known} of {sent}");
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_the_future_ends_it_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    fs::write(&path, line("1800000000000 [{\"format\":9}]")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .args(["--connect.url=http://127.0.0.1:1", "--web.listen-address=127.0.0.1:0"])
        .args(["--watchdog.mode=on", &format!("--watchdog.journal={}", path.display())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("has format 9, and this version knows up to 2"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
