//! The recorded states at one moment, as a poll would have found them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Failure, Instance, Snapshot, Task};

use super::recording::{Change, Now, Seen};

/// What a poll finds.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) snapshot: Snapshot,
    /// How many units are UNASSIGNED.
    unassigned: usize,
    /// Connectors whose own state is recorded.
    own: BTreeSet<Arc<str>>,
}

impl Fleet {
    /// With connectors that nothing is recorded of, since they were well.
    pub(super) fn with_healthy(units: usize) -> Self {
        let mut fleet = Self::default();
        for number in 0..units {
            // Names that no connector of the record can have.
            let id = (format!("\u{10ffff}{number:06}").into(), Some(0));
            fleet.change(&Change { at: Default::default(), id, now: Now::In(RUNNING.clone()) });
        }
        fleet
    }

    pub(super) fn has_unassigned(&self) -> bool {
        self.unassigned > 0
    }

    pub(super) fn change(&mut self, change: &Change) {
        let (name, task) = &change.id;
        self.snapshot.unread.retain(|unread| unread != name);
        let connectors = &mut self.snapshot.connectors;
        let place = connectors.binary_search_by(|connector| connector.name.cmp(name));
        let is_there = matches!(change.now, Now::In(_));
        let place = match place {
            Ok(place) => place,
            Err(place) if is_there => {
                connectors.insert(place, connector(name));
                place
            }
            Err(_) => return,
        };
        let Some(connector) = connectors.get_mut(place) else { return };
        let before = count(connector);
        match (&change.now, task) {
            (Now::In(seen), None) => {
                connector.instance = instance(seen);
                self.own.insert(Arc::clone(name));
            }
            (Now::In(seen), Some(id)) => {
                let at = connector.tasks.binary_search_by_key(id, |task| task.id);
                let task = Task { id: *id, instance: instance(seen) };
                match at {
                    Ok(at) => connector.tasks[at] = task,
                    Err(at) => connector.tasks.insert(at, task),
                }
            }
            (Now::Gone | Now::Unread, None) => {
                connector.instance = instance(&RUNNING);
                self.own.remove(name);
            }
            (Now::Gone | Now::Unread, Some(id)) => connector.tasks.retain(|task| task.id != *id),
        }
        self.unassigned = self.unassigned + count(connector) - before;
        if !is_there && connector.tasks.is_empty() && !self.own.contains(name) {
            connectors.remove(place);
            if matches!(change.now, Now::Unread) {
                let unread = &mut self.snapshot.unread;
                let at = unread.binary_search(name).unwrap_or_else(|at| at);
                unread.insert(at, Arc::clone(name));
            }
        }
    }
}

static RUNNING: std::sync::LazyLock<Seen> = std::sync::LazyLock::new(|| Seen::of(State::Running));

fn connector(name: &Arc<str>) -> Connector {
    let none: Arc<str> = "".into();
    Connector {
        name: Arc::clone(name),
        kind: ConnectorType::Unknown,
        class: Arc::clone(&none),
        version: none,
        config: None,
        // As long as nothing else is recorded of it.
        instance: instance(&RUNNING),
        tasks_expected: None,
        tasks_max: None,
        tasks: Vec::new(),
    }
}

fn instance(seen: &Seen) -> Instance {
    let failure = seen.cause.as_ref().map(|cause| {
        Box::new(Failure {
            class: cause.class,
            signature: Arc::clone(&cause.signature),
            exception: Arc::clone(&cause.exception),
            ..Failure::default()
        })
    });
    Instance { state: seen.state, worker_id: Arc::clone(&seen.worker), failure }
}

fn count(connector: &Connector) -> usize {
    let own = std::iter::once(&connector.instance);
    let all = own.chain(connector.tasks.iter().map(|task| &task.instance));
    all.filter(|instance| instance.state == State::Unassigned).count()
}
