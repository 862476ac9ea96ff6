//! From flags, environment and file to validated [`Settings`]. Flags win over the environment, and
//! both over the file.

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;
use regex::Regex;
use serde_saphyr::Spanned;
use url::Url;

use super::file::{self, Cluster, File, SecretSource};
use super::flags::Flags;
use super::nearest::did_you_mean;
use super::pattern;
use super::watchdog::{self, Problem};
use super::{
    AccessSettings, Auth, ClusterSettings, ConnectSettings, FailureRule, MetricsSettings, Named,
    PollSettings, ProgressSettings, Secret, Settings, TlsSettings, WebSettings,
};

/// Bad input: which file or flag, what is wrong, what is valid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    place: String,
    problem: String,
}

impl ConfigError {
    /// What is wrong in this place.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

pub(super) fn bad<T>(
    place: impl Into<String>,
    problem: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError::new(place, problem))
}

/// Everything validated; nothing bound, nothing connected to.
pub fn build(flags: &Flags) -> Result<Settings, ConfigError> {
    let place = flags.file.as_deref().map_or("flags".to_owned(), |f| f.display().to_string());
    let file = match &flags.file {
        Some(path) => read(path)?,
        None => File::default(),
    };
    let interval = pick(flags.interval, &place, "poll.interval", file.poll.interval.as_deref())?
        .unwrap_or(Duration::from_secs(15));
    let timeout = pick(flags.timeout, &place, "poll.timeout", file.poll.timeout.as_deref())?
        .unwrap_or(interval.min(Duration::from_secs(10)));
    if timeout > interval {
        let (timeout, interval) =
            (humantime::format_duration(timeout), humantime::format_duration(interval));
        return bad(
            "poll.timeout",
            format!("{timeout} is over poll.interval, {interval}; give at most the interval"),
        );
    }
    let optional = |key: &str, value: &Option<String>| pick(None, &place, key, value.as_deref());
    let poll = PollSettings {
        interval,
        concurrency: in_range("poll.concurrency", file.poll.concurrency.unwrap_or(8), 256)?,
        worker_interval: optional("poll.worker_interval", &file.poll.worker_interval)?
            .unwrap_or(interval),
        health_timeout: optional("poll.health_timeout", &file.poll.health_timeout)?
            .unwrap_or(Duration::from_secs(12)),
    };
    let staleness =
        pick(flags.staleness, &place, "metrics.staleness", file.metrics.staleness.as_deref())?
            .unwrap_or(interval * 3);
    let state_series = flags.state_series.or(file.metrics.state_series).unwrap_or_default();
    let telemetry_path =
        flags.telemetry_path.clone().or(file.web.telemetry_path).unwrap_or("/metrics".to_owned());
    if !telemetry_path.starts_with('/') || telemetry_path == "/" {
        return bad(
            "web.telemetry-path",
            format!("{telemetry_path:?} must begin with / and be more than it, such as /metrics"),
        );
    }
    let external = flags.external_url.as_ref().or(file.web.external_url.as_ref());
    let (external_origin, external_path) =
        external.map_or(Ok((None, "/".to_owned())), |url| origin_and_path(url))?;
    let route_prefix = flags.route_prefix.clone().or(file.web.route_prefix);
    let route_prefix = match route_prefix {
        Some(prefix) => as_path("web.route-prefix", &prefix)?,
        None => external_path.clone(),
    };
    let named = |name: &Spanned<String>| Named {
        name: name.value.clone(),
        place: format!("{place}: line {}: web.administrators", name.referenced.line()),
    };
    let access = AccessSettings {
        config_file: flags.web_config_file.clone().or(file.web.config_file),
        administrators: file.web.administrators.iter().map(named).collect(),
        anonymous: file.web.anonymous,
    };
    let mut odd = Vec::new();
    let clusters = clusters(flags, file.clusters, &place, timeout, &mut odd)?;
    let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let around = watchdog::Around {
        mode: flags.watchdog_mode,
        journal: flags.journal.as_deref(),
        audit: flags.audit.as_deref(),
        clusters: &names,
        poll_interval: interval,
        now: SystemTime::now(),
    };
    let watchdog = watchdog::read(&file.watchdog, around, &mut odd)
        .or_else(|problem| bad(format!("{place}: line {}", problem.line), problem.text))?;
    odd.sort_by_key(|oddity| oddity.line);
    let warning = |Problem { line, text }: Problem| format!("{place}: line {line}: {text}");
    let listen =
        if flags.listen.is_empty() { file.web.listen_addresses } else { flags.listen.clone() };
    let max_connections = flags.max_connections.or(file.web.max_connections).unwrap_or(512);
    Ok(Settings {
        warnings: odd.into_iter().map(warning).collect(),
        clusters,
        poll,
        metrics: MetricsSettings { staleness, state_series },
        failure_rules: placed(&place, file.failure_rules),
        watchdog,
        web: WebSettings {
            listen: addresses(&listen)?,
            telemetry_path,
            external_origin,
            external_path,
            route_prefix,
            max_connections: in_range("web.max-connections", max_connections, 100_000)?,
            access,
        },
    })
}

