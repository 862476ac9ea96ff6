//! What is known of one cluster at this moment: published whole, read by everybody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use crate::connect::model::Health;

use super::history::History;
use super::progress::Progress;
use super::snapshot::Snapshot;

/// One cluster as it is known now.
#[derive(Debug)]
pub struct ClusterView {
    /// The value of the label `connect_cluster`.
    pub cluster: Arc<str>,
    /// The last poll.
    pub poll: PollReport,
    /// The last valid snapshot; `None` before the first, and after `staleness` without another.
    /// The same one, with the same history, for as long as polls find nothing new.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Since when and how often, for what is in the snapshot.
    pub history: Arc<History>,
    /// Workers configured or seen, sorted by id.
    pub workers: Arc<Vec<WorkerView>>,
    /// How the connectors get on whose offsets are read, by name.
    pub progress: Arc<BTreeMap<Arc<str>, Progress>>,
    /// Whether a worker that answers is proven able to serve; `None` before the first proof.
    pub fresh: Option<bool>,
    /// Why it is not fresh, in words.
    pub not_fresh_because: Option<String>,
    /// The id of the Kafka cluster behind it.
    pub kafka_cluster_id: Option<Arc<str>>,
}

/// What the polls of a cluster came to.
#[derive(Clone, Debug, Default)]
pub struct PollReport {
    /// Whether the last poll gave a valid snapshot; `None` before the first.
    pub up: Option<bool>,
    /// The worker that gave the last valid snapshot.
    pub by: Option<Arc<str>>,
    /// The wall-clock time of the last valid snapshot.
    pub last_success: Option<SystemTime>,
    /// Why the last poll failed: the reason's word and the message.
    pub failure: Option<(&'static str, String)>,
    /// Polls done, good and bad.
    pub polls: u64,
    /// Polls that failed, by reason; every known reason is there from the start.
    pub failures: BTreeMap<&'static str, u64>,
    /// Polls that were not begun since the one before was still under way.
    pub skipped: u64,
    /// How long polls took, in seconds.
    pub durations: Histogram,
}

/// A histogram in plain numbers.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Upper bounds.
    pub bounds: &'static [f64],
    /// Observations at each bound, and one bucket above; not cumulative.
    pub buckets: Vec<u64>,
    /// The sum.
    pub sum: f64,
}

impl Histogram {
    /// Of nothing yet.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts one observation.
    pub fn observe(&mut self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        self.buckets[bucket.unwrap_or(self.bounds.len())] += 1;
        self.sum += value;
    }
}

/// For what takes from milliseconds to seconds.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Default for Histogram {
    fn default() -> Self {
        Self::new(SECONDS)
    }
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// `host:port`, as it stands in `worker_id`.
    pub id: Arc<str>,
    /// Whether it answers; `None`: it is not dialled, or was not yet.
    pub up: Option<bool>,
    /// Its version.
    pub version: Option<Arc<str>>,
    /// Its commit.
    pub commit: Option<Arc<str>>,
    /// What it says of its health.
    pub health: Option<Health>,
}

impl ClusterView {
    /// Whether everything that is told of connectors and tasks is as it was in `before`.
    pub fn tells_the_same_of_connectors(&self, before: &Self) -> bool {
        let same = |a: &Option<Arc<Snapshot>>, b: &Option<Arc<Snapshot>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same(&self.snapshot, &before.snapshot)
            && Arc::ptr_eq(&self.history, &before.history)
            && self.dead().eq(before.dead())
    }

    /// Whether everything that is told of the cluster is as it was in `before`; that polls were
    /// done meanwhile is no news.
    pub fn tells_the_same(&self, before: &Self) -> bool {
        let stalled = |view: &Self| {
            let all = view.progress.iter();
            all.filter(|(_, progress)| progress.stalled).map(|(name, _)| Arc::clone(name)).collect()
        };
        let same_progress = || {
            let (now, then): (BTreeSet<_>, BTreeSet<_>) = (stalled(self), stalled(before));
            Arc::ptr_eq(&self.progress, &before.progress) || now == then
        };
        self.tells_the_same_of_connectors(before)
            && (self.poll.up, &self.poll.failure) == (before.poll.up, &before.poll.failure)
            && (self.fresh, &self.not_fresh_because) == (before.fresh, &before.not_fresh_because)
            && self.workers == before.workers
            && self.kafka_cluster_id == before.kafka_cluster_id
            && same_progress()
    }

    fn dead(&self) -> impl Iterator<Item = &str> {
        self.workers.iter().filter(|w| w.up == Some(false)).map(|worker| &*worker.id)
    }

    /// Whether a `worker_id` is known not to be alive: it was dialled and did not answer.
    pub fn is_dead(&self, worker_id: &str) -> bool {
        self.workers
            .binary_search_by(|worker| (*worker.id).cmp(worker_id))
            .is_ok_and(|at| self.workers[at].up == Some(false))
    }
}
