//! What the engine learns beside the snapshot: workers that came or went, progress, probes, orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::observe::view::ClusterView;

use super::orders::Now;
use super::policy::{Acknowledged, Probed, Progress, Silence, Time};

/// So long it is remembered which orders were heeded; they count for ten minutes.
const DAY: Duration = Duration::from_secs(24 * 3600);

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
    configured: Vec<Arc<Silence>>,
    /// Silences that are in force.
    pub(super) silences: Vec<Arc<Silence>>,
    /// Orders that were not yet carried out.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Whose they are, in the same order.
    pub(super) acknowledged_by: Vec<String>,
    /// When the process began, until the first look: what was ordered before is not for it.
    began: Option<Time>,
    /// When those orders were given that count no more; no two have the same time. A clock that was
    /// set back is no reason not to heed what is ordered by it, so that the last is not enough.
    heeded: BTreeSet<Time>,
}

impl Known {
    pub(super) fn new(configured: Vec<Silence>, wall: Time) -> Self {
        Self {
            workers: BTreeMap::new(),
            rebalancing: false,
            progress: BTreeMap::new(),
            progress_of: None,
            probes: BTreeMap::new(),
            configured: configured.into_iter().map(Arc::new).collect(),
            silences: Vec::new(),
            acknowledged: Vec::new(),
            acknowledged_by: Vec::new(),
            began: Some(wall),
            heeded: BTreeSet::new(),
        }
    }

    /// `wall` is what the wall clock says, which persons go by.
    pub(super) fn see(&mut self, view: &ClusterView, given: &Now, wall: Time) {
        self.rebalancing = self.workers_changed(view) || has_orphans(view);
        if self.progress_of.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &view.progress)) {
            self.progress_of = Some(Arc::clone(&view.progress));
            let progress = view.progress.iter().map(|(name, progress)| {
                let last = progress.last.duration_since(UNIX_EPOCH).unwrap_or_default();
                (Arc::clone(name), Progress { last, stalled: progress.stalled })
            });
            self.progress = progress.collect();
        }
        self.order(
            &view.cluster,
            view.poll.up == Some(true) && view.snapshot.is_some(),
            given,
            wall,
        );
    }

    fn order(&mut self, cluster: &str, can_be_carried_out: bool, given: &Now, wall: Time) {
        let silences = self.configured.iter().cloned().chain(given.silences_of(cluster, wall));
        self.silences = silences.filter(|silence| silence.is_in_force(wall)).collect();
        self.acknowledged.clear();
        self.acknowledged_by.clear();
        if let Some(began) = self.began.take() {
            let all = given.given.acknowledged.iter().map(|order| order.at);
            self.heeded.extend(all.filter(|at| *at <= began));
        }
        self.heeded.retain(|at| wall.saturating_sub(*at) <= DAY);
        // Orders wait for a snapshot that they can be carried out on.
        if can_be_carried_out {
            for (order, by, at) in given.acknowledged_of(cluster, wall) {
                if !self.heeded.insert(at) {
                    continue;
                }
                self.acknowledged.push(order);
                self.acknowledged_by.push(by);
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

#[cfg(test)]
mod tests {
    use super::super::orders::{Broken, Orders};
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOON: Time = Duration::from_secs(1_795_521_600);

    /// The clock was set forth or back since the process began.
    #[test]
    fn what_a_person_orders_counts_by_the_wall_clock() {
        for began in [NOON - 3 * HOUR, NOON + 3 * HOUR] {
            let folder = tempfile::tempdir().unwrap();
            let orders = Orders::at(folder.path().join("orders"));
            let give = |at| {
                let given = orders.change(Broken::Refuse, at, |given| {
                    given.acknowledge("a", "c", None, "ann", at)?;
                    given.silence(None, "c", HOUR, "moved", "ann", at)
                });
                given.unwrap();
            };
            let mut known = Known::new(Vec::new(), began);
            known.order("a", true, &Now::default(), began);
            give(NOON);
            known.order("a", false, &orders.read(), NOON);
            assert_eq!((known.silences.len(), known.acknowledged.len()), (1, 0), "no snapshot");
            known.order("a", true, &orders.read(), NOON);
            assert_eq!((known.silences.len(), known.acknowledged.len()), (1, 1), "{began:?}");
            known.order("a", true, &orders.read(), NOON + HOUR / 60);
            assert_eq!(known.acknowledged.len(), 0, "once");
            give(NOON + HOUR / 60);
            known.order("a", true, &orders.read(), NOON + HOUR / 60);
            assert_eq!((known.silences.len(), known.acknowledged.len()), (2, 1));
            known.order("a", true, &orders.read(), NOON + HOUR);
            assert_eq!(known.silences.len(), 1, "one has ended");
        }
    }

    #[test]
    fn what_was_ordered_before_the_process_began_is_not_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders::at(folder.path().join("orders"));
        for (at, count) in [(NOON - HOUR / 60, 0), (NOON + HOUR / 60, 1)] {
            let given = orders
                .change(Broken::Refuse, at, |given| given.acknowledge("a", "c", None, "ann", at));
            given.unwrap();
            let mut known = Known::new(Vec::new(), NOON);
            known.order("a", true, &orders.read(), NOON + HOUR / 30);
            assert_eq!(known.acknowledged.len(), count);
        }
    }

    #[test]
    fn a_configured_silence_is_in_force_while_it_lasts() {
        let silence = Silence { selector: Default::default(), from: NOON, until: NOON + HOUR };
        let mut known = Known::new(vec![silence], NOON - HOUR);
        let mut count = |wall| {
            known.order("a", true, &Now::default(), wall);
            known.silences.len()
        };
        let times = [NOON - HOUR, NOON, NOON + HOUR / 2, NOON + HOUR];
        assert_eq!(times.map(&mut count), [0, 1, 1, 0]);
    }
}