/// Where the journal is by a flag, else by a file, else where it is by default; whatever else is in
/// the file.
pub fn journal(flag: Option<&Path>, file: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let in_file = match (flag, file) {
        (None, Some(path)) => watchdog::journal_in(&read(path)?.watchdog).or_else(|problem| {
            bad(format!("{}: line {}", path.display(), problem.line), problem.text)
        })?,
        (Some(_), _) | (None, None) => None,
    };
    Ok(flag.map(Path::to_owned).or(in_file).unwrap_or_else(watchdog::default_journal))
}

/// The `stop_file` of a file, whatever else is in it.
pub fn stop_file(path: &Path) -> Result<Option<PathBuf>, ConfigError> {
    watchdog::stop_file_in(&read(path)?.watchdog)
        .or_else(|problem| bad(format!("{}: line {}", path.display(), problem.line), problem.text))
}

/// The names of the clusters in a file, whatever else is in it.
pub fn cluster_names(path: &Path) -> Result<Vec<String>, ConfigError> {
    Ok(read(path)?.clusters.into_iter().map(|cluster| cluster.name).collect())
}

/// How one cluster of a file is reached, whatever else is in it. The name may be left out where
/// there is only one; secrets of the others are not read.
pub fn one_cluster_of(
    path: &Path,
    name: Option<&str>,
    timeout: Duration,
) -> Result<(String, ConnectSettings), ConfigError> {
    let place = path.display().to_string();
    chosen(read(path)?.clusters, name, &place, timeout)
}

/// How the cluster at these URLs is reached.
pub fn at_urls(texts: &[String], timeout: Duration) -> Result<ConnectSettings, ConfigError> {
    Ok(ConnectSettings { request_timeout: timeout, ..urls("--connect.url", texts)? })
}

/// The one of the clusters that is meant.
pub(super) fn chosen(
    clusters: Vec<Cluster>,
    name: Option<&str>,
    place: &str,
    timeout: Duration,
) -> Result<(String, ConnectSettings), ConfigError> {
    let names: Vec<String> = clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let all = names.join(", ");
    let found = match name {
        Some(name) => clusters.into_iter().find(|cluster| cluster.name == name),
        None if names.len() > 1 => {
            return bad(place, format!("names several clusters; say --cluster=NAME, one of {all}"));
        }
        None => clusters.into_iter().next(),
    };
    let Some(cluster) = found else {
        let near = did_you_mean(name.unwrap_or_default(), names.iter().map(String::as_str));
        let there = if all.is_empty() { "none".to_owned() } else { all };
        return bad(
            place,
            format!("has no {:?}; there is {there}{near}", name.unwrap_or_default()),
        );
    };
    let at = format!("{place}: {:?}", cluster.name);
    let name = cluster.name.clone();
    Ok((name, one_cluster(cluster, &at, timeout, &mut Vec::new())?.connect))
}

/// The rules of a file to tell failures apart, whatever else is in it.
pub fn failure_rules(path: &Path) -> Result<Vec<FailureRule>, ConfigError> {
    Ok(placed(&path.display().to_string(), read(path)?.failure_rules))
}

/// Each with where it stands, for who finds something wrong with it.
fn placed(file: &str, rules: Vec<Spanned<FailureRule>>) -> Vec<FailureRule> {
    let placed = |Spanned { value, referenced, .. }: Spanned<FailureRule>| {
        let place = format!("{file}: line {}: failure_rules[{}]", referenced.line(), value.name);
        FailureRule { place, ..value }
    };
    rules.into_iter().map(placed).collect()
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let place = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return bad(place, format!("cannot be read: {error}")),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return bad(place, "is not text in UTF-8; a YAML file is wanted");
    };
    file::parse(&text).or_else(|problem| bad(place, problem))
}

