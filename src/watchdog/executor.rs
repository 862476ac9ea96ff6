//! Carries decisions out; makes no choice of its own. Of one connector one call is under way at a
//! time, of a cluster a few.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::connect::error::Error;
use crate::connect::{ClusterClient, WorkerClient};
use crate::observe::Classifier;
use crate::observe::snapshot::Connector;
use crate::tasks::blocking;

use super::office::{Heard, KillSwitch};
use super::policy::{Call, Decision, Time, UnderWay, UnitId};
use super::said::Said;

/// What came of it, and in words.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) said: Said,
    /// Whether a POST was made.
    pub(super) sent: bool,
    /// The HTTP status of the answer, where there was one.
    pub(super) status: Option<u16>,
    /// What the worker, or who else decided it, had to say.
    pub(super) because: String,
}

impl Carried {
    fn of(answer: Result<u16, Error>) -> Self {
        match answer {
            Ok(status) => {
                let because = "accepted".to_owned();
                Self { said: Said::Accepted, sent: true, status: Some(status), because }
            }
            Err(error) => Self {
                said: Said::of_post(&error.kind),
                sent: true,
                status: error.kind.status(),
                because: error.to_string(),
            },
        }
    }

    pub(super) fn not_failed(because: String) -> Self {
        Self { said: Said::NotFailed, sent: false, status: None, because }
    }

    pub(super) fn not_sent(because: impl Into<String>) -> Self {
        Self { said: Said::NotSent, sent: false, status: None, because: because.into() }
    }
}

/// What came of one step.
#[derive(Debug)]
pub(super) enum Step {
    /// The status was read once more: is it to be sent?
    Asked(Decision, Box<Asked>),
    /// It has ended.
    Ended(Decision, Carried),
}

/// What is known right before a restart would be sent.
#[derive(Debug)]
pub(super) struct Asked {
    /// When that was.
    pub(super) at: Instant,
    /// The connector as it is now.
    pub(super) connector: Connector,
    /// What people want now.
    pub(super) heard: Heard,
    /// Who said so, and is to be told.
    pub(super) worker: WorkerClient,
}

/// The calls of one cluster that wait or are under way. It is told when one of them may begin, and
/// again, once its status was read once more, whether it is to be sent.
#[derive(Debug)]
pub(super) struct Executor {
    client: Arc<ClusterClient>,
    classifier: Arc<Classifier>,
    kill_switch: Arc<KillSwitch>,
    most: usize,
    waiting: VecDeque<Decision>,
    steps: JoinSet<Result<Asked, Carried>>,
    /// What each of them is for.
    calls: Vec<(Id, Decision, UnderWay)>,
    timeout: Duration,
}

/// So many calls may wait; what is due beyond that is decided later.
const MOST_WAITING: usize = 1000;

impl Executor {
    pub(super) fn new(
        client: Arc<ClusterClient>,
        classifier: Arc<Classifier>,
        kill_switch: Arc<KillSwitch>,
        most: usize,
        timeout: Duration,
    ) -> Self {
        Self {
            client,
            classifier,
            kill_switch,
            most: most.max(1),
            waiting: VecDeque::new(),
            steps: JoinSet::new(),
            calls: Vec::new(),
            timeout,
        }
    }

    /// It waits for its turn.
    pub(super) fn push(&mut self, decision: Decision) {
        self.waiting.push_back(decision);
    }

    /// So many more may wait.
    pub(super) fn room(&self) -> usize {
        MOST_WAITING.saturating_sub(self.waiting.len())
    }

    /// Takes out all that wait.
    pub(super) fn take_waiting(&mut self) -> VecDeque<Decision> {
        std::mem::take(&mut self.waiting)
    }

