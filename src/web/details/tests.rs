use std::collections::BTreeSet;

use super::*;
use crate::config::ConnectSettings;
use crate::observe::view::WorkerView;
use crate::sim::{Fault, SimCluster, SimConfig};

async fn sim(version: &str) -> SimCluster {
    let config = SimConfig { workers: 1, version: version.to_owned(), ..SimConfig::default() };
    let sim = SimCluster::start(config).await.unwrap();
    sim.create(
        "a/b",
        &[("tasks.max", "1"), ("db.password", "s3cret"), ("db.token", "${file:/x:token}")],
    );
    sim
}

fn details(sim: &SimCluster) -> Details {
    let urls = sim.urls().iter().map(|url| url.parse().unwrap()).collect();
    let client = ClusterClient::new(&ConnectSettings::new(urls)).unwrap();
    Details::new(&Clients::from([("c".into(), Arc::new(client))]))
}

fn view(sim: &SimCluster, version: &str) -> ClusterView {
    let worker = WorkerView {
        id: sim.worker_id(0).into(),
        up: Some(true),
        version: Some(version.into()),
        commit: None,
        health: None,
    };
    ClusterView {
        cluster: "c".into(),
        poll: Default::default(),
        snapshot: None,
        history: Arc::default(),
        workers: Arc::new(vec![worker]),
        progress: Arc::default(),
        fresh: None,
        not_fresh_because: None,
        kafka_cluster_id: None,
    }
}

#[tokio::test]
async fn secrets_are_masked_and_what_a_version_lacks_is_said() {
    for (version, lacks) in [("3.9.1", ""), ("2.8.2", "offsets"), ("2.2.2", "offsets topics")] {
        let sim = sim(version).await;
        let found = details(&sim).of(&view(&sim, version), "a/b").await.unwrap();
        let json = serde_json::to_value(&found).unwrap();
        assert!(!json.to_string().contains("s3cret"), "{json}");
        let config = &json["configuration"];
        assert_eq!(
            (&config["db.password"], &config["db.token"], &config["tasks.max"]),
            (&"***".into(), &"${file:/x:token}".into(), &"1".into())
        );
        for part in ["offsets", "topics"] {
            let problem = json["problems"][part].as_str().unwrap_or_default();
            let is_lacking = problem.contains("or later; this worker has");
            assert_eq!(is_lacking, lacks.contains(part), "{version} {part}: {problem}");
            assert_eq!(json[part].is_null(), is_lacking);
        }
    }
}

#[tokio::test]
async fn what_does_not_answer_costs_no_more_than_its_time() {
    let sim = sim("3.9.1").await;
    sim.fault(0, Some(Fault::Hang));
    let (details, view) = (details(&sim), view(&sim, "3.9.1"));
    let names = ["a", "b", "c", "d", "a"];
    let all = names.map(|name| details.of(&view, name));
    let all = futures_util::future::join_all(all).await;
    let problems: BTreeSet<_> =
        all.iter().map(|found| found.as_ref().unwrap().problems.offsets.clone().unwrap()).collect();
    let wanted = ["no answer within 3s", "look again"];
    let known = problems.iter().all(|problem| wanted.iter().any(|words| problem.contains(words)));
    assert!(known, "{problems:?}");
}

#[tokio::test]
async fn many_who_look_cost_as_much_as_one() {
    let sim = sim("3.9.1").await;
    let (details, view) = (details(&sim), view(&sim, "3.9.1"));
    let first = details.of(&view, "a/b").await.unwrap();
    sim.fault(0, Some(Fault::Reset));
    let again = details.of(&view, "a/b").await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    details.forget(&view.cluster, "a/b");
    let third = details.of(&view, "a/b").await.unwrap();
    assert!(third.topics.is_none() && third.problems.topics.is_some());
    for name in 0..2 * REMEMBERED {
        drop(details.remembered(&view.cluster, &name.to_string()));
    }
    assert!(details.remembered.lock().unwrap().len() <= REMEMBERED);
}
