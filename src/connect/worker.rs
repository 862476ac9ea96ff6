//! Every call of the REST API, to one worker.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::answer;
use super::error::{Error, ErrorKind};
use super::http::{Http, Reply};
use super::model::{
    ConnectorConfig, ConnectorInfo, ConnectorStatus, Health, LoggerLevel, PartitionOffset, Plugin,
    ServerInfo, TaskInfo, TaskStatus,
};
use super::name::{addressable, encode};

/// One worker.
#[derive(Clone, Debug)]
pub struct WorkerClient {
    base: Url,
    id: String,
    http: Http,
}

/// What `/health` said.
#[derive(Clone, Debug)]
pub struct HealthAnswer {
    /// The state.
    pub health: Health,
    /// Connect's own words.
    pub message: Option<String>,
}

/// What `restart` answered to the form of KIP-745.
#[derive(Clone, Debug)]
pub struct RestartPlan {
    /// The instances that will be restarted show `RESTARTING`.
    pub status: ConnectorStatus,
}

impl WorkerClient {
    pub(super) fn new(base: Url, http: Http) -> Self {
        let host = base.host_str().unwrap_or_default();
        let port = base.port_or_known_default().unwrap_or_default();
        Self { id: format!("{host}:{port}"), base, http }
    }

    /// The same worker, to be asked with other limits.
    #[must_use]
    pub fn bounded(&self, timeout: Duration, max_body_bytes: usize) -> Self {
        Self { http: self.http.bounded(timeout, max_body_bytes), ..self.clone() }
    }

