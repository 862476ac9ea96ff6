//! What the watchdogs mean to do, what people ordered, and what states were seen.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::super::facts::{KillSwitchFacts, PlanFacts, SilenceFacts, UnitHistory};
use super::ask::{self, Ask};
use super::filter::CLUSTER;
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

pub(super) static PLAN: [&Parameter; 1] = [&CLUSTER];
static CONNECTOR: Parameter =
    Parameter { name: "connector", says: "Needed: the connector's name.", kind: Kind::Text };
static OF_CLUSTER: Parameter =
    Parameter { name: "cluster", says: "Needed: the cluster's name.", kind: Kind::Text };
static TASK: Parameter =
    Parameter { name: "task", says: "Only this task.", kind: Kind::Number(u32::MAX as u64) };
pub(super) static HISTORY: [&Parameter; 3] = [&OF_CLUSTER, &CONNECTOR, &TASK];

/// What the watchdogs mean to do, when, and why not yet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Plan {
    /// Of each cluster whose watchdog is not off and has looked.
    pub clusters: Vec<PlanFacts>,
}

/// What states were seen of one connector.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryAnswer {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The connector's name.
    pub connector: Arc<str>,
    /// Its own instance first, then its tasks by number.
    pub units: Vec<UnitHistory>,
}

/// The silences that are in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Silences {
    /// The one that ends first first. Those of the configuration file are not among them.
    pub silences: Vec<SilenceFacts>,
}

pub(super) fn plan(ask: &Ask) -> Result<Plan, Problem> {
    let wanted = ask.query(&PLAN)?;
    let known = ask.wanted(&wanted)?;
    let watchdogs = known.iter().filter_map(|known| known.watchdog.as_ref());
    Ok(Plan { clusters: watchdogs.map(|view| PlanFacts::from(&**view)).collect() })
}

pub(super) fn history(ask: &Ask) -> Result<HistoryAnswer, Problem> {
    let query = ask.query(&HISTORY)?;
    let needed = |parameter: &'static Parameter| {
        query.text(parameter.name).ok_or_else(|| {
            let name = parameter.name;
            Problem::parameter(name, format!("{name} is needed: whose history is wanted?"))
        })
    };
    let of = |parameter: &'static Parameter| {
        move |problem: Problem| Problem { parameter: Some(parameter.name.to_owned()), ..problem }
    };
    let known = ask.cluster(needed(&OF_CLUSTER)?).map_err(of(&OF_CLUSTER))?;
    let connector = ask::connector(known, needed(&CONNECTOR)?).map_err(of(&CONNECTOR))?;
    let mut units = UnitHistory::all(known, &connector.name).unwrap_or_default();
    if let Some(task) = query.number(TASK.name) {
        let all: Vec<_> = units.iter().filter_map(|unit| unit.task).collect();
        units.retain(|unit| unit.task.is_some_and(|of| u64::from(of) == task));
        if units.is_empty() {
            let problem = Problem::unknown("task", &task.to_string(), []);
            return Err(of(&TASK)(problem.choices(all.iter().map(u32::to_string))));
        }
    }
    Ok(HistoryAnswer {
        cluster: Arc::clone(&known.view.cluster),
        connector: Arc::clone(&connector.name),
        units,
    })
}

pub(super) fn silences(ask: &Ask) -> Result<Silences, Problem> {
    ask.query(&[])?;
    Ok(Silences {
        silences: SilenceFacts::all(&ask.office.kill_switch.orders().read(), ask::now()),
    })
}

pub(super) fn kill_switch(ask: &Ask) -> Result<KillSwitchFacts, Problem> {
    ask.query(&[])?;
    Ok(KillSwitchFacts::of(&ask.office.kill_switch, &ask.office.kill_switch.orders().read()))
}
