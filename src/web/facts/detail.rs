//! All that is known of one connector without asking its cluster.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::observe::snapshot::Connector;
use crate::redact::redact;

use super::{ConnectorFacts, FailureFacts, Known, UnitFacts, UnitHistory};

/// One connector in full.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorDetail {
    /// What the lists tell of it.
    pub connector: ConnectorFacts,
    /// Its instances that are FAILED, each with its trace.
    pub failures: Vec<FailureDetail>,
    /// What the watchdog makes of its units that are not healthy; also of those that run again.
    pub watchdog: Vec<UnitDetail>,
    /// The states that were seen.
    pub history: Vec<UnitHistory>,
}

/// One that is FAILED, with its trace.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FailureDetail {
    /// What the lists tell of it.
    #[serde(flatten)]
    pub failure: FailureFacts,
    /// The name of the rule that told its class; empty where none fits.
    pub class_rule: Arc<str>,
    /// The trace, shortened; what looks like a secret is masked.
    pub trace: String,
}

/// What the watchdog makes of one unit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitDetail {
    /// The task; null: the connector's own instance.
    pub task: Option<u32>,
    /// The rest of it.
    #[serde(flatten)]
    pub unit: UnitFacts,
}

impl ConnectorDetail {
    /// Of this connector.
    pub fn of(known: &Known, connector: &Connector) -> Self {
        let own = std::iter::once((None, &connector.instance));
        let tasks = connector.tasks.iter().map(|task| (Some(task.id), &task.instance));
        let failures = own.chain(tasks).filter_map(|(task, instance)| {
            let failure = instance.failure.as_ref()?;
            Some(FailureDetail {
                failure: FailureFacts::of(known, &connector.name, task, instance)?,
                class_rule: Arc::clone(&failure.rule),
                trace: redact(&failure.trace).into_owned(),
            })
        });
        let units = known.watchdog.iter().flat_map(|watchdog| &watchdog.report.units);
        let units = units.filter(|unit| unit.connector == connector.name);
        Self {
            connector: ConnectorFacts::of(known, connector),
            failures: failures.collect(),
            watchdog: units
                .map(|unit| UnitDetail { task: unit.task, unit: known.unit_facts(unit) })
                .collect(),
            history: UnitHistory::all(known, &connector.name).unwrap_or_default(),
        }
    }
}
