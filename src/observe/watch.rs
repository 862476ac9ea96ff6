//! The loops of one cluster: polls, liveness, proofs; each at its own pace, none waiting for
//! another, all ended by the same token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::config::{ClusterSettings, PollSettings};
use crate::connect::{ClusterClient, WorkerClient};
use crate::tasks::Tasks;

use super::board::Board;
use super::failure::Classifier;
use super::listing::Selection;
use super::news;
use super::poll::{PollFailure, Poller};
use super::progress::Reader;
use super::view::ClusterView;
use super::workers;

/// The longest that a first poll is put off so that clusters do not start all at once.
const MAX_SPREAD: Duration = Duration::from_secs(5);

/// What a cluster's loops need.
#[derive(Debug)]
pub struct Watch {
    /// The cluster.
    pub cluster: ClusterSettings,
    /// The pace.
    pub poll: PollSettings,
    /// After this long without a valid snapshot there is none.
    pub staleness: Duration,
    /// How it is spoken to.
    pub client: Arc<ClusterClient>,
    /// How failures are told apart.
    pub classifier: Arc<Classifier>,
    /// Whether there are other clusters, so that polls are spread.
    pub one_of_many: bool,
}

impl Watch {
    /// Starts the loops; what is known from now on is in the receiver.
    pub fn start(
        self,
        tasks: &Tasks,
        stop: &CancellationToken,
    ) -> watch::Receiver<Arc<ClusterView>> {
        let name = &self.cluster.name;
        let configured = self.client.workers().iter().map(WorkerClient::id);
        let board = Arc::new(Board::new(name, configured, self.staleness));
        let view = board.subscribe();
        let client = self.client;
        let spread =
            if self.one_of_many { spread(name, self.poll.interval) } else { Duration::ZERO };
        let selection = Selection {
            include: self.cluster.include.clone(),
            exclude: self.cluster.exclude.clone(),
        };
        let poller =
            Poller::new(Arc::clone(&client), selection, self.classifier, self.poll.concurrency);
        let interval = self.poll.interval;
        let worker_interval = self.poll.worker_interval;
        let start = |what: &str, work: BoxFuture<'static, ()>| {
            tasks.spawn(format!("{what} of cluster {name:?}"), stoppable(stop.clone(), work));
        };
        start("the polls", poll_loop(poller, Arc::clone(&board), interval, spread).boxed());
        let (dialler, alive) = (Arc::clone(&client), Arc::clone(&board));
        start("liveness", liveness_loop(dialler, alive, worker_interval, spread).boxed());
        if let Some(progress) = self.cluster.progress {
            let interval = progress.interval;
            let reader = Reader::new(Arc::clone(&client), progress);
            let work = progress_loop(reader, Arc::clone(&board), interval, spread);
            start("the reading of offsets", work.boxed());
        }
        let timeout = self.poll.health_timeout;
        start("the proofs", proof_loop(client, board, worker_interval, timeout, spread).boxed());
        view
    }
}

