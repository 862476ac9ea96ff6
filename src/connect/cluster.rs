//! Several workers of one cluster: reads go to one that answers, and stay there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use regex::Regex;
use tokio::time::Instant;
use url::Url;

use crate::config::ConnectSettings;

use super::error::Error;
use super::http::{BuildError, Http};
use super::worker::WorkerClient;

/// The workers of one cluster, at least one.
#[derive(Debug)]
pub struct ClusterClient {
    workers: Vec<WorkerClient>,
    good: AtomicUsize,
    /// Until when each of them counts as proven able to serve.
    proofs: Mutex<Vec<Option<Until>>>,
    http: Http,
    scheme: String,
    may_dial: Vec<Regex>,
}

impl ClusterClient {
    /// Reads certificates; connects to nothing yet.
    pub fn new(settings: &ConnectSettings) -> Result<Self, BuildError> {
        let http = Http::new(settings)?;
        let worker = |url: &Url| WorkerClient::new(url.clone(), http.clone());
        Ok(Self {
            workers: settings.urls.iter().map(worker).collect(),
            good: AtomicUsize::new(0),
            proofs: Mutex::new(vec![None; settings.urls.len()]),
            scheme: settings.urls.first().map_or("http", Url::scheme).to_owned(),
            may_dial: settings.dial_workers.clone(),
            http,
        })
    }

    /// The worker that answered last.
    pub fn current(&self) -> &WorkerClient {
        &self.workers[self.good.load(Ordering::Relaxed) % self.workers.len()]
    }

    /// The configured workers.
    pub fn workers(&self) -> &[WorkerClient] {
        &self.workers
    }

    /// The answer of the first worker that has one, and which it was. Begins with the one that
    /// answered last; a worker that failed is asked again only after all others failed.
    pub async fn first<T>(
        &self,
        call: impl for<'w> Fn(&'w WorkerClient) -> BoxFuture<'w, Result<T, Error>>,
    ) -> Result<(usize, T), Error> {
        let start = self.good.load(Ordering::Relaxed);
        let mut failure = None;
        for step in 0..self.workers.len() {
            let at = (start + step) % self.workers.len();
            match call(&self.workers[at]).await {
                Ok(answer) => {
                    self.good.store(at, Ordering::Relaxed);
                    return Ok((at, answer));
                }
                Err(error) if error.kind.worth_another_worker() => {
                    failure = Some(more_telling(failure, error));
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error {
            method: "GET",
            url: String::new(),
            kind: super::error::ErrorKind::Connect("no worker is configured".to_owned()),
        }))
    }

    /// A client for a `worker_id` that was seen, if the configuration allows to dial it.
    pub fn dial(&self, worker_id: &str) -> Option<WorkerClient> {
        if !self.may_dial.iter().any(|pattern| pattern.is_match(worker_id)) {
            return None;
        }
        let url = Url::parse(&format!("{}://{worker_id}/", self.scheme)).ok()?;
        Some(WorkerClient::new(url, self.http.clone()))
    }
}

/// A time by both clocks: one of them stands still while a machine sleeps, the other may be set.
#[derive(Clone, Copy, Debug)]
struct Until {
    at: Instant,
    wall: SystemTime,
}

impl Until {
    fn is_ahead(self, now: Instant, wall: SystemTime) -> bool {
        now < self.at && wall < self.wall
    }
}

impl ClusterClient {
    /// Whether a configured worker is proven able to serve, for so long. Statuses come from a worker's
    /// cache: those of one that cannot serve are those of before.
    pub fn proved(&self, id: &str, serves: bool, lasts: Duration) {
        let until =
            serves.then(|| Until { at: Instant::now() + lasts, wall: SystemTime::now() + lasts });
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        for (worker, proof) in self.workers.iter().zip(proofs.iter_mut()) {
            if worker.id() == id {
                *proof = until;
            }
        }
    }

    /// Whether a configured worker is proven able to serve, lately enough.
    pub fn is_proven(&self, id: &str) -> bool {
        self.workers.iter().position(|worker| worker.id() == id).is_some_and(|at| self.proof(at))
    }

    fn proof(&self, at: usize) -> bool {
        let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, wall) = (Instant::now(), SystemTime::now());
        proofs[at].is_some_and(|until| until.is_ahead(now, wall))
    }

    /// Leaves a worker that is not proven able to serve for one that is.
    pub fn prefer_proven(&self) {
        let good = self.good.load(Ordering::Relaxed) % self.workers.len();
        if !self.proof(good)
            && let Some(other) = (0..self.workers.len()).find(|at| self.proof(*at))
        {
            self.good.store(other, Ordering::Relaxed);
        }
    }
}

/// An answer tells more than silence.
fn more_telling(before: Option<Error>, now: Error) -> Error {
    use super::error::ErrorKind::{Connect, Timeout};
    match before {
        Some(before) if !matches!(before.kind, Connect(_) | Timeout(_)) => before,
        Some(_) | None => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(42);

    #[test]
    fn a_proof_ends_by_whichever_clock_goes_on() {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let until = Until { at: now + LASTS, wall: wall + LASTS };
        assert!(until.is_ahead(now, wall));
        assert!(!until.is_ahead(now + LASTS, wall) && !until.is_ahead(now, wall + LASTS));
    }

    #[test]
    fn a_proof_is_for_one_worker_and_for_a_while() {
        let urls = ["http://a:1", "http://b:1"].map(|url| url.parse().unwrap()).to_vec();
        let client = ClusterClient::new(&ConnectSettings::new(urls)).unwrap();
        assert!(!client.is_proven("a:1"), "before the first");
        client.proved("b:1", true, LASTS);
        client.proved("c:1", true, LASTS);
        let proven = ["a:1", "b:1", "c:1"].map(|id| client.is_proven(id));
        assert_eq!(proven, [false, true, false]);
        assert_eq!(client.current().id(), "a:1");
        client.prefer_proven();
        assert_eq!(client.current().id(), "b:1");
        client.proved("a:1", true, LASTS);
        client.prefer_proven();
        assert_eq!(client.current().id(), "b:1", "it stays where it is");
        client.proved("b:1", true, Duration::ZERO);
        assert!(!client.is_proven("b:1"), "it is over");
        client.proved("a:1", true, LASTS);
        client.proved("a:1", false, LASTS);
        client.prefer_proven();
        assert_eq!((client.is_proven("a:1"), client.current().id()), (false, "b:1"));
    }
}
