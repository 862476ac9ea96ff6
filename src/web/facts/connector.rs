//! Connectors and tasks.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Instance};

use super::failure::severity;
use super::{Known, Moment, Severity};

/// One connector, with its tasks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorFacts {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Source or sink.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
    /// `connector.class`; empty where it was not read.
    pub class: Arc<str>,
    /// The plugin's version; empty where the worker does not tell.
    pub version: Arc<str>,
    /// The state of its own instance.
    pub state: State,
    /// The worker that runs its own instance.
    pub worker_id: Arc<str>,
    /// Since when its own instance is in that state, as far as it was seen.
    pub since: Option<Moment>,
    /// How many tasks its configuration came to; null where that was not read.
    pub tasks_expected: Option<u32>,
    /// `tasks.max`; null where that was not read.
    pub tasks_max: Option<u32>,
    /// Whether its offsets stand still though it runs; null where that is not watched.
    pub stalled: Option<bool>,
    /// How much the worst of it matters.
    pub severity: Severity,
    /// Its tasks, by id.
    pub tasks: Vec<TaskFacts>,
}

/// One task.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskFacts {
    /// Its number.
    pub id: u32,
    /// Its state.
    pub state: State,
    /// The worker that wrote the state.
    pub worker_id: Arc<str>,
    /// Since when, as far as it was seen.
    pub since: Option<Moment>,
    /// Whether its worker is known not to be alive, so that the state is of before.
    pub orphaned: bool,
    /// How much it matters.
    pub severity: Severity,
}

impl ConnectorFacts {
    /// Of this connector.
    pub fn of(known: &Known, connector: &Connector) -> Self {
        let tasks: Vec<_> = connector
            .tasks
            .iter()
            .map(|task| TaskFacts {
                id: task.id,
                state: task.instance.state,
                worker_id: Arc::clone(&task.instance.worker_id),
                since: since(known, connector, Some(task.id)),
                orphaned: known.view.is_dead(&task.instance.worker_id),
                severity: of_instance(known, connector, Some(task.id), &task.instance),
            })
            .collect();
        let stalled = known.view.progress.get(&connector.name).map(|progress| progress.stalled);
        let own = of_instance(known, connector, None, &connector.instance);
        let worst = tasks.iter().map(|task| task.severity).fold(own, Severity::max);
        let missing = connector.instance.state == State::Running
            && connector.tasks_expected.is_some_and(|expected| tasks.len() < expected as usize);
        let odd = missing || stalled == Some(true) || tasks.is_empty() && runs(connector);
        Self {
            cluster: Arc::clone(&known.view.cluster),
            name: Arc::clone(&connector.name),
            kind: connector.kind,
            class: Arc::clone(&connector.class),
            version: Arc::clone(&connector.version),
            state: connector.instance.state,
            worker_id: Arc::clone(&connector.instance.worker_id),
            since: since(known, connector, None),
            tasks_expected: connector.tasks_expected,
            tasks_max: connector.tasks_max,
            stalled,
            severity: if odd { worst.max(Severity::Warning) } else { worst },
            tasks,
        }
    }
}

fn runs(connector: &Connector) -> bool {
    connector.instance.state == State::Running
}

fn since(known: &Known, connector: &Connector, task: Option<u32>) -> Option<Moment> {
    known.record(&connector.name, task).map(|record| record.from().into())
}

fn of_instance(
    known: &Known,
    connector: &Connector,
    task: Option<u32>,
    instance: &Instance,
) -> Severity {
    match instance.state {
        State::Failed => severity(known.unit(&connector.name, task)),
        State::Unassigned | State::Restarting | State::Unknown => Severity::Warning,
        State::Running if known.view.is_dead(&instance.worker_id) => Severity::Warning,
        State::Running | State::Paused | State::Stopped => Severity::Fine,
    }
}
