//! Three calls to one worker, side by side.

use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::connect::error::{Error, ErrorKind};
use crate::connect::masking;
use crate::connect::version::Version;
use crate::connect::{ClusterClient, WorkerClient};
use crate::observe::view::ClusterView;

use super::{ConnectorDetails, Fetched, OffsetFacts};

/// All of it together takes no longer.
const LIMIT: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const MAX_BODY: usize = 2 << 20;
/// More offsets than these would not be read.
const MAX_OFFSETS: usize = 1000;

/// Never fails: what could not be fetched says why.
pub(super) async fn fetch(
    client: &ClusterClient,
    places: &Semaphore,
    view: &ClusterView,
    connector: &str,
) -> ConnectorDetails {
    let end = Instant::now() + LIMIT;
    let worker = client.current().bounded(LIMIT, MAX_BODY);
    let version = version(view, &worker);
    let fetched = SystemTime::now().into();
    let place = timeout_at(end, places.acquire()).await;
    let Ok(Ok(_place)) = place else {
        let busy = "others were being fetched from this cluster for 3 s; look again";
        return ConnectorDetails {
            fetched,
            worker: worker.id().to_owned(),
            configuration: Fetched::problem(busy),
            offsets: Fetched::problem(busy),
            topics: Fetched::problem(busy),
        };
    };
    let (configuration, offsets, topics) = futures_util::future::join3(
        part(end, None, worker.config(connector)),
        part(end, lacks(version, Version::has_stop, "3.5"), worker.offsets(connector)),
        part(end, lacks(version, Version::has_topics, "2.5"), worker.topics(connector)),
    )
    .await;
    ConnectorDetails {
        fetched,
        worker: worker.id().to_owned(),
        configuration: configuration.map(|config| masking::masked(&config)),
        offsets: offsets.map(|all| {
            let told = all.into_iter().take(MAX_OFFSETS);
            told.map(|of| OffsetFacts { partition: of.partition, offset: of.offset }).collect()
        }),
        topics: topics.map(|mut topics| {
            topics.sort_unstable();
            topics
        }),
    }
}

/// That of the worker, or any of the cluster's where it is not known.
fn version<'v>(view: &'v ClusterView, worker: &WorkerClient) -> Option<&'v str> {
    let own = view.workers.iter().find(|known| &*known.id == worker.id());
    let of_own = own.and_then(|known| known.version.as_deref());
    of_own.or_else(|| view.workers.iter().find_map(|known| known.version.as_deref()))
}

/// Why the call is not made, where the version is known not to have it.
fn lacks(version: Option<&str>, has: impl Fn(Version) -> bool, first: &str) -> Option<String> {
    let text = version?;
    let known = Version::parse(text)?;
    (!has(known)).then(|| format!("needs Kafka Connect {first} or later; this worker has {text}"))
}

async fn part<T>(
    end: Instant,
    lacks: Option<String>,
    call: impl Future<Output = Result<T, Error>>,
) -> Fetched<T> {
    if let Some(lacks) = lacks {
        return Fetched::problem(lacks);
    }
    match timeout_at(end, call).await {
        Ok(Ok(value)) => Fetched { value: Some(value), problem: None },
        Ok(Err(Error { kind: ErrorKind::Shape(_), method, url })) => {
            // What came may hold a secret, and the error what came.
            Fetched::problem(format!("{method} {url}: not what this call answers"))
        }
        Ok(Err(error)) => Fetched::problem(error.to_string()),
        Err(_) => Fetched::problem("no answer within 3s"),
    }
}

impl<T> Fetched<T> {
    fn problem(said: impl Into<String>) -> Self {
        Self { value: None, problem: Some(said.into()) }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Fetched<U> {
        Fetched { value: self.value.map(change), problem: self.problem }
    }
}
