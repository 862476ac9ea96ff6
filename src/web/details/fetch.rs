//! Three calls to one worker, side by side.

use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::connect::error::{Error, ErrorKind};
use crate::connect::masking;
use crate::connect::model::PartitionOffset;
use crate::connect::version::Version;
use crate::connect::{ClusterClient, WorkerClient};
use crate::observe::view::ClusterView;

use super::{ConnectorDetails, DetailProblems, OffsetFacts};

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
        let busy = || Some("others were fetched from this cluster for 3 s; look again".to_owned());
        let problems = DetailProblems { configuration: busy(), offsets: busy(), topics: busy() };
        let worker = worker.id().to_owned();
        return ConnectorDetails {
            fetched,
            worker,
            configuration: None,
            offsets: None,
            topics: None,
            problems,
        };
    };
    let (configuration, offsets, topics) = futures_util::future::join3(
        part(end, None, worker.config(connector)),
        part(end, lacks(version, Version::has_stop, "3.5"), worker.offsets(connector)),
        part(end, lacks(version, Version::has_topics, "2.5"), worker.topics(connector)),
    )
    .await;
    let mut problems = DetailProblems::default();
    let offset = |of: PartitionOffset| OffsetFacts {
        partition: masking::masked_value(of.partition),
        offset: masking::masked_value(of.offset),
    };
    let configuration = kept(configuration, &mut problems.configuration);
    let offsets = kept(offsets, &mut problems.offsets);
    let topics = kept(topics, &mut problems.topics);
    ConnectorDetails {
        fetched,
        worker: worker.id().to_owned(),
        configuration: configuration.map(|config| masking::masked(&config)),
        offsets: offsets.map(|all| all.into_iter().take(MAX_OFFSETS).map(offset).collect()),
        topics: topics.map(|mut topics| {
            topics.sort_unstable();
            topics
        }),
        problems,
    }
}

fn kept<T>(fetched: Result<T, String>, problem: &mut Option<String>) -> Option<T> {
    fetched.map_err(|said| *problem = Some(said)).ok()
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
) -> Result<T, String> {
    if let Some(lacks) = lacks {
        return Err(lacks);
    }
    match timeout_at(end, call).await {
        Ok(Ok(value)) => Ok(value),
        // What came may hold a secret, and the error what came.
        Ok(Err(Error { kind: ErrorKind::Shape(_), method, url })) => {
            Err(format!("{method} {url}: not what this call answers"))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within 3s".to_owned()),
    }
}
