//! One poll: from a cluster's answers to a valid [`Snapshot`], or to the reason why there is none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;

use crate::connect::error::{Error, ErrorKind};
use crate::connect::model::{ConnectorStatus, Health};
use crate::connect::{ClusterClient, WorkerClient};

use crate::redact::redact;

use super::build::{Builder, ConnectorFacts};
use super::failure::Classifier;
use super::listing::{self, Listing, Selection};
use super::snapshot::Snapshot;

/// One poll in this many also reads the plain list: `expand` leaves out what has no status.
const PLAIN_LIST_EVERY: u32 = 4;
/// How long what `/connectors/{name}` told of a connector is believed on the per-connector path.
const FACTS_AGE: Duration = Duration::from_secs(300);
/// A list that lost more than this part of its connectors is read again before it is believed.
const SUDDEN_LOSS: f64 = 0.5;
/// Workers without `/health` must tell of a sudden loss this many times in a row.
const CONFIRMATIONS: u32 = 3;

/// Why a poll gave no valid snapshot.
#[derive(Debug)]
pub struct PollFailure {
    /// The word for the label `reason`; one of [`PollFailure::REASONS`].
    pub reason: &'static str,
    /// What was tried, on what, what came back.
    pub message: String,
}

impl PollFailure {
    /// Every reason there is.
    pub const REASONS: [&'static str; 15] = [
        "broken",
        "conflict",
        "connect",
        "http_status",
        "incomplete",
        "internal",
        "not_found",
        "redirect",
        "shape",
        "starting",
        "suspicious",
        "timeout",
        "tls",
        "too_large",
        "unauthorized",
    ];

    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { reason, message: redact(&message).into_owned() }
    }
}

impl From<Error> for PollFailure {
    fn from(error: Error) -> Self {
        let reason = error.kind.reason();
        let known = Self::REASONS.contains(&reason);
        Self { reason: if known { reason } else { "http_status" }, message: error.to_string() }
    }
}

/// Polls one cluster; keeps what one poll must know of those before.
#[derive(Debug)]
pub struct Poller {
    client: Arc<ClusterClient>,
    selection: Arc<Selection>,
    classifier: Arc<Classifier>,
    concurrency: usize,
    facts: BTreeMap<String, (Instant, ConnectorFacts)>,
    last_count: Option<usize>,
    losses_in_a_row: u32,
    expanded: u32,
    without_status: Vec<Arc<str>>,
}

impl Poller {
    /// A poller that never polled.
    pub fn new(
        client: Arc<ClusterClient>,
        selection: Selection,
        classifier: Arc<Classifier>,
        concurrency: usize,
    ) -> Self {
        Self {
            client,
            selection: Arc::new(selection),
            classifier,
            concurrency,
            facts: BTreeMap::new(),
            last_count: None,
            losses_in_a_row: 0,
            expanded: 0,
            without_status: Vec::new(),
        }
    }

    /// One poll; also which worker answered.
    pub async fn poll(&mut self) -> Result<(Arc<str>, Snapshot), PollFailure> {
        let client = Arc::clone(&self.client);
        let (worker, listing) = match client.first(|worker| worker.expanded_body().boxed()).await {
            Ok((worker, body)) => {
                let selection = Arc::clone(&self.selection);
                let classifier = Arc::clone(&self.classifier);
                let read = tokio::task::spawn_blocking(move || {
                    listing::read(&body, &selection, &classifier)
                });
                let listing = read
                    .await
                    .map_err(|error| PollFailure::new("internal", error.to_string()))?
                    .map_err(|error| {
                        let url = client.workers()[worker].base();
                        let message = format!(
                            "{url}: the list of connectors is not what Connect answers: {error}"
                        );
                        PollFailure::new("shape", message)
                    })?;
                (worker, listing)
            }
            // One connector that a worker cannot describe fails the whole answer there (KAFKA-13989,
            // KAFKA-12259): the others are still to be had one by one.
            Err(Error { kind: ErrorKind::Status { status: 500.., .. }, .. }) => {
                let (worker, mut names) =
                    client.first(|worker| worker.connectors().boxed()).await?;
                names.retain(|name| self.selection.wants(name));
                names.sort_unstable();
                (worker, Listing::Names(names))
            }
            Err(error) => return Err(error.into()),
        };
        let worker = &client.workers()[worker];
        let snapshot = match listing {
            Listing::Expanded(mut snapshot) => {
                self.find_without_status(worker, &snapshot).await;
                snapshot.without_status.clone_from(&self.without_status);
                snapshot
            }
            Listing::Names(names) => self.one_by_one(worker, names).await?,
        };
        let by = worker.id().into();
        Ok((by, self.believe(worker, snapshot).await?))
    }

