//! The configuration file, as it is written. Strict: an unknown key is an error.

use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::watchdog::Node;
use super::{Anonymous, FailureRule, StateSeries, yaml};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) clusters: Vec<Cluster>,
    pub(super) poll: Poll,
    pub(super) metrics: Metrics,
    pub(super) web: Web,
    pub(super) failure_rules: Vec<Spanned<FailureRule>>,
    pub(super) watchdog: Node,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) urls: Vec<String>,
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
    pub(super) external_url: Option<String>,
    pub(super) route_prefix: Option<String>,
    pub(super) max_connections: Option<usize>,
    pub(super) config_file: Option<PathBuf>,
    pub(super) administrators: Vec<Spanned<String>>,
    pub(super) anonymous: Option<Anonymous>,
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
    parse_as(text)
}

/// The same for a file of any form; an empty one is for the caller to tell.
pub(super) fn parse_as<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| yaml::problem(text, &error))
}
