//! What the watchdogs of all clusters share: the kill switch, the budget of the process, whether any
//! cluster can be reached at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::tasks::blocking;

use super::audit::Audit;
use super::journal::Store;
use super::orders::{Now, Orders};
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
    was_on: AtomicBool,
}

/// What people want at this moment.
#[derive(Debug)]
pub(super) struct Heard {
    /// Why nothing may be sent, if so.
    pub(super) stopped: Option<String>,
    pub(super) given: Arc<Now>,
}

impl KillSwitch {
    /// On while this file is there, or somebody ordered it.
    pub fn new(file: Option<PathBuf>, orders: Arc<Orders>) -> Self {
        let (by_signal, was_on) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { file, orders, by_signal, was_on }
    }

    /// By a signal.
    pub fn turn(&self, on: bool) {
        self.by_signal.store(on, Ordering::SeqCst);
    }

    /// Whether it was on when it was last asked, for who must not wait: it is at each poll.
    pub fn was_on(&self) -> bool {
        self.by_signal.load(Ordering::SeqCst) || self.was_on.load(Ordering::SeqCst)
    }

    /// Where orders are given.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Why nothing may be sent, if so. Looks at files: for a thread that may wait for a disk.
    pub fn stopped(&self) -> Option<String> {
        self.look().stopped
    }

    /// Asks where it may block: a disk can be slow, or hang.
    pub(super) async fn heard(self: &Arc<Self>) -> Heard {
        let switch = Arc::clone(self);
        blocking(move || switch.look()).await
    }

    /// What cannot be looked at counts as on.
    fn look(&self) -> Heard {
        let given = self.orders.read();
        let by_signal = self.by_signal.load(Ordering::SeqCst);
        let by_signal = by_signal.then(|| "a signal told it to stop".to_owned());
        let stopped =
            by_signal.or_else(|| given.stop.clone()).or_else(|| self.stopped_by_the_file());
        self.was_on.store(stopped.is_some(), Ordering::SeqCst);
        Heard { stopped, given }
    }

    /// Because of the file alone. What cannot be looked for counts as there.
    pub fn stopped_by_the_file(&self) -> Option<String> {
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

    /// On the only thread of this runtime it would wait for itself.
    #[tokio::test]
    async fn it_is_not_asked_on_a_thread_that_must_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Arc::new(Orders::at(folder.path().join("orders")));
        let switch = Arc::new(KillSwitch::new(None, Arc::clone(&orders)));
        let (held, is_held) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let slow = std::thread::spawn(move || {
            orders.while_read(|| {
                held.send(()).unwrap();
                may_go_on.recv_timeout(Duration::from_secs(60)).is_ok()
            })
        });
        is_held.recv().unwrap();
        let mut heard = std::pin::pin!(switch.heard());
        assert!(futures_util::poll!(&mut heard).is_pending());
        go_on.send(()).unwrap();
        assert_eq!(heard.await.stopped, None);
        assert!(slow.join().unwrap(), "it was waited for without end");
    }

    #[test]
    fn a_file_or_a_signal_stops() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stop");
        let switch =
            KillSwitch::new(Some(file.clone()), Arc::new(Orders::at(folder.path().join("orders"))));
        let because = || switch.look().stopped;
        assert_eq!((because(), switch.was_on()), (None, false));
        std::fs::write(&file, "").unwrap();
        assert!(because().unwrap().contains("is there") && switch.was_on());
        std::fs::remove_file(&file).unwrap();
        switch.turn(true);
        assert!(switch.was_on() && because().is_some());
        switch.turn(false);
        assert_eq!((because(), switch.was_on()), (None, false));
    }
}
