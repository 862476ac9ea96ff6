//! Answers as the chosen version does.

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::connect::version::Version;

use super::admin;
use super::model::{Connector, Model, start};

/// A status with a body.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) html: bool,
    pub(super) body: Bytes,
}

pub(super) fn json_reply(status: u16, body: &Value) -> Reply {
    Reply { status, html: false, body: body.to_string().into() }
}

pub(super) fn empty(status: u16) -> Reply {
    Reply { status, html: false, body: Bytes::new() }
}

pub(super) fn error(status: u16, message: impl Into<String>) -> Reply {
    json_reply(status, &json!({"error_code": status, "message": message.into()}))
}

pub(super) fn no_such_method() -> Reply {
    error(405, "HTTP 405 Method Not Allowed")
}

/// What the class loader says of a connector whose class is gone.
fn class_is_missing(version: Version) -> Option<Reply> {
    let fails = (version.major, version.minor) < (3, 4);
    fails.then(|| error(500, "Failed to find any class that implements Connector and which name matches org.example.Gone"))
}

pub(super) fn no_such_call() -> Reply {
    error(404, "HTTP 404 Not Found")
}

fn page(status: u16, text: &str) -> Reply {
    let body = format!(
        "<html><head><title>Error {status} {text}</title></head><body><h2>HTTP ERROR {status} {text}</h2></body></html>\n"
    );
    Reply { status, html: true, body: body.into() }
}

/// Jetty's page of a worker whose resources are not there yet.
pub(super) fn starting() -> Reply {
    page(404, "Not Found")
}

/// A worker whose topics are not read yet knows of no connector.
pub(super) fn reading_topics(path: &str) -> Reply {
    match path {
        "/health" => json_reply(
            503,
            &json!({"status": "starting", "message": "Worker is still starting up."}),
        ),
        "/connectors" => json_reply(200, &json!({})),
        _ => no_such_call(),
    }
}

/// What the herder says when its thread does not come round.
pub(super) fn herder_timed_out() -> Reply {
    error(500, "Request timed out. The worker is currently flushing updates to the status topic")
}

/// Whether the call needs the herder's thread, which hangs while Kafka is gone.
pub(super) fn needs_herder(model: &Model, method: &str, path: &str) -> bool {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, &segments[..]) {
        ("GET", ["health"]) => model.version.has_health(),
        ("GET", ["connectors"]) => !model.version.knows_expand(),
        ("GET", ["connectors", _] | ["connectors", _, "config" | "tasks" | "offsets"]) => true,
        ("GET", _) => false,
        (_, ["connectors", ..]) => true,
        _ => false,
    }
}

