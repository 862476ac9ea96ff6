//! Kafka itself stands still behind workers that go on answering.

use crate::{Bench, LIMIT};

const HOLD: &str = "connect_warden_hold{connect_cluster=\"default\",reason=\"not_fresh\"}";

async fn nothing_is_restarted_while_kafka_is_frozen(version: &str) {
    let bench = Bench::start(version, 1).await;
    bench.create_sink("neighbour", &bench.cluster.file("out"), &[]).await;
    bench.create_stuck("stuck").await;
    let folder = tempfile::tempdir().unwrap();
    // Due long after it is known that no worker can serve.
    let warden = bench.watchdog(&folder, &[("grace", "40s")]);
    warden.wait(HOLD, Some(0.0), LIMIT);
    warden.wait_unit(("stuck", Some(0)), "phase", "observing", LIMIT);
    bench.cluster.broker.sigstop();
    warden.wait(HOLD, Some(1.0), LIMIT);
    warden.wait_unit(("stuck", Some(0)), "phase", "backing_off", LIMIT);
    warden.wait_looks("not_fresh", 10, LIMIT);
    assert!(bench.posts().is_empty(), "{:?}", bench.posts());
    bench.cluster.broker.sigcont();
    bench.wait_posts("stuck", 1);
    assert!(bench.posts_of("neighbour").is_empty());
    assert_eq!(warden.lines(&["nothing is restarted for now", "not_fresh"]), 1, "{}", warden.log());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn nothing_is_restarted_while_kafka_is_frozen_behind_4_3_0() {
    nothing_is_restarted_while_kafka_is_frozen("4.3.0").await;
}
