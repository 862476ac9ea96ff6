//! Connectors and tasks.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::connect::model::ConnectorType;

use super::super::details::ConnectorDetails;
use super::super::facts::{ConnectorDetail, ConnectorFacts, Moment, Severity, TaskFacts};
use super::ask::{self, Ask};
use super::filter::{
    CLASS, CLUSTER, CONTAINS, NAME, PHASE, SEVERITY, STATE, TYPE, WORKER, contains,
    wants_any_instance, wants_connector, wants_instance,
};
use super::paging::{CURSOR, Item, Key, LIMIT, Page, page};
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

static SORT: Parameter = Parameter {
    name: "sort",
    says: "By what; `name` where nothing is said. `since` is when the state began.",
    kind: Kind::Sort(&["name", "severity", "state", "since"]),
};
pub(super) static CONNECTORS: [&Parameter; 12] = [
    &CLUSTER, &NAME, &CONTAINS, &STATE, &TYPE, &CLASS, &WORKER, &SEVERITY, &PHASE, &SORT, &LIMIT,
    &CURSOR,
];
/// Where the path names the cluster.
pub(super) static OF_CLUSTER: [&Parameter; 11] =
    [&NAME, &CONTAINS, &STATE, &TYPE, &CLASS, &WORKER, &SEVERITY, &PHASE, &SORT, &LIMIT, &CURSOR];
static DETAILS: Parameter = Parameter {
    name: "details",
    says: "`false`: nothing is fetched from the cluster for this answer.",
    kind: Kind::Words(&["true", "false"]),
};
pub(super) static DETAIL: [&Parameter; 1] = [&DETAILS];

/// One connector in full, with what was fetched from its cluster for this answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectorAnswer {
    /// What is known of it.
    #[serde(flatten)]
    pub known: ConnectorDetail,
    /// What was fetched; null where that was not wanted.
    pub details: Option<Arc<ConnectorDetails>>,
}

/// A task in a list of those of all connectors.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskOfConnector {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The connector's name.
    pub connector: Arc<str>,
    /// Source or sink.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
    /// The rest of it.
    #[serde(flatten)]
    pub task: TaskFacts,
}

pub(super) fn connectors(ask: &Ask) -> Result<Page<ConnectorFacts>, Problem> {
    let query = ask.query(if ask.names.is_empty() { &CONNECTORS } else { &OF_CLUSTER })?;
    let (by, _) = query.sort().unwrap_or(("name", false));
    let mut items = Vec::new();
    for known in &*ask.wanted(&query)? {
        let wanted = known.connectors().iter().filter(|connector| {
            wants_connector(&query, connector)
                && contains(&query, &[&connector.name, &connector.class])
                && wants_any_instance(&query, known, connector)
        });
        let facts = wanted
            .map(|connector| ConnectorFacts::of(known, connector))
            .filter(|facts| query.wants(SEVERITY.name, facts.severity.as_str()));
        items.extend(facts.map(|facts| Item {
            key: key(by, &facts.name, facts.severity, facts.state.as_str(), facts.since),
            identity: (Arc::clone(&facts.cluster), Arc::clone(&facts.name), None),
            value: facts,
        }));
    }
    page(items, &query, ("name", false))
}

fn key(by: &str, name: &Arc<str>, of: Severity, state: &str, since: Option<Moment>) -> Key {
    match by {
        "severity" => Key::Number(of as u64),
        "state" => Key::Text(state.into()),
        "since" => Key::Number(since.map_or(0, Moment::unix_seconds)),
        _ => Key::Text(Arc::clone(name)),
    }
}

pub(super) fn tasks(ask: &Ask) -> Result<Page<TaskOfConnector>, Problem> {
    let query = ask.query(&CONNECTORS)?;
    let (by, _) = query.sort().unwrap_or(("name", false));
    let mut items = Vec::new();
    for known in &*ask.wanted(&query)? {
        for connector in known.connectors() {
            if !wants_connector(&query, connector) {
                continue;
            }
            let is_wanted = |task: u32| {
                let found = connector.tasks.iter().find(|other| other.id == task);
                found.is_some_and(|task| {
                    let (id, instance) = (Some(task.id), &task.instance);
                    wants_instance(&query, known, &connector.name, id, instance)
                        && contains(&query, &[&connector.name, &instance.worker_id])
                })
            };
            let tasks = ConnectorFacts::of(known, connector).tasks.into_iter().filter(|task| {
                is_wanted(task.id) && query.wants(SEVERITY.name, task.severity.as_str())
            });
            items.extend(tasks.map(|task| Item {
                key: key(by, &connector.name, task.severity, task.state.as_str(), task.since),
                identity: (
                    Arc::clone(&known.view.cluster),
                    Arc::clone(&connector.name),
                    Some(task.id),
                ),
                value: TaskOfConnector {
                    cluster: Arc::clone(&known.view.cluster),
                    connector: Arc::clone(&connector.name),
                    kind: connector.kind,
                    task,
                },
            }));
        }
    }
    page(items, &query, ("name", false))
}

/// Whether something is to be fetched from the cluster.
pub(super) fn wants_details(ask: &Ask) -> Result<bool, Problem> {
    Ok(ask.query(&DETAIL)?.wants(DETAILS.name, "true"))
}

pub(super) fn connector(ask: &Ask) -> Result<ConnectorAnswer, Problem> {
    let known = ask.cluster(ask.name(0))?;
    let connector = ask::connector(known, ask.name(1))?;
    let known = ConnectorDetail::of(known, connector);
    Ok(ConnectorAnswer { known, details: ask.details.clone() })
}
