//! What the watchdogs of all clusters share: the kill switch, the budget of the process, whether any
//! cluster can be reached at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::audit::Audit;
use super::journal::Store;
use super::orders::Orders;
use super::policy::{Bucket, Time};
use super::probe::Prober;

/// Shared by the engines of all clusters.
#[derive(Debug)]
pub struct Office {
    /// Where what is done is made durable; `None` where nothing is done.
    pub store: Option<Arc<Mutex<dyn Store>>>,
    /// Nothing is done for so long after what was done before was found to be lost.
    pub journal_lost_hold: Duration,
    /// While it is on nothing is restarted.
    pub kill_switch: Arc<KillSwitch>,
    /// What all clusters together may do.
    pub budget: ProcessBudget,
    /// Whether any cluster can be reached.
    pub reach: Reach,
    /// Asks dependencies whether they are back.
    pub prober: Option<Arc<Prober>>,
    /// What was decided and done.
    pub audit: Arc<Audit>,
    /// What people want.
    pub orders: Arc<Orders>,
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops every restart at once: a file that is there, an order, or a signal.
#[derive(Debug)]
pub struct KillSwitch {
    file: Option<PathBuf>,
    orders: Arc<Orders>,
    by_signal: AtomicBool,
}

impl KillSwitch {
    /// On while this file is there, or somebody ordered it.
    pub fn new(file: Option<PathBuf>, orders: Arc<Orders>) -> Self {
        Self { file, orders, by_signal: AtomicBool::new(false) }
    }

    /// By a signal.
    pub fn turn(&self, on: bool) {
        self.by_signal.store(on, Ordering::SeqCst);
    }

    /// Why nothing may be sent now, if so. What cannot be looked at counts as on.
    pub fn is_on(&self) -> Option<String> {
        if self.by_signal.load(Ordering::SeqCst) {
            return Some("a signal told it to stop".to_owned());
        }
        if let Some(because) = self.orders.read().stop.clone() {
            return Some(because);
        }
        let file = self.file.as_ref()?;
        match file.try_exists() {
            Ok(false) => None,
            Ok(true) => Some(format!("{} is there", file.display())),
            Err(error) => Some(format!("{} cannot be looked for: {error}", file.display())),
        }
    }
}

/// Restarts of all clusters together.
#[derive(Debug)]
pub struct ProcessBudget {
    limits: (u32, u32),
    state: Mutex<(Option<Bucket>, u32)>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl ProcessBudget {
    /// At once, and a minute.
    pub fn new(limits: (u32, u32)) -> Self {
        Self { limits, state: Mutex::new((None, 0)) }
    }

    /// All that is left and not in another's hands; to be given back by [`Self::give_back`].
    pub(super) fn reserve(&self, now: Time) -> u32 {
        let mut state = lock(&self.state);
        let full = || Bucket::full(self.limits.0, now);
        let left = state.0.get_or_insert_with(full).left(self.limits, MINUTE, now);
        let mut free = 0;
        while f64::from(free + state.1 + 1) <= left {
            free += 1;
        }
        state.1 += free;
        free
    }

    /// So many of what was reserved were used.
    pub(super) fn give_back(&self, reserved: u32, used: u32, now: Time) {
        let mut state = lock(&self.state);
        state.1 = state.1.saturating_sub(reserved);
        let full = || Bucket::full(self.limits.0, now);
        let bucket = state.0.get_or_insert_with(full);
        for _ in 0..used {
            bucket.take(self.limits, MINUTE, now);
        }
    }
}

/// Which clusters could be reached by their last poll.
#[derive(Debug, Default)]
pub struct Reach {
    clusters: Mutex<BTreeMap<Arc<str>, bool>>,
}

impl Reach {
    /// Every cluster that is watched is told from the start: one that was not polled yet is no
    /// reason to doubt.
    pub fn of(clusters: impl IntoIterator<Item = Arc<str>>) -> Self {
        let clusters = clusters.into_iter().map(|cluster| (cluster, true)).collect();
        Self { clusters: Mutex::new(clusters) }
    }

    pub(super) fn tell(&self, cluster: &Arc<str>, reached: bool) {
        lock(&self.clusters).insert(Arc::clone(cluster), reached);
    }

    /// Whether none could be reached: it is more likely this program's own trouble than theirs.
    pub(super) fn is_doubtful(&self) -> bool {
        let clusters = lock(&self.clusters);
        !clusters.is_empty() && clusters.values().all(|reached| !reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_cluster_holds_another_does_not_get() {
        let at = Duration::from_secs;
        let budget = ProcessBudget::new((10, 6));
        assert_eq!((budget.reserve(at(100)), budget.reserve(at(100))), (10, 0));
        budget.give_back(10, 4, at(100));
        assert_eq!(budget.reserve(at(100)), 6);
        budget.give_back(6, 6, at(100));
        assert_eq!(budget.reserve(at(100)), 0);
        budget.give_back(0, 0, at(100));
        assert_eq!(budget.reserve(at(120)), 2, "six a minute");
    }

    #[test]
    fn one_cluster_that_answers_is_enough_not_to_doubt() {
        let names: [Arc<str>; 2] = ["a".into(), "b".into()];
        let reach = Reach::of(names.clone());
        reach.tell(&names[0], false);
        assert!(!reach.is_doubtful(), "the other was not polled yet");
        reach.tell(&names[1], false);
        assert!(reach.is_doubtful());
        reach.tell(&names[0], true);
        assert!(!reach.is_doubtful());
    }

    #[test]
    fn a_file_or_a_signal_stops() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stop");
        let switch =
            KillSwitch::new(Some(file.clone()), Arc::new(Orders::at(folder.path().join("orders"))));
        assert_eq!(switch.is_on(), None);
        std::fs::write(&file, "").unwrap();
        assert!(switch.is_on().unwrap().contains("is there"));
        std::fs::remove_file(&file).unwrap();
        switch.turn(true);
        assert!(switch.is_on().is_some());
        switch.turn(false);
        assert_eq!(switch.is_on(), None);
    }
}
