//! What is fetched from a cluster only when somebody looks at one connector: its configuration, its
//! offsets, its topics.
//!
//! Bounded in time, size and number, and remembered for ten seconds: many who look cost the cluster
//! as much as one. Nothing else waits for it.

mod fetch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::connect::ClusterClient;
use crate::observe::view::ClusterView;

use super::facts::Moment;
use super::routes::Clients;

/// So long an answer is told again.
const FRESH: Duration = Duration::from_secs(10);
/// So many connectors are remembered.
const REMEMBERED: usize = 500;
/// So many connectors of one cluster are asked for at once, with three calls each.
const IN_FLIGHT: usize = 2;

/// What was fetched of one connector.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorDetails {
    /// When.
    pub fetched: Moment,
    /// The worker that was asked.
    pub worker: String,
    /// Its configuration; secrets are masked, `${...}` stays as it is. Null: not fetched.
    pub configuration: Option<BTreeMap<String, Option<String>>>,
    /// How far it got (3.5 and later). Null: not fetched.
    pub offsets: Option<Vec<OffsetFacts>>,
    /// The topics that it used (2.5 and later). Null: not fetched.
    pub topics: Option<Vec<String>>,
    /// Why what is null was not fetched.
    pub problems: DetailProblems,
}

/// Why something was not fetched; null: it was.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DetailProblems {
    /// Of the configuration.
    pub configuration: Option<String>,
    /// Of the offsets.
    pub offsets: Option<String>,
    /// Of the topics.
    pub topics: Option<String>,
}

/// How far one part of a connector's work is done, as the connector has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OffsetFacts {
    /// Which part of the source, or which topic partition.
    pub partition: Value,
    /// How far it got.
    pub offset: Value,
}

/// Fetches, and remembers for a while.
#[derive(Debug)]
pub(super) struct Details {
    clusters: BTreeMap<Arc<str>, Cluster>,
    remembered: Mutex<BTreeMap<(Arc<str>, String), Remembered>>,
}

#[derive(Debug)]
struct Cluster {
    client: Arc<ClusterClient>,
    places: Semaphore,
}

#[derive(Clone, Debug)]
struct Remembered {
    since: Instant,
    details: Arc<OnceCell<Arc<ConnectorDetails>>>,
}

impl Details {
    pub(super) fn new(clients: &Clients) -> Self {
        let cluster = |(name, client): (&Arc<str>, &Arc<ClusterClient>)| {
            let places = Semaphore::new(IN_FLIGHT);
            (Arc::clone(name), Cluster { client: Arc::clone(client), places })
        };
        Self { clusters: clients.iter().map(cluster).collect(), remembered: Mutex::default() }
    }

    /// Of a connector that is in the view; `None` where the cluster is not watched.
    pub(super) async fn of(
        &self,
        view: &ClusterView,
        connector: &str,
    ) -> Option<Arc<ConnectorDetails>> {
        let cluster = self.clusters.get(&view.cluster)?;
        let cell = self.remembered(&view.cluster, connector);
        let fetch = || fetch::fetch(&cluster.client, &cluster.places, view, connector);
        Some(Arc::clone(cell.get_or_init(|| async { Arc::new(fetch().await) }).await))
    }

    /// What is remembered of a connector is not to be told again.
    pub(super) fn forget(&self, cluster: &Arc<str>, connector: &str) {
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(Arc::clone(cluster), connector.to_owned()));
    }

    fn remembered(
        &self,
        cluster: &Arc<str>,
        connector: &str,
    ) -> Arc<OnceCell<Arc<ConnectorDetails>>> {
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(cluster), connector.to_owned());
        let now = Instant::now();
        if let Some(known) = all.get(&key).filter(|known| now - known.since < FRESH) {
            return Arc::clone(&known.details);
        }
        if all.len() >= REMEMBERED {
            all.retain(|_, known| now - known.since < FRESH);
        }
        let details = Arc::default();
        if all.len() < REMEMBERED {
            all.insert(key, Remembered { since: now, details: Arc::clone(&details) });
        }
        details
    }
}

#[cfg(test)]
mod tests;
