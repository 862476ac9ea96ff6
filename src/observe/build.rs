//! From Connect's words to the instances of a [`Snapshot`](super::snapshot::Snapshot): equal
//! strings shared, traces diagnosed and shortened.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connect::model::{ConnectorInfo, ConnectorStatus, State};

use super::failure::Classifier;
use super::snapshot::{Connector, Failure, Instance, Task};

/// The longest trace that is kept, in bytes; the beginning, where the causes' names are.
const MAX_TRACE: usize = 8 << 10;
/// The longest cause that is kept, in bytes.
const MAX_CAUSE: usize = 500;

/// One poll's shared strings.
#[derive(Debug)]
pub(super) struct Builder<'c> {
    classifier: &'c Classifier,
    shared: HashMap<Box<str>, Arc<str>>,
}

impl<'c> Builder<'c> {
    pub(super) fn new(classifier: &'c Classifier) -> Self {
        Self { classifier, shared: HashMap::new() }
    }

    /// The one copy of `text`.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.shared.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.shared.insert(text.into(), Arc::clone(&new));
        new
    }

    pub(super) fn instance(
        &mut self,
        state: State,
        worker_id: &str,
        trace: Option<&str>,
    ) -> Instance {
        let failure = (state == State::Failed).then(|| {
            let trace = trace.unwrap_or_default();
            let diagnosis = self.classifier.diagnose(trace);
            Box::new(Failure {
                class: diagnosis.failure_class,
                signature: self.share(&diagnosis.signature),
                exception: self.share(diagnosis.exception),
                cause: one_line(diagnosis.cause, MAX_CAUSE),
                rule: self.share(diagnosis.rule),
                advice: self.share(diagnosis.advice),
                trace: whole_words(trace, MAX_TRACE).into(),
            })
        });
        Instance { state, worker_id: self.share(worker_id), failure }
    }

    /// A connector of the per-connector path.
    pub(super) fn connector(
        &mut self,
        status: &ConnectorStatus,
        info: Option<&ConnectorFacts>,
    ) -> Result<Connector, String> {
        let tasks = status.tasks.iter().map(|task| Task {
            id: task.id,
            instance: self.instance(
                task.instance.state,
                &task.instance.worker_id,
                task.instance.trace.as_deref(),
            ),
        });
        let tasks = sorted_tasks(&status.name, tasks.collect())?;
        let own = &status.connector;
        Ok(Connector {
            name: status.name.as_str().into(),
            kind: status.kind,
            class: self.share(info.map_or("", |info| &info.class)),
            version: self.share(own.version.as_deref().unwrap_or_default()),
            config: info.map(|info| info.config),
            instance: self.instance(own.state, &own.worker_id, own.trace.as_deref()),
            tasks_expected: info.map(|info| info.tasks_expected),
            tasks_max: info.and_then(|info| info.tasks_max),
            tasks,
        })
    }
}

impl Connector {
    /// What a status says, read by itself.
    pub fn of_status(
        name: &str,
        mut status: ConnectorStatus,
        classifier: &Classifier,
    ) -> Result<Self, String> {
        name.clone_into(&mut status.name);
        Builder::new(classifier).connector(&status, None)
    }
}

/// What is kept of a connector's configuration.
#[derive(Clone, Debug)]
pub(super) struct ConnectorFacts {
    pub(super) class: String,
    pub(super) config: u64,
    pub(super) tasks_expected: u32,
    pub(super) tasks_max: Option<u32>,
}

impl From<&ConnectorInfo> for ConnectorFacts {
    fn from(info: &ConnectorInfo) -> Self {
        let value = |key: &str| info.config.get(key).cloned().flatten();
        Self {
            class: value("connector.class").unwrap_or_default(),
            config: fingerprint(
                info.config
                    .iter()
                    .map(|(key, value)| (&**key, value.as_deref().unwrap_or_default())),
            ),
            tasks_expected: u32::try_from(info.tasks.len()).unwrap_or(u32::MAX),
            tasks_max: value("tasks.max").and_then(|max| max.trim().parse().ok()),
        }
    }
}

/// White space of all kinds becomes single blanks.
fn one_line(text: &str, most: usize) -> Box<str> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() >= most {
            line.push_str("...");
            break;
        }
        line.push_str(word);
        line.push(' ');
    }
    line.trim_end().into()
}

/// The beginning, without a part of a word: what looks like a secret by its end would not, cut off.
fn whole_words(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let cut = &text[..text.floor_char_boundary(most)];
    cut.rfind(char::is_whitespace).map_or("", |at| &cut[..at])
}

/// The same for the same entries, in whatever order they come. It outlives the process in the
/// journal, so that it is made of nothing that a later compiler may change. A guess at a secret
/// could be tried against it: it is shown nowhere.
pub(super) fn fingerprint<'c>(entries: impl Iterator<Item = (&'c str, &'c str)>) -> u64 {
    let of_one = |(key, value): (&str, &str)| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(key.as_bytes());
        hasher.update(&[0]);
        hasher.update(value.as_bytes());
        let first = hasher.clone().finalize();
        hasher.update(&[1]);
        hasher.update(key.as_bytes());
        u64::from(first) << 32 | u64::from(hasher.finalize())
    };
    entries.map(of_one).fold(0, u64::wrapping_add)
}

/// The tasks in order; two with one id make the whole answer worthless.
pub(super) fn sorted_tasks(connector: &str, mut tasks: Vec<Task>) -> Result<Vec<Task>, String> {
    tasks.sort_by_key(|task| task.id);
    match tasks.windows(2).find(|pair| pair[0].id == pair[1].id) {
        None => Ok(tasks),
        Some(pair) => Err(format!("connector {connector:?} has two tasks {}", pair[0].id)),
    }
}
