//! What Kafka Connect says of connectors, tasks and workers, as types.
//!
//! States are those of `org.apache.kafka.connect.runtime.AbstractStatus.State`. A word that is not
//! known here becomes [`State::Unknown`]: a newer worker may know more than this program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The state of a connector or of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Started; says nothing of progress.
    Running,
    /// An error got through; a `trace` tells which.
    Failed,
    /// The target state is paused.
    Paused,
    /// Stopped gracefully by its worker and not yet started elsewhere.
    Unassigned,
    /// Between stop and start of a restart by the form of KIP-745 (3.0 and later).
    Restarting,
    /// Connectors only (3.5 and later, KIP-875): no tasks are configured.
    Stopped,
    /// A word this program does not know.
    Unknown,
}

impl State {
    /// Every state a connector can be in, in the order in which they are exported.
    pub const OF_CONNECTORS: [Self; 7] = [
        Self::Running,
        Self::Failed,
        Self::Paused,
        Self::Unassigned,
        Self::Restarting,
        Self::Stopped,
        Self::Unknown,
    ];
    /// Every state a task can be in, in the order in which they are exported.
    pub const OF_TASKS: [Self; 6] = [
        Self::Running,
        Self::Failed,
        Self::Paused,
        Self::Unassigned,
        Self::Restarting,
        Self::Unknown,
    ];

    /// The state for Connect's word, in any case of letters.
    pub fn from_word(word: &str) -> Self {
        Self::OF_CONNECTORS
            .into_iter()
            .find(|state| *state != Self::Unknown && state.as_str().eq_ignore_ascii_case(word))
            .unwrap_or(Self::Unknown)
    }

    /// The word in lower case, as it stands in labels and in the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Unassigned => "unassigned",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl serde::de::Visitor<'_> for Word {
            type Value = State;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a state such as RUNNING")
            }
            fn visit_str<E>(self, word: &str) -> Result<State, E> {
                Ok(State::from_word(word))
            }
        }
        deserializer.deserialize_str(Word)
    }
}

/// Source or sink. Connect says `unknown` where it cannot load the class, and nothing before 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorType {
    /// Reads from elsewhere into Kafka.
    Source,
    /// Writes from Kafka to elsewhere.
    Sink,
    /// Not said, or not known to the worker that was asked.
    #[default]
    Unknown,
}

impl ConnectorType {
    /// Every word.
    pub const WORDS: [&'static str; 3] = ["source", "sink", "unknown"];

    /// The word in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Unknown => "unknown",
        }
    }
}

impl<'de> Deserialize<'de> for ConnectorType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(match word.as_deref() {
            Some(word) if word.eq_ignore_ascii_case("source") => Self::Source,
            Some(word) if word.eq_ignore_ascii_case("sink") => Self::Sink,
            Some(_) | None => Self::Unknown,
        })
    }
}

/// `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServerInfo {
    /// Such as `4.3.0`, or with a vendor's suffix, `7.9.0-ccs`.
    pub version: String,
    /// The commit it was built from.
    #[serde(default)]
    pub commit: Option<String>,
    /// The id of the Kafka cluster behind the worker (1.1 and later).
    #[serde(default)]
    pub kafka_cluster_id: Option<String>,
}

/// What a worker says of its own health (`GET /health`, 3.9 and later, KIP-1017).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// 200: the herder's thread made a pass.
    Healthy,
    /// 503, or the 404 page of a worker whose resources are not there yet.
    Starting,
    /// 500: the herder's thread did not answer within 10 s.
    Unhealthy,
    /// The worker is older than 3.9.
    Unsupported,
    /// No answer.
    Unreachable,
}

impl Health {
    /// Every state of health, in the order in which they are exported.
    pub const ALL: [Self; 5] =
        [Self::Healthy, Self::Starting, Self::Unhealthy, Self::Unsupported, Self::Unreachable];

    /// The word in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Starting => "starting",
            Self::Unhealthy => "unhealthy",
            Self::Unsupported => "unsupported",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The `connector` part of a status, or one of its tasks without the id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct InstanceStatus {
    /// Its state.
    pub state: State,
    /// `host:port` that the worker advertises; not always a place that can be reached.
    #[serde(default)]
    pub worker_id: String,
    /// The stack trace of what failed; absent when there is none.
    #[serde(default)]
    pub trace: Option<String>,
    /// The plugin's version (4.1 and later, KIP-891); null when an older worker wrote the status.
    #[serde(default)]
    pub version: Option<String>,
}

/// One task's status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TaskStatus {
    /// The task's number, from 0.
    pub id: u32,
    /// The rest of it.
    #[serde(flatten)]
    pub instance: InstanceStatus,
}

/// `GET /connectors/{name}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ConnectorStatus {
    /// The connector's name.
    pub name: String,
    /// The connector's own instance.
    pub connector: InstanceStatus,
    /// Its tasks, from the status topic: may hold zombie entries, and lack tasks never started.
    pub tasks: Vec<TaskStatus>,
    /// Source or sink (1.0 and later).
    #[serde(default, rename = "type")]
    pub kind: ConnectorType,
}

/// A task's address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TaskId {
    /// The connector.
    pub connector: String,
    /// The task's number.
    pub task: u32,
}

/// A connector's configuration: raw, so it may hold secrets. Never logged.
pub type ConnectorConfig = BTreeMap<String, Option<String>>;

/// `GET /connectors/{name}`, and the answer to a creation.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ConnectorInfo {
    /// The connector's name.
    pub name: String,
    /// Its configuration.
    pub config: ConnectorConfig,
    /// Its tasks, from the configuration topic: what there should be.
    pub tasks: Vec<TaskId>,
    /// Source or sink.
    #[serde(default, rename = "type")]
    pub kind: ConnectorType,
}

impl std::fmt::Debug for ConnectorInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorInfo")
            .field("name", &self.name)
            .field("config", &format_args!("{} keys, not shown", self.config.len()))
            .field("tasks", &self.tasks.len())
            .field("kind", &self.kind)
            .finish()
    }
}

/// One task and its configuration (`GET /connectors/{name}/tasks`).
#[derive(Clone, Deserialize, Serialize)]
pub struct TaskInfo {
    /// Which task.
    pub id: TaskId,
    /// Its configuration: raw, so it may hold secrets.
    pub config: ConnectorConfig,
}

/// One plugin of the worker that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Plugin {
    /// The Java class.
    pub class: String,
    /// `source`, `sink`, and from 3.2 on `converter`, `transformation` and others.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The plugin's version.
    #[serde(default)]
    pub version: Option<String>,
}

/// One logger (`GET /admin/loggers`, 2.4 and later, KIP-495).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LoggerLevel {
    /// Such as `INFO`.
    pub level: Option<String>,
    /// Milliseconds since 1970 of the last change over REST (3.7 and later, KIP-976).
    #[serde(default)]
    pub last_modified: Option<i64>,
}

/// One entry of `GET /connectors/{name}/offsets` (3.5 and later, KIP-875).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PartitionOffset {
    /// Which part of the source or which topic partition.
    pub partition: serde_json::Value,
    /// How far it got; null removes it.
    pub offset: serde_json::Value,
}
