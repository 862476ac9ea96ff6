//! Workers that do not know KIP-745: they would take its form, and restart less than it says.

use crate::{Bench, LIMIT};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn workers_of_2_2_2_get_plain_calls() {
    let bench = Bench::start("2.2.2", 1).await;
    let failing = [
        ("connector.class", "org.apache.kafka.connect.tools.MockSinkConnector"),
        ("topics", "lines"),
        ("mock_mode", "connector-failure"),
        ("delay_ms", "1000"),
    ];
    bench.create("mock", &failing).await;
    bench.create_sink("stuck", &bench.cluster.file("missing/out"), &[("tasks.max", "5")]).await;
    bench.wait_state("stuck", |status| status.tasks.len() == 5).await;
    let folder = tempfile::tempdir().unwrap();
    let numbers = [
        ("breaker", "{storm_units: 100, ineffective_of: 1000}"),
        ("backoff_base", "4s"),
        ("backoff_cap", "1m"),
    ];
    let warden = bench.watchdog(&folder, &numbers);
    bench.wait_posts("mock", 1);
    bench.wait_posts("stuck", 5);
    bench.make_the_folder();
    bench.wait_running("stuck").await;
    for task in 0..5 {
        warden.wait_unit(("stuck", Some(task)), "phase", "recovered", LIMIT);
    }
    let mut paths: Vec<_> = bench.posts().into_iter().map(|post| post.path).collect();
    paths.sort();
    paths.dedup();
    let tasks = (0..5).map(|task| format!("/connectors/stuck/tasks/{task}/restart"));
    let wanted: Vec<_> = ["/connectors/mock/restart".to_owned()].into_iter().chain(tasks).collect();
    assert_eq!(paths, wanted);
    assert!(bench.posts().iter().all(|post| post.status == Some(204)), "{:?}", bench.posts());
}
