//! What is told: the audit log and its rotation, and how soon the first restart comes.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::proxy::{Doing, is_restart};
use crate::support::scene;
use crate::support::warden::{Warden, audited, eventually, story};
use crate::{Bench, QUICK_POLL, SOON};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_rotated_by_size() {
    let bench = Bench::new("4.3.0").await;
    // More than a file of the least size holds, in the first lines of 1,000 failed tasks.
    for number in 0..20 {
        let name = format!("c{number}");
        bench.sim.create(&name, &[("tasks.max", "50")]);
        for task in 0..50 {
            bench.sim.fail_task(&name, task, "a.B: x", true);
        }
    }
    let warden = bench.start(&[("audit_max_bytes", "65536"), ("audit_keep", "2")]);
    let place = |ending: &str| bench.folder.path().join(format!("audit{ending}"));
    eventually("there are three files", SOON, || place(".2").exists().then_some(()));
    assert_eq!(warden.value("connect_warden_audit_failures_total"), Some(0.0));
    assert_eq!(warden.end(), Some(0));
    assert!(!place(".3").exists());
    for ending in [".2", ".1", ""] {
        let text = std::fs::read_to_string(place(ending)).unwrap();
        assert!(text.len() <= 65536 && text.ends_with('\n'), "{ending}: {}", text.len());
        assert!(lines(&text).iter().all(|line| line["cluster"] == "default"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_standard_output_there_is_nothing_but_lines_of_json() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let file = scene::configure(bench.folder.path(), &[bench.proxy.url()], QUICK_POLL, &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
    command.args([format!("--config.file={file}"), "--watchdog.audit=-".to_owned()]);
    command.arg("--log.level=debug").stdout(Stdio::piped());
    let mut warden = Warden::spawn(command);
    let out = warden.stdout();
    let read = std::thread::spawn(move || std::io::read_to_string(out).unwrap());
    bench.wait_post("a");
    assert_eq!(warden.end(), Some(0));
    let told = lines(&read.join().unwrap());
    let of = |event: &str| told.iter().any(|line| line["event"] == event);
    assert!(of("failed") && of("decided") && of("sent"), "{told:?}");
    assert!(!bench.folder.path().join("audit").exists(), "the flag wins");
}

/// Without grace and jitter it is the second poll that acts, and what passes from then to the POST
/// is printed.
#[tokio::test(flavor = "multi_thread")]
async fn without_grace_the_second_poll_acts() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    let poll = "{interval: 1s, worker_interval: 200ms}";
    let warden = bench.start_polling(poll, &[("grace", "0s"), ("first_jitter", "0s")]);
    warden.wait("kafka_connect_up{connect_cluster=\"default\"}", Some(1.0), SOON);
    warden.wait("kafka_connect_status_fresh{connect_cluster=\"default\"}", Some(1.0), SOON);
    bench.fail("a");
    bench.wait_post("a");
    let seen = bench.proxy.seen();
    let post = seen.iter().position(|seen| seen.method == "POST").unwrap();
    let polls: Vec<_> = seen[..post]
        .iter()
        .filter(|seen| seen.path.starts_with("/connectors?") && seen.tells_failed)
        .collect();
    assert_eq!(polls.len(), 2, "{seen:?}");
    let after = (seen[post].at - polls[1].at).as_secs_f64() * 1000.0;
    println!("FAILED first seen to POST: one poll plus {after:.1} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_labels_has_no_braces_and_a_help_ends_once() {
    let bench = Bench::new("4.3.0").await;
    let warden = bench.start(&[]);
    for series in ["connect_warden_kill_switch", "connect_warden_audit_failures_total"] {
        assert_eq!(warden.value(series), Some(0.0));
    }
    let metrics = warden.metrics();
    let odd =
        |line: &&str| line.contains("{}") || (line.starts_with("# HELP") && line.ends_with(".."));
    assert_eq!(metrics.lines().find(odd), None);
    assert!(metrics.contains("# HELP connect_warden_build_info The version of this program.\n"));
}

/// Each answer to a restart in its own words, in the log, the audit log and the plan.
#[tokio::test(flavor = "multi_thread")]
async fn each_answer_to_a_restart_is_told_in_its_own_words() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    bench.proxy.do_from_now("POST", is_restart, Doing::Answer(409));
    let numbers = [
        ("attempts", "{TRANSIENT: 100}"),
        ("refused_wait", "400ms"),
        ("stale_status", "0s"),
        ("restart_timeout", "500ms"),
    ];
    let warden = bench.start(&numbers);
    for (doing, answer, status, says) in [
        (Doing::Answer(409), "rebalance", Some(409), "restart refused: a rebalance is under way"),
        (Doing::Answer(403), "no_rights", Some(403), "restart refused: no rights"),
        (Doing::Answer(503), "unavailable", Some(503), "is not ready (503)"),
        (Doing::Answer(400), "rejected", Some(400), "rejects the call"),
        (Doing::Answer(500), "server_error", Some(500), "the worker failed in the restart (5xx)"),
        (Doing::DropAnswer, "broken_off", None, "the answer to the restart broke off"),
        (Doing::HoldAnswer, "timed_out", None, "no answer to the restart in time"),
    ] {
        bench.proxy.do_from_now("POST", is_restart, doing);
        let told = eventually(&format!("the plan tells {answer}"), SOON, || {
            let unit = warden.unit("a", Some(0))?;
            (unit["last_answer"]["answer"] == answer).then_some(unit)
        });
        assert_eq!(told["last_answer"]["http_status"].as_u64(), status, "{told}");
        assert!(told["says"].as_str().unwrap().contains(says), "{told}");
        let level = ["level=warn", says, &format!("answer={answer}")];
        eventually("the log tells it", SOON, || (warden.lines(&level) > 0).then_some(()));
        let sent = format!("sent {answer}");
        let story = story(&audited(&scene::audit(bench.folder.path()), "a"));
        assert!(story.contains(&sent), "{story:?}");
    }
    assert_eq!(warden.lines(&["not done, or not known"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_restart_is_in_the_plan_before_the_next_poll() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    bench.proxy.do_from_now("POST", is_restart, Doing::Answer(503));
    let warden = bench.start_polling(
        "{interval: 10s, worker_interval: 200ms}",
        &[("grace", "0s"), ("refused_wait", "1h")],
    );
    bench.wait_post("a");
    let polls = || warden.value("connect_warden_polls_total{connect_cluster=\"default\"}").unwrap();
    let before = polls();
    let unit = warden.wait_unit(("a", Some(0)), "phase", "backing_off", SOON);
    assert_eq!(polls(), before, "no poll came between");
    assert_eq!(
        (&unit["attempts"], &unit["last_answer"]["answer"]),
        (&0.into(), &"unavailable".into()),
        "{unit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_acknowledgement_it_was_is_told_and_whether_anything_was_known() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let warden = bench.start(&[]);
    bench.wait_post("a");
    let configuration =
        format!("--config.file={}", bench.folder.path().join("warden.yaml").display());
    for connector in ["a", "nobody"] {
        let status = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
            .args(["watchdog", "acknowledge", "--cluster=default", "--by=ann", &configuration])
            .args(["--connector", connector])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
    let text = || std::fs::read_to_string(bench.folder.path().join("audit")).unwrap_or_default();
    let told = eventually("both are told", SOON, || {
        let all: Vec<_> =
            lines(&text()).into_iter().filter(|line| line["event"] == "acknowledged").collect();
        (all.len() == 2).then_some(all)
    });
    for (line, (connector, why)) in
        told.iter().zip([("a", "forgotten"), ("nobody", "nothing_known")])
    {
        assert_eq!((&line["connector"], &line["by"]), (&connector.into(), &"ann".into()));
        assert_eq!(line["why"], why, "{line}");
    }
    assert_eq!(warden.end(), Some(0));
}
