//! Carries decisions out; makes no choice of its own. Of one connector one call is under way at a
//! time, of a cluster a few.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

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
    under_way: JoinSet<(Decision, Carried)>,
    /// Whose calls those are.
    sent: Vec<Units>,
    timeout: Duration,
}

/// A connector and units of it.
type Units = (Arc<str>, Vec<Option<u32>>);

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
            sent: Vec::new(),
            timeout,
        }
    }

    /// Sends it as soon as it is its turn.
    pub(super) fn push(&mut self, decision: Decision) {
        self.waiting.push_back(decision);
        self.start();
    }

    /// What was not begun is not going to be.
    pub(super) fn cancel_waiting(&mut self) -> Vec<Decision> {
        self.waiting.drain(..).collect()
    }

    /// Units whose calls wait or have not ended.
    pub(super) fn not_ended(&self) -> Vec<UnitId> {
        let waiting = self.waiting.iter().map(|decision| (&decision.connector, &decision.units));
        let sent = self.sent.iter().map(|(connector, units)| (connector, units));
        let of = |(connector, units): (&Arc<str>, &Vec<Option<u32>>)| -> Vec<UnitId> {
            units.iter().map(|task| (Arc::clone(connector), *task)).collect()
        };
        waiting.chain(sent).flat_map(of).collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Waits until a call has ended; for ever where none is under way.
    pub(super) async fn ended(&mut self) -> (Decision, Carried) {
        loop {
            match self.under_way.join_next().await {
                Some(Ok((decision, carried))) => {
                    self.sent.retain(|(name, _)| *name != decision.connector);
                    self.start();
                    return (decision, carried);
                }
                // A panic is told by the runtime, and its call counts since its intent is durable.
                Some(Err(_)) => self.sent.clear(),
                None => std::future::pending().await,
            }
        }
    }

    fn start(&mut self) {
        while self.under_way.len() < self.most.max(1) {
            let free = |d: &Decision| self.sent.iter().all(|(name, _)| *name != d.connector);
            let Some(at) = self.waiting.iter().position(free) else { return };
            let Some(decision) = self.waiting.remove(at) else { return };
            self.sent.push((Arc::clone(&decision.connector), decision.units.clone()));
            let (client, kill_switch) = (Arc::clone(&self.client), Arc::clone(&self.kill_switch));
            let timeout = self.timeout;
            self.under_way.spawn(async move {
                let carried = carry_out(&client, &kill_switch, timeout, &decision).await;
                (decision, carried)
            });
        }
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
