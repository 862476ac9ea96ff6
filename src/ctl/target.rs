//! The boundary between the verbs and a cluster: what can be asked, and what can be done.
//!
//! Verbs know [`Cluster`] alone; [`super::direct`] speaks to Connect's own REST API.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::connect::model::{
    ConnectorConfig, ConnectorInfo, ConnectorStatus, LoggerLevel, PartitionOffset, Plugin,
};

use super::failure::Failure;
use super::flags::Scope;

/// A cluster, whichever way it is reached.
pub(super) trait Cluster {
    /// What a person calls it: its URL or the context's name.
    fn place(&self) -> &str;
    /// Looks for a worker that answers, after one did not.
    async fn again(&self) -> Result<(), Failure>;
    /// Why what is read may be what was true before: no worker proves to be able to serve. Statuses
    /// come from a worker's memory, and look well while Kafka is dead.
    async fn doubt(&self) -> Option<String>;
    /// Every name that is listed, sorted.
    async fn names(&self) -> Result<Vec<String>, Failure>;
    /// Every connector with its status and its configuration, sorted by name.
    async fn overview(&self) -> Result<Vec<Connector>, Failure>;
    /// One of them.
    async fn connector(&self, name: &str) -> Result<Connector, Failure>;
    /// A connector's configuration.
    async fn config(&self, name: &str) -> Result<ConnectorConfig, Failure>;
    /// The configuration of each task.
    async fn task_config(&self, name: &str, task: u32) -> Result<ConnectorConfig, Failure>;
    /// Which topics it used.
    async fn topics(&self, name: &str) -> Result<Vec<String>, Failure>;
    /// How far it got.
    async fn offsets(&self, name: &str) -> Result<Vec<PartitionOffset>, Failure>;
    /// The workers that are known by URL, and those of `seen` that may be asked too.
    async fn workers(&self, seen: &[String]) -> Vec<Worker>;
    /// Its plugins.
    async fn plugins(&self, all: bool) -> Result<Vec<Plugin>, Failure>;
    /// What a plugin can be configured with, as Connect says it.
    async fn plugin(&self, class: &str) -> Result<Vec<Value>, Failure>;
    /// The plugin's opinion on a configuration, as Connect says it.
    async fn validate(&self, class: &str, config: &ConnectorConfig) -> Result<Value, Failure>;
    /// All loggers, or one.
    async fn loggers(&self, one: Option<&str>) -> Result<BTreeMap<String, LoggerLevel>, Failure>;
    /// Changes something; gives what there is to say of it.
    async fn act(&self, action: &Action) -> Result<String, Failure>;
}

/// A connector as an overview has it.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    /// Its name.
    pub(super) name: String,
    /// `None`: configured, and never started.
    pub(super) status: Option<ConnectorStatus>,
    /// `None` where it could not be read, such as while Kafka is gone.
    pub(super) info: Option<ConnectorInfo>,
}

/// A worker that was asked.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    /// `host:port`.
    pub(super) id: String,
    /// Its version, or why it is not known.
    pub(super) version: Result<String, String>,
    /// The commit it was built from.
    pub(super) commit: Option<String>,
    /// The Kafka cluster behind it.
    pub(super) kafka_cluster_id: Option<String>,
    /// What it says of its own health.
    pub(super) health: &'static str,
    /// In its own words.
    pub(super) message: Option<String>,
}

/// What can be done to a cluster.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The connector's own instance.
    Restart { name: String },
    /// The connector and its tasks, all or only what is FAILED.
    RestartAll { name: String, only_failed: bool },
    /// One task.
    RestartTask { name: String, task: u32 },
    /// Pause.
    Pause { name: String },
    /// Resume.
    Resume { name: String },
    /// Stop.
    Stop { name: String },
    /// Delete.
    Delete { name: String },
    /// Create.
    Create { name: String, config: ConnectorConfig },
    /// Create or give another configuration.
    Put { name: String, config: ConnectorConfig },
    /// Change some keys; `None` removes one.
    Patch { name: String, changes: ConnectorConfig },
    /// Forget how far it got.
    ResetOffsets { name: String },
    /// Set how far it got.
    AlterOffsets { name: String, to: Vec<PartitionOffset> },
    /// Forget which topics it used.
    ResetTopics { name: String },
    /// Set a log level.
    SetLogger { logger: String, level: String, scope: Scope },
}
