//! Which call restarts the units that are due of one connector: rule 11.

use std::sync::Arc;

use crate::config::FailureClass;
use crate::connect::name::encode;

use super::memory::{Reason, Time, UnitId};

/// A restart to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The connector.
    pub connector: Arc<str>,
    /// How.
    pub call: Call,
    /// The units that it is for.
    pub units: Vec<Option<u32>>,
    /// Why.
    pub reason: Reason,
    /// Whether it is only said, not sent.
    pub dry_run: bool,
    /// When it was decided, which tells it from any other of the same unit.
    pub at: Time,
    /// Why the first of the units failed.
    pub class: FailureClass,
}

impl Decision {
    /// The units that it is for.
    pub fn ids(&self) -> impl Iterator<Item = UnitId> {
        self.units.iter().map(|task| (Arc::clone(&self.connector), *task))
    }
}

/// A call of Connect's REST API. There is none that touches what is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `POST /connectors/{name}/tasks/{id}/restart`.
    Task(u32),
    /// `POST /connectors/{name}/restart?includeTasks=true&onlyFailed=true`.
    ConnectorAndTasks,
    /// `POST /connectors/{name}/restart?includeTasks=false&onlyFailed=true`.
    ConnectorOnly,
    /// `POST /connectors/{name}/restart`, where the worker knows no better.
    PlainConnector,
}

impl Call {
    /// As it is sent, such as `POST /connectors/a/tasks/0/restart`.
    pub fn path(self, connector: &str) -> String {
        let name = encode(connector);
        match self {
            Self::Task(task) => format!("POST /connectors/{name}/tasks/{task}/restart"),
            Self::ConnectorAndTasks => {
                format!("POST /connectors/{name}/restart?includeTasks=true&onlyFailed=true")
            }
            Self::ConnectorOnly => {
                format!("POST /connectors/{name}/restart?includeTasks=false&onlyFailed=true")
            }
            Self::PlainConnector => format!("POST /connectors/{name}/restart"),
        }
    }
}

/// More failed tasks than this are restarted by one call.
const TASKS_ONE_BY_ONE: usize = 3;

/// The calls for these units of one connector; `restarts_with_tasks`: the workers know KIP-745 and
/// do not start tasks twice (KAFKA-13719); `together`: they are all that failed of it, so that one
/// call for all that failed touches nothing else.
pub(super) fn calls(
    units: &[Option<u32>],
    restarts_with_tasks: bool,
    together: bool,
) -> Vec<(Call, Vec<Option<u32>>)> {
    let own = units.contains(&None);
    let tasks: Vec<u32> = units.iter().copied().flatten().collect();
    if together && ((own && !tasks.is_empty()) || tasks.len() > TASKS_ONE_BY_ONE) {
        return vec![(Call::ConnectorAndTasks, units.to_vec())];
    }
    let mut calls = Vec::new();
    if own {
        let call = if restarts_with_tasks { Call::ConnectorOnly } else { Call::PlainConnector };
        calls.push((call, vec![None]));
    }
    calls.extend(tasks.into_iter().map(|task| (Call::Task(task), vec![Some(task)])));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_call_that_does_it() {
        let of = |units: &[Option<u32>], new| {
            calls(units, new, new).into_iter().map(|(call, _)| call).collect::<Vec<_>>()
        };
        assert_eq!(of(&[Some(0), Some(2)], true), [Call::Task(0), Call::Task(2)]);
        assert_eq!(of(&[Some(0), Some(1), Some(2), Some(3)], true), [Call::ConnectorAndTasks]);
        assert_eq!(of(&[None, Some(1)], true), [Call::ConnectorAndTasks]);
        assert_eq!(of(&[None], true), [Call::ConnectorOnly]);
        assert_eq!(of(&[None, Some(1)], false), [Call::PlainConnector, Call::Task(1)]);
        assert_eq!(of(&[Some(0), Some(1), Some(2), Some(3)], false).len(), 4);
        let apart = calls(&[None, Some(1), Some(2), Some(3), Some(4)], true, false);
        assert_eq!((apart.len(), apart[0].0), (5, Call::ConnectorOnly), "others failed as well");
    }
}
