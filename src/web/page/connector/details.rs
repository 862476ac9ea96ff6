//! What was fetched from the cluster for this page: configuration, offsets, topics.

use maud::{Markup, html};
use serde_json::Value;

use super::super::super::details::ConnectorDetails;
use super::super::marks::thousands;
use super::super::scene::Scene;
use super::super::times::age;

/// So many offsets and topics are listed.
const MOST: usize = 100;

/// Configuration beside offsets and topics.
pub(super) fn section(scene: &Scene) -> Markup {
    html! {
        @match &scene.details {
            Some(details) => {
                div.two {
                    (configuration(scene, details))
                    div.form { (offsets(details)) (topics(scene, details)) }
                }
            }
            None => {
                section.panel aria-labelledby="configuration" {
                    header { h2 #configuration { "Configuration, offsets, topics" } }
                    p.none { "The cluster did not answer in time; they are asked for again when this page is." }
                }
            }
        }
    }
}

fn problem(of: Option<&str>) -> Markup {
    html! { p.none { bdi { (of.unwrap_or("not known")) } } }
}

fn configuration(scene: &Scene, details: &ConnectorDetails) -> Markup {
    html! {
        section.panel aria-labelledby="configuration" {
            header {
                h2 #configuration { "Configuration" }
                span.end { "secrets are masked; read " (age(details.fetched, scene.now)) }
            }
            @match &details.configuration {
                Some(config) => {
                    table.kv {
                        thead.vh { tr { th { "Key" } th { "Value" } } }
                        tbody {
                            @for (key, value) in config {
                                tr { td { code { bdi { (key) } } }
                                    td { code { bdi { (value.as_deref().unwrap_or("null")) } } } }
                            }
                        }
                    }
                }
                None => (problem(details.problems.configuration.as_deref()))
            }
        }
    }
}

fn offsets(details: &ConnectorDetails) -> Markup {
    html! {
        section.panel aria-labelledby="offsets" {
            header { h2 #offsets { "Offsets" }
                @if let Some(all) = &details.offsets { span.end { (thousands(all.len())) } } }
            @match &details.offsets {
                Some(all) if all.is_empty() => p.none { "None yet." }
                Some(all) => {
                    table.kv {
                        thead.vh { tr { th { "Partition" } th { "Offset" } } }
                        tbody { @for one in all.iter().take(MOST) {
                            tr { td { code { bdi { (words(&one.partition)) } } } td { code { bdi { (words(&one.offset)) } } } }
                        } }
                    }
                    @if all.len() > MOST { p.none { "and " (thousands(all.len() - MOST)) " more" } }
                }
                None => (problem(details.problems.offsets.as_deref()))
            }
        }
    }
}

fn topics(scene: &Scene, details: &ConnectorDetails) -> Markup {
    html! {
        section.panel aria-labelledby="topics" {
            header { h2 #topics { "Topics" }
                span.end { "read " (age(details.fetched, scene.now)) } }
            @match &details.topics {
                Some(all) if all.is_empty() => p.none { "None were used yet." }
                Some(all) => {
                    p.body.chips {
                        @for topic in all.iter().take(MOST) { code.chip { bdi { (topic) } } }
                        @if all.len() > MOST { "and " (thousands(all.len() - MOST)) " more" }
                    }
                }
                None => (problem(details.problems.topics.as_deref()))
            }
        }
    }
}

/// `orders, 3` in place of `{"topic": "orders", "partition": 3}` where it is short and plain.
fn words(value: &Value) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    if let Value::Object(fields) = value {
        if let (2, Some(topic), Some(partition)) = (
            fields.len(),
            fields.get("kafka_topic").and_then(plain),
            fields.get("kafka_partition").and_then(plain),
        ) {
            return format!("{topic} partition {partition}");
        }
        if let (1, Some(offset)) = (fields.len(), fields.get("kafka_offset").and_then(plain)) {
            return offset;
        }
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::words;

    #[test]
    fn a_sinks_offsets_are_told_in_words_and_a_sources_as_they_are() {
        assert_eq!(words(&json!({"kafka_topic": "a", "kafka_partition": 3})), "a partition 3");
        assert_eq!(words(&json!({"kafka_offset": 42})), "42");
        assert_eq!(words(&json!({"lsn": 1, "txId": 2})), r#"{"lsn":1,"txId":2}"#);
    }
}
