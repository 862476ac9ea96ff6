//! One connector in trouble, its neighbours well.

use std::time::Duration;

use connect_warden::connect::model::State;

use crate::support::scene::{
    Killed, SLOW_NUMBERS, audit, ended_while_a_restart_is_under_way, killed,
};
use crate::support::warden::{audited, story};
use crate::{Bench, LIMIT, has_failed_task};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_sink_whose_folder_is_missing_is_tried_ever_more_seldom_until_it_is_there() {
    let bench = Bench::start("4.3.0", 1).await;
    bench.create_sink("neighbour", &bench.cluster.file("out"), &[]).await;
    bench.create_stuck("stuck").await;
    let folder = tempfile::tempdir().unwrap();
    let numbers = [
        ("backoff_base", "4s"),
        ("backoff_cap", "1m"),
        ("stale_status", "2s"),
        ("verify", "4s"),
        ("stable", "10s"),
    ];
    let warden = bench.watchdog(&folder, &numbers);
    let unit = ("stuck", Some(0));
    bench.wait_posts("stuck", 3);
    warden.wait_unit(unit, "phase", "backing_off", LIMIT);
    bench.make_the_folder();
    let recovered = warden.wait_unit(unit, "phase", "recovered", LIMIT);
    assert_eq!(
        (&recovered["attempts"], &recovered["failure_class"]),
        (&4.into(), &"UNKNOWN".into())
    );
    bench.wait_running("stuck").await;

    let posts = bench.posts();
    assert!(posts.iter().all(|post| post.path == "/connectors/stuck/tasks/0/restart"), "{posts:?}");
    assert!(posts.iter().all(|post| post.status == Some(204)), "{posts:?}");
    let gaps: Vec<_> = posts.windows(2).map(|two| two[1].at - two[0].at).collect();
    println!("gaps: {gaps:?}");
    assert_eq!(gaps.len(), 3);
    for (gap, least) in gaps.iter().zip([2, 4, 8]) {
        assert!(*gap >= Duration::from_secs(least), "half of what is doubled: {gaps:?}");
    }

    let told = || story(&audited(&audit(folder.path()), "stuck"));
    crate::support::warden::eventually("it is forgotten", LIMIT, || {
        told().iter().any(|event| event == "cleared stable_health").then_some(())
    });
    let tried = ["decided", "sent accepted", "outcome failed"];
    let helped = ["decided", "sent accepted", "outcome recovered", "cleared stable_health"];
    let whole: Vec<&str> =
        ["failed"].into_iter().chain(tried).chain(tried).chain(tried).chain(helped).collect();
    assert_eq!(told(), whole);
    assert_eq!(warden.unit("stuck", Some(0)), None);
    assert!(audited(&audit(folder.path()), "neighbour").is_empty());

    let of = |family: &str, more: &str| {
        warden.value(&format!(
            "connect_warden_{family}{{connect_cluster=\"default\",connector=\"stuck\",scope=\"task\",failure_class=\"UNKNOWN\"{more}}}"
        ))
    };
    assert_eq!(of("restart_attempts_total", ""), Some(4.0));
    assert_eq!(of("restart_outcomes_total", ",outcome=\"failed\""), Some(3.0));
    assert_eq!(of("restart_outcomes_total", ",outcome=\"recovered\""), Some(1.0));
    let lines =
        |said: &str| warden.lines(&[&format!("message={said}"), "connector=stuck", "task=0"]);
    for (said, count) in [
        ("failed", 1),
        ("restarting", 4),
        ("\"restart sent\"", 4),
        ("\"the restart did not help\"", 3),
        ("\"recovered: it runs, verified\"", 1),
        ("\"forgotten: it begins afresh\"", 1),
    ] {
        assert_eq!(lines(said), count, "{said}\n{}", warden.log());
    }
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_poison_pill_is_tried_once_and_given_up() {
    let bench = Bench::start("4.3.0", 1).await;
    let (input, output) = (bench.cluster.file("in"), bench.cluster.file("out"));
    std::fs::write(&input, "not json\n").unwrap();
    let source = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    let config = [("connector.class", source), ("file", &*input), ("topic", "lines")];
    bench.create("reads", &config).await;
    bench.create_sink("neighbour", &output, &[]).await;
    let json = [
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ];
    bench.create_sink("poisoned", &bench.cluster.file("never"), &json).await;
    bench.wait_state("poisoned", has_failed_task).await;
    bench.wait_running("neighbour").await;
    let folder = tempfile::tempdir().unwrap();
    let warden = bench.watchdog(&folder, &[("data_delay", "3s")]);
    let unit = warden.wait_unit(("poisoned", Some(0)), "phase", "given_up", LIMIT);
    assert_eq!(unit["failure_class"], "DATA");
    warden.wait_looks("given_up", 10, LIMIT);
    let posts = bench.posts();
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert_eq!(posts[0].path, "/connectors/poisoned/tasks/0/restart");
    for name in ["reads", "neighbour"] {
        bench.wait_running(name).await;
    }
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "not json\n");
    let told = story(&audited(&audit(folder.path()), "poisoned"));
    assert_eq!(told, ["failed", "decided", "sent accepted", "outcome failed", "given_up"]);
    assert_eq!(warden.lines(&["given up: a person has to look at it", "poisoned"]), 1);
    println!("{}", unit["says"]);
}

