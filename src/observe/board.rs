//! Where polls, liveness and proofs of one cluster come together: each changes its part, the whole
//! is published as one [`ClusterView`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::connect::model::{Health, ServerInfo};

use super::history::History;
use super::poll::PollFailure;
use super::progress::Progress;
use super::snapshot::Snapshot;
use super::view::{ClusterView, PollReport, WorkerView};
use super::workers::Proof;

/// The parts of one cluster's view.
#[derive(Debug)]
pub(super) struct Board {
    parts: Mutex<Parts>,
    view: watch::Sender<Arc<ClusterView>>,
    staleness: Duration,
}

#[derive(Debug)]
struct Parts {
    cluster: Arc<str>,
    poll: PollReport,
    snapshot: Option<Arc<Snapshot>>,
    snapshot_at: Option<Instant>,
    history: Arc<History>,
    kafka_cluster_id: Option<Arc<str>>,
    workers: BTreeMap<Arc<str>, Worker>,
    progress: Arc<BTreeMap<Arc<str>, Progress>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Worker {
    configured: bool,
    up: Option<bool>,
    version: Option<Arc<str>>,
    commit: Option<Arc<str>>,
    proof: Option<Proof>,
}

impl Board {
    pub(super) fn new<'w>(
        cluster: &str,
        configured: impl Iterator<Item = &'w str>,
        staleness: Duration,
    ) -> Self {
        let parts = Parts {
            cluster: cluster.into(),
            poll: PollReport {
                failures: PollFailure::REASONS.into_iter().map(|reason| (reason, 0)).collect(),
                ..PollReport::default()
            },
            snapshot: None,
            snapshot_at: None,
            history: Arc::default(),
            kafka_cluster_id: None,
            progress: Arc::default(),
            workers: configured
                .map(|id| (id.into(), Worker { configured: true, ..Worker::default() }))
                .collect(),
        };
        let (view, _) = watch::channel(Arc::new(parts.view()));
        Self { parts: Mutex::new(parts), view, staleness }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<ClusterView>> {
        self.view.subscribe()
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn skipped(&self, polls: u64) {
        self.parts().poll.skipped += polls;
    }

    /// A poll ended. Says whether the cluster's `up` changed by it.
    pub(super) fn polled(
        &self,
        outcome: Result<(Arc<str>, Snapshot), PollFailure>,
        took: Duration,
    ) -> Option<bool> {
        let mut parts = self.parts();
        let before = parts.poll.up;
        parts.poll.polls += 1;
        parts.poll.durations.observe(took.as_secs_f64());
        match outcome {
            Ok((by, snapshot)) => {
                let now = SystemTime::now();
                parts.poll.up = Some(true);
                parts.poll.by = Some(by);
                parts.poll.last_success = Some(now);
                parts.poll.failure = None;
                // Most polls find what the one before found: those who hold that are spared work.
                if parts.snapshot.as_deref() != Some(&snapshot) {
                    parts.history = Arc::new(parts.history.after(&snapshot, now));
                    parts.see_workers(&snapshot);
                    parts.snapshot = Some(Arc::new(snapshot));
                }
                parts.snapshot_at = Some(Instant::now());
            }
            Err(failure) => {
                parts.poll.up = Some(false);
                *parts.poll.failures.entry(failure.reason).or_default() += 1;
                parts.poll.failure = Some((failure.reason, failure.message));
            }
        }
        let age = parts.snapshot_at.map(|at| at.elapsed());
        if age.is_some_and(|age| age >= self.staleness) {
            parts.snapshot = None;
            parts.progress = Arc::default();
        }
        let after = parts.poll.up;
        self.publish(&parts);
        if before == after { None } else { after }
    }

    pub(super) fn answered(&self, id: &str, up: bool, info: Option<&ServerInfo>) {
        self.change(id, |worker| {
            worker.up = Some(up);
            if let Some(info) = info {
                worker.version = Some(info.version.as_str().into());
                worker.commit = info.commit.as_deref().map(Into::into);
            }
            if !up {
                worker.proof = Some(Proof {
                    health: Health::Unreachable,
                    serves: Some(false),
                    because: Some("it does not answer".to_owned()),
                });
            }
        });
        let kafka = info.and_then(|info| info.kafka_cluster_id.as_deref());
        let mut parts = self.parts();
        if kafka.is_some() && parts.kafka_cluster_id.as_deref() != kafka {
            parts.kafka_cluster_id = kafka.map(Into::into);
            self.publish(&parts);
        }
    }

    pub(super) fn proved(&self, id: &str, proof: Proof) {
        self.change(id, |worker| worker.proof = Some(proof));
    }

    /// What a round over the offsets found.
    pub(super) fn progressed(&self, progress: BTreeMap<Arc<str>, Progress>) {
        let mut parts = self.parts();
        if *parts.progress != progress {
            parts.progress = Arc::new(progress);
            self.publish(&parts);
        }
    }

    /// A worker's version as it said last, if it answers.
    pub(super) fn version_of(&self, id: &str) -> Option<Arc<str>> {
        let parts = self.parts();
        parts.workers.get(id).filter(|w| w.up == Some(true)).and_then(|w| w.version.clone())
    }

    /// Ids seen in the last snapshot that are not configured.
    pub(super) fn seen_only(&self) -> Vec<Arc<str>> {
        let parts = self.parts();
        let seen = parts.workers.iter().filter(|(_, worker)| !worker.configured);
        seen.map(|(id, _)| Arc::clone(id)).collect()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Worker)) {
        let mut parts = self.parts();
        let Some(worker) = parts.workers.get_mut(id) else { return };
        let before = worker.clone();
        change(worker);
        if *worker != before {
            self.publish(&parts);
        }
    }

    fn publish(&self, parts: &Parts) {
        self.view.send_replace(Arc::new(parts.view()));
    }
}

impl Parts {
    /// Adds workers that are named in the snapshot, drops those that no longer are.
    fn see_workers(&mut self, snapshot: &Snapshot) {
        let instances = snapshot.connectors.iter().flat_map(|connector| {
            let tasks = connector.tasks.iter().map(|task| &task.instance);
            std::iter::once(&connector.instance).chain(tasks)
        });
        let mut seen = BTreeSet::new();
        let mut last: Option<&Arc<str>> = None;
        for instance in instances {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &instance.worker_id)) {
                seen.insert(Arc::clone(&instance.worker_id));
                last = Some(&instance.worker_id);
            }
        }
        self.workers.retain(|id, worker| worker.configured || seen.contains(id));
        for id in seen {
            if !id.is_empty() {
                self.workers.entry(id).or_default();
            }
        }
    }

    fn view(&self) -> ClusterView {
        let proofs = || self.workers.iter().filter_map(|(id, w)| Some((id, w.proof.as_ref()?)));
        let fresh = if proofs().any(|(_, proof)| proof.serves == Some(true)) {
            Some(true)
        } else {
            proofs().any(|(_, proof)| proof.serves == Some(false)).then_some(false)
        };
        let reasons = proofs().filter_map(|(id, proof)| {
            proof.because.as_ref().map(|because| format!("{id}: {because}"))
        });
        let workers = self.workers.iter().map(|(id, worker)| WorkerView {
            id: Arc::clone(id),
            up: worker.up,
            version: worker.version.clone(),
            commit: worker.commit.clone(),
            health: worker.proof.as_ref().map(|proof| proof.health),
        });
        ClusterView {
            cluster: Arc::clone(&self.cluster),
            poll: self.poll.clone(),
            snapshot: self.snapshot.clone(),
            history: Arc::clone(&self.history),
            workers: Arc::new(workers.collect()),
            progress: Arc::clone(&self.progress),
            fresh,
            not_fresh_because: (fresh == Some(false))
                .then(|| reasons.collect::<Vec<_>>().join("; ")),
            kafka_cluster_id: self.kafka_cluster_id.clone(),
        }
    }
}