    /// Connectors that are configured and that no worker ever started are only in the plain list.
    async fn find_without_status(&mut self, worker: &WorkerClient, snapshot: &Snapshot) {
        self.expanded = self.expanded.wrapping_add(1);
        let missing = |name: &str| {
            snapshot.connectors.binary_search_by(|known| (*known.name).cmp(name)).is_err()
        };
        self.without_status.retain(|name| missing(name));
        if self.expanded.is_multiple_of(PLAIN_LIST_EVERY)
            && let Ok(mut names) = worker.connectors().await
        {
            names.retain(|name| self.selection.wants(name) && missing(name));
            names.sort_unstable();
            self.without_status = names.into_iter().map(Into::into).collect();
        }
    }

    /// Each connector's status by itself: one bad connector never spoils the rest.
    async fn one_by_one(
        &mut self,
        worker: &WorkerClient,
        names: Vec<String>,
    ) -> Result<Snapshot, PollFailure> {
        self.learn_facts(worker, &names).await;
        let answers: Vec<(String, Result<ConnectorStatus, Error>)> = stream::iter(names)
            .map(|name| {
                async move {
                    let status = worker.status(&name).await;
                    (name, status)
                }
                .boxed()
            })
            .buffered(self.concurrency)
            .collect()
            .await;
        let mut builder = Builder::new(&self.classifier);
        let mut snapshot = Snapshot::default();
        let mut first_error = None;
        for (name, answer) in answers {
            let built = match answer {
                Ok(mut status) => {
                    status.name.clone_from(&name);
                    let facts = self.facts.get(&name).map(|(_, facts)| facts);
                    builder.connector(&status, facts)
                }
                Err(Error { kind: ErrorKind::NotFound(_), .. }) => {
                    snapshot.without_status.push(name.into());
                    continue;
                }
                Err(error) => Err(error.to_string()),
            };
            match built {
                Ok(connector) => snapshot.connectors.push(connector),
                Err(error) => {
                    first_error.get_or_insert(error);
                    snapshot.unread.push(name.into());
                }
            }
        }
        match first_error {
            Some(error) if snapshot.connectors.is_empty() => Err(PollFailure::new(
                "incomplete",
                format!("no connector's status could be read; the first: {error}"),
            )),
            Some(_) | None => Ok(snapshot),
        }
    }

    /// Asks for the facts that are missing or old. `/connectors/{name}` needs the herder, so that
    /// a failure here is no news and costs nothing but the facts.
    async fn learn_facts(&mut self, worker: &WorkerClient, names: &[String]) {
        let now = Instant::now();
        self.facts.retain(|name, (at, _)| {
            now.duration_since(*at) < FACTS_AGE && names.binary_search(name).is_ok()
        });
        let missing: Vec<String> =
            names.iter().filter(|name| !self.facts.contains_key(*name)).cloned().collect();
        let learned: Vec<_> = stream::iter(missing)
            .map(|name| {
                async move {
                    let info = worker.info(&name).await.ok()?;
                    Some((name, info))
                }
                .boxed()
            })
            .buffer_unordered(self.concurrency)
            .collect()
            .await;
        for (name, info) in learned.into_iter().flatten() {
            self.facts.insert(name, (now, ConnectorFacts::from(&info)));
        }
    }

    /// A worker that is starting answers 200 with an empty or partial list: a sudden loss is
    /// believed only from a worker whose herder is ready, or after several equal answers.
    async fn believe(
        &mut self,
        worker: &WorkerClient,
        snapshot: Snapshot,
    ) -> Result<Snapshot, PollFailure> {
        let count =
            snapshot.connectors.len() + snapshot.without_status.len() + snapshot.unread.len();
        if !self.is_sudden_loss(count) {
            self.last_count = Some(count);
            self.losses_in_a_row = 0;
            return Ok(snapshot);
        }
        self.losses_in_a_row += 1;
        let ready = match worker.health(Duration::from_secs(5)).await {
            Ok(answer) => match answer.health {
                Health::Healthy => true,
                Health::Unsupported => self.losses_in_a_row >= CONFIRMATIONS,
                Health::Starting | Health::Unhealthy | Health::Unreachable => false,
            },
            Err(_) => false,
        };
        if ready {
            self.last_count = Some(count);
            self.losses_in_a_row = 0;
            return Ok(snapshot);
        }
        let before = self.last_count.map_or_else(|| "nothing".to_owned(), |n| n.to_string());
        Err(PollFailure::new(
            "suspicious",
            format!(
                "{}: lists {count} connectors where {before} was known; not believed until the \
                 worker's /health is 200 or {CONFIRMATIONS} polls in a row say so",
                worker.base()
            ),
        ))
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    fn is_sudden_loss(&self, count: usize) -> bool {
        match self.last_count {
            None => count == 0,
            Some(0) => false,
            Some(before) => {
                count == 0 || (before >= 4 && (count as f64) < before as f64 * SUDDEN_LOSS)
            }
        }
    }
}
