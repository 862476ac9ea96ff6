//! What lists of connectors, tasks, failures and workers are filtered by.

use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Instance};

use super::super::facts::{Known, Severity};
use super::parameter::{Kind, Parameter, Query};

pub(super) static CLUSTER: Parameter =
    Parameter { name: "cluster", says: "Only of this cluster.", kind: Kind::Cluster };
pub(super) static NAME: Parameter = Parameter {
    name: "name",
    says: "Only connectors whose whole name matches.",
    kind: Kind::Pattern,
};
pub(super) static CONTAINS: Parameter = Parameter {
    name: "q",
    says: "Only those in whose name, class, worker, exception or cause this stands, in any case of \
           letters; in which of them depends on the list.",
    kind: Kind::Text,
};
pub(super) static STATE: Parameter = Parameter {
    name: "state",
    says: "Only those in one of these states; of a connector it is enough that a task is.",
    kind: Kind::Words(&STATES),
};
pub(super) static TYPE: Parameter = Parameter {
    name: "type",
    says: "Only connectors of these types.",
    kind: Kind::Words(&ConnectorType::WORDS),
};
pub(super) static CLASS: Parameter = Parameter {
    name: "class",
    says: "Only what is FAILED for one of these classes.",
    kind: Kind::Words(&CLASSES),
};
pub(super) static WORKER: Parameter = Parameter {
    name: "worker",
    says: "Only what is on the worker with this `worker_id`; of a connector it is enough that a \
           task is.",
    kind: Kind::Text,
};
pub(super) static SEVERITY: Parameter = Parameter {
    name: "severity",
    says: "Only what matters as much as one of these.",
    kind: Kind::Words(&Severity::WORDS),
};
pub(super) static PHASE: Parameter = Parameter {
    name: "phase",
    says: "Only what the watchdog has in one of these phases.",
    kind: Kind::Words(&PHASES),
};

const STATES: [&str; 7] = {
    let mut words = [""; State::OF_CONNECTORS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = State::OF_CONNECTORS[at].as_str();
        at += 1;
    }
    words
};
const CLASSES: [&str; 7] = {
    let mut words = [""; FailureClass::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = FailureClass::ALL[at].as_str();
        at += 1;
    }
    words
};
/// Those of `Unit::phase_word`.
const PHASES: [&str; 8] =
    ["observing", "backing_off", "verifying", "canary", "stuck", "recovered", "parked", "given_up"];

/// Whether `q` stands in one of these texts.
pub(super) fn contains(query: &Query, texts: &[&str]) -> bool {
    query.text(CONTAINS.name).is_none_or(|wanted| {
        let wanted = wanted.to_lowercase();
        texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    })
}

/// Whether the connector's own name and type are wanted.
pub(super) fn wants_connector(query: &Query, connector: &Connector) -> bool {
    query.wants(NAME.name, &connector.name) && query.wants(TYPE.name, connector.kind.as_str())
}

/// Whether one of a connector's instances is wanted for its state, worker, class and phase.
pub(super) fn wants_instance(
    query: &Query,
    known: &Known,
    connector: &str,
    task: Option<u32>,
    instance: &Instance,
) -> bool {
    let class = || instance.failure.as_ref().map(|failure| failure.class.as_str());
    let phase = || known.unit(connector, task).map(|unit| unit.phase);
    query.wants(STATE.name, instance.state.as_str())
        && query.wants(WORKER.name, &instance.worker_id)
        && (!query.has(CLASS.name) || class().is_some_and(|word| query.wants(CLASS.name, word)))
        && (!query.has(PHASE.name) || phase().is_some_and(|word| query.wants(PHASE.name, word)))
}

/// The same of any of them.
pub(super) fn wants_any_instance(query: &Query, known: &Known, connector: &Connector) -> bool {
    let tasks = connector.tasks.iter().map(|task| (Some(task.id), &task.instance));
    std::iter::once((None, &connector.instance))
        .chain(tasks)
        .any(|(task, instance)| wants_instance(query, known, &connector.name, task, instance))
}
