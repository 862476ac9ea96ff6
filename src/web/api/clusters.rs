//! Clusters and their workers.

use std::sync::Arc;

use super::super::facts::{ClusterFacts, WorkerFacts};
use super::ask::Ask;
use super::filter::{CLUSTER, CONTAINS, SEVERITY, contains};
use super::paging::{CURSOR, Item, Key, LIMIT, Page, page};
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

static SORT_CLUSTERS: Parameter = Parameter {
    name: "sort",
    says: "By what; `name` where nothing is said.",
    kind: Kind::Sort(&["name", "severity", "failures"]),
};
pub(super) static CLUSTERS: [&Parameter; 5] =
    [&CONTAINS, &SEVERITY, &SORT_CLUSTERS, &LIMIT, &CURSOR];

static SORT_WORKERS: Parameter = Parameter {
    name: "sort",
    says: "By what; `worker` where nothing is said.",
    kind: Kind::Sort(&["worker", "severity", "tasks", "tasks_failed"]),
};
pub(super) static WORKERS: [&Parameter; 6] =
    [&CLUSTER, &CONTAINS, &SEVERITY, &SORT_WORKERS, &LIMIT, &CURSOR];

pub(super) fn clusters(ask: &Ask) -> Result<Page<ClusterFacts>, Problem> {
    let query = ask.query(&CLUSTERS)?;
    let facts = ask.known.iter().map(ClusterFacts::of).filter(|facts| {
        contains(&query, &[&facts.name]) && query.wants(SEVERITY.name, facts.severity.as_str())
    });
    let (by, _) = query.sort().unwrap_or(("name", false));
    let items = facts.map(|facts| Item {
        key: match by {
            "severity" => Key::Number(facts.severity as u64),
            "failures" => Key::Number(facts.failures as u64),
            _ => Key::Text(Arc::clone(&facts.name)),
        },
        identity: (Arc::clone(&facts.name), Arc::default(), None),
        value: facts,
    });
    page(items.collect(), &query, ("name", false))
}

pub(super) fn cluster(ask: &Ask) -> Result<ClusterFacts, Problem> {
    ask.query(&[])?;
    ask.cluster(ask.name(0)).map(ClusterFacts::of)
}

pub(super) fn workers(ask: &Ask) -> Result<Page<WorkerFacts>, Problem> {
    let query = ask.query(&WORKERS)?;
    let (by, _) = query.sort().unwrap_or(("worker", false));
    let mut items = Vec::new();
    for known in &*ask.wanted(&query)? {
        let facts = WorkerFacts::all(known).into_iter().filter(|facts| {
            contains(&query, &[&facts.id]) && query.wants(SEVERITY.name, facts.severity.as_str())
        });
        items.extend(facts.map(|facts| Item {
            key: match by {
                "severity" => Key::Number(facts.severity as u64),
                "tasks" => Key::Number(facts.tasks as u64),
                "tasks_failed" => Key::Number(facts.tasks_failed as u64),
                _ => Key::Text(Arc::clone(&facts.id)),
            },
            identity: (Arc::clone(&facts.cluster), Arc::clone(&facts.id), None),
            value: facts,
        }));
    }
    page(items, &query, ("worker", false))
}
