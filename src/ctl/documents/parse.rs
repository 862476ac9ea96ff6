//! From the text of a file to names and configurations, in each of its forms.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::connect::model::ConnectorConfig;

use super::super::failure::Failure;
use super::bad;

/// The longest file that is read.
const MAX_BYTES: u64 = 16 << 20;

pub(super) fn text(file: &Path, source: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        let opened = std::fs::File::open(file);
        opened.and_then(|opened| opened.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(|error| bad(source, format!("cannot be read: {error}")))?;
    if length as u64 > MAX_BYTES {
        return Err(bad(source, format!("is longer than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| bad(source, "is not text in UTF-8"))
}

/// Name, where it stands beside `config`, and configuration.
pub(super) type Named = (Option<String>, ConnectorConfig);

pub(super) fn configurations(file: &Path, source: &str) -> Result<Vec<Named>, Failure> {
    let text = text(file, source)?;
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "json" => json(&text, source),
        "yaml" | "yml" => yaml(&text, source),
        "properties" => properties(&text, source),
        _ if text.trim_start().starts_with(['{', '[']) => json(&text, source),
        _ if looks_like_properties(&text) => properties(&text, source),
        _ => yaml(&text, source),
    }
}

/// Its first line with something on it has a `=`, and no `: ` before that.
fn looks_like_properties(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.find(|line| !line.starts_with(['#', '!']));
    first.and_then(|line| line.split_once('=')).is_some_and(|(key, _)| !key.contains(": "))
}

fn json(text: &str, source: &str) -> Result<Vec<Named>, Failure> {
    let mut all = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let mut value = value.map_err(|error| bad(source, format!("is not JSON: {error}")))?;
        match value.as_array_mut() {
            Some(several) => all.append(several),
            None => all.push(value),
        }
    }
    all.into_iter().map(|value| of_json(value, source)).collect()
}

fn of_json(value: Value, source: &str) -> Result<Named, Failure> {
    let Value::Object(mut map) = value else {
        return Err(bad(source, "an object of keys and values is wanted"));
    };
    let Some(Value::Object(config)) = map.get("config").cloned() else {
        return Ok((None, texts(map, source)?));
    };
    map.remove("config");
    let name = map.remove("name");
    only_known(map.keys().map(String::as_str), source)?;
    let name = match name {
        None => None,
        Some(Value::String(name)) => Some(name),
        Some(other) => return Err(bad(source, format!("name: {other} is no text"))),
    };
    Ok((name, texts(config, source)?))
}

/// Beside `name` and `config`, what Connect itself answers may stand.
fn only_known<'k>(mut keys: impl Iterator<Item = &'k str>, source: &str) -> Result<(), Failure> {
    match keys.find(|key| !matches!(*key, "tasks" | "type")) {
        Some(key) => Err(bad(source, format!("{key:?} is not known beside `name` and `config`"))),
        None => Ok(()),
    }
}

fn texts(map: serde_json::Map<String, Value>, source: &str) -> Result<ConnectorConfig, Failure> {
    let text = |(key, value)| match value {
        Value::Null => Ok((key, None)),
        Value::String(text) => Ok((key, Some(text))),
        Value::Bool(_) | Value::Number(_) => Ok((key, Some(value.to_string()))),
        Value::Array(_) | Value::Object(_) => {
            Err(bad(source, format!("{key}: a text, a number or true or false is wanted")))
        }
    };
    map.into_iter().map(text).collect()
}

/// Read twice: once for its shape, once for the texts as they are written.
fn yaml(text: &str, source: &str) -> Result<Vec<Named>, Failure> {
    #[derive(Deserialize)]
    struct Beside {
        #[serde(default)]
        name: Option<String>,
        config: BTreeMap<String, Option<String>>,
    }
    let wrong = |error: serde_saphyr::Error| bad(source, yaml_error(&error));
    let shapes = serde_saphyr::from_multiple::<Value>(text).map_err(wrong)?;
    if shapes.iter().any(Value::is_array) {
        if shapes.len() > 1 {
            return Err(bad(source, "give a list or several documents, not both"));
        }
        let all =
            shapes.into_iter().flat_map(|shape| shape.as_array().cloned().unwrap_or_default());
        return all.map(|value| of_json(value, source)).collect();
    }
    let beside = |shape: &Value| shape.get("config").is_some_and(Value::is_object);
    for shape in shapes.iter().filter(|shape| beside(shape)) {
        let keys = shape.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str);
        only_known(keys.filter(|key| !matches!(*key, "name" | "config")), source)?;
    }
    if !shapes.is_empty() && shapes.iter().all(beside) {
        let all = serde_saphyr::from_multiple::<Beside>(text).map_err(wrong)?;
        return Ok(all.into_iter().map(|one| (one.name, one.config)).collect());
    }
    if shapes.iter().any(beside) {
        return shapes.into_iter().map(|shape| of_json(shape, source)).collect();
    }
    if let Some(odd) = shapes.iter().find(|shape| !shape.is_object()) {
        let what = if odd.is_null() { "nothing" } else { "a text" };
        return Err(bad(source, format!("keys and values are wanted, and {what} is there")));
    }
    let all = serde_saphyr::from_multiple::<ConnectorConfig>(text).map_err(wrong)?;
    Ok(all.into_iter().map(|config| (None, config)).collect())
}

pub(super) fn yaml_error(error: &serde_saphyr::Error) -> String {
    let at = error.location();
    let at =
        at.map_or_else(String::new, |at| format!("line {}, column {}: ", at.line(), at.column()));
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    format!("{at}{}", line.split(" at line ").next().unwrap_or_default())
}

fn properties(text: &str, source: &str) -> Result<Vec<Named>, Failure> {
    let mut config = ConnectorConfig::new();
    let mut twice = None;
    let mut read =
        java_properties::PropertiesIter::new_with_encoding(text.as_bytes(), encoding_rs::UTF_8);
    let ended = read.read_into(|key, value| {
        if config.insert(key.clone(), Some(value)).is_some() {
            twice = Some(key);
        }
    });
    ended.map_err(|error| {
        let line = error.line_number().map_or_else(String::new, |line| format!("line {line}: "));
        bad(source, format!("{line}{error}"))
    })?;
    match twice {
        Some(key) => Err(bad(source, format!("{key} stands twice"))),
        None if config.is_empty() => Ok(Vec::new()),
        None => Ok(vec![(None, config)]),
    }
}
