//! What the engine learns beside the snapshot: workers that came or went, progress, probes, orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::observe::view::ClusterView;

use super::orders::Orders;
use super::policy::{Acknowledged, Probed, Progress, Silence, Time};

#[derive(Debug)]
pub(super) struct Known {
    /// Of each worker that was dialled whether it answered.
    workers: BTreeMap<Arc<str>, bool>,
    /// A worker that did not answer does, or the other way round; or something is still with one
    /// that does not.
    pub(super) rebalancing: bool,
    pub(super) progress: BTreeMap<Arc<str>, Progress>,
    progress_of: Option<Arc<BTreeMap<Arc<str>, crate::observe::progress::Progress>>>,
    pub(super) probes: BTreeMap<Arc<str>, Probed>,
    silences: Vec<Silence>,
    /// Orders that were not yet carried out.
    pub(super) acknowledged: Vec<Acknowledged>,
    acknowledged_until: Time,
}

impl Known {
    pub(super) fn new(now: Time) -> Self {
        Self {
            workers: BTreeMap::new(),
            rebalancing: false,
            progress: BTreeMap::new(),
            progress_of: None,
            probes: BTreeMap::new(),
            silences: Vec::new(),
            acknowledged: Vec::new(),
            acknowledged_until: now,
        }
    }

    pub(super) fn see(&mut self, view: &ClusterView, cluster: &str, orders: &Orders, now: Time) {
        self.rebalancing = self.workers_changed(view) || has_orphans(view);
        if self.progress_of.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &view.progress)) {
            self.progress_of = Some(Arc::clone(&view.progress));
            let progress = view.progress.iter().map(|(name, progress)| {
                let last = progress.last.duration_since(UNIX_EPOCH).unwrap_or_default();
                (Arc::clone(name), Progress { last, stalled: progress.stalled })
            });
            self.progress = progress.collect();
        }
        let given = orders.read();
        self.silences = given.silences_of(cluster, now);
        self.acknowledged.clear();
        // Orders wait for a snapshot that they can be carried out on.
        if view.poll.up == Some(true) && view.snapshot.is_some() {
            for (order, by, at) in given.acknowledged_of(cluster, self.acknowledged_until, now) {
                tracing::info!(
                    cluster,
                    connector = &*order.connector,
                    task = order.task,
                    by,
                    "acknowledged: it is tried afresh"
                );
                self.acknowledged.push(order);
                self.acknowledged_until = self.acknowledged_until.max(at);
            }
        }
    }

    /// That a worker is dialled for the first time is no change.
    fn workers_changed(&mut self, view: &ClusterView) -> bool {
        let mut changed = false;
        for worker in view.workers.iter() {
            let Some(up) = worker.up else { continue };
            match self.workers.get_mut(&worker.id) {
                Some(before) => changed |= std::mem::replace(before, up) != up,
                None => drop(self.workers.insert(Arc::clone(&worker.id), up)),
            }
        }
        changed
    }

    /// The configured ones and those that were ordered.
    pub(super) fn silences(&self, mut configured: Vec<Silence>) -> Vec<Silence> {
        configured.extend(self.silences.iter().cloned());
        configured
    }

    pub(super) fn probed(&mut self, (target, reachable): (Arc<str>, bool), now: Time) {
        self.probes.insert(target, Probed { at: now, reachable });
    }
}

/// Whether something is with a worker that does not answer. Until it is moved, which takes
/// `scheduled.rebalance.max.delay.ms` (5 min by default), its state is that of before, and a restart
/// of it is refused.
fn has_orphans(view: &ClusterView) -> bool {
    if view.workers.iter().all(|worker| worker.up != Some(false)) {
        return false;
    }
    let connectors = view.snapshot.iter().flat_map(|snapshot| &snapshot.connectors);
    connectors.into_iter().any(|connector| {
        view.is_dead(&connector.instance.worker_id)
            || connector.tasks.iter().any(|task| view.is_dead(&task.instance.worker_id))
    })
}
