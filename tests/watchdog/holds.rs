//! Silence: while something holds, not one restart is sent; once it is over, or for those whom it is
//! not about, they are.

use std::process::Command;

use connect_warden::config::ConnectSettings;
use connect_warden::connect::ClusterClient;
use connect_warden::sim::{SimCluster, SimConfig};

use crate::support::proxy::{Doing, is_list, is_status};
use crate::support::scene::{self, SLOW_POLL};
use crate::support::warden::{Warden, audited, eventually, story};
use crate::{Bench, QUICK_POLL, REFUSED, SOON, posts};

const UP: &str = "kafka_connect_up{connect_cluster=\"default\"}";

fn hold(reason: &str) -> String {
    format!("connect_warden_hold{{connect_cluster=\"default\",reason=\"{reason}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_worker_is_proven_to_serve() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.create("known");
    bench.fail("known");
    let warden = bench.start(&[]);
    // Known to be FAILED before, so that looks at which it is held can be counted.
    bench.wait_post("known");
    bench.sim.freeze_kafka(true);
    warden.wait(&hold("not_fresh"), Some(1.0), SOON);
    bench.fail("a");
    // What is not fresh is not even believed to be FAILED: it is in the metrics, and in no plan.
    let failed = "kafka_connect_tasks{connect_cluster=\"default\",state=\"failed\"}";
    warden.wait(failed, Some(2.0), SOON);
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    let (before, sent) = (warden.value(polls).unwrap(), bench.proxy.posts().len());
    eventually("15 more looks", SOON, || (warden.value(polls)? >= before + 15.0).then_some(()));
    assert_eq!(warden.value(&hold("not_fresh")), Some(1.0));
    assert_eq!(bench.proxy.posts().len(), sent, "{:?}", bench.proxy.posts());
    let because = warden.plan()["clusters"][0]["hold_because"].as_str().unwrap().to_owned();
    let worker = format!("127.0.0.1:{}: ", bench.proxy.port);
    assert!(because.starts_with("no worker is proven") && because.contains(&worker), "{because}");
    bench.sim.freeze_kafka(false);
    bench.wait_post("a");
    let held = ["nothing is restarted for now", "hold=not_fresh", &worker];
    let over = ["restarts are possible again", "hold=not_fresh"];
    assert_eq!((warden.lines(&held), warden.lines(&over)), (1, 1), "{}", warden.log());
}

/// The first proof takes a moment: that is not told as trouble, in the log or the audit log.
#[tokio::test(flavor = "multi_thread")]
async fn until_the_first_proof_without_a_word() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    bench.proxy.do_from_now("GET", |path| path == "/health", Doing::HoldRequest);
    let poll = "{interval: 200ms, worker_interval: 200ms, health_timeout: 60s}";
    let warden = bench.start_polling(poll, &[]);
    warden.wait(&hold("not_fresh"), Some(1.0), SOON);
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    eventually("some looks", SOON, || (warden.value(polls)? >= 10.0).then_some(()));
    assert!(bench.is_silent("a"));
    let because = warden.plan()["clusters"][0]["hold_because"].clone();
    assert_eq!(because, "waiting for the first proof that a worker can serve");
    bench.proxy.pass();
    bench.wait_post("a");
    assert_eq!(warden.lines(&["nothing is restarted for now"]), 0, "{}", warden.log());
    assert_eq!(warden.lines(&["restarts are possible again"]), 0, "{}", warden.log());
    let audit = std::fs::read_to_string(scene::audit(bench.folder.path())).unwrap();
    assert!(!audit.contains("\"not_fresh\""), "{audit}");
}

