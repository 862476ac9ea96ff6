//! All that a page is made from, so that it can be made on another thread.

use std::sync::Arc;
use std::time::SystemTime;

use crate::watchdog::office::Office;

use super::super::details::ConnectorDetails;
use super::super::facts::{ClusterFacts, Known, Severity};
use super::super::paths::Paths;
use super::super::routes::App;
use super::viewer::Viewer;

/// What is known at one moment, and where links lead.
pub(super) struct Scene {
    pub(super) known: Vec<Known>,
    pub(super) clusters: Vec<ClusterFacts>,
    pub(super) office: Arc<Office>,
    pub(super) paths: Arc<Paths>,
    pub(super) telemetry_path: String,
    pub(super) now: SystemTime,
    /// The sum of the generations that the script compares with those of the live stream.
    pub(super) told: u64,
    pub(super) viewer: Viewer,
    /// What was fetched of the connector that the page is about; `None`: nothing, or not in time.
    pub(super) details: Option<Arc<ConnectorDetails>>,
}

impl Scene {
    pub(super) fn of(app: &App, viewer: Viewer) -> Self {
        // Before what is known: a change between the two is then looked at twice, not missed.
        let told = app.exporter.generations().values().sum();
        let known = app.known();
        Self {
            clusters: known.iter().map(ClusterFacts::of).collect(),
            known,
            office: Arc::clone(&app.office),
            paths: Arc::clone(&app.paths),
            telemetry_path: app.telemetry_path.clone(),
            now: SystemTime::now(),
            told,
            viewer,
            details: None,
        }
    }

    /// The cluster of this name.
    pub(super) fn cluster(&self, name: &str) -> Option<&Known> {
        self.known.iter().find(|known| &*known.view.cluster == name)
    }

    /// The worst of all clusters.
    pub(super) fn severity(&self) -> Severity {
        self.clusters.iter().map(|cluster| cluster.severity).max().unwrap_or_default()
    }

    /// FAILED instances that need a person, and all.
    pub(super) fn failures(&self) -> (usize, usize) {
        let sum = |of: &dyn Fn(&ClusterFacts) -> usize| self.clusters.iter().map(of).sum();
        (sum(&|cluster| cluster.failures_for_a_person), sum(&|cluster| cluster.failures))
    }

    /// Whether names of clusters are worth telling.
    pub(super) fn is_of_many(&self) -> bool {
        self.known.len() > 1
    }
}
