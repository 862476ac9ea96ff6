//! What the watchdogs mean to do, when, and why not yet.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::FailureClass;
use crate::watchdog::policy::{BreakerState, UnitReport};
use crate::watchdog::view::{LastCall, WatchdogView};

use super::{Moment, UnitFacts};

/// What one cluster's watchdog found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanFacts {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// `dry-run` or `on`.
    pub mode: &'static str,
    /// When it looked last.
    pub looked: Moment,
    /// Why nothing is done in the whole cluster, in a word such as `rebalance`.
    pub hold: Option<&'static str>,
    /// The same in a sentence.
    pub hold_because: Option<String>,
    /// Whether restarts come to nothing, so that one at a time is made.
    pub cautious: bool,
    /// What is left of the cluster's budget, in restarts.
    pub budget_remaining: f64,
    /// Breakers that are not closed, by signature.
    pub breakers: Vec<BreakerFacts>,
    /// Connectors that are left to somebody else.
    pub stood_down: Vec<StoodDownFacts>,
    /// Every unit that is not healthy, in order.
    pub units: Vec<PlannedUnit>,
}

/// Many fail of one cause, so that one is tried before the others.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BreakerFacts {
    /// What the failures have in common.
    pub signature: Arc<str>,
    /// Their class.
    pub failure_class: FailureClass,
    /// `open`, or `releasing` once a canary runs.
    pub state: &'static str,
    /// When it opened.
    pub since: Moment,
    /// Canaries so far.
    pub canaries: u32,
    /// The canary that is awaited.
    pub canary_out: Option<UnitName>,
    /// What the last probe of the dependency said; null: none was made.
    pub dependency_reachable: Option<bool>,
    /// When the next goes.
    pub next: Moment,
}

/// A connector's own instance or a task.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitName {
    /// The connector.
    pub connector: Arc<str>,
    /// The task; null: the connector's own instance.
    pub task: Option<u32>,
}

/// A connector that somebody else restarts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoodDownFacts {
    /// The connector.
    pub connector: Arc<str>,
    /// Until when it is left alone.
    pub until: Moment,
}

/// A unit that is not healthy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlannedUnit {
    /// Which.
    #[serde(flatten)]
    pub name: UnitName,
    /// The class of its failure.
    pub failure_class: FailureClass,
    /// What failures of its kind have in common.
    pub signature: Arc<str>,
    /// What keeps it back, in a word, where something does.
    pub held_by: Option<&'static str>,
    /// The rest of it.
    #[serde(flatten)]
    pub unit: UnitFacts,
}

impl From<&WatchdogView> for PlanFacts {
    fn from(view: &WatchdogView) -> Self {
        let breakers = view.breakers.iter().map(|(signature, breaker)| {
            let (state, canary) = match &breaker.state {
                BreakerState::Open { canary, .. } => ("open", canary.as_ref()),
                BreakerState::Releasing { .. } => ("releasing", None),
            };
            let name = |(connector, task): &(Arc<str>, Option<u32>)| UnitName {
                connector: Arc::clone(connector),
                task: *task,
            };
            BreakerFacts {
                signature: Arc::clone(signature),
                failure_class: breaker.class,
                state,
                since: breaker.opened.unwrap_or(breaker.since).into(),
                canaries: breaker.canaries,
                canary_out: canary.map(name),
                dependency_reachable: breaker.reachable,
                next: breaker.next().into(),
            }
        });
        let stood_down = view.stood_down.iter().map(|(connector, until)| StoodDownFacts {
            connector: Arc::clone(connector),
            until: (*until).into(),
        });
        Self {
            cluster: Arc::clone(&view.cluster),
            mode: view.mode.as_str(),
            looked: view.looked.into(),
            hold: view.report.hold.map(|hold| hold.as_str()),
            hold_because: view.hold_because.clone(),
            cautious: view.cautious,
            budget_remaining: (view.budget_left * 100.0).round() / 100.0,
            breakers: breakers.collect(),
            stood_down: stood_down.collect(),
            units: view
                .report
                .units
                .iter()
                .map(|unit| PlannedUnit::of(unit, view.call(unit)))
                .collect(),
        }
    }
}

impl PlannedUnit {
    fn of(unit: &UnitReport, call: Option<&LastCall>) -> Self {
        Self {
            name: UnitName { connector: Arc::clone(&unit.connector), task: unit.task },
            failure_class: unit.class,
            signature: Arc::clone(&unit.signature),
            held_by: unit.held_by().map(|why| why.as_str()),
            unit: UnitFacts::of(unit, call),
        }
    }
}
