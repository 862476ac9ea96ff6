//! Whether connectors get on: their offsets (3.5 and later, KIP-875) read at a pace of their own.
//!
//! RUNNING says nothing of progress. Offsets need the herder, so that there is one request of them
//! at a time, and none more in a round after one that found no answer.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::config::ProgressSettings;
use crate::connect::error::ErrorKind;
use crate::connect::model::{PartitionOffset, State};
use crate::connect::{ClusterClient, Error};

use super::snapshot::Snapshot;

/// How one connector gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When its offsets were seen to change, or where they did not yet, when they were first read.
    pub last: SystemTime,
    /// Whether that is longer ago than is allowed.
    pub stalled: bool,
}

#[derive(Debug)]
struct Record {
    offsets: u64,
    last: SystemTime,
    since: Instant,
}

/// Reads the offsets of one cluster's running connectors.
#[derive(Debug)]
pub(super) struct Reader {
    client: Arc<ClusterClient>,
    settings: ProgressSettings,
    records: BTreeMap<Arc<str>, Record>,
}

impl Reader {
    pub(super) fn new(client: Arc<ClusterClient>, settings: ProgressSettings) -> Self {
        Self { client, settings, records: BTreeMap::new() }
    }

    /// One round; what could not be read is not in the answer.
    pub(super) async fn read(&mut self, snapshot: &Snapshot) -> BTreeMap<Arc<str>, Progress> {
        let mut wanted: Vec<_> = snapshot.connectors.iter().collect();
        wanted.retain(|connector| {
            connector.instance.state == State::Running
                && self.settings.connectors.iter().any(|p| p.is_match(&connector.name))
        });
        // A connector that was paused or failed meanwhile starts afresh.
        self.records
            .retain(|name, _| wanted.binary_search_by(|known| known.name.cmp(name)).is_ok());
        let mut all = BTreeMap::new();
        for connector in wanted {
            let name = Arc::clone(&connector.name);
            let read = self.client.first(|worker| {
                let (worker, name) = (worker.clone(), Arc::clone(&name));
                async move { worker.offsets(&name).await }.boxed()
            });
            match read.await {
                Ok((_, offsets)) => {
                    let progress = self.record(&name, fingerprint(&offsets));
                    all.insert(name, progress);
                }
                Err(Error {
                    kind: ErrorKind::NotFound(_) | ErrorKind::NotAddressable(_), ..
                }) => {}
                Err(error) => {
                    tracing::debug!(%error, "offsets cannot be read; the rest of this round is left out");
                    break;
                }
            }
        }
        all
    }

    fn record(&mut self, name: &Arc<str>, offsets: u64) -> Progress {
        let now = || Record { offsets, last: SystemTime::now(), since: Instant::now() };
        let record = self.records.entry(Arc::clone(name)).or_insert_with(now);
        if record.offsets != offsets {
            *record = now();
        }
        let age: Duration = record.since.elapsed();
        Progress { last: record.last, stalled: age >= self.settings.stalled_after }
    }
}

/// The same for the same offsets, in whatever order they come.
fn fingerprint(offsets: &[PartitionOffset]) -> u64 {
    let of_one = |offset: &PartitionOffset| {
        let mut hasher = DefaultHasher::new();
        offset.partition.to_string().hash(&mut hasher);
        offset.offset.to_string().hash(&mut hasher);
        hasher.finish()
    };
    offsets.iter().map(of_one).fold(0, u64::wrapping_add)
}
