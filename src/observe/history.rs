//! Since when each connector and task is in its state, and how often that changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::connect::model::State;

use super::snapshot::Snapshot;

/// So many states before the present one are remembered of each connector and task.
pub const MAX_PAST: usize = 60;

/// What was seen of one connector or task over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The state it is in.
    pub state: State,
    /// When this program saw it change to that; `None`: it was so when first seen.
    pub since: Option<SystemTime>,
    /// How often it changed while watched.
    pub changes: u64,
    /// When it was first seen.
    pub first_seen: SystemTime,
    /// The states before, the oldest first; nothing where it never changed, as most never do.
    past: Option<Arc<[Spell]>>,
}

/// A time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// The state.
    pub state: State,
    /// From when on, as far as it was seen.
    pub from: SystemTime,
}

impl Record {
    fn first(state: State, now: SystemTime) -> Self {
        Self { state, since: None, changes: 0, first_seen: now, past: None }
    }

    /// From when on it is known to be in its state.
    pub fn from(&self) -> SystemTime {
        self.since.unwrap_or(self.first_seen)
    }

    /// Every state that is remembered, the oldest first, the present one last.
    pub fn spells(&self) -> impl DoubleEndedIterator<Item = Spell> {
        let now = Spell { state: self.state, from: self.from() };
        self.past.iter().flat_map(|past| past.iter().copied()).chain([now])
    }

    fn next(&self, state: State, now: SystemTime) -> Self {
        if self.state == state {
            return self.clone();
        }
        let before = self.past.as_deref().unwrap_or_default();
        let kept = &before[(before.len() + 1).saturating_sub(MAX_PAST)..];
        let spell = Spell { state: self.state, from: self.from() };
        Self {
            state,
            since: Some(now),
            changes: self.changes + 1,
            first_seen: self.first_seen,
            past: Some(kept.iter().copied().chain([spell]).collect()),
        }
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
                (task.id, record.map_or_else(|| Record::first(state, now), |r| r.next(state, now)))
            });
            let record = ConnectorRecord {
                connector: before
                    .map_or_else(|| Record::first(state, now), |r| r.connector.next(state, now)),
                tasks: tasks.collect(),
            };
            connectors.insert(Arc::clone(&connector.name), record);
        }
        Self { connectors }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_states_are_remembered_and_no_more() {
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let mut record = Record::first(State::Running, at(0));
        assert_eq!(
            record.spells().collect::<Vec<_>>(),
            [Spell { state: State::Running, from: at(0) }]
        );
        for second in 1..=200 {
            let state = if second % 2 == 0 { State::Running } else { State::Failed };
            record = record.next(state, at(second)).next(state, at(second));
        }
        let spells: Vec<_> = record.spells().collect();
        assert_eq!((record.changes, spells.len()), (200, MAX_PAST + 1));
        assert_eq!(spells[MAX_PAST], Spell { state: State::Running, from: at(200) });
        assert_eq!(spells[0], Spell { state: State::Running, from: at(200 - MAX_PAST as u64) });
        assert!(spells.is_sorted_by_key(|spell| spell.from));
    }
}
