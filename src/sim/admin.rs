//! What is asked of a worker rather than of a connector: plugins and loggers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::Model;
use super::routes::{Reply, empty, error, json_reply, no_such_call, no_such_method};

const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
const STRING_CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";

pub(super) fn answer(
    model: &mut Model,
    method: &str,
    segments: &[&str],
    query: &str,
    body: &[u8],
) -> Reply {
    let at_least = |major, minor| model.version.at_least(major, minor);
    match (method, segments) {
        ("GET", ["connector-plugins"]) => {
            let mut all = vec![plugin(FILE_SINK, "sink", &model.version_text)];
            if at_least(3, 2) && query.contains("connectorsOnly=false") {
                all.push(plugin(STRING_CONVERTER, "converter", &model.version_text));
            }
            json_reply(200, &all.into())
        }
        ("GET", ["connector-plugins", FILE_SINK, "config"]) if at_least(3, 2) => {
            json_reply(200, &json!([definition("topics", false), definition("file", false)]))
        }
        ("PUT", ["connector-plugins", class, "config", "validate"]) => validate(model, class, body),
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
                    if query.contains("scope=cluster") && model.version.at_least(3, 7) {
                        return empty(204);
                    }
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
fn validate(model: &Model, class: &str, body: &[u8]) -> Reply {
    let Ok(config) = serde_json::from_slice::<BTreeMap<String, Option<String>>>(body) else {
        return error(500, "Cannot deserialize the request's body");
    };
    if config.get("connector.class").cloned().flatten().as_deref() != Some(class) {
        return error(400, "Included connector type does not match request type");
    }
    let value = config.get("topics").cloned().flatten();
    let missing = "Must configure one of topics or topics.regex";
    // Seen up to 3.2.3; not from 3.9.1 on.
    if value.is_none() && !model.version.at_least(3, 9) {
        let who = "org.apache.kafka.common.config.ConfigException: ";
        let who = if model.version.major >= 3 { who } else { "" };
        return error(500, format!("{who}{missing}"));
    }
    let errors: &[&str] = if value.is_some() { &[] } else { &[missing] };
    let one = json!({
        "definition": definition("topics", false),
        "value": {"name": "topics", "value": value, "errors": errors, "visible": true},
    });
    let count = errors.len();
    json_reply(200, &json!({"name": class, "error_count": count, "groups": [], "configs": [one]}))
}

fn plugin(class: &str, kind: &str, version: &str) -> Value {
    json!({"class": class, "type": kind, "version": version})
}

fn definition(name: &str, required: bool) -> Value {
    json!({
        "name": name, "type": "STRING", "required": required, "default_value": null,
        "importance": "HIGH", "documentation": format!("What {name} is."),
    })
}