    /// Whose calls wait or have not ended: when that was decided, and where they are.
    pub(super) fn under_way(&self) -> BTreeMap<UnitId, (Time, UnderWay)> {
        let begun = self.calls.iter().map(|(_, decision, at)| (decision, *at));
        let waiting = self.waiting.iter().map(|decision| (decision, UnderWay::Waits));
        begun
            .chain(waiting)
            .flat_map(|(decision, at)| decision.ids().map(move |id| (id, (decision.at, at))))
            .collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Waits for the next step to end; for ever where none is under way. What ended makes room for
    /// [`Self::begin_next`].
    pub(super) async fn next(&mut self) -> Step {
        loop {
            let (id, asked) = match self.steps.join_next_with_id().await {
                Some(Ok(done)) => done,
                Some(Err(panic)) => (panic.id(), Err(self.panicked(&panic))),
                None => std::future::pending().await,
            };
            let Some(at) = self.calls.iter().position(|(call, ..)| *call == id) else { continue };
            let (_, decision, _) = self.calls.swap_remove(at);
            return match asked {
                Ok(asked) => Step::Asked(decision, Box::new(asked)),
                Err(carried) => Step::Ended(decision, carried),
            };
        }
    }

    /// One that was sent counts: what came of it nobody knows.
    fn panicked(&self, panic: &JoinError) -> Carried {
        let sent =
            (self.calls.iter()).any(|(id, _, at)| *id == panic.id() && *at == UnderWay::Sent);
        let said = if sent { Said::Panicked } else { Said::StatusNotRead };
        Carried { said, sent, status: None, because: panic.to_string() }
    }

    /// Takes out the next whose turn it is.
    pub(super) fn next_in_turn(&mut self) -> Option<Decision> {
        if self.calls.len() >= self.most {
            return None;
        }
        let free = |waits: &Decision| {
            self.calls.iter().all(|(_, other, _)| other.connector != waits.connector)
        };
        self.waiting.remove(self.waiting.iter().position(free)?)
    }

    /// Reads its status once more.
    pub(super) fn ask(&mut self, decision: Decision) {
        let client = Arc::clone(&self.client);
        let (classifier, kill_switch) =
            (Arc::clone(&self.classifier), Arc::clone(&self.kill_switch));
        let name = Arc::clone(&decision.connector);
        let step = async move { ask(&client, classifier, &kill_switch, name).await };
        self.spawn(decision, UnderWay::Waits, step);
    }

    /// Sends it.
    pub(super) fn send(&mut self, decision: Decision, worker: &WorkerClient) {
        let worker = worker.with_timeout(self.timeout);
        let (name, call) = (Arc::clone(&decision.connector), decision.call);
        let step = async move { Err(Carried::of(send(&worker, &name, call).await)) };
        self.spawn(decision, UnderWay::Sent, step);
    }

    fn spawn(
        &mut self,
        decision: Decision,
        at: UnderWay,
        step: impl Future<Output = Result<Asked, Carried>> + Send + 'static,
    ) {
        let id = self.steps.spawn(step).id();
        self.calls.push((id, decision, at));
    }
}

/// Reads the status once more, from a worker whose word can be relied on, and what people want.
async fn ask(
    client: &ClusterClient,
    classifier: Arc<Classifier>,
    kill_switch: &Arc<KillSwitch>,
    name: Arc<str>,
) -> Result<Asked, Carried> {
    let worker = client.current();
    if !client.is_proven(worker.id()) {
        let id = worker.id();
        return Err(Carried::not_sent(format!("{id} is not proven able to serve by now")));
    }
    // Before it is asked for: the answer says nothing of later.
    let at = Instant::now();
    let status = worker.status(&name).await.map_err(|error| {
        let (said, status) = (Said::of_status(&error.kind), error.kind.status());
        Carried { said, sent: false, status, because: error.to_string() }
    })?;
    let read = blocking(move || Connector::of_status(&name, status, &classifier)).await;
    let connector = read.map_err(|error| Carried {
        said: Said::StatusNotRead,
        sent: false,
        status: None,
        because: error,
    })?;
    Ok(Asked { at, connector, heard: kill_switch.heard().await, worker: worker.clone() })
}

/// Gives the status that tells that it was taken.
async fn send(worker: &WorkerClient, name: &str, call: Call) -> Result<u16, Error> {
    match call {
        Call::Task(task) => worker.restart_task(name, task).await.map(|()| 204),
        Call::PlainConnector => worker.restart(name).await.map(|()| 204),
        Call::ConnectorOnly => worker.restart_failed(name, false).await.map(|_| 202),
        Call::ConnectorAndTasks => worker.restart_failed(name, true).await.map(|_| 202),
    }
}

/// What is under way when the process is told to end has this long.
pub(super) const LAST_CALLS: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConnectSettings, FailureClass};
    use crate::watchdog::orders::Orders;
    use crate::watchdog::policy::Reason;

    fn of(connector: &str) -> Decision {
        Decision {
            connector: connector.into(),
            call: Call::Task(0),
            units: vec![Some(0)],
            reason: Reason::Attempt,
            dry_run: false,
            at: Time::ZERO,
            class: FailureClass::Transient,
        }
    }

    fn executor(folder: &tempfile::TempDir, most: usize) -> Executor {
        let url = "http://127.0.0.1:1".parse().unwrap();
        let client = ClusterClient::new(&ConnectSettings::new(vec![url])).unwrap();
        let orders = Arc::new(Orders::at(folder.path().join("orders")));
        let kill_switch = Arc::new(KillSwitch::new(None, orders));
        let classifier = Arc::new(Classifier::new(&[]).unwrap());
        let timeout = Duration::from_secs(60);
        Executor::new(Arc::new(client), classifier, kill_switch, most, timeout)
    }

    async fn ended(executor: &mut Executor) -> (Arc<str>, Carried) {
        match executor.next().await {
            Step::Ended(decision, carried) => (decision.connector, carried),
            Step::Asked(..) => panic!("it goes on"),
        }
    }

    #[tokio::test]
    async fn a_call_that_panics_is_told_and_leaves_the_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut executor = executor(&folder, 3);
        let (ends, may_end) = tokio::sync::oneshot::channel();
        executor.spawn(of("slow"), UnderWay::Sent, async move {
            may_end.await.unwrap();
            Err(Carried::not_sent("slow"))
        });
        for (name, at, said) in [
            ("sent", UnderWay::Sent, Said::Panicked),
            ("asked", UnderWay::Waits, Said::StatusNotRead),
        ] {
            executor.spawn(of(name), at, async { panic!("on purpose") });
            let (connector, carried) = ended(&mut executor).await;
            assert_eq!((&*connector, carried.said), (name, said));
            assert_eq!(carried.sent, at == UnderWay::Sent);
        }
        // Who waits for another waits on.
        executor.push(of("slow"));
        executor.push(of("sent"));
        assert_eq!(executor.next_in_turn(), Some(of("sent")));
        assert_eq!(executor.next_in_turn(), None);
        ends.send(()).unwrap();
        assert_eq!(ended(&mut executor).await.1.because, "slow");
        assert_eq!(executor.next_in_turn(), Some(of("slow")));
    }

    #[tokio::test]
    async fn who_is_not_proven_is_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut executor = executor(&folder, 1);
        executor.ask(of("a"));
        let (_, carried) = ended(&mut executor).await;
        assert_eq!((carried.said, carried.sent), (Said::NotSent, false));
        assert!(carried.because.contains("not proven"), "{carried:?}");
        executor.client.proved("127.0.0.1:1", true, Duration::from_secs(60));
        executor.ask(of("a"));
        assert_eq!(ended(&mut executor).await.1.said, Said::NoConnection);
    }
}