    /// The same worker, whose answers are waited for so long.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { http: self.http.with_timeout(timeout), ..self.clone() }
    }

    /// The base URL, without credentials.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `host:port` of the URL: equal to the `worker_id` where the worker advertises the same.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `GET /`.
    pub async fn server_info(&self) -> Result<ServerInfo, Error> {
        self.get("").await
    }

    /// `GET /health` (3.9 and later). A worker's own limit is 10 s: `timeout` should be longer.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is told alike")]
    pub async fn health(&self, timeout: Duration) -> Result<HealthAnswer, Error> {
        let url = self.url("health");
        let reply = self
            .http
            .send(Method::GET, &url, None, Some(timeout))
            .await
            .map_err(|kind| failed("GET", &url, kind))?;
        let message = serde_json::from_slice::<Value>(&reply.body)
            .ok()
            .and_then(|body| Some(answer::shorten(body.get("message")?.as_str()?)));
        let health = match reply.status.as_u16() {
            200 => Health::Healthy,
            503 => Health::Starting,
            500 => Health::Unhealthy,
            _ => match answer::error(&reply) {
                ErrorKind::Starting => Health::Starting,
                ErrorKind::Unsupported => Health::Unsupported,
                kind => return Err(failed("GET", &url, kind)),
            },
        };
        Ok(HealthAnswer { health, message })
    }

    /// `GET /connectors`: every name, also of those without a status.
    pub async fn connectors(&self) -> Result<Vec<String>, Error> {
        self.get("connectors").await
    }

    /// `GET /connectors?expand=status&expand=info` (2.3 and later, KIP-465), not yet read: before
    /// that the parameters are ignored and an array of names comes.
    pub async fn expanded_body(&self) -> Result<Bytes, Error> {
        let reply = self.call(Method::GET, "connectors?expand=status&expand=info", None).await?;
        Ok(reply.body)
    }

    /// `GET /connector-plugins`: of this worker alone. All kinds of plugins from 3.2 on.
    pub async fn plugins(&self, connectors_only: bool) -> Result<Vec<Plugin>, Error> {
        self.get(&format!("connector-plugins?connectorsOnly={connectors_only}")).await
    }

    /// `GET /connector-plugins/{class}/config` (3.2 and later, KIP-769): what can be configured.
    pub async fn plugin_config(&self, class: &str) -> Result<Vec<Value>, Error> {
        self.get(&format!("connector-plugins/{}/config", encode(class))).await
    }

    /// `PUT /connector-plugins/{class}/config/validate`.
    pub async fn validate(&self, class: &str, config: &ConnectorConfig) -> Result<Value, Error> {
        let path = format!("connector-plugins/{}/config/validate", encode(class));
        self.read(Method::PUT, &path, Some(&json!(config))).await
    }

    /// `POST /connectors`.
    pub async fn create(
        &self,
        name: &str,
        config: &ConnectorConfig,
    ) -> Result<ConnectorInfo, Error> {
        let body = json!({ "name": name, "config": config });
        self.read(Method::POST, "connectors", Some(&body)).await
    }

    /// `GET /connectors/{name}`: needs the herder.
    pub async fn info(&self, name: &str) -> Result<ConnectorInfo, Error> {
        self.get(&connector(name, "")).await
    }

    /// `GET /connectors/{name}/config`: needs the herder.
    pub async fn config(&self, name: &str) -> Result<ConnectorConfig, Error> {
        self.get(&connector(name, "/config")).await
    }

    /// `PUT /connectors/{name}/config`: creates or replaces.
    pub async fn put_config(
        &self,
        name: &str,
        config: &ConnectorConfig,
    ) -> Result<ConnectorInfo, Error> {
        self.read(Method::PUT, &connector(name, "/config"), Some(&json!(config))).await
    }

    /// `PATCH /connectors/{name}/config` (3.8 and later, KIP-477): null removes a key.
    pub async fn patch_config(
        &self,
        name: &str,
        changes: &ConnectorConfig,
    ) -> Result<ConnectorInfo, Error> {
        self.read(Method::PATCH, &connector(name, "/config"), Some(&json!(changes))).await
    }

    /// `GET /connectors/{name}/status`.
    pub async fn status(&self, name: &str) -> Result<ConnectorStatus, Error> {
        self.get(&connector(name, "/status")).await
    }

    /// `GET /connectors/{name}/tasks`: needs the herder.
    pub async fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, Error> {
        self.get(&connector(name, "/tasks")).await
    }

    /// `GET /connectors/{name}/tasks/{id}/status`.
    pub async fn task_status(&self, name: &str, task: u32) -> Result<TaskStatus, Error> {
        self.get(&connector(name, &format!("/tasks/{task}/status"))).await
    }

    /// `GET /connectors/{name}/topics` (2.5 and later, KIP-558).
    pub async fn topics(&self, name: &str) -> Result<Vec<String>, Error> {
        #[derive(serde::Deserialize)]
        struct Topics {
            topics: Vec<String>,
        }
        let all: BTreeMap<String, Topics> = self.get(&connector(name, "/topics")).await?;
        Ok(all.into_values().flat_map(|of_one| of_one.topics).collect())
    }

    /// `PUT /connectors/{name}/topics/reset` (2.5 and later).
    pub async fn reset_topics(&self, name: &str) -> Result<(), Error> {
        self.done(Method::PUT, &connector(name, "/topics/reset"), None).await
    }

    /// `GET /connectors/{name}/offsets` (3.5 and later, KIP-875): needs the herder.
    pub async fn offsets(&self, name: &str) -> Result<Vec<PartitionOffset>, Error> {
        #[derive(serde::Deserialize)]
        struct Offsets {
            offsets: Vec<PartitionOffset>,
        }
        let answer: Offsets = self.get(&connector(name, "/offsets")).await?;
        Ok(answer.offsets)
    }

    /// `PATCH /connectors/{name}/offsets` (3.6 and later): of a stopped connector.
    pub async fn alter_offsets(&self, name: &str, to: &[PartitionOffset]) -> Result<(), Error> {
        let body = json!({ "offsets": to });
        self.done(Method::PATCH, &connector(name, "/offsets"), Some(&body)).await
    }

    /// `DELETE /connectors/{name}/offsets` (3.6 and later): of a stopped connector.
    pub async fn reset_offsets(&self, name: &str) -> Result<(), Error> {
        self.done(Method::DELETE, &connector(name, "/offsets"), None).await
    }

    /// `POST /connectors/{name}/restart`: the connector's own instance, no task.
    pub async fn restart(&self, name: &str) -> Result<(), Error> {
        self.done(Method::POST, &connector(name, "/restart"), None).await
    }

    /// `POST /connectors/{name}/restart?onlyFailed=true` (3.0 and later, KIP-745). Older workers
    /// ignore the parameters, touch no task and answer 204: that is [`ErrorKind::Unsupported`].
    pub async fn restart_failed(
        &self,
        name: &str,
        include_tasks: bool,
    ) -> Result<RestartPlan, Error> {
        self.restart_planned(name, include_tasks, true).await
    }

    /// `POST /connectors/{name}/restart?includeTasks=true` (3.0 and later, KIP-745): the connector
    /// and its tasks, FAILED or not; [`ErrorKind::Unsupported`] as of [`Self::restart_failed`].
    pub async fn restart_with_tasks(&self, name: &str) -> Result<RestartPlan, Error> {
        self.restart_planned(name, true, false).await
    }

    /// `POST /connectors/{name}/restart` with the parameters of KIP-745 (3.0 and later);
    /// [`ErrorKind::Unsupported`] as of [`Self::restart_failed`].
    pub async fn restart_planned(
        &self,
        name: &str,
        include_tasks: bool,
        only_failed: bool,
    ) -> Result<RestartPlan, Error> {
        let query = format!("/restart?includeTasks={include_tasks}&onlyFailed={only_failed}");
        let path = connector(name, &query);
        let reply = self.call(Method::POST, &path, None).await?;
        if reply.status.as_u16() == 204 {
            return Err(failed("POST", &self.url(&path), ErrorKind::Unsupported));
        }
        Ok(RestartPlan { status: self.parse("POST", &path, &reply)? })
    }

    /// `POST /connectors/{name}/tasks/{id}/restart`.
    pub async fn restart_task(&self, name: &str, task: u32) -> Result<(), Error> {
        self.done(Method::POST, &connector(name, &format!("/tasks/{task}/restart")), None).await
    }

    /// `PUT /connectors/{name}/pause`.
    pub async fn pause(&self, name: &str) -> Result<(), Error> {
        self.done(Method::PUT, &connector(name, "/pause"), None).await
    }

    /// `PUT /connectors/{name}/resume`.
    pub async fn resume(&self, name: &str) -> Result<(), Error> {
        self.done(Method::PUT, &connector(name, "/resume"), None).await
    }

    /// `PUT /connectors/{name}/stop` (3.5 and later, KIP-875).
    pub async fn stop(&self, name: &str) -> Result<(), Error> {
        self.done(Method::PUT, &connector(name, "/stop"), None).await
    }

    /// `DELETE /connectors/{name}`.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.done(Method::DELETE, &connector(name, ""), None).await
    }

    /// `GET /admin/loggers` (2.4 and later, KIP-495).
    pub async fn loggers(&self) -> Result<BTreeMap<String, LoggerLevel>, Error> {
        self.get("admin/loggers").await
    }

    /// `GET /admin/loggers/{logger}` (2.4 and later).
    pub async fn logger(&self, logger: &str) -> Result<LoggerLevel, Error> {
        self.get(&format!("admin/loggers/{}", encode(logger))).await
    }

    /// `PUT /admin/loggers/{logger}` (2.4 and later): the loggers that changed.
    pub async fn set_logger(&self, logger: &str, level: &str) -> Result<Vec<String>, Error> {
        let path = format!("admin/loggers/{}", encode(logger));
        self.read(Method::PUT, &path, Some(&json!({ "level": level }))).await
    }

    /// `PUT /admin/loggers/{logger}?scope=cluster` (3.7 and later, KIP-976): on every worker. Older
    /// workers ignore the parameter and change their own level alone; ask for the version first.
    pub async fn set_logger_of_all(&self, logger: &str, level: &str) -> Result<(), Error> {
        let path = format!("admin/loggers/{}?scope=cluster", encode(logger));
        self.done(Method::PUT, &path, Some(&json!({ "level": level }))).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url.set_query(query);
        url
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.read(Method::GET, path, None).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Error> {
        let word = word(&method);
        let reply = self.call(method, path, body).await?;
        self.parse(word, path, &reply)
    }

    fn parse<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        reply: &Reply,
    ) -> Result<T, Error> {
        serde_json::from_slice(&reply.body).map_err(|error| {
            let kind = if reply.html {
                ErrorKind::Shape("an HTML page".to_owned())
            } else {
                ErrorKind::Shape(answer::shorten(&error.to_string()))
            };
            failed(method, &self.url(path), kind)
        })
    }

    async fn done(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(), Error> {
        self.call(method, path, body).await.map(|_| ())
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, Error> {
        let url = self.url(path);
        let word = word(&method);
        // Who reads a URL takes `.` and `..` out of it: another call would be made.
        if !leads_there(&self.base, &url, path) {
            let name = unaddressable(path).unwrap_or_else(|| path.to_owned());
            return Err(failed(word, &self.base, ErrorKind::NotAddressable(name)));
        }
        let reply = self
            .http
            .send(method, &url, body, None)
            .await
            .map_err(|kind| failed(word, &url, kind))?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let kind = match unaddressable(path) {
            Some(name) if reply.status.as_u16() == 400 => ErrorKind::NotAddressable(name),
            Some(_) | None => answer::error(&reply),
        };
        Err(failed(word, &url, kind))
    }
}

/// Whether the URL has every segment of the path below the base, and no empty name in it.
fn leads_there(base: &Url, url: &Url, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_empty = path.ends_with('/') || path.contains("//");
    !is_empty && url.path() == format!("{}/{path}", base.path().trim_end_matches('/'))
}

/// The path of a connector.
fn connector(name: &str, rest: &str) -> String {
    format!("connectors/{}{rest}", encode(name))
}

/// The name in a connector's path, if workers of 4.0 and later refuse it.
fn unaddressable(path: &str) -> Option<String> {
    let segment = path.strip_prefix("connectors/")?.split(['/', '?']).next()?;
    let name = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!addressable(&name, 4)).then(|| name.into_owned())
}

fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "DELETE",
    }
}

fn failed(method: &'static str, url: &Url, kind: ErrorKind) -> Error {
    Error { method, url: url.to_string(), kind }
}

#[cfg(test)]
mod tests {
    use super::super::ClusterClient;
    use super::*;
    use crate::config::ConnectSettings;

    #[tokio::test]
    async fn a_name_that_a_url_would_lose_is_not_sent() {
        // Nobody listens there: what is sent is told as not reached.
        let url = "http://127.0.0.1:1/base/".parse().unwrap();
        let client = ClusterClient::new(&ConnectSettings::new(vec![url])).unwrap();
        let worker = client.current();
        for name in ["", ".", ".."] {
            for told in [
                worker.delete(name).await,
                worker.pause(name).await,
                worker.restart(name).await,
                worker.restart_task(name, 0).await,
                worker.reset_offsets(name).await,
                worker.set_logger(name, "INFO").await.map(|_| ()),
            ] {
                let kind = told.unwrap_err().kind;
                assert!(matches!(kind, ErrorKind::NotAddressable(_)), "{name:?}: {kind:?}");
            }
        }
        for name in ["...", "a/../b", "a b?", "%2e"] {
            let kind = worker.delete(name).await.unwrap_err().kind;
            assert!(matches!(kind, ErrorKind::Connect(_)), "{name:?}: {kind:?}");
        }
    }
}
