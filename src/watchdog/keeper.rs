//! One cluster's memory in the journal: read once, written when it changed, and what is to be done
//! when that cannot be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::journal::{Store, StoreError};
use super::office::lock;
use super::policy::{Memory, Time};
use super::view::JournalView;

/// The same trouble is said again after this.
const SAY_AGAIN: Duration = Duration::from_secs(300);

/// Keeps a memory, where one is to be kept.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Option<Arc<Mutex<dyn Store>>>,
    hold: Duration,
    loaded: bool,
    broken: bool,
    lost_at: Option<Time>,
    is_first: bool,
    failures: u64,
    said: Option<Time>,
}

impl Keeper {
    pub(super) fn new(store: Option<Arc<Mutex<dyn Store>>>, hold: Duration) -> Self {
        Self {
            store,
            hold,
            loaded: false,
            broken: false,
            lost_at: None,
            is_first: false,
            failures: 0,
            said: None,
        }
    }

    /// What was remembered; `Some` once, when it could be read.
    pub(super) async fn load(&mut self, cluster: &Arc<str>, now: Time) -> Option<Memory> {
        let store = self.store.clone().filter(|_| !self.loaded)?;
        let name = Arc::clone(cluster);
        let loaded = tokio::task::spawn_blocking(move || lock(&store).load(&name, now)).await;
        match loaded {
            Ok(Ok(loaded)) => {
                self.loaded = true;
                (self.lost_at, self.is_first) = (loaded.lost_at, loaded.is_first);
                Some(loaded.memory)
            }
            Ok(Err(error)) => {
                self.trouble(cluster, &error, now);
                None
            }
            Err(panicked) => {
                self.trouble(cluster, &panicked, now);
                None
            }
        }
    }

    /// Whether the disk has it now.
    pub(super) async fn write(&mut self, cluster: &Arc<str>, memory: &Memory, now: Time) -> bool {
        let Some(store) = self.store.clone().filter(|_| self.loaded) else { return false };
        let (name, memory) = (Arc::clone(cluster), memory.clone());
        let written =
            tokio::task::spawn_blocking(move || lock(&store).write(&name, &memory, now)).await;
        match written {
            Ok(Ok(())) => {
                if std::mem::take(&mut self.broken) {
                    self.said = None;
                    tracing::info!(cluster = &**cluster, "the journal can be written again");
                }
                true
            }
            Ok(Err(error)) => {
                // Another process had it: what that did is to be read before anything is written.
                self.loaded &= !matches!(error, StoreError::NotLoaded(_));
                self.trouble(cluster, &error, now);
                false
            }
            Err(panicked) => {
                self.trouble(cluster, &panicked, now);
                false
            }
        }
    }

    fn trouble(&mut self, cluster: &str, error: &dyn std::error::Error, now: Time) {
        self.broken = true;
        self.failures += 1;
        if self.said.is_none_or(|said| now.saturating_sub(said) >= SAY_AGAIN) {
            self.said = Some(now);
            tracing::error!(cluster, %error, "nothing is restarted without the journal");
        }
    }

    fn is_lost(&self, now: Time) -> bool {
        self.lost_at.is_some_and(|at| now.saturating_sub(at) < self.hold)
    }

    /// Whether nothing may be done because of it.
    pub(super) fn holds(&self, now: Time) -> bool {
        self.store.is_some() && (!self.loaded || self.broken || self.is_lost(now))
    }

    /// Whether what was done before is known.
    pub(super) fn is_known(&self, now: Time) -> bool {
        self.loaded && !self.is_lost(now)
    }

    pub(super) fn view(&self, now: Time) -> JournalView {
        JournalView {
            failures: self.failures,
            broken: self.broken,
            lost: self.is_lost(now),
            is_first: self.is_first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::Loaded;
    use super::*;

    /// What the next calls come to; after them all is well.
    #[derive(Debug, Default)]
    struct Scripted {
        loads: Vec<Result<Loaded, StoreError>>,
        writes: Vec<Result<(), StoreError>>,
        panics: bool,
    }

    impl Store for Scripted {
        fn load(&mut self, _: &Arc<str>, _: Time) -> Result<Loaded, StoreError> {
            assert!(!self.panics, "on purpose");
            self.loads.pop().unwrap_or_else(|| Ok(Loaded::default()))
        }

        fn write(&mut self, _: &Arc<str>, _: &Memory, _: Time) -> Result<(), StoreError> {
            assert!(!self.panics, "on purpose");
            self.writes.pop().unwrap_or(Ok(()))
        }
    }

    const AT: Time = Duration::from_secs(1_800_000_000);

    fn of(store: Scripted) -> (Keeper, Arc<Mutex<Scripted>>, Arc<str>) {
        let store = Arc::new(Mutex::new(store));
        let shared: Arc<Mutex<dyn Store>> = Arc::clone(&store) as _;
        (Keeper::new(Some(shared), Duration::ZERO), store, "a".into())
    }

    #[tokio::test]
    async fn after_another_process_had_the_journal_it_is_read_again() {
        let in_use = || StoreError::InUse("journal".into());
        let writes = vec![Err(StoreError::NotLoaded("a".into())), Err(in_use())];
        let (mut keeper, store, cluster) = of(Scripted { writes, ..Scripted::default() });
        let memory = Memory::default();
        assert!(keeper.load(&cluster, AT).await.is_some());
        for _ in 0..2 {
            assert!(!keeper.write(&cluster, &memory, AT).await);
            assert!(keeper.holds(AT));
        }
        lock(&store).loads.push(Err(in_use()));
        assert!(keeper.load(&cluster, AT).await.is_none() && keeper.holds(AT));
        assert!(keeper.load(&cluster, AT).await.is_some(), "it is asked for again");
        assert!(keeper.write(&cluster, &memory, AT).await && !keeper.holds(AT));
        assert_eq!(keeper.view(AT).failures, 3);
    }

    #[tokio::test]
    async fn a_store_that_panics_is_trouble() {
        let (mut keeper, store, cluster) = of(Scripted::default());
        lock(&store).panics = true;
        assert!(keeper.load(&cluster, AT).await.is_none());
        assert_eq!((keeper.view(AT).failures, keeper.view(AT).broken), (1, true));
        lock(&store).panics = false;
        assert!(keeper.load(&cluster, AT).await.is_some());
        assert!(keeper.write(&cluster, &Memory::default(), AT).await && !keeper.holds(AT));
        lock(&store).panics = true;
        assert!(!keeper.write(&cluster, &Memory::default(), AT).await);
        assert!(keeper.holds(AT) && keeper.view(AT).failures == 2);
    }
}
