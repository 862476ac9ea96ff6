//! Whether a dependency is back: a TCP connect, or a TLS handshake, to hosts that were listed.
//!
//! In, `host:port`; out, what came of it, in a word and in words. Nothing is ever sent to what is not
//! in the list, whatever it resolves to, and no credential to anybody. One probe at a time goes to a
//! host, and all of it, DNS included, ends with the time-out or when the caller no longer waits.

mod dial;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use tls::Handshaker;

/// What may be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name or an address; IPv6 with or without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether a TLS handshake is to succeed too. Not for what begins in plain text and changes to
    /// TLS later, such as PostgreSQL and MySQL.
    pub tls: bool,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It takes connections; where TLS is wanted, it speaks TLS.
    Reachable,
    /// Nothing listens there.
    Refused,
    /// No answer within the time-out.
    TimedOut,
    /// DNS has no address for the name, or no answer.
    NotResolved,
    /// It takes connections and does not speak TLS.
    TlsFailed,
    /// There is no way there: no route, or the network is down.
    Unreachable,
}

impl Reach {
    /// Every result, in the order in which they are exported and counted.
    pub const ALL: [Self; 6] = [
        Self::Reachable,
        Self::Refused,
        Self::TimedOut,
        Self::NotResolved,
        Self::TlsFailed,
        Self::Unreachable,
    ];

    /// The word for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::NotResolved => "not_resolved",
            Self::TlsFailed => "tls_failed",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// In a word.
    pub reach: Reach,
    /// For the log, such as `db.example:5432 refuses connections`.
    pub said: String,
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It is not in the list.
    #[error("{0} is not among the hosts that may be probed")]
    NotAllowed(String),
    /// A probe of the same host, at this port or another, has not ended yet; ask again later.
    #[error("a probe of {0} is under way")]
    UnderWay(Arc<str>),
}

/// How often which target was found how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeCounts {
    /// Every target of the list, by name, also those that were never probed.
    pub targets: Vec<TargetCounts>,
}

/// How often one target was found how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetCounts {
    /// `host:port`.
    pub target: Arc<str>,
    /// In the order of [`Reach::ALL`].
    pub results: [u64; Reach::ALL.len()],
    /// What the last probe found, and how long it took.
    pub last: Option<(Reach, Duration)>,
}

/// Probes what is in its list.
#[derive(Debug)]
pub struct Prober {
    targets: BTreeMap<Arc<str>, Known>,
    timeout: Duration,
    handshaker: Handshaker,
}

#[derive(Debug)]
struct Known {
    name: Arc<str>,
    host: Arc<str>,
    port: u16,
    tls: bool,
    /// Shared by all targets of the host.
    turn: Arc<Semaphore>,
    counts: Mutex<TargetCounts>,
}

impl Prober {
    /// May probe these, each for at most `timeout`.
    pub fn new(targets: Vec<Target>, timeout: Duration) -> Self {
        let mut turns: BTreeMap<Arc<str>, Arc<Semaphore>> = BTreeMap::new();
        let known = targets.into_iter().map(|target| {
            let host: Arc<str> = plain_host(&target.host).into();
            let turn = turns.entry(Arc::clone(&host)).or_insert_with(|| Semaphore::new(1).into());
            let name: Arc<str> = name(&host, target.port).into();
            let counts = TargetCounts {
                target: Arc::clone(&name),
                results: [0; Reach::ALL.len()],
                last: None,
            };
            let known = Known {
                name: Arc::clone(&name),
                host,
                port: target.port,
                tls: target.tls,
                turn: Arc::clone(turn),
                counts: Mutex::new(counts),
            };
            (name, known)
        });
        Self { targets: known.collect(), timeout, handshaker: Handshaker::new() }
    }

    /// Looks whether a target, named as `host:port`, takes connections now.
    ///
    /// # Errors
    ///
    /// Nothing was sent: it is not in the list, or a probe of its host is under way.
    pub async fn probe(&self, target: &str) -> Result<Probed, ProbeError> {
        let known =
            self.known(target).ok_or_else(|| ProbeError::NotAllowed(shorten(target).to_owned()))?;
        let turn = Arc::clone(&known.turn).try_acquire_owned();
        let turn = Arc::new(turn.map_err(|_| ProbeError::UnderWay(Arc::clone(&known.host)))?);
        let began = Instant::now();
        let deadline = began + self.timeout;
        let dialled = dial::dial(known, &turn, deadline, &self.handshaker).await;
        let took = began.elapsed();
        let (reach, said) = match dialled {
            Ok(connection) => {
                connection.close(deadline).await;
                (Reach::Reachable, format!("{} takes connections", known.name))
            }
            Err((reach, said)) => (reach, format!("{} {said}", known.name)),
        };
        known.note(reach, took);
        Ok(Probed { reach, said })
    }

    /// What was found so far.
    pub fn counts(&self) -> ProbeCounts {
        let counts = |known: &Known| lock(&known.counts).clone();
        ProbeCounts { targets: self.targets.values().map(counts).collect() }
    }

    fn known(&self, named: &str) -> Option<&Known> {
        let (host, port) = split_port(named)?;
        self.targets.get(name(&plain_host(host), port).as_str())
    }
}

impl Known {
    fn note(&self, reach: Reach, took: Duration) {
        let mut counts = lock(&self.counts);
        let all = counts.results.iter_mut().zip(Reach::ALL);
        all.filter(|(_, each)| *each == reach).for_each(|(count, _)| *count += 1);
        counts.last = Some((reach, took));
    }
}

fn lock(counts: &Mutex<TargetCounts>) -> std::sync::MutexGuard<'_, TargetCounts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host as it is compared.
fn plain_host(host: &str) -> String {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    inside.strip_suffix('.').unwrap_or(inside).to_ascii_lowercase()
}

fn name(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `None` where there is no port; an IPv6 address with one has brackets.
fn split_port(named: &str) -> Option<(&str, u16)> {
    let (host, port) = named.rsplit_once(':')?;
    let whole = !host.contains(':') || host.ends_with(']');
    port.parse().ok().filter(|_| whole).map(|port| (host, port))
}

/// A name that came out of a trace is not believed to be short.
fn shorten(name: &str) -> &str {
    &name[..name.floor_char_boundary(253)]
}
