//! What waits for its turn, and what comes between a decision and its call.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::kafka::pause;
use crate::support::proxy::{Doing, is_restart, is_status};
use crate::support::scene;
use crate::support::warden::{Warden, audited, eventually, story};
use crate::{Bench, QUICK_POLL, REFUSED, SOON, before, sim};

const LOST: &str = "org.apache.kafka.connect.errors.ConnectException: The connector is trying to read \
    binlog starting at GTIDs x but this is no longer available on the server.";
const POLLS: &str = "connect_warden_polls_total{connect_cluster=\"default\"}";
const ONE_AT_A_TIME: (&str, &str) = (
    "budgets",
    "{in_flight: 1, connector: {at_once: 100, an_hour: 1000}, cluster: {at_once: 100, a_minute: 1000}, process: {at_once: 100, a_minute: 1000}}",
);
const NO_STORM: (&str, &str) = (
    "breaker",
    "{storm_units: 1000, signature_connectors: 1000, ineffective_of: 1000, refused_in_a_row: 100}",
);

fn polls(warden: &Warden, count: f64) {
    let from = warden.value(POLLS).unwrap();
    eventually("polls go on", SOON, || (warden.value(POLLS)? >= from + count).then_some(()));
}

fn told(bench: &Bench, connector: &str) -> Vec<String> {
    story(&audited(&scene::audit(bench.folder.path()), connector))
}

