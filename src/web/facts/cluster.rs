//! A cluster as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::WatchdogMode;
use crate::connect::model::State;

use super::failure::severity;
use super::{Known, Moment, Severity};

/// One cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterFacts {
    /// Its name.
    pub name: Arc<str>,
    /// Whether the last poll gave a valid snapshot; null before the first.
    pub up: Option<bool>,
    /// Whether a worker is proven able to serve; null before the first proof.
    pub fresh: Option<bool>,
    /// When the last valid snapshot was taken.
    pub last_poll_success: Option<Moment>,
    /// Polls done, good and bad.
    pub polls: u64,
    /// The id of the Kafka cluster behind it.
    pub kafka_cluster_id: Option<Arc<str>>,
    /// The versions of its workers, each once.
    pub versions: BTreeSet<Arc<str>>,
    /// Workers that are known.
    pub workers: usize,
    /// Workers that answer.
    pub workers_up: usize,
    /// Connectors by state; empty while there is no valid snapshot.
    pub connectors: Vec<StateCount>,
    /// Tasks by state; empty while there is no valid snapshot.
    pub tasks: Vec<StateCount>,
    /// FAILED instances: connectors' own and tasks.
    pub failures: usize,
    /// Of those, the ones that need a person.
    pub failures_for_a_person: usize,
    /// `off`, `dry-run` or `on`.
    pub watchdog_mode: &'static str,
    /// What is wrong with the cluster itself, the worst first.
    pub trouble: Vec<ClusterTrouble>,
    /// How much the worst of all this matters.
    pub severity: Severity,
}

/// How many are in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateCount {
    /// The state.
    pub state: State,
    /// How many are in it.
    pub count: usize,
}

/// Something that is wrong with a cluster itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterTrouble {
    /// A word such as `unreachable`, `not_fresh`, `worker_down`, `held`.
    pub what: &'static str,
    /// In a sentence.
    pub says: String,
    /// How much it matters.
    pub severity: Severity,
}

impl ClusterFacts {
    /// Of this cluster.
    pub fn of(known: &Known) -> Self {
        let view = &known.view;
        let there = view.snapshot.is_some();
        let all = known.connectors();
        let count = |states: &[State], of: &dyn Fn(State) -> usize| -> Vec<StateCount> {
            let counts = states.iter().map(|state| StateCount { state: *state, count: of(*state) });
            if there { counts.collect() } else { Vec::new() }
        };
        let connectors = count(&State::OF_CONNECTORS, &|state| {
            all.iter().filter(|connector| connector.instance.state == state).count()
        });
        let tasks = count(&State::OF_TASKS, &|state| {
            let tasks = all.iter().flat_map(|connector| &connector.tasks);
            tasks.filter(|task| task.instance.state == state).count()
        });
        let failed = || known.failed().map(|(name, task, _)| severity(known.unit(name, task)));
        let trouble = trouble(known);
        let worst = trouble.iter().map(|trouble| trouble.severity).chain(failed()).max();
        let workers_up = view.workers.iter().filter(|worker| worker.up == Some(true)).count();
        let mode = known.watchdog.as_ref().map_or(WatchdogMode::Off, |watchdog| watchdog.mode);
        Self {
            name: Arc::clone(&view.cluster),
            up: view.poll.up,
            fresh: view.fresh,
            last_poll_success: view.poll.last_success.map(Moment::from),
            polls: view.poll.polls,
            kafka_cluster_id: view.kafka_cluster_id.clone(),
            versions: view.workers.iter().filter_map(|worker| worker.version.clone()).collect(),
            workers: view.workers.len(),
            workers_up,
            connectors,
            tasks,
            failures: failed().count(),
            failures_for_a_person: failed().filter(|worst| *worst == Severity::Critical).count(),
            watchdog_mode: mode.as_str(),
            trouble,
            severity: worst.unwrap_or_default(),
        }
    }
}

fn trouble(known: &Known) -> Vec<ClusterTrouble> {
    let view = &known.view;
    let mut all = Vec::new();
    let mut add = |what, severity, says: String| all.push(ClusterTrouble { what, says, severity });
    match (view.poll.up, &view.poll.failure) {
        (Some(false), failure) => {
            let why = failure.as_ref().map_or("the last poll failed", |(_, message)| message);
            add("unreachable", Severity::Critical, why.to_owned());
        }
        (None, _) => add("not_polled", Severity::Warning, "it was not polled yet".to_owned()),
        (Some(true), _) => {}
    }
    if view.fresh == Some(false) {
        let because = view.not_fresh_because.as_deref().unwrap_or_default();
        let says =
            format!("no worker is proven able to serve, so that the states may be old: {because}");
        add("not_fresh", Severity::Critical, says);
    }
    for worker in view.workers.iter().filter(|worker| worker.up == Some(false)) {
        add("worker_down", Severity::Critical, format!("the worker {} does not answer", worker.id));
    }
    if let Some(watchdog) = &known.watchdog {
        if let Some(because) = &watchdog.stopped_because {
            add("stopped", Severity::Warning, format!("the kill switch is on: {because}"));
        } else if let Some(because) = &watchdog.hold_because {
            let says = format!("nothing is restarted now: {because}");
            add("held", Severity::Warning, says);
        }
    }
    all.sort_by_key(|trouble| std::cmp::Reverse(trouble.severity));
    all
}
