//! Several workers of one cluster: reads go to one that answers, and stay there.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use regex::Regex;
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

/// An answer tells more than silence.
fn more_telling(before: Option<Error>, now: Error) -> Error {
    use super::error::ErrorKind::{Connect, Timeout};
    match before {
        Some(before) if !matches!(before.kind, Connect(_) | Timeout(_)) => before,
        Some(_) | None => now,
    }
}
