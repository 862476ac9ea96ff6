//! What is under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rule {
    Alert(Alert),
    Record {},
}

#[derive(Debug, Deserialize)]
pub struct Alert {
    pub alert: String,
    #[serde(rename = "for", default)]
    pub wait: String,
    #[serde(default)]
    pub keep_firing_for: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn rules() -> Vec<PathBuf> {
    ["connect-warden.yaml", "kafka-connect.yaml", "recording.yaml"]
        .map(|name| root().join("alerts").join(name))
        .to_vec()
}

pub fn alerts() -> Vec<Alert> {
    let mut alerts = Vec::new();
    for path in rules() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: RuleFile = serde_saphyr::from_str(&text).unwrap();
        for rule in file.groups.into_iter().flat_map(|group| group.rules) {
            match rule {
                Rule::Alert(alert) => alerts.push(alert),
                Rule::Record {} => {}
            }
        }
    }
    alerts
}
