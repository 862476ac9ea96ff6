//! One valid poll of one cluster: immutable, sorted, without configurations.

use std::sync::Arc;

use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};

/// What a poll found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sorted by name.
    pub connectors: Vec<Connector>,
    /// Names that are listed but have no status yet, sorted; they are in no count.
    pub without_status: Vec<Arc<str>>,
    /// Names whose status could not be read this time, sorted; omitted, not frozen.
    pub unread: Vec<Arc<str>>,
    /// What is listed and not wanted.
    pub others: Others,
}

/// What is known of connectors that are left out: a rebalance is theirs too.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Whether one of their instances is UNASSIGNED.
    pub unassigned: bool,
    /// The workers that have them, sorted.
    pub workers: Vec<Arc<str>>,
}

/// A connector with its tasks.
#[derive(Debug, PartialEq, Eq)]
pub struct Connector {
    /// Its name.
    pub name: Arc<str>,
    /// Source or sink.
    pub kind: ConnectorType,
    /// `connector.class`; empty where info was not read.
    pub class: Arc<str>,
    /// The plugin's version; empty where the worker does not tell.
    pub version: Arc<str>,
    /// A fingerprint of its configuration; `None` where info was not read.
    pub config: Option<u64>,
    /// Its own instance.
    pub instance: Instance,
    /// How many tasks the configuration topic has; `None` where info was not read.
    pub tasks_expected: Option<u32>,
    /// `tasks.max`; `None` where it was not read or is not a number.
    pub tasks_max: Option<u32>,
    /// Sorted by id, each id once.
    pub tasks: Vec<Task>,
}

/// A task.
#[derive(Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub id: u32,
    /// The rest of it.
    pub instance: Instance,
}

/// What a connector and a task have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its state.
    pub state: State,
    /// `host:port` of the worker that wrote the state.
    pub worker_id: Arc<str>,
    /// There while the state is FAILED.
    pub failure: Option<Box<Failure>>,
}

/// Why something is FAILED.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The class of the failure, such as `TRANSIENT`.
    pub class: FailureClass,
    /// What failures of one origin have in common; bounded, without secrets.
    pub signature: Arc<str>,
    /// The class name of the root cause; bounded.
    pub exception: Arc<str>,
    /// The cause that decided, in the trace's own words: bounded, one line, and as it came, so that
    /// it is masked before it is shown.
    pub cause: Box<str>,
    /// The name of the rule that fits; empty where none does.
    pub rule: Arc<str>,
    /// What a person should look at next.
    pub advice: Arc<str>,
    /// The trace, shortened; masked before it is shown.
    pub trace: Box<str>,
}
