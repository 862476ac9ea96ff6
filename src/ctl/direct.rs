//! A cluster that is reached by Connect's own REST API.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::config::ConnectSettings;
use crate::connect::error::{Error, ErrorKind};
use crate::connect::model::{
    ConnectorConfig, ConnectorInfo, ConnectorStatus, Health, LoggerLevel, PartitionOffset, Plugin,
    State,
};
use crate::connect::version::Version;
use crate::connect::{ClusterClient, HealthAnswer, WorkerClient};
use crate::watchdog::audit::redact;

use super::failure::{self, Failure, Since};
use super::flags::Scope;
use super::target::{Action, Cluster, Connector, Worker};

/// Requests at once where a connector needs one of its own.
const AT_ONCE: usize = 8;
/// A worker's own limit for `/health` is 10 s.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(12);
/// How long is waited for what needs the herder, which hangs while Kafka is gone, where the rest is
/// worth telling without it.
const HERDER: Duration = Duration::from_secs(3);

/// One worker that answered, and the others.
#[derive(Debug)]
pub(super) struct Direct {
    client: ClusterClient,
    place: String,
    version_text: String,
    version: Option<Version>,
}

impl Direct {
    /// Finds a worker that answers as Kafka Connect does.
    pub(super) async fn connect(
        settings: &ConnectSettings,
        context: Option<&str>,
    ) -> Result<Self, Failure> {
        let client =
            ClusterClient::new(settings).map_err(|error| Failure::usage(error.to_string()))?;
        let first = client.first(|worker| worker.server_info().boxed()).await;
        let (_, info) = first.map_err(failure::at_first)?;
        let place = context.map_or_else(|| client.current().base().to_string(), str::to_owned);
        Ok(Self {
            client,
            place,
            version: Version::parse(&info.version),
            version_text: info.version,
        })
    }

    fn worker(&self) -> &WorkerClient {
        self.client.current()
    }