/// Paused and resumed, then stopped and resumed, each time in the middle of a back-off.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn what_an_operator_pauses_or_stops_is_left_alone_and_begins_afresh() {
    let bench = Bench::start("4.3.0", 1).await;
    bench.create_stuck("stuck").await;
    let folder = tempfile::tempdir().unwrap();
    let numbers = [("backoff_base", "8s"), ("backoff_cap", "8s")];
    let warden = bench.watchdog(&folder, &numbers);
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    for stop in [false, true] {
        let before = bench.posts().len();
        bench.wait_posts("stuck", before + 1);
        warden.wait_unit(("stuck", Some(0)), "phase", "backing_off", LIMIT);
        let operator = bench.worker(0);
        let paused =
            if stop { operator.stop("stuck").await } else { operator.pause("stuck").await };
        paused.unwrap();
        crate::support::warden::eventually("it is forgotten", LIMIT, || {
            warden.unit("stuck", Some(0)).is_none().then_some(())
        });
        let sent = bench.posts().len();
        let now = warden.value(polls).unwrap();
        crate::support::warden::eventually("polls go on", LIMIT, || {
            (warden.value(polls)? >= now + 10.0).then_some(())
        });
        assert_eq!(bench.posts().len(), sent, "stopped: {stop}");
        let status = operator.status("stuck").await.unwrap();
        let (state, failed) = (status.connector.state, has_failed_task(&status));
        let wanted = if stop { (State::Stopped, false) } else { (State::Paused, true) };
        assert_eq!((state, failed), wanted, "a paused connector's task stays FAILED");
        let told = story(&audited(&audit(folder.path()), "stuck"));
        let last = told.last().map(String::as_str);
        assert!(matches!(last, Some("cleared paused" | "cleared deleted")), "{stop}: {told:?}");
        operator.resume("stuck").await.unwrap();
        let unit = crate::support::warden::eventually("it is seen", LIMIT, || {
            warden.unit("stuck", Some(0))
        });
        assert_eq!(unit["attempts"], 0, "{unit}");
    }
    bench.wait_posts("stuck", 3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_watchdog_that_is_killed_or_ended_in_the_middle_counts_each_attempt_once() {
    let bench = Bench::start("4.3.0", 1).await;
    bench.create_stuck("stuck").await;
    for at in [Killed::BeforeThePost, Killed::BeforeTheAnswer] {
        let folder = tempfile::tempdir().unwrap();
        let start = || bench.watchdog(&folder, SLOW_NUMBERS);
        killed(at, &bench.proxies[0], "stuck", start, LIMIT);
    }
    let folder = tempfile::tempdir().unwrap();
    let start = || bench.watchdog(&folder, SLOW_NUMBERS);
    ended_while_a_restart_is_under_way(&bench.proxies[0], "stuck", folder.path(), start, LIMIT);
}
