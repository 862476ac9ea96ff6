//! Whether a restart that was decided, and waited for its turn, may still be sent: whatever would
//! keep it from being decided now does.

use crate::config::WatchdogMode;
use crate::connect::model::State;
use crate::observe::snapshot::Connector;

use super::call::{Call, Decision};
use super::look::held_by_person;
use super::memory::{BreakerState, Memory, Phase, Reason, Time, Unit};
use super::report::{Hold, Why};
use super::rules::Policy;
use super::{Input, Limits};

/// What speaks against a restart that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Nothing is restarted in the whole cluster, or nothing of this unit.
    Held(Why),
    /// The unit is not as it was when this was decided.
    Changed(&'static str),
}

impl std::fmt::Display for Objection {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held(why) => write!(to, "held by now: {}", why.as_str()),
            Self::Changed(what) => to.write_str(what),
        }
    }
}

/// What speaks by now against a decision.
pub fn objection(
    memory: &Memory,
    decision: &Decision,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
) -> Option<Objection> {
    if let Some(hold) = hold(memory, input, &policy.limits, now) {
        return Some(Objection::Held(Why::Hold(hold)));
    }
    let connectors = input.snapshot.map_or(&[][..], |snapshot| &snapshot.connectors);
    let Ok(at) = connectors.binary_search_by(|c| c.name.cmp(&decision.connector)) else {
        return Some(Objection::Changed("the last poll could not read it"));
    };
    if memory.caution.is_some_and(|caution| decision.at < caution.began) {
        return Some(Objection::Held(Why::Breaker));
    }
    decision.ids().find_map(|id| {
        let unit = memory.connectors.get(&id.0).and_then(|of| of.units.get(&id.1));
        let of_it = |unit: &&Unit| matches!(unit.phase, Phase::Verifying { decided, .. } if decided == decision.at);
        let Some(unit) = unit.filter(of_it) else {
            return Some(Objection::Changed("it was paused, changed or acknowledged since"));
        };
        if policy.mode_of(unit.rule) != WatchdogMode::On {
            return Some(Objection::Held(Why::Rule));
        }
        let stood_down = memory.connectors.get(&id.0).is_some_and(|of| of.stood_down_until.is_some());
        let held = held_by_person(&connectors[at], unit, input, policy);
        let foreign = || stood_down.then_some(Why::Foreign);
        let breaker = || (!passes(memory, unit, decision)).then_some(Why::Breaker);
        held.or_else(foreign).or_else(breaker).map(Objection::Held)
    })
}

fn hold(memory: &Memory, input: &Input<'_>, limits: &Limits, now: Time) -> Option<Hold> {
    let rebalance = input.rebalancing || memory.is_held_by_rebalance(limits, now);
    [
        (input.doubt, Hold::Doubt),
        (input.snapshot.is_none(), Hold::NoSnapshot),
        (!input.fresh, Hold::NotFresh),
        (input.stopped, Hold::Stopped),
        (input.journal_lost, Hold::JournalLost),
        (rebalance, Hold::Rebalance),
    ]
    .into_iter()
    .find_map(|(holds, hold)| holds.then_some(hold))
}

/// Whether the breaker of its signature lets it through, which may have opened since.
fn passes(memory: &Memory, unit: &Unit, decision: &Decision) -> bool {
    let Some(breaker) = memory.breakers.get(&unit.signature) else { return true };
    match (&breaker.state, decision.reason) {
        (BreakerState::Open { canary, .. }, Reason::Canary) => {
            canary.as_ref().is_some_and(|id| decision.ids().any(|own| own == *id))
        }
        (BreakerState::Open { .. }, _) => false,
        (BreakerState::Releasing { .. }, _) => true,
    }
}

/// What speaks against a decision after its connector's status was read once more: that it is about
/// something else by now.
pub fn contradiction(
    memory: &Memory,
    decision: &Decision,
    read: &Connector,
) -> Option<Contradiction> {
    let own = read.instance.state;
    // FAILED tasks stay FAILED while their connector is paused.
    if matches!(own, State::Paused | State::Stopped) {
        let because = format!("its connector is {} by now", own.as_str());
        return Some(Contradiction::NotFailed(because));
    }
    for id in decision.ids() {
        let instance = match id.1 {
            None => Some(&read.instance),
            Some(task) => read.tasks.iter().find(|t| t.id == task).map(|task| &task.instance),
        };
        let Some(instance) = instance.filter(|instance| instance.state == State::Failed) else {
            let now = instance.map_or("not there", |instance| instance.state.as_str());
            return Some(Contradiction::NotFailed(format!("it is {now} by now")));
        };
        let unit = memory.connectors.get(&id.0).and_then(|of| of.units.get(&id.1));
        let (Some(unit), Some(failure)) = (unit, &instance.failure) else { continue };
        if (unit.class, &unit.signature) != (failure.class, &failure.signature) {
            let class = failure.class.as_str();
            return Some(Contradiction::Other(format!("it fails in another way by now: {class}")));
        }
    }
    if decision.call == Call::ConnectorAndTasks {
        let own = (own == State::Failed).then_some(None);
        let failed = |task: &crate::observe::snapshot::Task| task.instance.state == State::Failed;
        let tasks = read.tasks.iter().filter(|task| failed(task)).map(|task| Some(task.id));
        let others = own.into_iter().chain(tasks).find(|unit| !decision.units.contains(unit));
        if let Some(other) = others {
            let which = other.map_or_else(|| "itself".to_owned(), |task| format!("task {task}"));
            let because = format!("another of the connector failed since, {which}");
            return Some(Contradiction::Other(because));
        }
    }
    None
}

/// What the status says that was read right before a restart would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// It is not FAILED, or its connector is paused.
    NotFailed(String),
    /// What is FAILED is not what was decided on.
    Other(String),
}