/// One request; `worker` is who was asked.
pub(super) fn answer(
    model: &mut Model,
    worker: usize,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> Reply {
    if model.version.major >= 4
        && ["%2F", "%2f", "%25", "%5C", "%5c"].iter().any(|e| path.contains(e))
    {
        return page(400, "Ambiguous URI path separator");
    }
    let decoded: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match (method, &segments[..]) {
        ("GET", [""]) => server_info(model),
        ("GET", ["health"]) if model.version.has_health() => json_reply(
            200,
            &json!({"status": "healthy", "message": "Worker has completed startup and is ready to handle requests."}),
        ),
        ("GET", ["connectors"]) => list(model, query),
        ("POST", ["connectors"]) => create(model, body),
        (_, ["connector-plugins", ..] | ["admin", "loggers", ..]) => {
            admin::answer(model, method, &segments, query, body)
        }
        (_, ["connectors", name, rest @ ..]) => {
            of_connector(model, worker, method, name, rest, query, body)
        }
        _ => no_such_call(),
    }
}

fn server_info(model: &Model) -> Reply {
    let mut info = json!({"version": model.version_text, "commit": "0123456789abcdef"});
    if (model.version.major, model.version.minor) >= (1, 1) {
        info["kafka_cluster_id"] = "simulated-kafka-cluster".into();
    }
    json_reply(200, &info)
}

fn list(model: &mut Model, query: &str) -> Reply {
    let expand: Vec<_> = query.split('&').filter_map(|p| p.strip_prefix("expand=")).collect();
    if expand.is_empty() || !model.version.knows_expand() {
        return json_reply(200, &model.names_json());
    }
    if model.connectors.values().any(|connector| connector.poisoned)
        && let Some(failure) = class_is_missing(model.version)
    {
        return failure;
    }
    let (status, info) = (expand.contains(&"status"), expand.contains(&"info"));
    if !(status && info) {
        return json_reply(200, &model.expand_json(status, info));
    }
    let body = match &model.expanded {
        Some(body) => body.clone(),
        None => Bytes::from(model.expand_json(true, true).to_string()),
    };
    model.expanded = Some(body.clone());
    Reply { status: 200, html: false, body }
}

fn create(model: &mut Model, body: &[u8]) -> Reply {
    #[derive(serde::Deserialize)]
    struct Create {
        name: String,
        config: BTreeMap<String, String>,
    }
    let Ok(create) = serde_json::from_slice::<Create>(body) else {
        return error(500, "Cannot deserialize the request's body");
    };
    let name = create.name.trim();
    if model.connectors.contains_key(name) {
        return error(409, format!("Connector {name} already exists"));
    }
    if !create.config.contains_key("connector.class") {
        return error(400, "Connector config {} contains no connector type");
    }
    let refused = |c: char| (c == '/' && model.version.major < 1) || c.is_control();
    if name.contains(refused) {
        return error(400, "connector name should not contain '/'");
    }
    model.put(name, create.config);
    // The worker makes a URI template of the name for the answer's Location, too late to refuse.
    if let Some((_, rest)) = name.split_once('{')
        && let Some((variable, _)) = rest.split_once('}')
    {
        if model.version.major == 0 {
            return page(500, "Request failed.");
        }
        return error(500, format!("The template variable '{variable}' has no value"));
    }
    let connector = &model.connectors[name];
    json_reply(201, &model.info_json(name, connector))
}

fn of_connector(
    model: &mut Model,
    worker: usize,
    method: &str,
    name: &str,
    rest: &[&str],
    query: &str,
    body: &[u8],
) -> Reply {
    if let ("PUT", ["config"]) = (method, rest) {
        let Ok(config) = serde_json::from_slice(body) else {
            return error(500, "Cannot deserialize the request's body");
        };
        let status = if model.connectors.contains_key(name) { 200 } else { 201 };
        model.put(name, config);
        return json_reply(status, &model.info_json(name, &model.connectors[name]));
    }
    let unknown = match rest {
        ["status"] | ["tasks", _, "status"] => format!("No status found for connector {name}"),
        ["restart" | "pause" | "resume" | "stop"] | ["tasks", _, "restart"] => {
            format!("Unknown connector: {name}")
        }
        _ => format!("Connector {name} not found"),
    };
    let Some(connector) = model.connectors.get(name).cloned() else {
        return error(404, unknown);
    };
    if connector.without_status && rest.last() == Some(&"status") {
        return error(404, unknown);
    }
    if connector.poisoned
        && rest == ["status"]
        && let Some(failure) = class_is_missing(model.version)
    {
        return failure;
    }
    match (method, rest) {
        ("GET", []) => json_reply(200, &model.info_json(name, &connector)),
        ("GET", ["config"]) => json_reply(200, &json!(connector.config)),
        ("GET", ["status"]) => json_reply(200, &model.status_json(name, &connector)),
        ("GET", ["tasks"]) => {
            let tasks = (0..connector.tasks.len()).map(
                |task| json!({"id": {"connector": name, "task": task}, "config": connector.config}),
            );
            json_reply(200, &tasks.collect())
        }
        ("GET", ["tasks", id, "status"]) => match task(&connector.tasks, id) {
            Some(id) => json_reply(200, &model.task_json(id, &connector.tasks[id])),
            None => error(404, format!("No status found for task {name}-{id}")),
        },
        ("GET", ["topics"]) if model.version.has_topics() => {
            json_reply(200, &json!({name: {"topics": []}}))
        }
        ("PUT", ["topics", "reset"]) if model.version.has_topics() => empty(200),
        ("PATCH", ["config"]) if model.version.patches_config() => patch(model, name, body),
        ("PATCH" | "DELETE", ["offsets"]) if model.version.alters_offsets() => {
            offsets(&connector, method)
        }
        ("GET", ["offsets"]) if model.version.has_stop() => {
            let partition = json!({"kafka_topic": "lines", "kafka_partition": 0});
            let offset = json!({"kafka_offset": connector.offset});
            json_reply(200, &json!({"offsets": [{"partition": partition, "offset": offset}]}))
        }
        ("DELETE", []) => {
            model.connectors.remove(name);
            model.changed();
            empty(204)
        }
        ("PUT", ["pause"]) => target(model, name, "PAUSED", 202),
        ("PUT", ["resume"]) => target(model, name, "RUNNING", 202),
        ("PUT", ["stop"]) if model.version.has_stop() => target(model, name, "STOPPED", 204),
        ("POST", ["restart"]) => restart(model, name, query),
        ("POST", ["tasks", id, "restart"]) => restart_task(model, worker, name, id),
        (_, [] | ["config" | "status" | "tasks" | "pause" | "resume" | "restart"]) => {
            no_such_method()
        }
        _ => no_such_call(),
    }
}

fn patch(model: &mut Model, name: &str, body: &[u8]) -> Reply {
    let Ok(changes) = serde_json::from_slice::<BTreeMap<String, Option<String>>>(body) else {
        return error(500, "Cannot deserialize the request's body");
    };
    let mut config = model.connectors[name].config.clone();
    for (key, value) in changes {
        match value {
            Some(value) => config.insert(key, value),
            None => config.remove(&key),
        };
    }
    model.put(name, config);
    json_reply(200, &model.info_json(name, &model.connectors[name]))
}

fn offsets(connector: &Connector, method: &str) -> Reply {
    if connector.own.state != "STOPPED" {
        return error(
            400,
            "Connectors must be in the STOPPED state before their offsets can be modified.",
        );
    }
    let done = if method == "PATCH" { "altered" } else { "reset" };
    let message = format!("The offsets for this connector have been {done} successfully");
    json_reply(200, &json!({ "message": message }))
}

fn task(tasks: &[super::model::Instance], id: &str) -> Option<usize> {
    id.parse().ok().filter(|id| *id < tasks.len())
}

fn target(model: &mut Model, name: &str, state: &str, status: u16) -> Reply {
    model.changed();
    if let Some(connector) = model.connectors.get_mut(name) {
        let all = std::iter::once(&mut connector.own).chain(&mut connector.tasks);
        for instance in all.filter(|instance| instance.state != "FAILED") {
            state.clone_into(&mut instance.state);
        }
        if state == "STOPPED" {
            connector.tasks.clear();
        }
    }
    empty(status)
}

fn restart(model: &mut Model, name: &str, query: &str) -> Reply {
    let tasks = query.contains("includeTasks=true");
    let failed_only = query.contains("onlyFailed=true");
    let kip_745 = model.version.major >= 3 && (tasks || failed_only);
    model.changed();
    let Some(connector) = model.connectors.get_mut(name) else {
        return error(404, format!("Unknown connector: {name}"));
    };
    let mut planned = connector.clone();
    let wanted = |state: &str| !kip_745 || !failed_only || state == "FAILED";
    if wanted(&connector.own.state) {
        "RESTARTING".clone_into(&mut planned.own.state);
        start(&mut connector.own);
    }
    if kip_745 && tasks {
        for (plan, task) in planned.tasks.iter_mut().zip(&mut connector.tasks) {
            if wanted(&task.state) {
                "RESTARTING".clone_into(&mut plan.state);
                start(task);
            }
        }
    }
    if kip_745 { json_reply(202, &model.status_json(name, &planned)) } else { empty(204) }
}

fn restart_task(model: &mut Model, worker: usize, name: &str, id: &str) -> Reply {
    let (alive, version) = (model.alive.clone(), model.version);
    model.changed();
    let Some(connector) = model.connectors.get_mut(name) else {
        return error(404, format!("Unknown connector: {name}"));
    };
    if connector.own.state == "STOPPED" {
        return error(
            409,
            "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
        );
    }
    let Some(at) = task(&connector.tasks, id) else {
        return error(404, format!("Unknown task: {name}-{id}"));
    };
    let task = &mut connector.tasks[at];
    if task.worker != worker && !alive[task.worker] {
        let status = if version.major < 2 { 500 } else { 409 };
        return error(
            status,
            "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
        );
    }
    start(task);
    empty(204)
}
