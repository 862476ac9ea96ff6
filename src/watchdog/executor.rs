//! Carries decisions out; makes no choice of its own. Of one connector one call is under way at a
//! time, of a cluster a few.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::connect::error::{Error, ErrorKind};
use crate::connect::model::State;
use crate::connect::{ClusterClient, WorkerClient};

use super::office::KillSwitch;
use super::policy::{Answer, Call, Decision};

/// What came of it, and in words.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) answer: Answer,
    /// Whether a POST was made.
    pub(super) sent: bool,
    /// The HTTP status of the answer, where there was one.
    pub(super) status: Option<u16>,
    pub(super) said: String,
}

impl Carried {
    pub(super) fn not_sent(said: impl Into<String>) -> Self {
        Self { answer: Answer::NotSent, sent: false, status: None, said: said.into() }
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
    connectors: Vec<Arc<str>>,
}

impl Executor {
    pub(super) fn new(
        client: Arc<ClusterClient>,
        kill_switch: Arc<KillSwitch>,
        most: usize,
    ) -> Self {
        Self {
            client,
            kill_switch,
            most,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            connectors: Vec::new(),
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

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Waits until a call has ended; for ever where none is under way.
    pub(super) async fn ended(&mut self) -> (Decision, Carried) {
        loop {
            match self.under_way.join_next().await {
                Some(Ok((decision, carried))) => {
                    self.connectors.retain(|name| *name != decision.connector);
                    self.start();
                    return (decision, carried);
                }
                // A panic is told by the runtime, and its call counts since its intent is durable.
                Some(Err(_)) => self.connectors.clear(),
                None => std::future::pending().await,
            }
        }
    }

    fn start(&mut self) {
        while self.under_way.len() < self.most.max(1) {
            let free = |d: &Decision| !self.connectors.contains(&d.connector);
            let Some(at) = self.waiting.iter().position(free) else { return };
            let Some(decision) = self.waiting.remove(at) else { return };
            self.connectors.push(Arc::clone(&decision.connector));
            let (client, kill_switch) = (Arc::clone(&self.client), Arc::clone(&self.kill_switch));
            self.under_way.spawn(async move {
                let carried = carry_out(&client, &kill_switch, &decision).await;
                (decision, carried)
            });
        }
    }
}

/// Reads the status once more, and only if every unit is still FAILED, and its connector neither paused
/// nor stopped, sends the restart.
async fn carry_out(
    client: &ClusterClient,
    kill_switch: &KillSwitch,
    decision: &Decision,
) -> Carried {
    let name = &*decision.connector;
    let worker = client.current();
    let status = match worker.status(name).await {
        Ok(status) => status,
        Err(error) => {
            let gone = matches!(error.kind, ErrorKind::NotFound(_) | ErrorKind::NotAddressable(_));
            let answer = if gone { Answer::Gone } else { Answer::Refused };
            let status = error.kind.status();
            return Carried { answer, sent: false, status, said: error.to_string() };
        }
    };
    // FAILED tasks stay FAILED while their connector is paused.
    let own = status.connector.state;
    if matches!(own, State::Paused | State::Stopped) {
        let said = format!("its connector is {} by now", own.as_str());
        return Carried { answer: Answer::NotFailed, sent: false, status: None, said };
    }
    let state = |unit: &Option<u32>| match unit {
        None => Some(status.connector.state),
        Some(task) => status.tasks.iter().find(|t| t.id == *task).map(|task| task.instance.state),
    };
    if let Some(other) =
        decision.units.iter().map(state).find(|state| *state != Some(State::Failed))
    {
        let now = other.map_or("not there", State::as_str);
        let said = format!("it is {now} by now");
        return Carried { answer: Answer::NotFailed, sent: false, status: None, said };
    }
    if let Some(because) = kill_switch.is_on() {
        return Carried::not_sent(because);
    }
    match send(worker, name, decision.call).await {
        Ok(status) => {
            let said = "accepted".to_owned();
            Carried { answer: Answer::Accepted, sent: true, status: Some(status), said }
        }
        Err(error) => Carried {
            answer: meaning(&error.kind),
            sent: true,
            status: error.kind.status(),
            said: error.to_string(),
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

/// Whether a restart that failed may have been done all the same.
pub(crate) fn meaning(kind: &ErrorKind) -> Answer {
    match kind {
        // A name that no path can carry is to REST as good as gone.
        ErrorKind::NotFound(_) | ErrorKind::NotAddressable(_) => Answer::Gone,
        ErrorKind::Conflict(..) => Answer::Conflict,
        // Never sent, or turned away before it could do anything.
        ErrorKind::Connect(_)
        | ErrorKind::Tls(_)
        | ErrorKind::Unauthorized { .. }
        | ErrorKind::Starting
        | ErrorKind::Redirect(_)
        | ErrorKind::Status { status: 400..=499 | 503, .. } => Answer::Refused,
        ErrorKind::Timeout(_)
        | ErrorKind::Broken(_)
        | ErrorKind::TooLarge(_)
        | ErrorKind::Shape(_)
        // 204 to KIP-745's form: the connector was restarted, and no task.
        | ErrorKind::Unsupported
        | ErrorKind::Status { .. } => Answer::NotKnown,
    }
}

/// What is under way when the process is told to end has this long.
pub(super) const LAST_CALLS: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connect::error::Conflict;

    #[test]
    fn what_may_have_been_done_counts() {
        let status = |status| ErrorKind::Status { status, message: String::new() };
        for (kind, answer) in [
            (ErrorKind::Conflict(Conflict::NoLeader, String::new()), Answer::Conflict),
            (ErrorKind::Connect(String::new()), Answer::Refused),
            (ErrorKind::NotFound(String::new()), Answer::Gone),
            (ErrorKind::NotAddressable(String::new()), Answer::Gone),
            (ErrorKind::Timeout(Duration::ZERO), Answer::NotKnown),
            (status(500), Answer::NotKnown),
            (status(503), Answer::Refused),
            (status(400), Answer::Refused),
        ] {
            assert_eq!(meaning(&kind), answer, "{kind}");
        }
    }
}
