//! Since when each connector and task is in its state, and how often that changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::connect::model::State;

use super::snapshot::Snapshot;

/// What was seen of one connector or task over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The state it is in.
    pub state: State,
    /// When this program saw it change to that; `None`: it was so when first seen.
    pub since: Option<SystemTime>,
    /// How often it changed while watched.
    pub changes: u64,
}

impl Record {
    fn first(state: State) -> Self {
        Self { state, since: None, changes: 0 }
    }

    fn next(&self, state: State, now: SystemTime) -> Self {
        if self.state == state {
            return self.clone();
        }
        Self { state, since: Some(now), changes: self.changes + 1 }
    }
}

/// A connector's record and its tasks'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorRecord {
    /// The connector's own instance.
    pub connector: Record,
    /// By task id.
    pub tasks: BTreeMap<u32, Record>,
}

/// The records of all that was in the last valid snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// By connector's name.
    pub connectors: BTreeMap<Arc<str>, ConnectorRecord>,
}

impl History {
    /// The history after `snapshot`. What could not be read this time keeps its record; what is
    /// gone is forgotten.
    #[must_use]
    pub fn after(&self, snapshot: &Snapshot, now: SystemTime) -> Self {
        let mut connectors = BTreeMap::new();
        for name in &snapshot.unread {
            if let Some(record) = self.connectors.get(name) {
                connectors.insert(Arc::clone(name), record.clone());
            }
        }
        for connector in &snapshot.connectors {
            let before = self.connectors.get(&connector.name);
            let state = connector.instance.state;
            let tasks = connector.tasks.iter().map(|task| {
                let state = task.instance.state;
                let record = before.and_then(|before| before.tasks.get(&task.id));
                (task.id, record.map_or_else(|| Record::first(state), |r| r.next(state, now)))
            });
            let record = ConnectorRecord {
                connector: before
                    .map_or_else(|| Record::first(state), |r| r.connector.next(state, now)),
                tasks: tasks.collect(),
            };
            connectors.insert(Arc::clone(&connector.name), record);
        }
        Self { connectors }
    }
}
