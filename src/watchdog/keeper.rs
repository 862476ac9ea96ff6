//! One cluster's memory in the journal: read once, written when it changed, and what is to be done
//! when that cannot be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::journal::Store;
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
            Err(_) => None,
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
                self.trouble(cluster, &error, now);
                false
            }
            Err(_) => false,
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

    pub(super) fn view(&self, now: Time) -> JournalView {
        JournalView {
            failures: self.failures,
            broken: self.broken,
            lost: self.is_lost(now),
            is_first: self.is_first,
        }
    }
}
