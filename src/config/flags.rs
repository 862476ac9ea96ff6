//! The flags that say what `run` and `check` do; each has an environment variable.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{StateSeries, WatchdogMode};

/// What the command line and the environment say; what is not said comes from the file or is the
/// default.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Base URL of a worker; repeat it for the other workers of the same cluster
    #[arg(
        long = "connect.url",
        env = "CONNECT_WARDEN_CONNECT_URL",
        value_name = "URL",
        value_delimiter = ','
    )]
    pub urls: Vec<String>,
    /// The cluster's name, for the label connect_cluster, where --connect.url is used [default: default]
    #[arg(long = "connect.cluster", env = "CONNECT_WARDEN_CONNECT_CLUSTER", value_name = "NAME")]
    pub cluster: Option<String>,
    /// A YAML file with clusters and everything else
    #[arg(long = "config.file", env = "CONNECT_WARDEN_CONFIG_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Address to listen on; repeatable; port 0 takes a free one [default: :9783]
    #[arg(
        long = "web.listen-address",
        env = "CONNECT_WARDEN_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub listen: Vec<String>,
    /// TLS, users and headers, in the file that exporters of Prometheus share [default: none]
    #[arg(long = "web.config.file", env = "CONNECT_WARDEN_WEB_CONFIG_FILE", value_name = "FILE")]
    pub web_config_file: Option<PathBuf>,
    /// Path of the metrics [default: /metrics]
    #[arg(
        long = "web.telemetry-path",
        env = "CONNECT_WARDEN_WEB_TELEMETRY_PATH",
        value_name = "PATH"
    )]
    pub telemetry_path: Option<String>,
    /// The URL by which people reach this process, where a proxy is between; links begin with its path
    #[arg(long = "web.external-url", env = "CONNECT_WARDEN_WEB_EXTERNAL_URL", value_name = "URL")]
    pub external_url: Option<String>,
    /// The path that requests arrive under [default: the path of --web.external-url]
    #[arg(long = "web.route-prefix", env = "CONNECT_WARDEN_WEB_ROUTE_PREFIX", value_name = "PATH")]
    pub route_prefix: Option<String>,
    /// At most this many connections at once [default: 512]
    #[arg(
        long = "web.max-connections",
        env = "CONNECT_WARDEN_WEB_MAX_CONNECTIONS",
        value_name = "N"
    )]
    pub max_connections: Option<usize>,
    /// From the start of one poll of a cluster to the start of the next [default: 15s]
    #[arg(long = "poll.interval", env = "CONNECT_WARDEN_POLL_INTERVAL", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub interval: Option<Duration>,
    /// Time for one request; at most the interval [default: 10s]
    #[arg(long = "poll.timeout", env = "CONNECT_WARDEN_POLL_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// Without a valid poll for this long a cluster's states vanish [default: 3 intervals]
    #[arg(long = "metrics.staleness", env = "CONNECT_WARDEN_METRICS_STALENESS", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub staleness: Option<Duration>,
    /// Whether what is stuck is restarted [default: dry-run]
    #[arg(long = "watchdog.mode", env = "CONNECT_WARDEN_WATCHDOG_MODE", value_enum)]
    pub watchdog_mode: Option<WatchdogMode>,
    /// Where the watchdog keeps what it did [default: connect-warden/journal in the state folder]
    #[arg(long = "watchdog.journal", env = "CONNECT_WARDEN_WATCHDOG_JOURNAL", value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Where the watchdog writes down each decision; - for standard output [default: nowhere]
    #[arg(long = "watchdog.audit", env = "CONNECT_WARDEN_WATCHDOG_AUDIT", value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// All states with 0 and 1, or only the current one [default: full]
    #[arg(long = "metrics.state-series", env = "CONNECT_WARDEN_METRICS_STATE_SERIES", value_enum)]
    pub state_series: Option<StateSeries>,
}
