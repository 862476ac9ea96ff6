//! A watchdog that is killed or told to end in the middle of a restart; a disk that is full.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::scene::{
    Killed, SLOW_NUMBERS, SLOW_POLL, configure, ended_while_a_restart_is_under_way, killed,
};
use crate::support::warden::{Warden, eventually};
use crate::{Bench, QUICK_POLL, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_intent_and_post_it_counts_the_attempt_once() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let start = || bench.start_polling(SLOW_POLL, SLOW_NUMBERS);
    killed(Killed::BeforeThePost, &bench.proxy, "a", start, SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_post_and_answer_it_counts_the_attempt_once() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let start = || bench.start_polling(SLOW_POLL, SLOW_NUMBERS);
    killed(Killed::BeforeTheAnswer, &bench.proxy, "a", start, SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_finishes_what_is_under_way() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let start = || bench.start_polling(SLOW_POLL, SLOW_NUMBERS);
    ended_while_a_restart_is_under_way(&bench.proxy, "a", bench.folder.path(), start, SOON);
}

/// Nobody reads the pipe that the audit log is written to, so that whoever writes it waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_does_not_wait_for_what_hangs() {
    let bench = Bench::new("4.3.0").await;
    // Their first lines are more than a pipe holds.
    for number in 0..10 {
        let name = format!("c{number}");
        bench.sim.create(&name, &[("tasks.max", "50")]);
        for task in 0..50 {
            bench.sim.fail_task(&name, task, "a.B: x", true);
        }
    }
    let file =
        configure(bench.folder.path(), &[bench.proxy.url()], QUICK_POLL, &[("audit", "'-'")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
    command.arg(format!("--config.file={file}")).stdout(Stdio::piped());
    let mut warden = Warden::spawn(command);
    let polls = "connect_warden_polls_total{connect_cluster=\"default\"}";
    eventually("it polls on", SOON, || (warden.value(polls)? >= 10.0).then_some(()));
    let mut out = warden.stdout();
    assert_eq!(warden.end(), Some(0));
    let mut held = Vec::new();
    out.read_to_end(&mut held).unwrap();
    assert!(held.len() > 60 << 10, "it did not hang: {}", held.len());
}

/// The soft limit on the length of files stands for the room on a disk: it can be raised again.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_restarted_until_there_is_room() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    bench.fail("a");
    let attempts = ("attempts", "{TRANSIENT: 100}");
    let audit = ("audit", "'-'");
    let file = configure(bench.folder.path(), &[bench.proxy.url()], QUICK_POLL, &[attempts, audit]);
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_connect-warden");
    let limited = format!("trap '' XFSZ; ulimit -S -f 8; exec {program} \"$@\"");
    command.args(["-c", &limited, "sh", &format!("--config.file={file}")]);
    command.stdout(Stdio::null());
    let mut warden = Warden::spawn(command);
    warden.expect_errors("nothing is restarted without the journal");
    let lost = "connect_warden_journal_lost{connect_cluster=\"default\"}";
    let hold = "connect_warden_hold{connect_cluster=\"default\",reason=\"journal_lost\"}";
    warden.wait(hold, Some(1.0), SOON);
    assert_eq!(warden.value(lost), Some(1.0));
    let sent = bench.posts_of("a");
    assert!(sent > 0, "there was room for a few");
    warden.wait_looks("journal_lost", 10, SOON);
    assert_eq!(bench.posts_of("a"), sent, "none without the journal");
    let said = "nothing is restarted without the journal";
    assert_eq!(warden.lines(&["level=error", said]), 1, "{}", warden.log());
    let unlimited = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &warden.id().to_string()])
        .status();
    assert!(unlimited.unwrap().success());
    warden.wait(hold, Some(0.0), SOON);
    eventually("it goes on", SOON, || (bench.posts_of("a") > sent).then_some(()));
    assert!(warden.log().contains("the journal can be written again"), "{}", warden.log());
    let known = warden.unit("a", Some(0)).unwrap()["attempts"].as_u64().unwrap();
    assert!(known as usize >= sent, "{known} of {sent}");
    assert_eq!(warden.lines(&["level=error"]), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_watchdogs_on_one_journal_are_one_too_many() {
    let bench = Bench::new("4.3.0").await;
    bench.create("a");
    let first = bench.start(&[]);
    first.wait("kafka_connect_up{connect_cluster=\"default\"}", Some(1.0), SOON);
    let file = bench.folder.path().join("warden.yaml");
    let second = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg(format!("--config.file={}", file.display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .output()
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("is used by another process; two watchdogs must not act"), "{said}");
    // The one that was there is not disturbed.
    bench.fail("a");
    bench.wait_post("a");
    assert_eq!(first.end(), Some(0));
}
