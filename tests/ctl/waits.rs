//! `wait`.

use std::time::Duration;

use crate::shell::{FILE_SINK, REFUSED, Shell, said};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_so_already_is_not_waited_for() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.set_state("orders-2", None, "STOPPED", None);
    shell.cluster.configure_tasks("orders-2", 0);
    for (name, wanted) in [("orders", "failed"), ("x y", "paused"), ("gone", "deleted")] {
        let told = shell.done(&["wait", name, "--for", wanted, "--timeout=20s"]);
        assert_eq!(told, format!("connector/{name} {wanted}\n"));
    }
    shell.cluster.mend_task("orders", 1);
    shell.done(&["restart", "orders/1"]);
    assert_eq!(shell.done(&["wait", "orders", "--for=running"]), "connector/orders running\n");
    shell.done(&["stop", "orders", "-y"]);
    let told = shell.done(&["wait", "orders", "--for=stopped", "-o", "name"]);
    assert_eq!(told, "connector/orders\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_waited_for() {
    let shell = Shell::with_three("4.3.0").await;
    let url = shell.url();
    for (words, change) in [
        (&["wait", "orders", "orders-2", "--for=running"][..], "mend"),
        (&["wait", "new", "--for=running"], "create"),
        (&["wait", "orders-*", "--for=failed"], "fail"),
        (&["wait", "x y", "--for=deleted"], "delete"),
    ] {
        let mut command = shell.bare(words);
        command.args([url.as_str(), "--timeout=60s"]);
        let waiting = std::thread::spawn(move || said(&mut command));
        // It looked at least twice before it comes.
        let mut looks = 0;
        while looks < 3 {
            let asked = shell.cluster.take_requests();
            looks += asked.iter().filter(|request| *request == "GET /connectors").count();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        match change {
            "mend" => shell.cluster.set_state("orders", Some(1), "RUNNING", None),
            "create" => shell.cluster.create("new", &[("connector.class", FILE_SINK)]),
            "fail" => shell.cluster.fail_task("orders-2", 0, REFUSED, false),
            _ => shell.cluster.delete("x y"),
        }
        let said = waiting.join().unwrap();
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_says_what_it_was_last() {
    let shell = Shell::with_three("4.3.0").await;
    for (words, wanted) in [
        (
            &["wait", "orders", "--for=running"][..],
            "connector/orders: not running within 2s; last: RUNNING, task 0 RUNNING, task 1 FAILED",
        ),
        (&["wait", "orders", "--for=stopped"], "not stopped within 2s"),
        (&["wait", "x y", "--for=running"], "last: PAUSED, task 0 PAUSED"),
        (&["wait", "gone", "--for=running"], "last: not listed"),
        (&["wait", "orders", "--for=deleted"], "last: still listed"),
    ] {
        let said = shell.say(&[words, &["--timeout=2s"]].concat());
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        assert!(said.error.contains(wanted), "{words:?}: {}", said.error);
    }
    // One that is not yet so does not hide one that is.
    let said = shell.say(&["wait", "orders", "x y", "--for=paused", "--timeout=2s", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, Some(1));
    assert_eq!((&told[0]["outcome"], &told[1]["outcome"]), (&"paused".into(), &"timed out".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_goes_away_meanwhile_is_replaced_by_another() {
    let shell = Shell::with_three("4.3.0").await;
    let mut command = shell.bare(&["wait", "orders", "--for=running", "--timeout=60s"]);
    command.arg(format!("--connect.url={}", shell.cluster.urls().join(",")));
    let waiting = std::thread::spawn(move || said(&mut command));
    while !shell.cluster.take_requests().iter().any(|request| request.contains("/orders/status")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shell.cluster.kill_worker(0);
    shell.cluster.take_requests();
    while !shell.cluster.take_requests().iter().any(|request| request.contains("/orders/status")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shell.cluster.set_state("orders", Some(1), "RUNNING", None);
    let said = waiting.join().unwrap();
    assert_eq!(said.code, Some(0), "{said:?}");
}
