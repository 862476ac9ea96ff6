//! What an administrator does, from the page or by way of the API.
//!
//! In, an [`Action`] and the name of who wants it; out, what was done, or a problem. Whoever calls
//! this has made sure that it is an administrator. Each call goes to one worker and is never
//! repeated; each action is in the audit log, also where the one who wanted it is gone by then.

mod action;
mod orders;
mod outcome;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;

use crate::connect::WorkerClient;
use crate::connect::version::Version;
use crate::metrics::Exporter;
use crate::watchdog::audit::{AuditEvent, AuditLine};
use crate::watchdog::office::Office;
use crate::watchdog::orders::clean;
use crate::watchdog::said::Said;

use super::api::ask::{cluster, connector, now};
use super::api::problem::Problem;
use super::details::Details;
use super::facts::{KillSwitchFacts, Known, SilenceFacts};
use super::routes::{Clients, known};

pub use action::{Action, Call};
use outcome::Told;
pub use outcome::{Outcome, SentCall};

/// Carries actions out; cheap to clone.
#[derive(Clone, Debug)]
pub struct Actions {
    exporter: Arc<Exporter>,
    office: Arc<Office>,
    clients: Arc<Clients>,
    details: Arc<Details>,
    /// Connectors that a call is under way for.
    under_way: Arc<Mutex<BTreeSet<(String, String)>>>,
}

/// What was done.
#[derive(Clone, Debug)]
pub enum Done {
    /// Something with one connector.
    Acted(Box<Outcome>),
    /// This silence is in force.
    Silenced(SilenceFacts),
    /// This one is not any more.
    Unsilenced(SilenceFacts),
    /// The kill switch is so now.
    Switched(KillSwitchFacts),
}

impl Actions {
    pub(super) fn new(
        exporter: Arc<Exporter>,
        office: Arc<Office>,
        clients: Clients,
        details: Arc<Details>,
    ) -> Self {
        let clients = Arc::new(clients);
        Self { exporter, office, clients, details, under_way: Arc::default() }
    }

    /// Does it to the end, also where the caller does not wait for it.
    pub async fn act(&self, by: &str, action: Action) -> Result<Done, Problem> {
        let (this, by) = (self.clone(), clean(by));
        let all = tokio::spawn(async move { this.carry_out(&by, action).await });
        all.await.unwrap_or_else(|error| {
            tracing::error!(%error, "an action panicked");
            let said = "it broke off; look at the state before you do it again";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, said))
        })
    }

    async fn carry_out(&self, by: &str, action: Action) -> Result<Done, Problem> {
        let Some((name_of_cluster, name, task)) = action.unit() else {
            return self.order(by, action).await;
        };
        let all = known(&self.exporter);
        let known = cluster(&all, name_of_cluster)?;
        let found = connector(known, name)?;
        if let Some(task) = task
            && !found.tasks.iter().any(|other| other.id == task)
        {
            let ids = found.tasks.iter().map(|other| other.id.to_string());
            let what = format!("task of connector {name:?}");
            return Err(Problem::unknown(&what, &task.to_string(), []).choices(ids));
        }
        if action.call().is_none() {
            return self.order(by, action).await;
        }
        self.call(by, &action, known).await.map(|outcome| Done::Acted(Box::new(outcome)))
    }

    async fn call(&self, by: &str, action: &Action, known: &Known) -> Result<Outcome, Problem> {
        let Some((cluster, connector, task)) = action.unit() else { return Err(nothing()) };
        let (Some(client), Some(call)) = (self.clients.get(cluster), action.call()) else {
            return Err(nothing());
        };
        let worker = client.current();
        lacks(action, known, worker)?;
        let _alone = self.alone(cluster, connector)?;
        let Some(sent) = action.send(worker).await else { return Err(nothing()) };
        let told = match &sent {
            Ok(status) => Told::taken(action, *status),
            Err(error) => Told::failed(error),
        };
        let line = AuditLine {
            connector: Some(connector.into()),
            task,
            call: Some(format!("{} {}", call.method, call.path).into()),
            http_status: told.http_status,
            answer: Some(told.said.as_str().into()),
            why: Some(told.answer.clone().into()).filter(|_| told.said != Said::Accepted),
            outcome: Some(told.said.answer().as_str().into()),
            by: Some(by.to_owned().into()),
            ..AuditLine::new(now(), Arc::clone(&known.view.cluster), AuditEvent::Ordered)
        };
        self.audit(vec![line]).await;
        self.details.forget(&known.view.cluster, connector);
        self.exporter.touch(&known.view.cluster);
        let outcome = Outcome {
            action: action.as_str(),
            cluster: cluster.to_owned(),
            connector: connector.to_owned(),
            task,
            by: by.to_owned(),
            call: Some(SentCall::new(call, worker.base().to_string())),
            http_status: told.http_status,
            result: told.said.answer().as_str(),
            answer: told.answer,
            means: told.means,
            status: told.status,
        };
        if outcome.status.is_success() {
            return Ok(outcome);
        }
        let detail = format!("{}: {}", outcome.answer, outcome.means);
        let problem = Problem::new(outcome.status, detail);
        Err(Problem { outcome: Some(Box::new(outcome)), ..problem })
    }

    /// Two clicks are one wish.
    fn alone(&self, cluster: &str, connector: &str) -> Result<Alone, Problem> {
        let name = (cluster.to_owned(), connector.to_owned());
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if !under_way.insert(name.clone()) {
            let said =
                format!("another call for connector {connector:?} is under way; wait for it");
            return Err(Problem::new(StatusCode::CONFLICT, said));
        }
        Ok(Alone { name, under_way: Arc::clone(&self.under_way) })
    }

    /// The disk may take its time.
    async fn audit(&self, lines: Vec<AuditLine>) {
        let audit = Arc::clone(&self.office.audit);
        let written = tokio::task::spawn_blocking(move || {
            for line in &lines {
                audit.append(line);
            }
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "writing the audit log panicked");
        }
    }
}

/// Lets go of the connector when it is dropped.
struct Alone {
    name: (String, String),
    under_way: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Cannot be: every cluster that is known has a client.
fn nothing() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "there is nothing to send")
}

/// What the worker's version is known not to have is not sent.
fn lacks(action: &Action, known: &Known, worker: &WorkerClient) -> Result<(), Problem> {
    let own = known.view.workers.iter().find(|other| &*other.id == worker.id());
    let Some(text) = own.and_then(|own| own.version.as_deref()) else { return Ok(()) };
    let Some(version) = Version::parse(text) else { return Ok(()) };
    let problem = |needs: &str| {
        let said = format!("not sent: {needs}; the worker {} has {text}", worker.id());
        Err(Problem::new(StatusCode::NOT_IMPLEMENTED, said))
    };
    match action {
        Action::Stop { .. } if !version.has_stop() => {
            problem("stop needs Kafka Connect 3.5 or later (KIP-875)")
        }
        Action::Restart { include_tasks, only_failed, .. }
            if (*include_tasks || *only_failed) && !version.restarts_with_tasks() =>
        {
            problem(
                "include_tasks and only_failed need Kafka Connect 3.1.1 or 3.2 or later: before \
                 3.0 they are ignored (KIP-745), and 3.0 and 3.1.0 start tasks twice (KAFKA-13719)",
            )
        }
        Action::Restart { .. }
        | Action::RestartTask { .. }
        | Action::Pause { .. }
        | Action::Resume { .. }
        | Action::Stop { .. }
        | Action::Acknowledge { .. }
        | Action::Silence { .. }
        | Action::Unsilence { .. }
        | Action::KillSwitch { .. } => Ok(()),
    }
}
