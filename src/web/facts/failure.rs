//! What is FAILED, why, since when, and what the watchdog makes of it.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{FailureClass, WatchdogMode};
use crate::observe::history::Record;
use crate::observe::snapshot::Instance;
use crate::watchdog::audit::redact;
use crate::watchdog::explain::{moment, sentence};
use crate::watchdog::policy::{UnitReport, Why};
use crate::watchdog::said::Said;
use crate::watchdog::view::LastCall;

use super::{Known, Moment, Severity};

/// A connector's own instance or a task that is FAILED.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FailureFacts {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The connector's name.
    pub connector: Arc<str>,
    /// The task; null: the connector's own instance.
    pub task: Option<u32>,
    /// The worker that it failed on.
    pub worker_id: Arc<str>,
    /// Since when, as far as it was seen.
    pub since: Option<Moment>,
    /// The class of the failure.
    pub failure_class: FailureClass,
    /// The class name of the root cause.
    pub exception: Arc<str>,
    /// What failures of one origin have in common.
    pub signature: Arc<str>,
    /// The root cause in the trace's words; what looks like a secret is masked.
    pub cause: String,
    /// What to look at next.
    pub advice: Arc<str>,
    /// How much it matters.
    pub severity: Severity,
    /// What the watchdog makes of it; null where it is off or did not look yet.
    pub watchdog: Option<UnitFacts>,
}

/// What the watchdog makes of one unit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitFacts {
    /// Such as `backing_off`, `parked` or `given_up`.
    pub phase: &'static str,
    /// The rule that speaks, such as `back_off` or `breaker`.
    pub why: &'static str,
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts that its class has.
    pub attempts_most: u32,
    /// What its connector has left of its budget, in restarts.
    pub connector_budget_left: f64,
    /// When it was first seen FAILED in this trouble.
    pub first_failed: Moment,
    /// When it was restarted last.
    pub last_restart: Option<Moment>,
    /// What came of the last call that was to be made; null once the next is decided.
    pub last_answer: Option<AnswerFacts>,
    /// When it is tried next, where that is known.
    pub next_attempt: Option<Moment>,
    /// `off`, `dry-run` or `on`, as it holds for this unit.
    pub mode: &'static str,
    /// The user's rule that is for it.
    pub rule: Option<Arc<str>>,
    /// All that in a sentence.
    pub says: String,
}

/// What came of a call that the watchdog made, or was to make.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnswerFacts {
    /// When that was known.
    pub at: Moment,
    /// In a word such as `accepted` or `rebalance`.
    pub answer: &'static str,
    /// The HTTP status of the answer, where there was one.
    pub http_status: Option<u16>,
    /// In a sentence.
    pub says: &'static str,
}

impl From<&LastCall> for AnswerFacts {
    fn from(call: &LastCall) -> Self {
        Self {
            at: call.at.into(),
            answer: call.said.as_str(),
            http_status: call.status,
            says: call.said.words(),
        }
    }
}

impl UnitFacts {
    /// Of this unit, and what came of its last call.
    pub fn of(unit: &UnitReport, call: Option<&LastCall>) -> Self {
        let mut says = sentence(unit);
        if let Some(call) = call.filter(|call| call.said != Said::Accepted) {
            says = format!("{says}; last, at {}: {}", moment(call.at), call.said.words());
        }
        Self {
            phase: unit.phase,
            why: unit.why.as_str(),
            attempts: unit.attempts,
            attempts_most: unit.attempts_most,
            connector_budget_left: (unit.connector_budget_left * 100.0).round() / 100.0,
            first_failed: unit.first_failed.into(),
            last_restart: unit.last_restart.map(Moment::from),
            next_attempt: unit.next.map(Moment::from),
            mode: unit.mode.as_str(),
            rule: unit.rule.clone(),
            last_answer: call.map(AnswerFacts::from),
            says,
        }
    }
}

/// How much a FAILED unit matters: a person is wanted where nothing else will help it.
pub(super) fn severity(unit: Option<&UnitReport>) -> Severity {
    let Some(unit) = unit else { return Severity::Critical };
    let left_alone = unit.mode != WatchdogMode::On
        || matches!(unit.why, Why::GivenUp | Why::Parked | Why::Stuck | Why::Rule | Why::Foreign);
    if left_alone { Severity::Critical } else { Severity::Warning }
}

impl FailureFacts {
    /// Of this instance; `None` where it is not FAILED.
    pub fn of(
        known: &Known,
        connector: &Arc<str>,
        task: Option<u32>,
        instance: &Instance,
    ) -> Option<Self> {
        let failure = instance.failure.as_ref()?;
        let unit = known.unit(connector, task);
        Some(Self {
            cluster: Arc::clone(&known.view.cluster),
            connector: Arc::clone(connector),
            task,
            worker_id: Arc::clone(&instance.worker_id),
            since: known.record(connector, task).map(|record| record.from().into()),
            failure_class: failure.class,
            exception: Arc::clone(&failure.exception),
            signature: Arc::clone(&failure.signature),
            cause: redact(&failure.cause).into_owned(),
            advice: Arc::clone(&failure.advice),
            severity: severity(unit),
            watchdog: unit.map(|unit| known.unit_facts(unit)),
        })
    }
}

impl Known {
    /// How much it matters that this unit is FAILED.
    pub fn severity_of_failure(&self, connector: &str, task: Option<u32>) -> Severity {
        severity(self.unit(connector, task))
    }

    /// What is FAILED: where, and its instance; in the order of the names.
    pub fn failed(&self) -> impl Iterator<Item = (&Arc<str>, Option<u32>, &Instance)> {
        self.connectors().iter().flat_map(|connector| {
            let own = std::iter::once((&connector.name, None, &connector.instance));
            let tasks = connector.tasks.iter();
            own.chain(tasks.map(|task| (&connector.name, Some(task.id), &task.instance)))
                .filter(|(_, _, instance)| instance.failure.is_some())
        })
    }

    /// What was seen of a unit over time.
    pub fn record(&self, connector: &str, task: Option<u32>) -> Option<&Record> {
        let of_connector = self.view.history.connectors.get(connector)?;
        match task {
            None => Some(&of_connector.connector),
            Some(task) => of_connector.tasks.get(&task),
        }
    }
}