async fn stoppable(stop: CancellationToken, work: BoxFuture<'static, ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// A stable delay from the cluster's name.
fn spread(name: &str, interval: Duration) -> Duration {
    let part = f64::from(crc32fast::hash(name.as_bytes())) / f64::from(u32::MAX);
    interval.min(MAX_SPREAD).mul_f64(part)
}

/// When the next round is due. A round that would already be over is skipped.
struct Pace {
    next: Instant,
    interval: Duration,
}

impl Pace {
    fn new(interval: Duration, first: Duration) -> Self {
        Self { next: Instant::now() + first, interval }
    }

    /// Waits for the next round; gives the number of rounds that were skipped before it.
    async fn round(&mut self) -> u64 {
        sleep_until(self.next).await;
        let now = Instant::now();
        let mut skipped = 0;
        self.next += self.interval;
        while self.next <= now {
            self.next += self.interval;
            skipped += 1;
        }
        skipped
    }
}

async fn poll_loop(mut poller: Poller, board: Arc<Board>, interval: Duration, first: Duration) {
    let mut pace = Pace::new(interval, first);
    let view = board.subscribe();
    let cluster = Arc::clone(&view.borrow().cluster);
    let mut last_failure: Option<(&'static str, Instant)> = None;
    loop {
        board.skipped(pace.round().await);
        let started = Instant::now();
        let outcome = poller.poll().await;
        say_failure(&cluster, &outcome, &mut last_failure);
        let connectors = outcome.as_ref().map_or(0, |(_, snapshot)| snapshot.connectors.len());
        let before = Arc::clone(&view.borrow().history);
        if board.polled(outcome, started.elapsed()) == Some(true) {
            tracing::info!(cluster = &*cluster, connectors, "cluster is up");
        }
        let view = Arc::clone(&view.borrow());
        if let Some(snapshot) =
            view.snapshot.as_ref().filter(|_| !Arc::ptr_eq(&before, &view.history))
        {
            news::tell(&cluster, &before, snapshot);
        }
    }
}

/// The same reason is said once in five minutes.
fn say_failure(
    cluster: &str,
    outcome: &Result<(Arc<str>, super::snapshot::Snapshot), PollFailure>,
    last: &mut Option<(&'static str, Instant)>,
) {
    match outcome {
        Ok(_) => *last = None,
        Err(failure) => {
            let said = last.is_some_and(|(reason, at)| {
                reason == failure.reason && at.elapsed() < Duration::from_secs(300)
            });
            if !said {
                *last = Some((failure.reason, Instant::now()));
                tracing::warn!(
                    cluster,
                    reason = failure.reason,
                    error = %failure.message,
                    "poll failed; states vanish from /metrics when it stays so"
                );
            }
        }
    }
}

async fn liveness_loop(
    client: Arc<ClusterClient>,
    board: Arc<Board>,
    interval: Duration,
    first: Duration,
) {
    let mut pace = Pace::new(interval, first);
    loop {
        pace.round().await;
        let dialled = dialled(&client, &board);
        let all = client.workers().iter().chain(dialled.values());
        join_all(all.map(|worker| async {
            let (up, info) = workers::liveness(worker).await;
            board.answered(worker.id(), up, info.as_ref());
            if !up {
                client.proved(worker.id(), false, Duration::ZERO);
            }
        }))
        .await;
        client.prefer_proven();
    }
}

async fn progress_loop(mut reader: Reader, board: Arc<Board>, interval: Duration, first: Duration) {
    let view = board.subscribe();
    let mut pace = Pace::new(interval, first);
    loop {
        pace.round().await;
        let snapshot = view.borrow().snapshot.clone();
        if let Some(snapshot) = snapshot {
            board.progressed(reader.read(&snapshot).await);
        }
    }
}

async fn proof_loop(
    client: Arc<ClusterClient>,
    board: Arc<Board>,
    interval: Duration,
    timeout: Duration,
    first: Duration,
) {
    // Until the next one should have come twice.
    let lasts = interval.saturating_mul(2) + timeout;
    let mut pace = Pace::new(interval, first);
    loop {
        pace.round().await;
        let dialled = dialled(&client, &board);
        let all = client.workers().iter().chain(dialled.values());
        join_all(all.map(|worker| async {
            let version = match board.version_of(worker.id()) {
                Some(version) => version,
                // The first round may come before the first sign of life.
                None => match workers::liveness(worker).await {
                    (up, Some(info)) => {
                        board.answered(worker.id(), up, Some(&info));
                        info.version.into()
                    }
                    (_, None) => return,
                },
            };
            let proof = workers::prove(worker, Some(&version), timeout).await;
            client.proved(worker.id(), proof.serves == Some(true), lasts);
            board.proved(worker.id(), proof);
        }))
        .await;
        client.prefer_proven();
    }
}

/// Clients for the workers that were seen, are not configured and may be dialled.
fn dialled(client: &ClusterClient, board: &Board) -> BTreeMap<Arc<str>, WorkerClient> {
    let seen = board.seen_only().into_iter();
    seen.filter_map(|id| client.dial(&id).map(|worker| (id, worker))).collect()
}
