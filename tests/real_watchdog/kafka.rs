//! Kafka itself stands still behind workers that go on answering.

use crate::{Bench, LIMIT};

const HOLD: &str = "connect_warden_hold{connect_cluster=\"default\",reason=\"not_fresh\"}";

async fn nothing_is_restarted_while_kafka_is_frozen(version: &str) {
    let bench = Bench::start(version, 1).await;
    bench.create_sink("neighbour", &bench.cluster.file("out"), &[]).await;
    bench.create_stuck("stuck").await;
    let folder = tempfile::tempdir().unwrap();
    // The second attempt is due in the middle of it.
    let warden = bench.watchdog(&folder, &[("backoff_base", "1m"), ("backoff_cap", "1m")]);
    bench.wait_posts("stuck", 1);
    warden.wait_unit(("stuck", Some(0)), "phase", "backing_off", LIMIT);
    bench.cluster.broker.sigstop();
    warden.wait(HOLD, Some(1.0), LIMIT);
    // 35 polls are 70 s.
    warden.wait_looks("not_fresh", 35, LIMIT);
    assert_eq!(bench.posts().len(), 1, "{:?}", bench.posts());
    bench.cluster.broker.sigcont();
    bench.wait_posts("stuck", 2);
    assert!(bench.posts_of("neighbour").is_empty());
    // While it was frozen, and perhaps before the first proof.
    let said = warden.lines(&["nothing is restarted for now", "not_fresh"]);
    assert!((1..=2).contains(&said), "{}", warden.log());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn nothing_is_restarted_while_kafka_is_frozen_behind_4_3_0() {
    nothing_is_restarted_while_kafka_is_frozen("4.3.0").await;
}
