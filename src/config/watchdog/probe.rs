//! `probe:`: dependencies that may be asked whether they are back. Only these, and never with
//! credentials.

use std::net::IpAddr;
use std::time::Duration;

use crate::watchdog::policy::Limits;
use crate::watchdog::probe::Target;

use super::node::{Node, Problem, problem};
use super::section::{Section, Text, written};

/// At most this many targets.
const MOST: usize = 100;

/// How dependencies are probed.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// These and no others.
    pub targets: Vec<ProbeTarget>,
    /// From one probe of a target to the next; default 30 s.
    pub interval: Duration,
    /// Time for one probe; default 3 s.
    pub timeout: Duration,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeTarget {
    /// A name in lower case, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it has to answer a TLS handshake, too.
    pub tls: bool,
}

impl ProbeTarget {
    /// As it is probed.
    pub fn to_target(&self) -> Target {
        Target { host: self.host.clone(), port: self.port, tls: self.tls }
    }

    /// As it stands in signatures: `db.example:5432`, `[::1]:5432`.
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Reads `probe:`, and the policy's numbers about it.
pub(super) fn read(
    mut section: Section<'_>,
    limits: &mut Limits,
) -> Result<ProbeSettings, Problem> {
    let hour = Duration::from_secs(3600);
    let second = Duration::from_secs(1);
    section.time("interval", second..=hour, &mut limits.probe_interval)?;
    section.time("distrust", second..=hour * 24 * 7, &mut limits.probe_distrust)?;
    let mut timeout = second * 3;
    section.time("timeout", Duration::from_millis(10)..=second * 30, &mut timeout)?;
    let interval = limits.probe_interval;
    if timeout > interval {
        let (timeout, interval) = (written(timeout), written(interval));
        return section.wrong("timeout", format!("{timeout} is over interval, {interval}"));
    }
    let nodes = section.list("targets")?;
    if nodes.is_empty() || nodes.len() > MOST {
        let found = nodes.len();
        return section.wrong("targets", format!("{found} targets are not from 1 to {MOST}"));
    }
    let mut targets: Vec<ProbeTarget> = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let path = format!("{}.targets[{}]", section.path, number + 1);
        let target = target(path.clone(), node)?;
        if targets.iter().any(|other| other.address() == target.address()) {
            return problem(node.line, format!("{path}: {} is there twice", target.address()));
        }
        targets.push(target);
    }
    section.finish()?;
    Ok(ProbeSettings { targets, interval, timeout })
}

fn target(path: String, node: &Node) -> Result<ProbeTarget, Problem> {
    let mut section = Section::new(path, node.line, node)?;
    let text = section.needed("host", "db.example")?;
    let host = host(&section, &text)?;
    if !section.has("port") {
        return problem(section.line, format!("{}: has no `port`", section.path));
    }
    let mut port = 0;
    section.count("port", 1..=65_535, &mut port)?;
    let tls = section.yes("tls")?;
    section.finish()?;
    Ok(ProbeTarget { host, port, tls })
}

/// A name or an address and nothing else.
fn host(section: &Section<'_>, Text { text, .. }: &Text) -> Result<String, Problem> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if text.contains('@') {
        // What stands before the @ may be a secret.
        return section.wrong("host", "has an @; credentials are never sent, give the host alone");
    }
    if text.contains('*') {
        return section.wrong("host", format!("{text:?} has a wildcard; name each host"));
    }
    if text.len() > 253 || !text.split('.').all(label) {
        return section.wrong("host", format!("{text:?} is not a host name or an IP address"));
    }
    Ok(text.to_lowercase())
}
