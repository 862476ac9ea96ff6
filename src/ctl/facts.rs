//! What an overview says of a connector, as words and as data.

use serde_json::{Value, json};

use crate::connect::model::{ConnectorStatus, ConnectorType, InstanceStatus, State, TaskStatus};
use crate::observe::Classifier;
use crate::watchdog::audit::redact;

use super::mask;
use super::target::Connector;

/// The longest root cause on a line, in characters.
const MAX_CAUSE: usize = 300;

/// Connect's own word for a state.
pub(super) fn word(state: State) -> String {
    state.as_str().to_ascii_uppercase()
}

/// Why an instance is FAILED.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// Such as `DATA`.
    pub(super) class: &'static str,
    /// The root cause on one line.
    pub(super) text: String,
    /// Its exception's class name.
    pub(super) exception: String,
    /// The same for failures of one origin.
    pub(super) signature: String,
}

impl Cause {
    /// `None` where it is not FAILED.
    pub(super) fn of(instance: &InstanceStatus, by: &Classifier) -> Option<Self> {
        if instance.state != State::Failed {
            return None;
        }
        let trace = instance.trace.as_deref().unwrap_or_default();
        let told = by.diagnose(trace);
        Some(Self {
            class: told.failure_class.as_str(),
            text: root_cause(trace),
            exception: told.exception.to_owned(),
            signature: told.signature,
        })
    }

    fn data(&self) -> Value {
        json!({"class": self.class, "exception": self.exception, "signature": self.signature, "cause": self.text})
    }
}

/// The last cause in a trace, on one line of bounded length and without credentials.
pub(super) fn root_cause(trace: &str) -> String {
    let mut caused = trace.lines().filter_map(|line| line.trim_start().strip_prefix("Caused by: "));
    let line = caused.next_back().or_else(|| trace.lines().next()).unwrap_or_default();
    let line = redact(line.trim());
    if line.is_empty() {
        return "no trace was given".to_owned();
    }
    let mut short: String = line.chars().take(MAX_CAUSE).collect();
    if short.len() < line.len() {
        short.push_str("...");
    }
    short
}

impl Connector {
    /// The state of its own instance.
    pub(super) fn state(&self) -> String {
        self.status.as_ref().map_or_else(|| "NONE".to_owned(), |s| word(s.connector.state))
    }

    /// Its tasks' statuses.
    pub(super) fn tasks(&self) -> &[TaskStatus] {
        self.status.as_ref().map_or(&[], |status| &status.tasks)
    }

    /// How many tasks there should be; what the statuses say where that is not known.
    pub(super) fn expected(&self) -> usize {
        self.info.as_ref().map_or(self.tasks().len(), |info| info.tasks.len())
    }

    pub(super) fn running(&self) -> usize {
        self.tasks().iter().filter(|task| task.instance.state == State::Running).count()
    }

    pub(super) fn kind(&self) -> ConnectorType {
        let told = self.status.as_ref().map(|status| status.kind);
        told.filter(|kind| *kind != ConnectorType::Unknown)
            .or_else(|| self.info.as_ref().map(|info| info.kind))
            .unwrap_or_default()
    }

    pub(super) fn class(&self) -> &str {
        let config = self.info.as_ref().map(|info| &info.config);
        config.and_then(|config| config.get("connector.class")?.as_deref()).unwrap_or_default()
    }

    pub(super) fn worker(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.connector.worker_id)
    }

    pub(super) fn version(&self) -> &str {
        self.status.as_ref().and_then(|s| s.connector.version.as_deref()).unwrap_or_default()
    }

    /// The classes of its failures, each once.
    pub(super) fn classes(&self, by: &Classifier) -> Vec<&'static str> {
        let mut all: Vec<_> =
            self.instances().filter_map(|i| Some(Cause::of(i, by)?.class)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &InstanceStatus> {
        let own = self.status.iter().map(|status: &ConnectorStatus| &status.connector);
        own.chain(self.tasks().iter().map(|task| &task.instance))
    }

    /// As data, without its configuration.
    pub(super) fn data(&self, by: &Classifier) -> Value {
        let tasks: Vec<Value> =
            self.tasks().iter().map(|task| task_data(&self.name, task, by)).collect();
        let own = self.status.as_ref().map(|status| &status.connector);
        json!({
            "name": self.name,
            "type": self.kind().as_str(),
            "state": self.state(),
            "worker_id": self.worker(),
            "class": self.class(),
            "version": self.version(),
            "tasks_expected": self.expected(),
            "failure": own.and_then(|own| Cause::of(own, by)).map(|cause| cause.data()),
            "tasks": tasks,
        })
    }
}

/// A task as data.
pub(super) fn task_data(connector: &str, task: &TaskStatus, by: &Classifier) -> Value {
    json!({
        "connector": connector,
        "id": task.id,
        "state": word(task.instance.state),
        "worker_id": task.instance.worker_id,
        "failure": Cause::of(&task.instance, by).map(|cause| cause.data()),
    })
}

/// The end of a class name, as people say it.
pub(super) fn short_class(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

/// The trace as it may be shown.
pub(super) fn trace(instance: &InstanceStatus, show_secrets: bool) -> Option<String> {
    let trace = instance.trace.as_deref().filter(|trace| !trace.is_empty())?;
    Some(mask::text(trace, show_secrets).into_owned())
}
