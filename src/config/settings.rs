//! What the rest of the program is told: validated, complete, with every default filled in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use url::Url;

use super::{FailureRule, Secret, WatchdogSettings};

/// Everything that `run` needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The clusters to watch; at least one, names unique.
    pub clusters: Vec<ClusterSettings>,
    /// How they are polled.
    pub poll: PollSettings,
    /// What is exported.
    pub metrics: MetricsSettings,
    /// The user's rules to tell failures apart; they come before those that are compiled in.
    pub failure_rules: Vec<FailureRule>,
    /// What is restarted, and whether.
    pub watchdog: WatchdogSettings,
    /// Where this process listens.
    pub web: WebSettings,
    /// What is odd about the file and not wrong, each with its line.
    pub warnings: Vec<String>,
}

/// One Kafka Connect cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The value of the label `connect_cluster`.
    pub name: String,
    /// How it is reached.
    pub connect: ConnectSettings,
    /// Only connectors whose whole name matches one of these; empty: every connector.
    pub include: Vec<Regex>,
    /// Never connectors whose whole name matches one of these.
    pub exclude: Vec<Regex>,
    /// Whose offsets are read; `None`: nobody's.
    pub progress: Option<ProgressSettings>,
}

/// How progress is watched (3.5 and later, KIP-875).
#[derive(Clone, Debug)]
pub struct ProgressSettings {
    /// Only connectors whose whole name matches one of these; default every connector.
    pub connectors: Vec<Regex>,
    /// From the start of one round over the connectors to the start of the next; default 1 min.
    pub interval: Duration,
    /// A RUNNING connector whose offsets stand still for this long is stalled; default 15 min.
    pub stalled_after: Duration,
}

/// How the workers of one cluster are reached.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Base URLs of workers of this one cluster, without credentials; at least one.
    pub urls: Vec<Url>,
    /// Credentials, sent to every worker of this cluster.
    pub auth: Option<Auth>,
    /// TLS towards the workers.
    pub tls: TlsSettings,
    /// Time to connect; default 3 s.
    pub connect_timeout: Duration,
    /// Time for a whole request; default 10 s (`poll.timeout`).
    pub request_timeout: Duration,
    /// The longest answer that is read, after decompression; default 64 MiB.
    pub max_body_bytes: usize,
    /// Whether `HTTP_PROXY` and the like are heeded; default no.
    pub proxy_from_environment: bool,
    /// A `worker_id` that is seen and matches one of these may be dialled; default none.
    pub dial_workers: Vec<Regex>,
}

impl ConnectSettings {
    /// The defaults for these URLs.
    pub fn new(urls: Vec<Url>) -> Self {
        Self {
            urls,
            auth: None,
            tls: TlsSettings::default(),
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(10),
            max_body_bytes: 64 << 20,
            proxy_from_environment: false,
            dial_workers: Vec::new(),
        }
    }
}

/// Credentials for Connect's REST API.
#[derive(Clone, Debug)]
pub enum Auth {
    /// HTTP Basic.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer(Secret),
}

/// TLS towards the workers.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// A PEM file of certificate authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with the client certificate and its chain.
    pub cert_file: Option<PathBuf>,
    /// A PEM file with the client certificate's key.
    pub key_file: Option<PathBuf>,
    /// Accept any certificate. Said loudly at start.
    pub insecure_skip_verify: bool,
}

/// How clusters are polled.
#[derive(Clone, Debug)]
pub struct PollSettings {
    /// From the start of one poll to the start of the next; default 15 s.
    pub interval: Duration,
    /// At most this many requests of one cluster at once on the per-connector path; default 8.
    pub concurrency: usize,
    /// How often each worker is asked for liveness and health; default the interval.
    pub worker_interval: Duration,
    /// A herder call that takes longer than this says that the worker cannot serve; default 12 s
    /// (a worker's own limit for `/health` is 10 s).
    pub health_timeout: Duration,
}

impl Default for PollSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            concurrency: 8,
            worker_interval: Duration::from_secs(15),
            health_timeout: Duration::from_secs(12),
        }
    }
}

/// What is exported.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// After this long without a valid snapshot a cluster's states vanish; default 3 intervals.
    pub staleness: Duration,
    /// How states are written.
    pub state_series: StateSeries,
}

/// How the state sets are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum StateSeries {
    /// A series for every state: 1 for the current, 0 for the others.
    #[default]
    Full,
    /// Only the series of the current state: a sixth of the lines, for very large clusters.
    Current,
}

/// Where this process listens.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Addresses to listen on; default `0.0.0.0:9783` and `[::]:9783`, written `:9783`.
    pub listen: Vec<SocketAddr>,
    /// The path of the metrics, behind the route prefix; default `/metrics`.
    pub telemetry_path: String,
    /// Scheme, host and port of the URL by which people reach this process, where that is told.
    pub external_origin: Option<String>,
    /// The path of the URL by which people reach this process, which links begin with; default `/`.
    pub external_path: String,
    /// The path that requests arrive under; default the same.
    pub route_prefix: String,
    /// At most this many connections at once; default 512.
    pub max_connections: usize,
    /// Who may come in.
    pub access: AccessSettings,
}

/// Who may come in, and who may do what.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// TLS, users and headers, as Prometheus' exporter-toolkit reads them; `None`: none of them.
    pub config_file: Option<PathBuf>,
    /// Who may change things: users of that file, or client certificates as `cn=NAME` or
    /// `san=NAME`. Default nobody.
    pub administrators: Vec<Named>,
    /// What is open to whoever has shown neither a password nor a certificate.
    pub anonymous: Option<Anonymous>,
}

/// A name and where it is written, for whoever finds that nobody is called so.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The file and the line.
    pub place: String,
}

/// What is open to whoever is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anonymous {
    /// Nothing; the default where there are users.
    Nothing,
    /// The metrics and the health of clusters, workers and this process.
    Metrics,
    /// Everything that is only read; the default where there are no users.
    Read,
}

impl Anonymous {
    /// The word as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Metrics => "metrics",
            Self::Read => "read",
        }
    }
}
