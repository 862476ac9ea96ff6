//! `describe`: everything about one thing.

use std::io::Write;

use serde_json::{Value, json};

use crate::connect::model::{InstanceStatus, State};

use super::Session;
use super::facts::{root_cause, short_class, task_data, trace, word};
use super::failure::Failure;
use super::flags::{Described, Names, Output};
use super::mask;
use super::select;
use super::show::{Tone, plain, plain_lines};
use super::target::{Cluster, Connector};

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn describe(&mut self, what: &Described) -> Result<(), Failure> {
        match what {
            Described::Connector(names) => self.describe_connectors(names).await,
            Described::Task { task } => self.describe_task(task).await,
            Described::Worker { worker } => self.describe_worker(worker).await,
            Described::Plugin { class } => self.describe_plugin(class).await,
        }
    }

    /// Whether it is for people; else `data` or the name is written.
    fn speaks(&mut self, name: &str, data: &Value) -> Result<bool, Failure> {
        match self.screen.output() {
            Output::Table | Output::Wide => return Ok(true),
            Output::Name => self.screen.line(&plain(name))?,
            Output::Json | Output::Yaml => self.screen.data(data)?,
        }
        Ok(false)
    }

    fn pairs(&mut self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        for (what, text) in pairs.iter().filter(|(_, text)| !text.is_empty()) {
            let text = self.screen.toned(&plain(text), Tone::of_known(text));
            self.screen.line(&format!("{what:<10} {text}"))?;
        }
        Ok(())
    }

    fn trace(&mut self, of: &str, instance: &InstanceStatus) -> Result<(), Failure> {
        if let Some(trace) = trace(instance, self.flags.show_secrets) {
            self.screen.line(&format!("\ntrace of {of}"))?;
            for line in plain_lines(&trace) {
                self.screen.line(&format!("  {line}"))?;
            }
        }
        Ok(())
    }

    fn config(&mut self, config: &crate::connect::model::ConnectorConfig) -> Result<(), Failure> {
        self.screen.line("\nconfiguration")?;
        for (key, value) in mask::config(config, self.flags.show_secrets) {
            let value = value.map_or_else(|| "null".to_owned(), |value| plain(&value));
            self.screen.line(&format!("  {} = {value}", plain(&key)))?;
        }
        Ok(())
    }

    async fn describe_connectors(&mut self, names: &Names) -> Result<(), Failure> {
        let listed = self.cluster.names().await?;
        let chosen = select::choose(&listed, &names.names, names.regex)?;
        let mut all = Vec::new();
        for (at, name) in chosen.names.iter().enumerate() {
            let connector = self.cluster.connector(name).await?;
            // Where a worker is older or has it switched off, the rest is worth telling.
            let topics = self.cluster.topics(name).await.ok();
            let mut data = connector.data(&self.classifier);
            let config = connector.info.as_ref().map(|info| &info.config);
            data["config"] = config.map_or(Value::Null, |c| mask::data(c, self.flags.show_secrets));
            data["topics"] = json!(topics);
            match self.screen.output() {
                Output::Table | Output::Wide => {
                    if at > 0 {
                        self.screen.line("\n---\n")?;
                    }
                    self.one_connector(&connector, topics.as_deref())?;
                }
                Output::Name => self.screen.line(&plain(&format!("connector/{name}")))?,
                Output::Json | Output::Yaml => all.push(data),
            }
        }
        if matches!(self.screen.output(), Output::Json | Output::Yaml) {
            return self.screen.data(&all.into());
        }
        Ok(())
    }

    fn one_connector(
        &mut self,
        connector: &Connector,
        topics: Option<&[String]>,
    ) -> Result<(), Failure> {
        self.pairs(&[
            ("name", connector.name.clone()),
            ("type", connector.kind().as_str().to_owned()),
            ("class", connector.class().to_owned()),
            ("version", connector.version().to_owned()),
            ("state", connector.state()),
            ("worker", connector.worker().to_owned()),
            ("tasks", format!("{} of {} RUNNING", connector.running(), connector.expected())),
            ("topics", topics.map(|topics| topics.join(", ")).unwrap_or_default()),
        ])?;
        for task in connector.tasks() {
            let state = word(task.instance.state);
            let shown = self.screen.toned(&format!("{state:<10}"), Tone::of(&state));
            let cause = match (task.instance.state, task.instance.trace.as_deref()) {
                (State::Failed, Some(trace)) => format!("  {}", plain(&root_cause(trace))),
                _ => String::new(),
            };
            let worker = plain(&task.instance.worker_id);
            self.screen.line(&format!("  task {:<4} {shown} {worker}{cause}", task.id))?;
        }
        match &connector.info {
            Some(info) => self.config(&info.config)?,
            None => {
                self.tell("the configuration could not be read: is Kafka behind the worker there?")
            }
        }
        if let Some(status) = &connector.status {
            self.trace("the connector", &status.connector)?;
        }
        for task in connector.tasks() {
            self.trace(&format!("task {}", task.id), &task.instance)?;
        }
        Ok(())
    }

    async fn describe_task(&mut self, typed: &str) -> Result<(), Failure> {
        let listed = self.cluster.names().await?;
        let Some((name, id)) = select::task(&listed, typed) else {
            let name = typed.rsplit_once('/').map_or(typed, |(name, _)| name);
            select::one(&listed, name)?;
            return Err(Failure::usage(format!(
                "{typed:?} is no task; write CONNECTOR/TASK, such as {name}/0"
            )));
        };
        let connector = self.cluster.connector(&name).await?;
        let Some(task) = connector.tasks().iter().find(|task| task.id == id) else {
            let count = connector.tasks().len();
            return Err(Failure::failed(format!(
                "{name:?} has no task {id}; it has {count} tasks"
            )));
        };
        let config = self.cluster.task_config(&name, id).await?;
        let mut data = task_data(&name, task, &self.classifier);
        data["config"] = mask::data(&config, self.flags.show_secrets);
        data["trace"] = json!(trace(&task.instance, self.flags.show_secrets));
        if !self.speaks(&format!("task/{name}/{id}"), &data)? {
            return Ok(());
        }
        self.pairs(&[
            ("task", format!("{name}/{id}")),
            ("state", word(task.instance.state)),
            ("worker", task.instance.worker_id.clone()),
        ])?;
        self.config(&config)?;
        self.trace(&format!("task {id}"), &task.instance)
    }

    async fn describe_worker(&mut self, id: &str) -> Result<(), Failure> {
        let all = self.cluster.overview().await?;
        let workers = self.cluster.workers(&[id.to_owned()]).await;
        let worker = workers.iter().find(|worker| worker.id == id);
        let mut on_it = Vec::new();
        for status in all.iter().filter_map(|connector| connector.status.as_ref()) {
            if status.connector.worker_id == id {
                on_it.push((status.name.clone(), word(status.connector.state)));
            }
            let tasks = status.tasks.iter().filter(|task| task.instance.worker_id == id);
            on_it.extend(
                tasks.map(|t| (format!("{}/{}", status.name, t.id), word(t.instance.state))),
            );
        }
        if worker.is_none() && on_it.is_empty() {
            let names = workers.iter().map(|worker| worker.id.as_str());
            let near = crate::config::did_you_mean(id, names);
            return Err(Failure::failed(format!(
                "there is no worker {id:?}{near}; `ctl get workers` lists them"
            )));
        }
        let error = worker.and_then(|worker| worker.version.as_ref().err());
        let data = json!({
            "worker_id": id,
            "version": worker.and_then(|worker| worker.version.as_ref().ok()),
            "commit": worker.and_then(|worker| worker.commit.as_ref()),
            "kafka_cluster_id": worker.and_then(|worker| worker.kafka_cluster_id.as_ref()),
            "health": worker.map(|worker| worker.health),
            "message": worker.and_then(|worker| worker.message.as_ref()),
            "error": error,
            "runs": on_it.iter().map(|(unit, state)| json!({"unit": unit, "state": state})).collect::<Vec<_>>(),
        });
        if !self.speaks(&format!("worker/{id}"), &data)? {
            return Ok(());
        }
        let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
        let health = if worker.is_some() {
            text("health")
        } else {
            "not asked: it is none of the URLs".to_owned()
        };
        self.pairs(&[
            ("worker", id.to_owned()),
            ("version", text("version")),
            ("commit", text("commit")),
            ("kafka", text("kafka_cluster_id")),
            ("health", health),
            ("message", text("message")),
            ("error", text("error")),
            ("runs", on_it.len().to_string()),
        ])?;
        for (unit, state) in on_it {
            let state = self.screen.toned(&format!("{state:<10}"), Tone::of(&state));
            self.screen.line(&format!("  {state} {}", plain(&unit)))?;
        }
        Ok(())
    }

    async fn describe_plugin(&mut self, typed: &str) -> Result<(), Failure> {
        let plugins = self.cluster.plugins(false).await?;
        let mut classes: Vec<&str> = plugins.iter().map(|plugin| plugin.class.as_str()).collect();
        classes.dedup();
        let fits = |class: &&&str| **class == typed || short_class(class) == typed;
        let Some(class) = classes.iter().find(fits) else {
            let near = crate::config::did_you_mean(typed, classes.iter().map(|c| short_class(c)));
            return Err(Failure::failed(format!(
                "this worker has no plugin {typed:?}{near}; `ctl get plugins` lists them"
            )));
        };
        let keys = self.cluster.plugin(class).await?;
        let plugin = plugins.iter().find(|plugin| plugin.class == *class);
        let data = json!({"class": class, "plugin": plugin, "config": keys});
        if !self.speaks(&format!("plugin/{}", short_class(class)), &data)? {
            return Ok(());
        }
        let of = |text: Option<&String>| text.cloned().unwrap_or_default();
        self.pairs(&[
            ("class", (*class).to_owned()),
            ("type", of(plugin.and_then(|plugin| plugin.kind.as_ref()))),
            ("version", of(plugin.and_then(|plugin| plugin.version.as_ref()))),
        ])?;
        self.screen.line("")?;
        for key in &keys {
            let text = |field: &str| key[field].as_str().unwrap_or_default().to_owned();
            let required = key["required"].as_bool() == Some(true);
            let default = if required {
                "required".to_owned()
            } else {
                format!("default {}", plain(&text("default_value")))
            };
            let kind = text("type").to_lowercase();
            self.screen.line(&format!("  {} ({kind}, {default})", plain(&text("name"))))?;
            for line in plain_lines(&text("documentation")) {
                self.screen.line(&format!("      {line}"))?;
            }
        }
        Ok(())
    }
}
