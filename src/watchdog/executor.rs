//! Carries a decision out; makes no choice of its own.

use std::path::Path;

use crate::connect::error::{Error, ErrorKind};
use crate::connect::model::State;
use crate::connect::{ClusterClient, WorkerClient};

use super::policy::{Answer, Call, Decision};

/// What came of it, and in words.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) answer: Answer,
    pub(super) said: String,
}

impl Carried {
    /// The kill switch is on.
    pub(super) fn stopped(file: &Path) -> Self {
        Self::new(Answer::Refused, format!("{} is there", file.display()))
    }

    fn new(answer: Answer, said: impl Into<String>) -> Self {
        Self { answer, said: said.into() }
    }
}

/// Reads the status once more, and only if every unit is still FAILED sends the restart.
pub(super) async fn carry_out(client: &ClusterClient, decision: &Decision) -> Carried {
    let name = &*decision.connector;
    let worker = client.current();
    let status = match worker.status(name).await {
        Ok(status) => status,
        Err(error) => {
            let gone = matches!(error.kind, ErrorKind::NotFound(_));
            let answer = if gone { Answer::Gone } else { Answer::Refused };
            return Carried::new(answer, error.to_string());
        }
    };
    let state = |unit: &Option<u32>| match unit {
        None => Some(status.connector.state),
        Some(task) => status.tasks.iter().find(|t| t.id == *task).map(|task| task.instance.state),
    };
    if let Some(other) =
        decision.units.iter().map(state).find(|state| *state != Some(State::Failed))
    {
        let now = other.map_or("not there", State::as_str);
        return Carried::new(Answer::NotFailed, format!("it is {now} by now"));
    }
    match send(worker, name, decision.call).await {
        Ok(()) => Carried::new(Answer::Accepted, "accepted"),
        Err(error) => Carried::new(meaning(&error.kind), error.to_string()),
    }
}

async fn send(worker: &WorkerClient, name: &str, call: Call) -> Result<(), Error> {
    match call {
        Call::Task(task) => worker.restart_task(name, task).await,
        Call::PlainConnector => worker.restart(name).await,
        Call::ConnectorOnly => worker.restart_failed(name, false).await.map(|_| ()),
        Call::ConnectorAndTasks => worker.restart_failed(name, true).await.map(|_| ()),
    }
}

/// Whether a restart that failed may have been done all the same.
fn meaning(kind: &ErrorKind) -> Answer {
    match kind {
        ErrorKind::NotFound(_) => Answer::Gone,
        // Never sent, or turned away before it could do anything.
        ErrorKind::Connect(_)
        | ErrorKind::Tls(_)
        | ErrorKind::Conflict(..)
        | ErrorKind::Unauthorized { .. }
        | ErrorKind::Starting
        | ErrorKind::Unsupported
        | ErrorKind::NotAddressable(_)
        | ErrorKind::Redirect(_)
        | ErrorKind::Status { status: 400..=499 | 503, .. } => Answer::Refused,
        ErrorKind::Timeout(_)
        | ErrorKind::Broken(_)
        | ErrorKind::TooLarge(_)
        | ErrorKind::Shape(_)
        | ErrorKind::Status { .. } => Answer::NotKnown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connect::error::Conflict;

    #[test]
    fn what_may_have_been_done_counts() {
        let status = |status| ErrorKind::Status { status, message: String::new() };
        for (kind, answer) in [
            (ErrorKind::Conflict(Conflict::NoLeader, String::new()), Answer::Refused),
            (ErrorKind::Connect(String::new()), Answer::Refused),
            (ErrorKind::NotFound(String::new()), Answer::Gone),
            (ErrorKind::Timeout(Duration::ZERO), Answer::NotKnown),
            (status(500), Answer::NotKnown),
            (status(503), Answer::Refused),
            (status(400), Answer::Refused),
        ] {
            assert_eq!(meaning(&kind), answer, "{kind}");
        }
    }
}