    /// Refuses what this version lacks, before anything is sent; a version that cannot be read
    /// may have it.
    fn needs(&self, since: Since) -> Result<(), Failure> {
        let (major, minor) = since.version;
        match self.version {
            Some(version) if !version.at_least(major, minor) => {
                Err(since.lacks(self.worker().base(), &self.version_text))
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn one_by_one(&self, names: Vec<String>) -> Result<Vec<Connector>, Failure> {
        let all = stream::iter(names).map(async |name| match self.connector(&name).await {
            // It was deleted meanwhile.
            Err(failure) if failure.is_not_found() => Ok(None),
            other => other.map(Some),
        });
        let mut all: Vec<_> =
            all.buffered(AT_ONCE).try_filter_map(async |found| Ok(found)).try_collect().await?;
        all.sort_by(|a: &Connector, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// On workers that have no safe call for it.
    async fn restart_each(&self, name: &str, only_failed: bool) -> Result<String, Failure> {
        let status = self.worker().status(name).await?;
        let wanted = |state: State| !only_failed || state == State::Failed;
        let mut done = Vec::new();
        if wanted(status.connector.state) {
            self.worker().restart(name).await?;
            done.push("the connector".to_owned());
        }
        for task in status.tasks.iter().filter(|task| wanted(task.instance.state)) {
            self.worker().restart_task(name, task.id).await?;
            done.push(format!("task {}", task.id));
        }
        Ok(restarted(&done))
    }

    async fn restart_all(&self, name: &str, only_failed: bool) -> Result<String, Failure> {
        if !self.version.is_some_and(Version::restarts_with_tasks) {
            return self.restart_each(name, only_failed).await;
        }
        let plan = if only_failed {
            self.worker().restart_failed(name, true).await?
        } else {
            self.worker().restart_with_tasks(name).await?
        };
        let mut done = Vec::new();
        if plan.status.connector.state == State::Restarting {
            done.push("the connector".to_owned());
        }
        let restarting = |task: &&_| -> bool {
            let task: &crate::connect::model::TaskStatus = task;
            task.instance.state == State::Restarting
        };
        let tasks = plan.status.tasks.iter().filter(restarting);
        done.extend(tasks.map(|task| format!("task {}", task.id)));
        Ok(restarted(&done))
    }

    /// Before 3.8 the whole configuration is read and written again.
    async fn patch(&self, name: &str, changes: &ConnectorConfig) -> Result<String, Failure> {
        if self.version.is_some_and(Version::patches_config) {
            self.worker().patch_config(name, changes).await?;
            return Ok("patched".to_owned());
        }
        let mut config = self.worker().config(name).await?;
        for (key, value) in changes {
            match value {
                Some(_) => config.insert(key.clone(), value.clone()),
                None => config.remove(key),
            };
        }
        self.worker().put_config(name, &config).await?;
        Ok("patched".to_owned())
    }
}

fn restarted(done: &[String]) -> String {
    if done.is_empty() {
        "nothing of it is FAILED".to_owned()
    } else {
        format!("restarted: {}", done.join(", "))
    }
}

#[derive(Deserialize)]
struct Expanded {
    status: Option<ConnectorStatus>,
    info: Option<ConnectorInfo>,
}

impl Cluster for Direct {
    fn place(&self) -> &str {
        &self.place
    }

    async fn again(&self) -> Result<(), Failure> {
        let first = self.client.first(|worker| worker.server_info().boxed()).await;
        first.map(|_| ()).map_err(failure::at_first)
    }

    async fn doubt(&self) -> Option<String> {
        let worker = self.worker();
        let told = if self.version.is_some_and(|version| !version.has_health()) {
            let any = worker.connectors().await.ok()?.into_iter().next()?;
            match timeout(HERDER, worker.info(&any)).await {
                Ok(Ok(_) | Err(Error { kind: ErrorKind::NotFound(_), .. })) => return None,
                Ok(Err(error)) => error.kind.to_string(),
                Err(_) => "its herder does not answer".to_owned(),
            }
        } else {
            match timeout(HERDER, worker.health(HEALTH_TIMEOUT)).await {
                Ok(Ok(HealthAnswer { health: Health::Healthy | Health::Unsupported, .. })) => {
                    return None;
                }
                Ok(Ok(answer)) => {
                    answer.message.unwrap_or_else(|| answer.health.as_str().to_owned())
                }
                Ok(Err(error)) => error.kind.to_string(),
                Err(_) => "its /health does not answer".to_owned(),
            }
        };
        Some(format!(
            "states may be what was true before: {} does not prove to be able to serve ({}); is Kafka there?",
            worker.id(),
            redact(&told)
        ))
    }

    async fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = self.worker().connectors().await?;
        names.sort_unstable();
        Ok(names)
    }

    async fn overview(&self) -> Result<Vec<Connector>, Failure> {
        let names = self.names().await?;
        if self.version.is_some_and(|version| !version.knows_expand()) {
            return self.one_by_one(names).await;
        }
        let body = match self.worker().expanded_body().await {
            Ok(body) => body,
            // One connector that cannot be described fails the whole answer before 3.4
            // (KAFKA-13989).
            Err(Error { kind: ErrorKind::Status { status: 500.., .. }, .. }) => {
                return self.one_by_one(names).await;
            }
            Err(error) => return Err(error.into()),
        };
        let Ok(mut all) = serde_json::from_slice::<BTreeMap<String, Expanded>>(&body) else {
            return self.one_by_one(names).await;
        };
        // `expand` leaves out what has no status yet.
        for name in names {
            all.entry(name).or_insert(Expanded { status: None, info: None });
        }
        let connector = |(name, Expanded { status, info })| Connector { name, status, info };
        Ok(all.into_iter().map(connector).collect())
    }

    async fn connector(&self, name: &str) -> Result<Connector, Failure> {
        let info = match timeout(HERDER, self.worker().info(name)).await {
            Ok(Ok(info)) => Some(info),
            Ok(Err(error)) if matches!(error.kind, ErrorKind::NotAddressable(_)) => {
                let mut all = self.overview().await?;
                let at = all.iter().position(|connector| connector.name == name);
                return at.map(|at| all.swap_remove(at)).ok_or_else(|| error.into());
            }
            Ok(Err(Error {
                kind: ErrorKind::Status { status: 500.., .. } | ErrorKind::Timeout(_),
                ..
            }))
            | Err(_) => None,
            Ok(Err(error)) => return Err(error.into()),
        };
        let status = match self.worker().status(name).await {
            Ok(status) => Some(status),
            Err(Error { kind: ErrorKind::NotFound(_), .. }) => None,
            Err(Error { kind: ErrorKind::Status { status: 500.., .. }, .. }) if info.is_some() => {
                None
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Connector { name: name.to_owned(), status, info })
    }

    async fn config(&self, name: &str) -> Result<ConnectorConfig, Failure> {
        match self.worker().config(name).await {
            Err(Error { kind: ErrorKind::NotAddressable(_), .. }) => {
                let info = self.connector(name).await?.info;
                info.map(|info| info.config).ok_or_else(|| {
                    Failure::failed(format!("the configuration of {name:?} cannot be read"))
                })
            }
            other => Ok(other?),
        }
    }

    async fn task_config(&self, name: &str, task: u32) -> Result<ConnectorConfig, Failure> {
        let all = self.worker().tasks(name).await?;
        let found = all.into_iter().find(|info| info.id.task == task);
        Ok(found.map(|info| info.config).unwrap_or_default())
    }

    async fn topics(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.needs(failure::TOPICS)?;
        let mut topics = self.worker().topics(name).await?;
        topics.sort_unstable();
        Ok(topics)
    }

    async fn offsets(&self, name: &str) -> Result<Vec<PartitionOffset>, Failure> {
        self.needs(failure::OFFSETS)?;
        Ok(self.worker().offsets(name).await?)
    }

    async fn workers(&self, seen: &[String]) -> Vec<Worker> {
        let mut all = self.client.workers().to_vec();
        for id in seen {
            if all.iter().all(|worker| worker.id() != id) {
                all.extend(self.client.dial(id));
            }
        }
        stream::iter(all.iter().map(worker_facts)).buffered(AT_ONCE).collect().await
    }

    async fn plugins(&self, all: bool) -> Result<Vec<Plugin>, Failure> {
        if all {
            self.needs(failure::ALL_PLUGINS)?;
        }
        let mut plugins = self.worker().plugins(!all).await?;
        plugins.sort_by(|a, b| (&a.class, &a.version).cmp(&(&b.class, &b.version)));
        Ok(plugins)
    }

    async fn plugin(&self, class: &str) -> Result<Vec<Value>, Failure> {
        self.needs(failure::PLUGIN_CONFIG)?;
        Ok(self.worker().plugin_config(class).await?)
    }

    async fn validate(&self, class: &str, config: &ConnectorConfig) -> Result<Value, Failure> {
        Ok(self.worker().validate(class, config).await?)
    }

    async fn loggers(&self, one: Option<&str>) -> Result<BTreeMap<String, LoggerLevel>, Failure> {
        self.needs(failure::LOGGERS)?;
        match one {
            None => Ok(self.worker().loggers().await?),
            Some(one) => Ok(BTreeMap::from([(one.to_owned(), self.worker().logger(one).await?)])),
        }
    }

    async fn act(&self, action: &Action) -> Result<String, Failure> {
        let worker = self.worker();
        let done = match action {
            Action::Restart { name } => {
                worker.restart(name).await.map(|()| "restarted, without its tasks")
            }
            Action::RestartAll { name, only_failed } => {
                return self.restart_all(name, *only_failed).await;
            }
            Action::RestartTask { name, task } => {
                worker.restart_task(name, *task).await.map(|()| "restarted")
            }
            Action::Pause { name } => worker.pause(name).await.map(|()| "paused"),
            Action::Resume { name } => worker.resume(name).await.map(|()| "resumed"),
            Action::Stop { name } => {
                self.needs(failure::STOP)?;
                worker.stop(name).await.map(|()| "stopped")
            }
            Action::Delete { name } => worker.delete(name).await.map(|()| "deleted"),
            Action::Create { name, config } => worker.create(name, config).await.map(|_| "created"),
            Action::Put { name, config } => {
                worker.put_config(name, config).await.map(|_| "configured")
            }
            Action::Patch { name, changes } => return self.patch(name, changes).await,
            Action::ResetOffsets { name } => {
                self.needs(failure::CHANGE_OFFSETS)?;
                worker.reset_offsets(name).await.map(|()| "offsets reset")
            }
            Action::AlterOffsets { name, to } => {
                self.needs(failure::CHANGE_OFFSETS)?;
                worker.alter_offsets(name, to).await.map(|()| "offsets altered")
            }
            Action::ResetTopics { name } => {
                self.needs(failure::TOPICS)?;
                worker.reset_topics(name).await.map(|()| "topics reset")
            }
            Action::SetLogger { logger, level, scope: Scope::Worker } => {
                self.needs(failure::LOGGERS)?;
                return Ok(format!("set: {}", worker.set_logger(logger, level).await?.join(", ")));
            }
            Action::SetLogger { logger, level, scope: Scope::Cluster } => {
                self.needs(failure::LOGGERS)?;
                self.needs(failure::ALL_LOGGERS)?;
                worker.set_logger_of_all(logger, level).await.map(|()| "set on every worker")
            }
        };
        Ok(done?.to_owned())
    }
}

async fn worker_facts(worker: &WorkerClient) -> Worker {
    let id = worker.id().to_owned();
    let nobody = |version, health| Worker {
        id: id.clone(),
        version,
        commit: None,
        kafka_cluster_id: None,
        health,
        message: None,
    };
    let info = match worker.server_info().await {
        Ok(info) => info,
        Err(error) => return nobody(Err(Failure::from(error).text), "unreachable"),
    };
    let (health, message) =
        if Version::parse(&info.version).is_some_and(|version| !version.has_health()) {
            ("unsupported", None)
        } else {
            match worker.health(HEALTH_TIMEOUT).await {
                Ok(answer) => (answer.health.as_str(), answer.message),
                Err(error) => ("unreachable", Some(Failure::from(error).text)),
            }
        };
    Worker {
        commit: info.commit,
        kafka_cluster_id: info.kafka_cluster_id,
        message,
        ..nobody(Ok(info.version), health)
    }
}
