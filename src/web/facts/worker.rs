//! Workers.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::connect::model::Health;

use super::{Known, Severity};

/// One worker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerFacts {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// `host:port`, as it stands in `worker_id`.
    pub id: Arc<str>,
    /// Whether it answers; null: it is not dialled, or was not yet.
    pub up: Option<bool>,
    /// Its version.
    pub version: Option<Arc<str>>,
    /// The commit it was built from.
    pub commit: Option<Arc<str>>,
    /// What it says of its health, or what was found out.
    pub health: Option<Health>,
    /// Connectors' own instances on it.
    pub connectors: usize,
    /// Tasks on it.
    pub tasks: usize,
    /// Tasks on it that are FAILED.
    pub tasks_failed: usize,
    /// Whether others of the cluster have another version.
    pub version_skew: bool,
    /// How much it matters.
    pub severity: Severity,
}

impl WorkerFacts {
    /// Those of a cluster, sorted by id.
    pub fn all(known: &Known) -> Vec<Self> {
        let workers = &known.view.workers;
        let mut all: Vec<_> = workers
            .iter()
            .map(|worker| Self {
                cluster: Arc::clone(&known.view.cluster),
                id: Arc::clone(&worker.id),
                up: worker.up,
                version: worker.version.clone(),
                commit: worker.commit.clone(),
                health: worker.health,
                connectors: 0,
                tasks: 0,
                tasks_failed: 0,
                version_skew: workers.iter().any(|other| {
                    other.version.is_some()
                        && worker.version.is_some()
                        && other.version != worker.version
                }),
                severity: Severity::Fine,
            })
            .collect();
        for connector in known.connectors() {
            if let Some(worker) = find(&mut all, &connector.instance.worker_id) {
                worker.connectors += 1;
            }
            for task in &connector.tasks {
                if let Some(worker) = find(&mut all, &task.instance.worker_id) {
                    worker.tasks += 1;
                    worker.tasks_failed += usize::from(task.instance.failure.is_some());
                }
            }
        }
        for worker in &mut all {
            worker.severity = worker.judged();
        }
        all
    }

    fn judged(&self) -> Severity {
        let down = self.up == Some(false);
        let unwell = matches!(self.health, Some(Health::Unhealthy | Health::Starting));
        match (down, unwell || self.version_skew) {
            (true, _) => Severity::Critical,
            (false, true) => Severity::Warning,
            (false, false) => Severity::Fine,
        }
    }
}

/// They are sorted by id.
fn find<'w>(all: &'w mut [WorkerFacts], id: &str) -> Option<&'w mut WorkerFacts> {
    let at = all.binary_search_by(|worker| (*worker.id).cmp(id)).ok()?;
    all.get_mut(at)
}
