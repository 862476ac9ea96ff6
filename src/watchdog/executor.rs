//! Carries decisions out; makes no choice of its own. Of one connector one call is under way at a
//! time, of a cluster a few.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use crate::connect::error::Error;
use crate::connect::model::State;
use crate::connect::{ClusterClient, WorkerClient};

use super::office::KillSwitch;
use super::policy::{Call, Decision, UnitId};
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
    /// It counts: whether it was sent nobody knows.
    fn panicked(panic: &JoinError) -> Self {
        Self { said: Said::Panicked, sent: true, status: None, because: panic.to_string() }
    }

    pub(super) fn not_sent(because: impl Into<String>) -> Self {
        Self { said: Said::NotSent, sent: false, status: None, because: because.into() }
    }
}

/// The calls of one cluster that wait or are under way.
#[derive(Debug)]
pub(super) struct Executor {
    client: Arc<ClusterClient>,
    kill_switch: Arc<KillSwitch>,
    most: usize,
    waiting: VecDeque<Decision>,
    under_way: JoinSet<Carried>,
    /// What each of those is for.
    calls: Vec<(Id, Decision)>,
    timeout: Duration,
}

impl Executor {
    pub(super) fn new(
        client: Arc<ClusterClient>,
        kill_switch: Arc<KillSwitch>,
        most: usize,
        timeout: Duration,
    ) -> Self {
        Self {
            client,
            kill_switch,
            most,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            calls: Vec::new(),
            timeout,
        }
    }

    /// Sends it as soon as it is its turn.
    pub(super) fn push(&mut self, decision: Decision) {
        self.waiting.push_back(decision);
        self.start();
    }

    /// What was not begun is not going to be, where there is a reason for that.
    pub(super) fn cancel(
        &mut self,
        because: impl Fn(&Decision) -> Option<String>,
    ) -> Vec<(Decision, String)> {
        let mut cancelled = Vec::new();
        for decision in std::mem::take(&mut self.waiting) {
            match because(&decision) {
                Some(because) => cancelled.push((decision, because)),
                None => self.waiting.push_back(decision),
            }
        }
        cancelled
    }

    /// Units whose calls wait or have not ended.
    pub(super) fn not_ended(&self) -> Vec<UnitId> {
        let all = self.waiting.iter().chain(self.calls.iter().map(|(_, decision)| decision));
        all.flat_map(Decision::ids).collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Waits until a call has ended; for ever where none is under way.
    pub(super) async fn ended(&mut self) -> (Decision, Carried) {
        loop {
            let (id, carried) = match self.under_way.join_next_with_id().await {
                Some(Ok(ended)) => ended,
                Some(Err(panic)) => (panic.id(), Carried::panicked(&panic)),
                None => std::future::pending().await,
            };
            let at = self.calls.iter().position(|(call, _)| *call == id);
            let Some((_, decision)) = at.map(|at| self.calls.swap_remove(at)) else { continue };
            self.start();
            return (decision, carried);
        }
    }

    fn start(&mut self) {
        while self.under_way.len() < self.most.max(1) {
            let free = |waits: &Decision| {
                self.calls.iter().all(|(_, under_way)| under_way.connector != waits.connector)
            };
            let Some(at) = self.waiting.iter().position(free) else { return };
            let Some(decision) = self.waiting.remove(at) else { return };
            let (client, kill_switch) = (Arc::clone(&self.client), Arc::clone(&self.kill_switch));
            let (timeout, own) = (self.timeout, decision.clone());
            let call = async move { carry_out(&client, &kill_switch, timeout, &own).await };
            self.begin(decision, call);
        }
    }

    fn begin(&mut self, decision: Decision, call: impl Future<Output = Carried> + Send + 'static) {
        let id = self.under_way.spawn(call).id();
        self.calls.push((id, decision));
    }
}

/// Reads the status once more, and only if every unit is still FAILED, and its connector neither paused
/// nor stopped, sends the restart.
async fn carry_out(
    client: &ClusterClient,
    kill_switch: &Arc<KillSwitch>,
    timeout: Duration,
    decision: &Decision,
) -> Carried {
    let name = &*decision.connector;
    let worker = client.current();
    let status = match worker.status(name).await {
        Ok(status) => status,
        Err(error) => {
            let (said, status) = (Said::of_status(&error.kind), error.kind.status());
            return Carried { said, sent: false, status, because: error.to_string() };
        }
    };
    // FAILED tasks stay FAILED while their connector is paused.
    let own = status.connector.state;
    if matches!(own, State::Paused | State::Stopped) {
        let because = format!("its connector is {} by now", own.as_str());
        return Carried { said: Said::NotFailed, sent: false, status: None, because };
    }
    let state = |unit: &Option<u32>| match unit {
        None => Some(status.connector.state),
        Some(task) => status.tasks.iter().find(|t| t.id == *task).map(|task| task.instance.state),
    };
    if let Some(other) =
        decision.units.iter().map(state).find(|state| *state != Some(State::Failed))
    {
        let now = other.map_or("not there", State::as_str);
        let because = format!("it is {now} by now");
        return Carried { said: Said::NotFailed, sent: false, status: None, because };
    }
    if let Some(because) = kill_switch.heard().await.stopped {
        return Carried::not_sent(because);
    }
    match send(&worker.with_timeout(timeout), name, decision.call).await {
        Ok(status) => {
            let because = "accepted".to_owned();
            Carried { said: Said::Accepted, sent: true, status: Some(status), because }
        }
        Err(error) => Carried {
            said: Said::of_post(&error.kind),
            sent: true,
            status: error.kind.status(),
            because: error.to_string(),
        },
    }
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
    use crate::config::ConnectSettings;
    use crate::watchdog::orders::Orders;
    use crate::watchdog::policy::Reason;

    fn of(connector: &str) -> Decision {
        Decision {
            connector: connector.into(),
            call: Call::Task(0),
            units: vec![Some(0)],
            reason: Reason::Attempt,
            dry_run: false,
        }
    }

    /// Nobody listens where it calls.
    fn executor(folder: &tempfile::TempDir, most: usize) -> Executor {
        let url = "http://127.0.0.1:1".parse().unwrap();
        let client = ClusterClient::new(&ConnectSettings::new(vec![url])).unwrap();
        let orders = Arc::new(Orders::at(folder.path().join("orders")));
        let kill_switch = Arc::new(KillSwitch::new(None, orders));
        Executor::new(Arc::new(client), kill_switch, most, Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_call_that_panics_is_told_and_leaves_the_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut executor = executor(&folder, 3);
        let (ends, ended) = tokio::sync::oneshot::channel();
        executor.begin(of("slow"), async move {
            ended.await.unwrap();
            Carried::not_sent("slow")
        });
        executor.begin(of("bad"), async { panic!("on purpose") });
        executor.push(of("slow"));
        executor.push(of("bad"));
        let (decision, carried) = executor.ended().await;
        assert_eq!((&*decision.connector, carried.said), ("bad", Said::Panicked));
        // What waited for it is begun; what waits for another is not.
        let (decision, carried) = executor.ended().await;
        assert_eq!((&*decision.connector, carried.said), ("bad", Said::NoConnection));
        assert!(executor.cancel(|_| None).is_empty());
        let cancelled = executor.cancel(|_| Some("ends".to_owned()));
        assert_eq!(cancelled, [(of("slow"), "ends".to_owned())]);
        ends.send(()).unwrap();
        assert_eq!(executor.ended().await.1.because, "slow");
    }
}
