//! The configuration file, as it is written. Strict: an unknown key is an error.

use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::nearest::did_you_mean;
use super::watchdog::Node;
use super::{FailureRule, StateSeries};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) clusters: Vec<Cluster>,
    pub(super) poll: Poll,
    pub(super) metrics: Metrics,
    pub(super) web: Web,
    pub(super) failure_rules: Vec<FailureRule>,
    pub(super) watchdog: Node,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) urls: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) basic_auth: Option<BasicAuth>,
    #[serde(default)]
    pub(super) bearer_token: Option<SecretSource>,
    #[serde(default)]
    pub(super) tls: Tls,
    #[serde(default)]
    pub(super) include: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) exclude: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) dial_workers: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) connect_timeout: Option<String>,
    #[serde(default)]
    pub(super) max_body_bytes: Option<usize>,
    #[serde(default)]
    pub(super) proxy_from_environment: bool,
    #[serde(default)]
    pub(super) progress: Option<Progress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Progress {
    pub(super) connectors: Vec<Spanned<String>>,
    pub(super) interval: Option<String>,
    pub(super) stalled_after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    pub(super) username: String,
    pub(super) password: SecretSource,
}

/// Where a secret is read from: never the file itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSource {
    #[serde(default)]
    pub(super) file: Option<PathBuf>,
    #[serde(default)]
    pub(super) env: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) ca_file: Option<PathBuf>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) insecure_skip_verify: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Poll {
    pub(super) interval: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) concurrency: Option<usize>,
    pub(super) worker_interval: Option<String>,
    pub(super) health_timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Metrics {
    pub(super) staleness: Option<String>,
    pub(super) state_series: Option<StateSeries>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Web {
    pub(super) listen_addresses: Vec<String>,
    pub(super) telemetry_path: Option<String>,
    pub(super) max_connections: Option<usize>,
}

/// Only `true` and `false` are booleans: otherwise the mode `off` were read as one.
pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true }
}

/// Reads the text of a file; an error says where and what would have been right.
pub(super) fn parse(text: &str) -> Result<File, String> {
    if text.trim().is_empty() {
        return Err("the file is empty; `connect-warden generate-config` writes one".to_owned());
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let place = error
            .location()
            .map_or_else(String::new, |at| format!("line {}, column {}: ", at.line(), at.column()));
        let message = error.without_snippet().to_string();
        let message = message.lines().next().unwrap_or_default();
        let message = message.split(" at line ").next().unwrap_or_default();
        format!("{place}{message}{}", nearest(message))
    })
}

/// "did you mean" for an unknown key or word, from the valid ones that the message lists.
fn nearest(message: &str) -> String {
    let unknown = ["unknown field", "unknown variant"];
    let Some((_, rest)) = unknown.iter().find_map(|what| message.split_once(what)) else {
        return String::new();
    };
    let mut words = rest.split([' ', ',', '`']).filter(|word| !word.is_empty());
    let Some(unknown) = words.next() else { return String::new() };
    did_you_mean(unknown, words.filter(|word| !matches!(*word, "expected" | "one" | "of" | "or")))
}