/// Two workers, spoken to without a witness between, so that they go by their own names.
async fn two_workers(delay_ms: u64) -> (SimCluster, tempfile::TempDir, Warden) {
    let config = SimConfig {
        workers: 2,
        rebalance_delay: std::time::Duration::from_millis(delay_ms),
        ..SimConfig::default()
    };
    let sim = SimCluster::start(config).await.unwrap();
    for name in ["a", "b", "c", "d"] {
        sim.create(name, &[("tasks.max", "2")]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = scene::configure(folder.path(), &sim.urls(), QUICK_POLL, &[]);
    let warden = Warden::start([format!("--config.file={file}")]);
    warden.wait(UP, Some(1.0), SOON);
    let up = |worker| {
        let id = sim.worker_id(worker);
        format!("kafka_connect_worker_up{{connect_cluster=\"default\",worker_id=\"{id}\"}}")
    };
    warden.wait(&up(0), Some(1.0), SOON);
    warden.wait(&up(1), Some(1.0), SOON);
    (sim, folder, warden)
}

/// What was UNASSIGNED was on the worker that is told to end.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_worker_that_ended_is_waited_for() {
    let (sim, _folder, warden) = two_workers(4000).await;
    sim.stop_worker(1);
    warden.wait(&hold("rebalance"), Some(1.0), SOON);
    for name in ["a", "b"] {
        sim.fail_task(name, 0, REFUSED, true);
    }
    warden.wait_looks("rebalance", 20, SOON);
    assert_eq!(posts(&sim), [""; 0]);
    warden.wait(&hold("rebalance"), Some(0.0), SOON);
    eventually("it is restarted", SOON, || (!posts(&sim).is_empty()).then_some(()));
}

/// What a worker had that was killed stays as it was; only that it does not answer tells of it, for
/// longer than `rebalance_hold` (300 ms here).
#[tokio::test(flavor = "multi_thread")]
async fn while_what_a_killed_worker_had_is_not_yet_moved() {
    let (sim, _folder, warden) = two_workers(4000).await;
    sim.kill_worker(1);
    warden.wait(&hold("rebalance"), Some(1.0), SOON);
    for name in ["a", "b"] {
        sim.fail_task(name, 0, REFUSED, true);
        sim.fail_task(name, 1, REFUSED, true);
    }
    warden.wait_looks("rebalance", 40, SOON);
    assert_eq!(posts(&sim), [""; 0]);
    warden.wait(&hold("rebalance"), Some(0.0), SOON);
    eventually("it is restarted", SOON, || (!posts(&sim).is_empty()).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn that_workers_are_first_seen_is_no_rebalance() {
    let (sim, _folder, warden) = two_workers(4000).await;
    // What is first seen is seen for some looks.
    sim.fail_task("a", 0, REFUSED, true);
    warden.wait_looks("grace", 1, SOON);
    eventually("it is restarted", SOON, || (!posts(&sim).is_empty()).then_some(()));
    assert_eq!(
        warden.lines(&["nothing is restarted for now", "hold=rebalance"]),
        0,
        "{}",
        warden.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_what_was_done_before_is_not_known() {
    for (journal, because) in [
        (None, "the first start with this journal: others may have restarted something just now"),
        (Some("0bad0bad [1]\nx\n"), "what was done before is not known"),
    ] {
        let bench = Bench::new("4.3.0").await;
        bench.create("a");
        bench.fail("a");
        if let Some(text) = journal {
            std::fs::write(bench.folder.path().join("journal"), text).unwrap();
        }
        let warden = bench.start(&[("journal_lost_hold", "6s")]);
        let lost = "connect_warden_journal_lost{connect_cluster=\"default\"}";
        warden.wait(lost, Some(1.0), SOON);
        assert_eq!(warden.plan()["clusters"][0]["hold_because"], because);
        warden.wait_looks("journal_lost", 5, SOON);
        assert!(bench.is_silent("a"));
        bench.wait_post("a");
        assert_eq!(warden.value(lost), Some(0.0));
        // That there never was one is nothing to wake somebody for.
        let warned = warden.lines(&["level=warn", "what was done before is not known"]);
        assert_eq!(warned > 0, journal.is_some(), "{}", warden.log());
        let first = warden.lines(&["level=info", "the first start with this journal"]);
        assert_eq!(first > 0, journal.is_none(), "{}", warden.log());
    }
}

/// Two clusters; everything else of them would be answered.
async fn two_clusters(first: &Bench, second: &Bench) -> Warden {
    let file = scene::configure(first.folder.path(), &[first.proxy.url()], QUICK_POLL, &[]);
    let text = std::fs::read_to_string(&file).unwrap();
    let other = format!("}}, {{name: other, urls: ['{}']}}]\npoll", second.proxy.url());
    std::fs::write(&file, text.replacen("}]\npoll", &other, 1)).unwrap();
    Warden::start([format!("--config.file={file}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_last_poll_is_not_valid() {
    let (bench, other) = (Bench::new("4.3.0").await, Bench::new("4.3.0").await);
    bench.create("a");
    other.create("b");
    let warden = two_clusters(&bench, &other).await;
    warden.wait(UP, Some(1.0), SOON);
    // Seen once, and then no more.
    bench.fail("a");
    warden.wait_unit(("a", Some(0)), "phase", "observing", SOON);
    bench.proxy.do_from_now("GET", is_list, Doing::Answer(503));
    warden.wait(&hold("no_snapshot"), Some(1.0), SOON);
    let sent = bench.posts_of("a");
    warden.wait_looks("no_snapshot", 10, SOON);
    assert_eq!(bench.posts_of("a"), sent);
    other.fail("b");
    other.wait_post("b");
    assert_eq!(bench.posts_of("a"), sent, "the neighbour is not held");
    bench.proxy.pass();
    eventually("it goes on", SOON, || (bench.posts_of("a") > sent).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_cluster_at_all_can_be_reached() {
    let (bench, other) = (Bench::new("4.3.0").await, Bench::new("4.3.0").await);
    bench.create("a");
    other.create("b");
    let warden = two_clusters(&bench, &other).await;
    warden.wait(UP, Some(1.0), SOON);
    warden.wait("kafka_connect_up{connect_cluster=\"other\"}", Some(1.0), SOON);
    bench.fail("a");
    warden.wait_unit(("a", Some(0)), "phase", "observing", SOON);
    for proxy in [&bench.proxy, &other.proxy] {
        proxy.do_from_now("GET", is_list, Doing::Answer(503));
    }
    warden.wait(&hold("doubt"), Some(1.0), SOON);
    let sent = bench.posts_of("a");
    warden.wait_looks("doubt", 10, SOON);
    // One of them is enough for it to trust itself again, and the other is then only not read.
    other.proxy.pass();
    warden.wait(&hold("no_snapshot"), Some(1.0), SOON);
    assert_eq!(bench.posts_of("a"), sent);
    bench.proxy.pass();
    eventually("it goes on", SOON, || (bench.posts_of("a") > sent).then_some(()));
}

/// `held` and `free` fail alike; rules tell them apart.
async fn only_the_other(more: &[(&str, &str)], reason: &str) -> (Bench, Warden) {
    let bench = Bench::new("4.3.0").await;
    for name in ["held", "free"] {
        bench.create(name);
        bench.fail(name);
    }
    let warden = bench.start(more);
    let unit = warden.wait_unit(("held", Some(0)), "held_by", reason, SOON);
    bench.wait_post("free");
    warden.wait_looks(reason, 10, SOON);
    assert!(bench.is_silent("held"), "{unit}");
    assert!(unit["says"].as_str().unwrap().contains("left alone"), "{unit}");
    let told = story(&audited(&scene::audit(bench.folder.path()), "held"));
    assert!(told.contains(&format!("held {reason}")), "{told:?}");
    (bench, warden)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_window_is_shut() {
    let rules = ("rules", "[{name: r, match: {connectors: [held]}, act_during: [other-day]}]");
    // A minute of a day that is neither today nor tomorrow.
    let days = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    let weekday = (days + 4 + 3) % 7;
    let windows = format!("[{{name: other-day, cron: '0 12 * * {weekday}', for: 1m}}]");
    only_the_other(&[rules, ("windows", &windows)], "window").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_rule_says_off() {
    let rules = ("rules", "[{name: hands-off, match: {connectors: ['h.*']}, mode: 'off'}]");
    let (_bench, warden) = only_the_other(&[rules], "rule").await;
    let unit = warden.unit("held", Some(0)).unwrap();
    assert!(unit["rule"] == "hands-off" && unit["mode"] == "off", "{unit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_configuration_silences_it() {
    let now = std::time::SystemTime::now();
    let hour = std::time::Duration::from_secs(3600);
    let at = |time| humantime::format_rfc3339_seconds(time).to_string();
    let silences = format!(
        "[{{match: {{connectors: [held]}}, from: {}, until: {}, reason: moved}}]",
        at(now - hour),
        at(now + hour)
    );
    only_the_other(&[("silences", &silences)], "silence").await;
}

/// Gives an order as an operator does.
fn order(bench: &Bench, arguments: &[&str]) -> String {
    let file = bench.folder.path().join("warden.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg("watchdog")
        .args(arguments)
        .arg(format!("--config.file={}", file.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_person_silenced_it_and_not_after_it_was_taken_back() {
    let bench = Bench::new("4.3.0").await;
    bench.create("held");
    bench.create("free");
    let warden = bench.start(&[]);
    let said = order(&bench, &["silence", "--connector=he.d", "--for=1h", "--reason=moved"]);
    let id = said.split(' ').nth(1).unwrap();
    bench.fail("held");
    bench.fail("free");
    warden.wait_unit(("held", Some(0)), "held_by", "silence", SOON);
    bench.wait_post("free");
    warden.wait_looks("silence", 10, SOON);
    assert!(bench.is_silent("held"));
    order(&bench, &["unsilence", id]);
    bench.wait_post("held");
}

const ONE_AT_A_TIME: (&str, &str) = ("budgets", "{in_flight: 1}");
const NO_BREAKER: (&str, &str) = ("breaker", "{signature_connectors: 100}");

/// Decided, and waiting for its turn behind two calls that hang, which is longer than a poll: what begins then is heeded too.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_silence_lasts_that_began_when_it_was_decided() {
    let bench = Bench::new("4.3.0").await;
    for name in ["a", "b", "c"] {
        bench.create(name);
        bench.fail(name);
    }
    bench.proxy.do_from_now("GET", is_status, Doing::HoldRequest);
    let more = [ONE_AT_A_TIME, NO_BREAKER];
    let warden = bench.start_polling(SLOW_POLL, &more);
    eventually("the first call is held", SOON, || (bench.proxy.held() == 1).then_some(()));
    order(&bench, &["silence", "--connector=c", "--for=1h", "--reason=moved"]);
    let file = scene::audit(bench.folder.path());
    let sent = eventually("it is told", SOON, || {
        audited(&file, "c").into_iter().find(|line| line["event"] == "not_sent")
    });
    assert_eq!(sent["answer"], "not_sent", "{sent}");
    assert!(sent["why"].as_str().unwrap().contains("silence"), "{sent}");
    bench.proxy.pass();
    warden.wait_unit(("c", Some(0)), "held_by", "silence", SOON);
    assert!(bench.is_silent("c"));
}

/// Said to be restarted, and not: a rule's dry-run among others that act.
#[tokio::test(flavor = "multi_thread")]
async fn while_its_rule_only_says_what_it_would_do() {
    let bench = Bench::new("4.3.0").await;
    for name in ["said", "done"] {
        bench.create(name);
        bench.fail(name);
    }
    let rules = "[{name: trial, match: {connectors: [said]}, mode: dry-run}]";
    let warden = bench.start(&[("rules", rules)]);
    let attempts = |connector: &str, family: &str| {
        let series = format!(
            "connect_warden_{family}_total{{connect_cluster=\"default\",connector=\"{connector}\",scope=\"task\",failure_class=\"TRANSIENT\"}}"
        );
        warden.value(&series).unwrap_or_default()
    };
    eventually("both are decided twice", SOON, || {
        let said = attempts("said", "restarts_would_be_sent");
        let done = attempts("done", "restart_attempts");
        (said >= 2.0 && done >= 2.0).then_some(())
    });
    assert!(bench.is_silent("said"));
    assert_eq!(
        (attempts("said", "restart_attempts"), attempts("done", "restarts_would_be_sent")),
        (0.0, 0.0)
    );
    let held = |connector: &str| {
        let labels = "task=\"0\",reason=\"dry_run\"";
        warden.value(&format!(
            "connect_warden_unit_held{{connect_cluster=\"default\",connector=\"{connector}\",{labels}}}"
        ))
    };
    assert_eq!((held("said"), held("done")), (Some(1.0), None));
    let unit = warden.unit("said", Some(0)).unwrap();
    assert!(
        unit["mode"] == "dry-run" && unit["says"].as_str().unwrap().contains("would"),
        "{unit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_else_restarts_it() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.create("free");
    let warden = bench.start(&[("grace", "2s"), ("foreign", "{restarts: 2, stand_down: 1h}")]);
    let unit = ("a", Some(0));
    for _ in 0..2 {
        bench.fail("a");
        warden.wait_unit(unit, "phase", "observing", SOON);
        bench.sim.set_state("a", Some(0), "RUNNING", None);
        warden.wait_unit(unit, "phase", "recovered", SOON);
    }
    let stood_down = "connect_warden_stood_down{connect_cluster=\"default\",connector=\"a\"}";
    assert_eq!(warden.value(stood_down), Some(1.0));
    bench.fail("a");
    bench.fail("free");
    let held = warden.wait_unit(unit, "held_by", "foreign", SOON);
    let series = "connect_warden_unit_held{connect_cluster=\"default\",connector=\"a\",task=\"0\",reason=\"foreign\"}";
    warden.wait(series, Some(1.0), SOON);
    bench.wait_post("free");
    warden.wait_looks("foreign", 10, SOON);
    assert!(bench.is_silent("a"), "{held}");
    assert_eq!(warden.lines(&["left alone: somebody else restarts it"]), 1);
    let told = story(&audited(&scene::audit(bench.folder.path()), "a"));
    assert_eq!(told.iter().filter(|event| *event == "stood_down").count(), 1, "{told:?}");
}

/// Paused by a person in the middle of a back-off, and resumed later.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_paused_and_what_was_remembered_is_forgotten() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let back_off = [("backoff_base", "3s"), ("backoff_cap", "3s"), ("stale_status", "0s")];
    let warden = bench.start(&back_off);
    bench.wait_post("a");
    warden.wait_unit(("a", Some(0)), "phase", "backing_off", SOON);
    let sent = bench.posts_of("a");
    let urls = bench.sim.urls().iter().map(|url| url.parse().unwrap()).collect();
    let operator = ClusterClient::new(&ConnectSettings::new(urls)).unwrap();
    operator.current().pause("a").await.unwrap();
    eventually("it is forgotten", SOON, || warden.unit("a", Some(0)).is_none().then_some(()));
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    let now = warden.value(polls).unwrap();
    eventually("polls go on", SOON, || (warden.value(polls)? >= now + 25.0).then_some(()));
    assert_eq!(bench.posts_of("a"), sent, "paused, and its task is FAILED all the same");
    let told = story(&audited(&scene::audit(bench.folder.path()), "a"));
    assert_eq!(told.last().map(String::as_str), Some("cleared paused"), "{told:?}");
    operator.current().resume("a").await.unwrap();
    let unit = eventually("it is seen", SOON, || warden.unit("a", Some(0)));
    assert!(unit["attempts"].as_u64().unwrap() < 2, "{unit}");
    eventually("it is tried afresh", SOON, || (bench.posts_of("a") > sent).then_some(()));
}

/// It is told that nobody sees to this cluster, and nothing that would seem to be found.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_off() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let warden = bench.start(&[("mode", "off")]);
    let mode = |mode: &str| {
        warden.value(&format!("connect_warden_mode{{connect_cluster=\"default\",mode=\"{mode}\"}}"))
    };
    warden.wait(
        "kafka_connect_tasks{connect_cluster=\"default\",state=\"failed\"}",
        Some(1.0),
        SOON,
    );
    assert_eq!((mode("off"), mode("dry-run"), mode("on")), (Some(1.0), Some(0.0), Some(0.0)));
    let metrics = warden.metrics();
    assert!(!metrics.contains("connect_warden_unit_phase"), "{metrics}");
    assert!(!metrics.contains("connect_warden_budget_remaining"), "{metrics}");
    assert!(bench.is_silent("a"));
}
