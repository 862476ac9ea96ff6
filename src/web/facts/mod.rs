//! What is told of clusters, connectors, tasks, failures and workers: put together from the views,
//! in the words and the order in which both the API and the page tell it.
//!
//! In, a [`ClusterView`] and its watchdog's; out, plain values that are written as JSON or rendered.
//! Texts that came from a cluster are masked here, once. Nothing here waits for anything.

mod cluster;
mod connector;
mod detail;
mod failure;
mod history;
mod moment;
mod order;
mod plan;
mod severity;
mod worker;

use std::sync::Arc;

use crate::observe::snapshot::Connector;
use crate::observe::view::ClusterView;
use crate::watchdog::policy::UnitReport;
use crate::watchdog::view::WatchdogView;

pub use cluster::{ClusterFacts, ClusterTrouble, StateCount};
pub use connector::{ConnectorFacts, TaskFacts};
pub use detail::{ConnectorDetail, FailureDetail, UnitDetail};
pub use failure::{AnswerFacts, FailureFacts, UnitFacts};
pub use history::{SpellFacts, UnitHistory};
pub use moment::Moment;
pub use order::{KillSwitchFacts, SilenceFacts, StopFacts};
pub use plan::{BreakerFacts, PlanFacts, PlannedUnit, StoodDownFacts, UnitName};
pub use severity::Severity;
pub use worker::WorkerFacts;

/// One cluster as it is known now, with what its watchdog makes of it.
#[derive(Clone, Debug)]
pub struct Known {
    /// What was seen.
    pub view: Arc<ClusterView>,
    /// What the watchdog found; `None` where it is off, or did not look yet.
    pub watchdog: Option<Arc<WatchdogView>>,
}

impl Known {
    /// The connectors of the last valid snapshot, sorted by name.
    pub fn connectors(&self) -> &[Connector] {
        self.view.snapshot.as_ref().map_or(&[], |snapshot| &snapshot.connectors)
    }

    /// One connector by its name.
    pub fn connector(&self, name: &str) -> Option<&Connector> {
        let all = self.connectors();
        let at = all.binary_search_by(|connector| (*connector.name).cmp(name)).ok()?;
        Some(&all[at])
    }

    /// The same for whoever is told of it.
    pub fn unit_facts(&self, unit: &UnitReport) -> UnitFacts {
        let call = self.watchdog.as_ref().and_then(|watchdog| watchdog.call(unit));
        UnitFacts::of(unit, call)
    }

    /// What the watchdog has to say of a unit; `None` where that is healthy.
    pub fn unit(&self, connector: &str, task: Option<u32>) -> Option<&UnitReport> {
        let units = &self.watchdog.as_ref()?.report.units;
        let key = (connector, task);
        let at = units.binary_search_by(|unit| (&*unit.connector, unit.task).cmp(&key)).ok()?;
        Some(&units[at])
    }
}
