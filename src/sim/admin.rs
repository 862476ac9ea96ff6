//! What is asked of a worker rather than of a connector: plugins and loggers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::Model;
use super::routes::{Reply, error, json_reply, no_such_call, no_such_method};

const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

pub(super) fn answer(model: &mut Model, method: &str, segments: &[&str], body: &[u8]) -> Reply {
    match (method, segments) {
        ("GET", ["connector-plugins"]) => json_reply(
            200,
            &json!([{"class": FILE_SINK, "type": "sink", "version": model.version_text}]),
        ),
        ("PUT", ["connector-plugins", class, "config", "validate"]) => validate(class, body),
        ("GET", ["admin", "loggers"]) if model.version.has_loggers() => {
            let level = |level: &String| json!({"level": level});
            let all: BTreeMap<_, _> =
                model.loggers.iter().map(|(name, word)| (name, level(word))).collect();
            json_reply(200, &json!(all))
        }
        ("GET", ["admin", "loggers", name]) if model.version.has_loggers() => {
            match model.loggers.get(*name) {
                Some(level) => json_reply(200, &json!({"level": level})),
                None => error(404, format!("Logger {name} not found.")),
            }
        }
        ("PUT", ["admin", "loggers", name]) if model.version.has_loggers() => {
            match serde_json::from_slice::<Value>(body)
                .ok()
                .as_ref()
                .and_then(|b| b["level"].as_str())
            {
                Some(level) if LEVELS.contains(&level) => {
                    model.loggers.insert((*name).to_owned(), level.to_owned());
                    json_reply(200, &json!([name]))
                }
                Some(level) => error(404, format!("invalid log level '{level}'.")),
                None => error(400, "Desired 'level' parameter was not specified in request."),
            }
        }
        (_, ["connector-plugins"] | ["admin", "loggers"]) => no_such_method(),
        _ => no_such_call(),
    }
}

const LEVELS: [&str; 7] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"];

/// Knows one plugin, which wants topics.
fn validate(class: &str, body: &[u8]) -> Reply {
    let Ok(config) = serde_json::from_slice::<BTreeMap<String, Option<String>>>(body) else {
        return error(500, "Cannot deserialize the request's body");
    };
    if config.get("connector.class").cloned().flatten().as_deref() != Some(class) {
        return error(400, "Included connector type does not match request type");
    }
    let errors = u32::from(!config.contains_key("topics"));
    json_reply(200, &json!({"name": class, "error_count": errors, "groups": [], "configs": []}))
}
