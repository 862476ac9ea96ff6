//! The kill switch, in each of its forms: nothing is sent while it is on, whenever it comes.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::kafka::pause;
use crate::support::proxy::{Doing, is_status};
use crate::support::scene::{SLOW_NUMBERS, SLOW_POLL, audit};
use crate::support::warden::{Warden, audited, eventually, story};
use crate::{Bench, SOON};

/// Turns it on and off.
type Switch = fn(&Bench, &Warden, bool);

fn by_file(bench: &Bench, _: &Warden, on: bool) {
    let file = bench.folder.path().join("stop");
    if on { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
}

fn by_signal(_: &Bench, warden: &Warden, on: bool) {
    warden.signal(if on { Signal::SIGUSR1 } else { Signal::SIGUSR2 });
}

fn by_order(bench: &Bench, _: &Warden, on: bool) {
    let file = bench.folder.path().join("warden.yaml");
    let status = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .args(["watchdog", if on { "stop" } else { "go" }])
        .arg(format!("--config.file={}", file.display()))
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

const HOLD: &str = "connect_warden_hold{connect_cluster=\"default\",reason=\"stopped\"}";

async fn nothing_is_sent_while_it_is_on(switch: Switch, says: &str) {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    let warden = bench.start(&[]);
    warden.wait("kafka_connect_up{connect_cluster=\"default\"}", Some(1.0), SOON);
    switch(&bench, &warden, true);
    warden.wait(HOLD, Some(1.0), SOON);
    bench.fail("a");
    warden.wait_unit(("a", Some(0)), "phase", "backing_off", SOON);
    warden.wait_looks("stopped", 10, SOON);
    assert!(bench.is_silent("a"));
    let plan = warden.plan()["clusters"][0].clone();
    let because = plan["hold_because"].as_str().unwrap();
    assert!(plan["hold"] == "stopped" && because.contains(says), "{plan}");
    assert_eq!(warden.lines(&["stopped: nothing is restarted", says]), 1, "{}", warden.log());
    switch(&bench, &warden, false);
    bench.wait_post("a");
    assert_eq!(warden.lines(&["no longer stopped"]), 1, "{}", warden.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_stop_file_is_there() {
    nothing_is_sent_while_it_is_on(by_file, "stop is there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_it_is_ordered_to_stop() {
    nothing_is_sent_while_it_is_on(by_order, "stopped by ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_one_signal_until_the_other() {
    nothing_is_sent_while_it_is_on(by_signal, "a signal").await;
}

/// It comes after the decision, when the status is just being read once more.
async fn it_is_looked_at_right_before_the_post(switch: Switch) {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    bench.proxy.do_from_now("GET", is_status, Doing::HoldRequest);
    let warden = bench.start_polling(SLOW_POLL, SLOW_NUMBERS);
    eventually("its call is held", SOON, || (bench.proxy.held() == 1).then_some(()));
    switch(&bench, &warden, true);
    // A signal is taken up a moment after it was sent.
    pause(Duration::from_millis(300));
    bench.proxy.pass();
    let told = || story(&audited(&audit(bench.folder.path()), "a"));
    eventually("it is told", SOON, || {
        told().iter().any(|t| t == "not_sent not_sent").then_some(())
    });
    assert!(bench.is_silent("a"));
    // What was not sent is no attempt.
    warden.wait_unit(("a", Some(0)), "attempts", 0, SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_file_that_comes_late_is_heeded() {
    it_is_looked_at_right_before_the_post(by_file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_comes_late_is_heeded() {
    it_is_looked_at_right_before_the_post(by_order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_comes_late_is_heeded() {
    it_is_looked_at_right_before_the_post(by_signal).await;
}