/// Of three with one failure each the first is sent, and not answered.
async fn two_wait() -> (Bench, Warden) {
    let bench = Bench::new("4.3.0").await;
    for name in ["a", "b", "c"] {
        bench.create(name);
        bench.sim.fail_task(name, 0, REFUSED, false);
    }
    bench.proxy.do_from_now("POST", is_restart, Doing::HoldRequest);
    let warden = bench.start(&[("stale_status", "200ms"), ONE_AT_A_TIME, NO_STORM]);
    eventually("one is held", SOON, || (bench.proxy.held() == 1).then_some(()));
    (bench, warden)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_is_neither_judged_nor_decided_again() {
    let (bench, warden) = two_wait().await;
    // Long after its status would be old news.
    polls(&warden, 15.0);
    for name in ["b", "c"] {
        assert_eq!(told(&bench, name), ["failed", "decided"]);
        assert_eq!(warden.unit(name, Some(0)).unwrap()["attempts"], 1);
    }
    bench.proxy.pass();
    for name in ["a", "b", "c"] {
        warden.wait_unit((name, Some(0)), "phase", "recovered", SOON);
        assert_eq!(told(&bench, name), ["failed", "decided", "sent accepted", "outcome recovered"]);
        assert_eq!(bench.posts_of(name), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_another_way_while_it_waited_is_not_sent() {
    let (bench, warden) = two_wait().await;
    bench.sim.fail_task("b", 0, LOST, true);
    polls(&warden, 5.0);
    assert_eq!(told(&bench, "b"), ["failed", "decided"]);
    bench.proxy.pass();
    bench.wait_post("c");
    warden.wait_unit(("b", Some(0)), "phase", "given_up", SOON);
    assert!(bench.is_silent("b"));
    assert_eq!(told(&bench, "b")[2], "not_sent not_sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_keeps_back_what_waits() {
    let bench = Bench::new("4.3.0").await;
    for name in ["a", "b", "c"] {
        bench.create(name);
        bench.fail(name);
    }
    bench.proxy.do_from_now("POST", is_restart, Doing::Answer(409));
    let warden = bench.start(&[ONE_AT_A_TIME, NO_STORM, ("rebalance_hold", "5m")]);
    warden.wait_unit(("a", Some(0)), "held_by", "rebalance", SOON);
    polls(&warden, 5.0);
    assert_eq!(bench.proxy.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_calls_that_were_refused_what_waits_is_kept_back() {
    let bench = Bench::new("4.3.0").await;
    for number in 0..8 {
        bench.create(&format!("c{number}"));
        bench.fail(&format!("c{number}"));
    }
    bench.proxy.do_from_now("POST", is_restart, Doing::Answer(503));
    let cautious = "{storm_units: 1000, signature_connectors: 1000, ineffective_of: 1000, refused_in_a_row: 3}";
    let warden = bench.start(&[ONE_AT_A_TIME, ("breaker", cautious)]);
    eventually("three are refused", SOON, || (bench.proxy.posts().len() >= 3).then_some(()));
    polls(&warden, 5.0);
    assert_eq!(bench.proxy.posts().len(), 3);
}

/// Five tasks, of which four failed when the poll saw them.
async fn four_of_five(fifth: &str, first: Option<&str>) -> Bench {
    let bench = Bench::new("4.3.0").await;
    bench.sim.create("a", &[("tasks.max", "5"), ("connector.class", "org.example.SinkConnector")]);
    for task in 0..4 {
        bench.sim.fail_task("a", task, REFUSED, true);
    }
    bench.proxy.do_from_now("GET", is_status, Doing::HoldRequest);
    // One call for all is only for workers whose version is known, so that the worker is dialled by
    // its own name too.
    let urls = [bench.proxy.url()];
    let file = scene::configure(bench.folder.path(), &urls, scene::SLOW_POLL, &[NO_STORM]);
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("urls:", "dial_workers: ['127\\.0\\.0\\.1:.*'], urls:");
    std::fs::write(&file, text).unwrap();
    let warden = Warden::start([format!("--config.file={file}")]);
    eventually("its status is asked for", SOON, || (bench.proxy.held() >= 1).then_some(()));
    match first {
        Some(trace) => bench.sim.fail_task("a", 0, trace, true),
        None => bench.sim.fail_task("a", 4, fifth, true),
    }
    bench.proxy.pass();
    eventually("it is told", SOON, || {
        told(&bench, "a").contains(&"not_sent not_sent".to_owned()).then_some(())
    });
    warden.wait_unit(("a", Some(if first.is_some() { 0 } else { 4 })), "phase", "given_up", SOON);
    drop(warden);
    bench
}

/// `onlyFailed=true` means whatever is FAILED when the worker does it.
#[tokio::test(flavor = "multi_thread")]
async fn one_call_for_all_that_failed_is_not_made_where_another_failed_since() {
    let bench = four_of_five(LOST, None).await;
    assert!(bench.proxy.posts().iter().all(|post| !post.path.contains("includeTasks=true")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_lost_its_offset_since_the_poll_is_not_restarted() {
    let bench = four_of_five("", Some(LOST)).await;
    let touched =
        |path: &str| path.contains("includeTasks=true") || path.ends_with("/tasks/0/restart");
    assert!(bench.proxy.posts().iter().all(|post| !touched(&post.path)));
}

fn is_health(path: &str) -> bool {
    path == "/health"
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_worker_that_is_proven_able_to_serve_is_asked_and_told() {
    let cluster = sim("4.3.0").await;
    let (ill, well) = (before(&cluster, 0).await, before(&cluster, 0).await);
    cluster.create("a", &[("connector.class", "org.example.SinkConnector")]);
    cluster.fail_task("a", 0, REFUSED, true);
    ill.do_from_now("GET", is_health, Doing::Answer(500));
    let folder = tempfile::tempdir().unwrap();
    let urls = [ill.url(), well.url()];
    let file = scene::configure(folder.path(), &urls, QUICK_POLL, &[]);
    let warden = Warden::start([format!("--config.file={file}")]);
    eventually("it is restarted", SOON, || (!well.posts().is_empty()).then_some(()));
    assert!(ill.posts().is_empty());
    let fresh = "kafka_connect_status_fresh{connect_cluster=\"default\"}";
    assert_eq!(warden.value(fresh), Some(1.0));
    // The other way round.
    ill.pass();
    well.do_from_now("GET", is_health, Doing::Answer(500));
    eventually("the other is told", SOON, || (!ill.posts().is_empty()).then_some(()));
    let told = well.posts().len();
    polls(&warden, 10.0);
    assert!(well.posts().len() <= told + 1 && ill.posts().len() > 1);
}

async fn nobody_is_told_while(bench: &Bench, warden: &Warden) {
    bench.proxy.do_from_now("GET", is_health, Doing::HoldRequest);
    warden.signal(Signal::SIGSTOP);
    bench.fail("a");
    // Longer than a proof lasts with these intervals.
    pause(Duration::from_secs(4));
    warden.signal(Signal::SIGCONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_from_before_the_process_was_stopped_is_none() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    let warden = bench.start(&[]);
    warden.wait("kafka_connect_status_fresh{connect_cluster=\"default\"}", Some(1.0), SOON);
    nobody_is_told_while(&bench, &warden).await;
    let hold = "connect_warden_hold{connect_cluster=\"default\",reason=\"not_fresh\"}";
    warden.wait(hold, Some(1.0), SOON);
    polls(&warden, 10.0);
    assert!(bench.is_silent("a"));
    bench.proxy.pass();
    bench.wait_post("a");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_begins_no_restart() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    bench.proxy.do_from_now("GET", is_status, Doing::DelayAnswer(Duration::from_millis(1500)));
    let warden = bench.start_polling(scene::SLOW_POLL, &[]);
    let asked = || bench.proxy.seen().iter().any(|seen| is_status(&seen.path));
    eventually("its status is asked for", SOON, || asked().then_some(()));
    assert_eq!(warden.end(), Some(0));
    assert!(bench.is_silent("a"));
    assert_eq!(told(&bench, "a").last().map(String::as_str), Some("not_sent not_sent"));
}
