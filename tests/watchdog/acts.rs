//! What it restarts, what it leaves alone, what it remembers.

use std::time::Duration;

use connect_warden::sim::SimCluster;
use tempfile::TempDir;

use crate::support::kafka::pause;
use crate::support::proxy::{Doing, is_restart};
use crate::support::scene;
use crate::support::warden::{Warden, audited, eventually, story};
use crate::{Bench, QUICK_POLL, REFUSED, SOON, posts, sim};

/// The binary before this cluster, without a witness between; its journal is in `folder`.
fn start(cluster: &SimCluster, folder: &TempDir, more: &[(&str, &str)]) -> Warden {
    let file = scene::configure(folder.path(), &cluster.urls(), QUICK_POLL, more);
    Warden::start([format!("--config.file={file}")])
}

/// The first unit of the plan, once it has this phase.
fn unit(warden: &Warden, phase: &str) -> serde_json::Value {
    eventually(&format!("a unit is {phase}"), SOON, || {
        let unit = warden.plan()["clusters"][0]["units"][0].clone();
        (unit["phase"] == phase).then_some(unit)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stuck_is_restarted_and_verified_and_in_dry_run_only_said() {
    for (mode, sent) in [("dry-run", &[][..]), ("on", &["POST /connectors/a%20b/tasks/1/restart"])]
    {
        let cluster = sim("4.3.0").await;
        cluster.create("a b", &[("tasks.max", "2")]);
        cluster.fail_task("a b", 1, REFUSED, false);
        let folder = tempfile::tempdir().unwrap();
        let warden = start(&cluster, &folder, &[("mode", &format!("'{mode}'"))]);
        let kind = "connect_cluster=\"default\",connector=\"a b\",scope=\"task\",failure_class=\"TRANSIENT\"";
        let counter = if mode == "on" { "restart_attempts" } else { "restarts_would_be_sent" };
        let decided = format!("connect_warden_{counter}_total{{{kind}}}");
        eventually("it is decided", SOON, || (warden.value(&decided)? >= 1.0).then_some(()));
        let recovered =
            &format!("connect_warden_restart_outcomes_total{{{kind},outcome=\"recovered\"}}");
        if mode == "on" {
            warden.wait(recovered, Some(1.0), SOON);
            assert_eq!(unit(&warden, "recovered")["attempts"], 1);
            assert!(warden.log().contains("message=restarting"), "{}", warden.log());
        } else {
            assert!(warden.log().contains("message=\"would restart\""), "{}", warden.log());
            assert_eq!(warden.value(recovered), Some(0.0));
        }
        assert_eq!(posts(&cluster), sent, "{mode}");
        assert_eq!(warden.end(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_cannot_help_is_left_alone() {
    let cluster = sim("4.3.0").await;
    cluster.create("gone", &[("tasks.max", "1")]);
    cluster.fail_task("gone", 0, "ConnectException: ResumeToken not found.", false);
    cluster.create("paused", &[("tasks.max", "1")]);
    cluster.set_state("paused", Some(0), "PAUSED", None);
    let folder = tempfile::tempdir().unwrap();
    let warden = start(&cluster, &folder, &[]);
    assert_eq!(unit(&warden, "given_up")["failure_class"], "OFFSET_LOST");
    pause(Duration::from_secs(2));
    assert_eq!(posts(&cluster), [""; 0]);
}

const BUDGET: (&str, &str) = ("budgets", "{connector: {at_once: 3, an_hour: 6}}");

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_budgets_survive_the_process() {
    let cluster = sim("4.3.0").await;
    cluster.create("a", &[("tasks.max", "1")]);
    cluster.fail_task("a", 0, REFUSED, true);
    let folder = tempfile::tempdir().unwrap();
    let warden = start(&cluster, &folder, &[BUDGET]);
    eventually("two attempts are made", SOON, || {
        (warden.plan()["clusters"][0]["units"][0]["attempts"].as_u64()? >= 2).then_some(())
    });
    drop(warden);
    let sent_before = posts(&cluster).len() as u64;
    let again = start(&cluster, &folder, &[BUDGET]);
    assert!(again.log().contains("what was done before is known"), "{}", again.log());
    let attempts = eventually("it remembers", SOON, || {
        again.plan()["clusters"][0]["units"][0]["attempts"].as_u64()
    });
    assert!(attempts >= sent_before, "{attempts} remembered of {sent_before}");
    let held = eventually("its budget is spent", SOON, || {
        let unit = again.plan()["clusters"][0]["units"][0].clone();
        (unit["held_by"] == "budget").then_some(unit)
    });
    let sent = sent_before + posts(&cluster).len() as u64;
    assert_eq!(
        (sent, &held["attempts"]),
        (3, &3.into()),
        "three at once over both lives, then 6 an hour"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn old_workers_get_the_call_that_they_know() {
    let cluster = sim("2.2.2").await;
    cluster.create("a", &[("tasks.max", "1")]);
    cluster.set_state("a", None, "FAILED", Some(REFUSED));
    cluster.fail_task("a", 0, REFUSED, false);
    let folder = tempfile::tempdir().unwrap();
    let warden = start(&cluster, &folder, &[]);
    for scope in ["task", "connector"] {
        let recovered = format!(
            "connect_warden_restart_outcomes_total{{connect_cluster=\"default\",connector=\"a\",scope=\"{scope}\",failure_class=\"TRANSIENT\",outcome=\"recovered\"}}"
        );
        warden.wait(&recovered, Some(1.0), SOON);
    }
    let mut sent = posts(&cluster);
    sent.sort();
    assert_eq!(sent, ["POST /connectors/a/restart", "POST /connectors/a/tasks/0/restart"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_path_can_name_is_given_up_at_once() {
    let bench = Bench::new("4.3.0").await;
    for name in ["x/y", "plain"] {
        bench.create(name);
        bench.fail(name);
    }
    let warden = bench.start(&[]);
    let unit = warden.wait_unit(("x/y", Some(0)), "phase", "given_up", SOON);
    let says = unit["says"].as_str().unwrap();
    assert!(unit["attempts"] == 0 && says.contains("no call can restart it; restart the worker"));
    assert_eq!(unit["last_answer"]["answer"], "not_addressable");
    bench.wait_post("plain");
    assert!(bench.proxy.posts().iter().all(|post| post.path.contains("/plain/")));
    let told = story(&audited(&scene::audit(bench.folder.path()), "x/y"));
    assert_eq!(told, ["failed", "decided", "not_sent not_addressable", "given_up"]);
    assert_eq!(warden.lines(&["given up", "connector=x/y"]), 1, "{}", warden.log());
}

/// Polls are quick and go on; the answer comes long after their time-out, and after `stale_status`.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_restart_may_take_longer_than_a_poll() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.sim.fail_task("a", 0, REFUSED, false);
    bench.proxy.do_from_now("POST", is_restart, Doing::HoldRequest);
    let warden = bench.start(&[("stale_status", "200ms")]);
    eventually("it is held", SOON, || (bench.proxy.held() == 1).then_some(()));
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    let before = warden.value(polls).unwrap();
    eventually("polls go on", SOON, || (warden.value(polls)? >= before + 15.0).then_some(()));
    let unit = warden.unit("a", Some(0)).unwrap();
    assert!(unit["phase"] == "verifying" && unit["attempts"] == 1, "{unit}");
    bench.proxy.pass();
    warden.wait_unit(("a", Some(0)), "phase", "recovered", SOON);
    let told = story(&audited(&scene::audit(bench.folder.path()), "a"));
    assert_eq!(told, ["failed", "decided", "sent accepted", "outcome recovered"]);
}