/// The flag's value, else the file's.
fn pick(
    flag: Option<Duration>,
    place: &str,
    key: &str,
    in_file: Option<&str>,
) -> Result<Option<Duration>, ConfigError> {
    let value = match (flag, in_file) {
        (Some(flag), _) => flag,
        (None, None) => return Ok(None),
        (None, Some(text)) => match humantime::parse_duration(text) {
            Ok(duration) => duration,
            Err(error) => {
                return bad(
                    place,
                    format!("{key}: {text:?} is not a duration such as 15s or 1m 30s: {error}"),
                );
            }
        },
    };
    if value < Duration::from_millis(10) {
        return bad(key, "is under 10ms, the least that is taken");
    }
    Ok(Some(value))
}

fn in_range(key: &str, value: usize, most: usize) -> Result<usize, ConfigError> {
    if (1..=most).contains(&value) {
        Ok(value)
    } else {
        bad(key, format!("{value} is not from 1 to {most}"))
    }
}

/// Of `--web.external-url`; only a path is taken too.
fn origin_and_path(url: &str) -> Result<(Option<String>, String), ConfigError> {
    if url.starts_with('/') {
        return Ok((None, as_path("web.external-url", url)?));
    }
    match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => {
            let origin = url.origin().ascii_serialization();
            Ok((Some(origin), as_path("web.external-url", url.path())?))
        }
        Ok(_) | Err(_) => bad(
            "web.external-url",
            format!("{url:?} is not a URL such as https://ops.example/warden/, or its path"),
        ),
    }
}

/// A path that stands in links and in requests as it is written.
fn as_path(key: &str, path: &str) -> Result<String, ConfigError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if !path.chars().all(is_plain) || has_dots || path.contains("//") {
        return bad(key, format!("{path:?} is not a plain path such as / or /warden"));
    }
    Ok(path.to_owned())
}

/// `:9783`, `127.0.0.1:0`, `[::1]:9783` or `host:9783`.
fn addresses(listen: &[String]) -> Result<Vec<SocketAddr>, ConfigError> {
    if listen.is_empty() {
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, 9783).into()]);
    }
    let mut all = Vec::new();
    for text in listen {
        let port = text.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
        match (port, text.to_socket_addrs()) {
            // The unspecified IPv6 address takes IPv4 too where the system has both.
            (Some(port), _) => all.push((Ipv6Addr::UNSPECIFIED, port).into()),
            (None, Ok(found)) => all.extend(found),
            (None, Err(_)) => {
                return bad(
                    "web.listen-address",
                    format!(
                        "{text:?} is not an address such as :9783, 127.0.0.1:9783 or [::1]:9783"
                    ),
                );
            }
        }
    }
    Ok(all)
}

fn clusters(
    flags: &Flags,
    in_file: Vec<Cluster>,
    place: &str,
    timeout: Duration,
    odd: &mut Vec<Problem>,
) -> Result<Vec<ClusterSettings>, ConfigError> {
    if !flags.urls.is_empty() {
        if !in_file.is_empty() {
            return bad(
                "--connect.url",
                format!("names a cluster, and so does {place}; use one of them"),
            );
        }
        let name = flags.cluster.clone().unwrap_or_else(|| "default".to_owned());
        let connect =
            ConnectSettings { request_timeout: timeout, ..urls("--connect.url", &flags.urls)? };
        return Ok(vec![ClusterSettings {
            name,
            connect,
            include: vec![],
            exclude: vec![],
            progress: None,
        }]);
    }
    if in_file.is_empty() {
        return bad(
            place,
            "no cluster is named; give --connect.url=http://HOST:8083 or a --config.file with `clusters:`",
        );
    }
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for cluster in in_file {
        let at = format!("{place}: cluster {:?}", cluster.name);
        if cluster.name.is_empty() || !names.insert(cluster.name.clone()) {
            return bad(at, "each cluster needs a name of its own");
        }
        all.push(one_cluster(cluster, &at, timeout, odd)?);
    }
    Ok(all)
}

