//! Workers that die or roll: no restart is sent before the rebalance is over.

use std::collections::BTreeSet;
use std::time::Duration;

use connect_warden::connect::model::State;

use crate::support::kafka::pause;
use crate::support::warden::eventually;
use crate::{Bench, LIMIT, has_failed_task};

const STUCK: [&str; 2] = ["stuck-0", "stuck-1"];
const WELL: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// A unit is due in the middle of what happens to the workers.
const NUMBERS: &[(&str, &str)] = &[("grace", "15s"), ("rebalance_hold", "15s")];

async fn bench() -> Bench {
    let bench = Bench::start_in("4.3.0", 3, "scheduled.rebalance.max.delay.ms=25000\n", None).await;
    // Then they tell who leads, which REST does not.
    for number in 0..3 {
        let group = "org.apache.kafka.connect.runtime.distributed";
        bench.worker(number).set_logger(group, "INFO").await.unwrap();
    }
    for name in WELL {
        bench.create_sink(name, &bench.cluster.file(name), &[]).await;
    }
    for name in STUCK {
        bench.create_stuck(name).await;
    }
    for name in WELL {
        bench.wait_running(name).await;
    }
    bench
}

/// The worker that leads the group: its log has it since the last rebalance.
fn leader(bench: &Bench) -> String {
    let log = bench.cluster.workers[0].log();
    let (_, url) = log.rsplit_once("leaderUrl='http://").expect("a rebalance is in the log");
    url.split('/').next().unwrap().to_owned()
}

/// The workers of what a connector consists of, as another worker tells it.
async fn workers_of(bench: &Bench, asked: usize, names: &[&str]) -> BTreeSet<String> {
    let mut workers = BTreeSet::new();
    for name in names {
        let Ok(status) = bench.worker(asked).status(name).await else { continue };
        workers.insert(status.connector.worker_id.clone());
        workers.extend(status.tasks.iter().map(|task| task.instance.worker_id.clone()));
    }
    workers
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn a_worker_dies_and_nothing_is_restarted_until_what_it_had_is_moved() {
    let mut bench = bench().await;
    let folder = tempfile::tempdir().unwrap();
    let warden = bench.watchdog(&folder, NUMBERS);
    for name in STUCK {
        warden.wait_unit((name, Some(0)), "phase", "observing", LIMIT);
    }
    // A leader that dies takes the delay with it: the next one knows of nothing that was lost, and
    // moves it at once.
    let leader = leader(&bench);
    let mut others = Vec::new();
    for name in STUCK {
        let status = bench.worker(0).status(name).await.unwrap();
        others.push(status.tasks[0].instance.worker_id.clone());
    }
    others.retain(|worker| *worker != leader);
    let dead = others.pop().expect("a FAILED task is on a worker that does not lead");
    let number = (0..3).find(|number| bench.worker_id(*number) == dead).unwrap();
    let asked = (number + 1) % 3;
    let all = [&WELL[..], &STUCK].concat();
    let mut running_too = false;
    for name in WELL {
        let status = bench.worker(asked).status(name).await.unwrap();
        running_too |= status.tasks.iter().any(|task| task.instance.worker_id == dead);
    }
    assert!(running_too, "FAILED and RUNNING tasks are on the worker that dies");
    bench.cluster.workers[number].sigkill();
    for name in STUCK {
        warden.wait_unit((name, Some(0)), "phase", "backing_off", LIMIT);
    }
    // Due, and held.
    warden.wait_looks("rebalance", 4, LIMIT);
    let still = workers_of(&bench, asked, &all).await;
    assert!(still.contains(&dead), "the delay is not over yet: {still:?}");
    assert!(bench.posts().is_empty(), "{:?}", bench.posts());
    while workers_of(&bench, asked, &all).await.contains(&dead) {
        assert!(bench.posts().is_empty(), "{:?}", bench.posts());
        pause(Duration::from_millis(200));
    }
    assert!(bench.posts().is_empty(), "{:?}", bench.posts());
    for name in STUCK {
        bench.wait_posts(name, 1);
    }
    assert!(bench.posts().iter().all(|post| post.path.contains("/stuck-")), "{:?}", bench.posts());
    // A request is seen before its answer is.
    eventually("each is answered", LIMIT, || {
        bench.posts().iter().all(|post| post.status.is_some()).then_some(())
    });
    assert!(bench.posts().iter().all(|post| post.status == Some(204)), "{:?}", bench.posts());
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn workers_roll_and_nothing_is_restarted_until_the_last_is_back() {
    let mut bench = bench().await;
    let folder = tempfile::tempdir().unwrap();
    let warden = bench.watchdog(&folder, NUMBERS);
    for name in STUCK {
        warden.wait_unit((name, Some(0)), "phase", "observing", LIMIT);
    }
    for worker in 0..3 {
        bench.cluster.workers[worker].sigterm();
        bench.cluster.workers[worker].start_again();
        bench.cluster.workers[worker].wait_ready();
        assert!(bench.posts().is_empty(), "{worker}: {:?}", bench.posts());
    }
    eventually("both are due, and held", LIMIT, || {
        let is_held = |name| {
            let unit = warden.unit(name, Some(0))?;
            (unit["phase"] == "backing_off" && unit["held_by"] == "rebalance").then_some(())
        };
        STUCK.into_iter().all(|name| is_held(name).is_some()).then_some(())
    });
    assert!(bench.posts().is_empty(), "{:?}", bench.posts());
    for name in STUCK {
        bench.wait_posts(name, 1);
        bench.wait_state(name, has_failed_task).await;
    }
    for name in WELL {
        bench.wait_state(name, |status| status.connector.state == State::Running).await;
    }
    assert!(bench.posts().iter().all(|post| post.path.contains("/stuck-")), "{:?}", bench.posts());
}
