//! Connectors as JSON, with the fields that the version has.

use serde_json::{Map, Value, json};

use super::model::{Connector, Instance, Model};

impl Model {
    fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.version.major, self.version.minor) >= (major, minor)
    }

    pub(super) fn instance_json(&self, instance: &Instance) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("state".to_owned(), instance.state.as_str().into());
        json.insert("worker_id".to_owned(), self.ids[instance.worker].as_str().into());
        if let Some(trace) = instance.trace.as_ref().filter(|_| instance.state == "FAILED") {
            json.insert("trace".to_owned(), trace.as_str().into());
        }
        if self.at_least(4, 1) {
            json.insert("version".to_owned(), self.version_text.as_str().into());
        }
        json
    }

    pub(super) fn task_json(&self, id: usize, task: &Instance) -> Value {
        let mut json = Map::new();
        json.insert("id".to_owned(), id.into());
        json.extend(self.instance_json(task));
        json.into()
    }

    pub(super) fn status_json(&self, name: &str, connector: &Connector) -> Value {
        let tasks = connector.tasks.iter().enumerate().map(|(id, task)| self.task_json(id, task));
        let mut json = json!({
            "name": name,
            "connector": self.instance_json(&connector.own),
            "tasks": tasks.collect::<Vec<_>>(),
        });
        if self.at_least(1, 0) {
            json["type"] = connector.kind().into();
        }
        json
    }

    pub(super) fn info_json(&self, name: &str, connector: &Connector) -> Value {
        let tasks = 0..connector.tasks_configured.unwrap_or(connector.tasks.len());
        let mut json = json!({
            "name": name,
            "config": connector.config,
            "tasks": tasks.map(|task| json!({"connector": name, "task": task})).collect::<Vec<_>>(),
        });
        if self.at_least(1, 0) {
            json["type"] = connector.kind().into();
        }
        json
    }

    pub(super) fn names_json(&self) -> Value {
        self.connectors.keys().map(String::as_str).collect()
    }

    /// `GET /connectors` with `expand` parameters; an unknown one gives `{}` for each connector.
    pub(super) fn expand_json(&self, status: bool, info: bool) -> Value {
        let known = self.connectors.iter().filter(|(_, c)| !(status && c.without_status));
        let all = known.map(|(name, connector)| {
            let mut json = Map::new();
            if status {
                json.insert("status".to_owned(), self.status_json(name, connector));
            }
            if info {
                json.insert("info".to_owned(), self.info_json(name, connector));
            }
            (name.clone(), json.into())
        });
        Value::Object(all.collect())
    }
}
