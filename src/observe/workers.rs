//! Whether workers answer, and whether one of them can serve.
//!
//! Statuses come from a worker's cache and are served for as long as it lives, also when Kafka is
//! gone behind it. Only a call that needs the herder's thread tells: `/health` (3.9 and later,
//! KIP-1017), before that `GET /connectors/{any}`.

use std::time::Duration;

use crate::connect::error::ErrorKind;
use crate::connect::model::{Health, ServerInfo};
use crate::connect::version::Version;
use crate::connect::{Error, WorkerClient};

/// A name that no connector has: 404 for it is as good a proof as 200.
const PROBE_NAME: &str = "connect-warden-probe";

/// What a worker said of its ability to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// For the metric.
    pub health: Health,
    /// Whether it is proven able to serve; `None` where the answer proves neither.
    pub serves: Option<bool>,
    /// Why not.
    pub because: Option<String>,
}

impl Proof {
    fn no(health: Health, because: impl Into<String>) -> Self {
        Self { health, serves: Some(false), because: Some(because.into()) }
    }
}

/// Whether the worker answers at all, and what it says of itself. A refusal is an answer too.
pub async fn liveness(worker: &WorkerClient) -> (bool, Option<ServerInfo>) {
    match worker.server_info().await {
        Ok(info) => (true, Some(info)),
        Err(Error { kind, .. }) => (!kind.is_silence(), None),
    }
}

/// Asks a worker that is alive to prove that it can serve.
pub async fn prove(worker: &WorkerClient, version: Option<&str>, timeout: Duration) -> Proof {
    let has_health = version.and_then(Version::parse).is_some_and(|version| version.has_health());
    if has_health { by_health(worker, timeout).await } else { by_herder(worker, timeout).await }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is told alike")]
async fn by_health(worker: &WorkerClient, timeout: Duration) -> Proof {
    match worker.health(timeout).await {
        Ok(answer) => match answer.health {
            Health::Healthy => Proof { health: Health::Healthy, serves: Some(true), because: None },
            Health::Unsupported => by_herder(worker, timeout).await,
            Health::Starting | Health::Unhealthy | Health::Unreachable => {
                Proof::no(answer.health, answer.message.unwrap_or_default())
            }
        },
        Err(error) => match error.kind {
            ErrorKind::Timeout(_) => Proof::no(Health::Unhealthy, error.to_string()),
            _ => Proof::no(Health::Unreachable, error.to_string()),
        },
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is told alike")]
async fn by_herder(worker: &WorkerClient, timeout: Duration) -> Proof {
    let health = Health::Unsupported;
    let answer = tokio::time::timeout(timeout, worker.info(PROBE_NAME)).await;
    let error = match answer {
        Ok(Ok(_)) => return Proof { health, serves: Some(true), because: None },
        Ok(Err(error)) => error,
        Err(_) => {
            let waited = humantime::format_duration(timeout);
            return Proof::no(health, format!("the herder did not answer within {waited}"));
        }
    };
    match &error.kind {
        ErrorKind::NotFound(_) => Proof { health, serves: Some(true), because: None },
        // A rebalance: the thread works, only not for this call.
        ErrorKind::Conflict(..) => Proof { health, serves: None, because: None },
        ErrorKind::Status { message, .. } if message.contains("rebalance") => {
            Proof { health, serves: None, because: None }
        }
        _ => Proof::no(health, error.to_string()),
    }
}
