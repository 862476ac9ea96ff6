//! What the engine learns beside the snapshot: workers that came or went, progress, probes, orders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::observe::view::ClusterView;

use super::orders::Orders;
use super::policy::{Acknowledged, Probed, Progress, Silence, Time};

#[derive(Debug)]
pub(super) struct Known {
    workers_up: Vec<Arc<str>>,
    /// Other workers answer than at the last look.
    pub(super) workers_changed: bool,
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
            workers_up: Vec::new(),
            workers_changed: false,
            progress: BTreeMap::new(),
            progress_of: None,
            probes: BTreeMap::new(),
            silences: Vec::new(),
            acknowledged: Vec::new(),
            acknowledged_until: now,
        }
    }

    pub(super) fn see(&mut self, view: &ClusterView, cluster: &str, orders: &Orders, now: Time) {
        let up = view.workers.iter().filter(|worker| worker.up == Some(true));
        let up: Vec<_> = up.map(|worker| Arc::clone(&worker.id)).collect();
        self.workers_changed = !self.workers_up.is_empty() && up != self.workers_up;
        self.workers_up = up;
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

    /// The configured ones and those that were ordered.
    pub(super) fn silences(&self, mut configured: Vec<Silence>) -> Vec<Silence> {
        configured.extend(self.silences.iter().cloned());
        configured
    }

    pub(super) fn probed(&mut self, (target, reachable): (Arc<str>, bool), now: Time) {
        self.probes.insert(target, Probed { at: now, reachable });
    }
}