fn one_cluster(
    cluster: Cluster,
    at: &str,
    timeout: Duration,
    odd: &mut Vec<Problem>,
) -> Result<ClusterSettings, ConfigError> {
    let mut connect = urls(at, &cluster.urls)?;
    connect.request_timeout = timeout;
    if cluster.tls.key_file.is_some() && cluster.tls.cert_file.is_none() {
        return bad(at, "tls: has a key_file and no cert_file; a client certificate needs both");
    }
    connect.tls = TlsSettings {
        ca_file: cluster.tls.ca_file,
        cert_file: cluster.tls.cert_file,
        key_file: cluster.tls.key_file,
        insecure_skip_verify: cluster.tls.insecure_skip_verify,
    };
    connect.proxy_from_environment = cluster.proxy_from_environment;
    connect.dial_workers = patterns(at, "dial_workers", &cluster.dial_workers, odd)?;
    if let Some(limit) = pick(None, at, "connect_timeout", cluster.connect_timeout.as_deref())? {
        connect.connect_timeout = limit;
    }
    if let Some(limit) = cluster.max_body_bytes {
        connect.max_body_bytes = in_range("max_body_bytes", limit, 1 << 30)?;
    }
    match (cluster.basic_auth, cluster.bearer_token, &connect.auth) {
        (None, None, _) => {}
        (Some(basic), None, None) => {
            let password = secret(at, "basic_auth.password", &basic.password)?;
            connect.auth = Some(Auth::Basic { username: basic.username, password });
        }
        (None, Some(token), None) => {
            connect.auth = Some(Auth::Bearer(secret(at, "bearer_token", &token)?));
        }
        _ => {
            return bad(
                at,
                "has more than one of basic_auth, bearer_token and credentials in a URL",
            );
        }
    }
    let progress = cluster.progress.map(|settings| progress(at, &settings, odd)).transpose()?;
    Ok(ClusterSettings {
        progress,
        include: patterns(at, "include", &cluster.include, odd)?,
        exclude: patterns(at, "exclude", &cluster.exclude, odd)?,
        name: cluster.name,
        connect,
    })
}

fn progress(
    at: &str,
    settings: &file::Progress,
    odd: &mut Vec<Problem>,
) -> Result<ProgressSettings, ConfigError> {
    let time = |key: &str, value: &Option<String>| pick(None, at, key, value.as_deref());
    let mut connectors = patterns(at, "progress.connectors", &settings.connectors, odd)?;
    if connectors.is_empty() {
        let everything = pattern::compile(".*").or_else(|wrong| bad(at, wrong))?;
        connectors.push(everything);
    }
    Ok(ProgressSettings {
        connectors,
        interval: time("progress.interval", &settings.interval)?.unwrap_or(Duration::from_secs(60)),
        stalled_after: time("progress.stalled_after", &settings.stalled_after)?
            .unwrap_or(Duration::from_secs(15 * 60)),
    })
}

/// Reads the URLs; credentials in them are moved out and never shown.
fn urls(at: &str, texts: &[String]) -> Result<ConnectSettings, ConfigError> {
    if texts.is_empty() {
        return bad(at, "has no urls; give at least one, such as http://HOST:8083");
    }
    let mut auth: Option<Auth> = None;
    let mut all = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let which = format!("{at}: URL {}", number + 1);
        let mut url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            Ok(url) => {
                return bad(
                    which,
                    format!(
                        "the scheme {:?} is not http or https; write http://HOST:8083",
                        url.scheme()
                    ),
                );
            }
            Err(error) => {
                return bad(which, format!("is not a URL such as http://HOST:8083: {error}"));
            }
        };
        if url.query().is_some() || url.fragment().is_some() {
            return bad(which, "has a query or a fragment; only http://HOST:PORT/PATH is taken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
            let found = Auth::Basic {
                username: decode(url.username()),
                password: Secret::new(decode(url.password().unwrap_or_default())),
            };
            // Both cannot fail: the URL has a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            auth = Some(found);
        }
        all.push(url);
    }
    Ok(ConnectSettings { auth, ..ConnectSettings::new(all) })
}

fn secret(at: &str, key: &str, source: &SecretSource) -> Result<Secret, ConfigError> {
    let value = match (&source.file, &source.env) {
        (Some(file), None) => match std::fs::read_to_string(file) {
            Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
            Err(error) => {
                return bad(at, format!("{key}: cannot read {}: {error}", file.display()));
            }
        },
        (None, Some(variable)) => match std::env::var(variable) {
            Ok(value) => value,
            Err(_) => {
                return bad(at, format!("{key}: the environment has no variable {variable}"));
            }
        },
        (None, None) | (Some(_), Some(_)) => {
            return bad(at, format!("{key}: give one of `file` and `env`"));
        }
    };
    if value.is_empty() { bad(at, format!("{key}: is empty")) } else { Ok(Secret::new(value)) }
}

/// Each pattern must match a whole name.
fn patterns(
    at: &str,
    key: &str,
    texts: &[Spanned<String>],
    odd: &mut Vec<Problem>,
) -> Result<Vec<Regex>, ConfigError> {
    let mut all = Vec::new();
    for Spanned { value, referenced, .. } in texts {
        let line = referenced.line();
        if let Some(oddity) = pattern::oddity(value) {
            odd.push(Problem { line, text: format!("{key}: {oddity}") });
        }
        match pattern::compile(value) {
            Ok(pattern) => all.push(pattern),
            Err(wrong) => return bad(at, format!("line {line}: {key}: {wrong}")),
        }
    }
    Ok(all)
}
