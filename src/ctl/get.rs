//! `get` and `status`: lists.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use crate::connect::model::State;

use super::Session;
use super::facts::{Cause, short_class, task_data, word};
use super::failure::Failure;
use super::flags::{Loggers, Name, NamesOrAll, Output, Resource};
use super::mask;
use super::select;
use super::show::{Cell, View};
use super::target::{Cluster, Connector};

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn get(&mut self, what: &Resource) -> Result<(), Failure> {
        match what {
            Resource::Connectors(names) => self.get_connectors(names).await,
            Resource::Tasks(names) => self.get_tasks(names).await,
            Resource::Workers => self.get_workers().await,
            Resource::Plugins { all } => self.get_plugins(*all).await,
            Resource::Loggers => self.get_loggers(None).await,
            Resource::Topics(name) => self.get_topics(name).await,
            Resource::Offsets(name) => self.get_offsets(name).await,
            Resource::Config(name) => self.get_config(name).await,
        }
    }

    /// The same, and what makes their states doubtful is told.
    pub(super) async fn looked_at(&self, of: &NamesOrAll) -> Result<Vec<Connector>, Failure> {
        let (chosen, doubt) = tokio::join!(self.chosen(of), self.cluster.doubt());
        if let (Ok(_), Some(doubt)) = (&chosen, doubt) {
            self.tell(&doubt);
        }
        chosen
    }

    /// The connectors that are meant, with their status; all where none is named.
    async fn chosen(&self, of: &NamesOrAll) -> Result<Vec<Connector>, Failure> {
        if let ([name], false) = (&of.names[..], of.regex) {
            // One connector is one call, where it is a name.
            let listed = self.cluster.names().await?;
            if listed.contains(name) {
                return Ok(vec![self.cluster.connector(name).await?]);
            }
        }
        let all = self.cluster.overview().await?;
        if of.names.is_empty() {
            return Ok(all);
        }
        let listed: Vec<String> = all.iter().map(|connector| connector.name.clone()).collect();
        let wanted = select::choose(&listed, &of.names, of.regex)?.names;
        Ok(all.into_iter().filter(|connector| wanted.contains(&connector.name)).collect())
    }

    async fn get_connectors(&mut self, of: &NamesOrAll) -> Result<(), Failure> {
        let mut view = View::new(
            &["NAME", "TYPE", "STATE", "TASKS", "FAILURE", "+WORKER", "+CLASS", "+VERSION"],
            "there is no connector",
        );
        for connector in self.looked_at(of).await? {
            let tasks = format!("{}/{}", connector.running(), connector.expected());
            let cells = vec![
                (&*connector.name).into(),
                connector.kind().as_str().into(),
                Cell::state(&connector.state()),
                tasks.into(),
                connector.classes(&self.classifier).join(",").into(),
                connector.worker().into(),
                connector.class().into(),
                connector.version().into(),
            ];
            let data = connector.data(&self.classifier);
            view.row(format!("connector/{}", connector.name), cells, data);
        }
        self.screen.view(&view)
    }

    async fn get_tasks(&mut self, of: &NamesOrAll) -> Result<(), Failure> {
        let mut view =
            View::new(&["TASK", "STATE", "WORKER", "FAILURE", "+CAUSE"], "there is no task");
        for connector in self.looked_at(of).await? {
            for task in connector.tasks() {
                let cause = Cause::of(&task.instance, &self.classifier);
                let cells = vec![
                    format!("{}/{}", connector.name, task.id).into(),
                    Cell::state(&word(task.instance.state)),
                    (&*task.instance.worker_id).into(),
                    cause.as_ref().map_or("", |cause| cause.class).into(),
                    cause.as_ref().map_or("", |cause| &cause.text).into(),
                ];
                let data = task_data(&connector.name, task, &self.classifier);
                view.row(format!("task/{}/{}", connector.name, task.id), cells, data);
            }
        }
        self.screen.view(&view)
    }

    pub(super) async fn status(&mut self, of: &NamesOrAll) -> Result<(), Failure> {
        let mut view = View::new(&["NAME", "STATE", "WORKER", "CAUSE"], "there is no connector");
        for connector in self.looked_at(of).await? {
            let own = connector.status.as_ref().map(|status| &status.connector);
            let said = |cause: Option<Cause>| match cause {
                Some(cause) => format!("{}: {}", cause.class, cause.text),
                None => String::new(),
            };
            let cause = match own {
                Some(own) => said(Cause::of(own, &self.classifier)),
                None => "configured, and never started".to_owned(),
            };
            let name = format!("connector/{}", connector.name);
            let cells = vec![
                (&*connector.name).into(),
                Cell::state(&connector.state()),
                connector.worker().into(),
                self.cut(cause).into(),
            ];
            view.row(name, cells, connector.data(&self.classifier));
            for task in connector.tasks() {
                let cells = vec![
                    format!("  {}/{}", connector.name, task.id).into(),
                    Cell::state(&word(task.instance.state)),
                    (&*task.instance.worker_id).into(),
                    self.cut(said(Cause::of(&task.instance, &self.classifier))).into(),
                ];
                let name = format!("task/{}/{}", connector.name, task.id);
                view.row(name, cells, serde_json::Value::Null);
            }
        }
        self.screen.view(&view)
    }

    /// Causes are long; `--output=wide` has all of them.
    fn cut(&self, text: String) -> String {
        const SHORT: usize = 100;
        if self.screen.output() == Output::Wide || text.chars().count() <= SHORT {
            return text;
        }
        text.chars().take(SHORT - 3).chain("...".chars()).collect()
    }

    async fn get_workers(&mut self) -> Result<(), Failure> {
        let all = self.cluster.overview().await?;
        let mut view = View::new(
            &["WORKER", "VERSION", "HEALTH", "CONNECTORS", "TASKS", "FAILED", "+KAFKA", "+COMMIT"],
            "there is no worker",
        );
        let mut load: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for connector in &all {
            if let Some(status) = &connector.status {
                load.entry(&status.connector.worker_id).or_default()[0] += 1;
                for task in &status.tasks {
                    load.entry(&task.instance.worker_id).or_default()[1] += 1;
                }
                for instance in connector.instances().filter(|i| i.state == State::Failed) {
                    load.entry(&instance.worker_id).or_default()[2] += 1;
                }
            }
        }
        let seen: Vec<String> = load.keys().map(|id| (*id).to_owned()).collect();
        for worker in self.cluster.workers(&seen).await {
            let [connectors, tasks, failed] = load.remove(&*worker.id).unwrap_or_default();
            let version = worker.version.as_deref().unwrap_or("");
            let kafka = worker.kafka_cluster_id.as_deref().unwrap_or("");
            let commit = worker.commit.as_deref().unwrap_or("");
            let cells = vec![
                (&*worker.id).into(),
                version.into(),
                Cell::state(worker.health),
                connectors.to_string().into(),
                tasks.to_string().into(),
                failed.to_string().into(),
                kafka.into(),
                commit.into(),
            ];
            let data = json!({
                "worker_id": worker.id, "version": worker.version.as_ref().ok(),
                "health": worker.health, "error": worker.version.as_ref().err(),
                "connectors": connectors, "tasks": tasks, "failed": failed,
                "kafka_cluster_id": worker.kafka_cluster_id, "commit": worker.commit,
            });
            view.row(format!("worker/{}", worker.id), cells, data);
        }
        for (worker, [connectors, tasks, failed]) in load {
            let counts = [connectors, tasks, failed].map(|count| Cell::from(count.to_string()));
            let cells = [worker.into(), "".into(), "not asked".into()];
            let cells = cells.into_iter().chain(counts).chain(["".into(), "".into()]).collect();
            let data = json!({
                "worker_id": worker, "version": null, "health": null, "error": null,
                "connectors": connectors, "tasks": tasks, "failed": failed,
                "kafka_cluster_id": null, "commit": null,
            });
            view.row(format!("worker/{worker}"), cells, data);
        }
        self.screen.view(&view)
    }

    async fn get_plugins(&mut self, every_kind: bool) -> Result<(), Failure> {
        let mut view = View::new(&["CLASS", "TYPE", "VERSION"], "there is no plugin");
        for plugin in self.cluster.plugins(every_kind).await? {
            let cells = vec![
                (&*plugin.class).into(),
                plugin.kind.as_deref().unwrap_or("").into(),
                plugin.version.as_deref().unwrap_or("").into(),
            ];
            view.row(format!("plugin/{}", short_class(&plugin.class)), cells, json!(plugin));
        }
        self.screen.view(&view)
    }

    pub(super) async fn loggers(&mut self, what: &Loggers) -> Result<(), Failure> {
        match what {
            Loggers::Get { logger } => self.get_loggers(logger.as_deref()).await,
            Loggers::Set { logger, to, scope } => {
                let action = super::target::Action::SetLogger {
                    logger: logger.clone(),
                    level: to.to_ascii_uppercase(),
                    scope: *scope,
                };
                self.act_on(vec![(format!("logger/{logger}"), action)]).await
            }
        }
    }

    async fn get_loggers(&mut self, one: Option<&str>) -> Result<(), Failure> {
        let mut view = View::new(&["LOGGER", "LEVEL", "LAST MODIFIED"], "there is no logger");
        for (name, logger) in self.cluster.loggers(one).await? {
            let at = logger.last_modified.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
            let cells = vec![
                (&*name).into(),
                logger.level.as_deref().unwrap_or("").into(),
                at.map_or(String::new(), |at| at.to_string()).into(),
            ];
            let data = json!({
                "logger": name, "level": logger.level, "last_modified": logger.last_modified
            });
            view.row(format!("logger/{name}"), cells, data);
        }
        self.screen.view(&view)
    }

    pub(super) async fn get_topics(&mut self, name: &Name) -> Result<(), Failure> {
        let name = self.known(&name.name).await?;
        let mut view = View::new(&["TOPIC"], "it used no topic");
        for topic in self.cluster.topics(&name).await? {
            view.row(format!("topic/{topic}"), vec![(&*topic).into()], json!(topic));
        }
        self.screen.view(&view)
    }

    pub(super) async fn get_offsets(&mut self, name: &Name) -> Result<(), Failure> {
        let name = self.known(&name.name).await?;
        let offsets = mask::offsets(self.cluster.offsets(&name).await?, self.flags.show_secrets);
        let mut view = View::new(&["PARTITION", "OFFSET"], "it has no offset yet");
        for offset in &offsets {
            let partition = offset.partition.to_string();
            let cells = vec![(&*partition).into(), offset.offset.to_string().into()];
            view.row(partition, cells, serde_json::Value::Null);
        }
        view.data = json!({ "offsets": offsets });
        self.screen.view(&view)
    }

    async fn get_config(&mut self, name: &Name) -> Result<(), Failure> {
        let name = self.known(&name.name).await?;
        let config = self.cluster.config(&name).await?;
        let config = mask::config(&config, self.flags.show_secrets);
        let mut view = View::new(&["KEY", "VALUE"], "it has no configuration");
        for (key, value) in &config {
            let cells = vec![key.into(), value.as_deref().unwrap_or("null").into()];
            view.row(key, cells, serde_json::Value::Null);
        }
        view.data = json!(config);
        self.screen.view(&view)
    }

    /// The name, if it is listed.
    pub(super) async fn known(&self, typed: &str) -> Result<String, Failure> {
        select::one(&self.cluster.names().await?, typed)
    }
}
