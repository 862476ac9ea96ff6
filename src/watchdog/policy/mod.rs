//! The policy: `decide` looks at what is remembered and at the last valid snapshot and says what is
//! to be restarted now. No clock, no I/O, no randomness of its own.

mod answered;
mod backoff;
mod budget;
mod call;
mod limits;
mod memory;
mod report;
mod rules;
mod storm;
#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::connect::model::State;
use crate::observe::snapshot::{Connector, Instance, Snapshot};

pub use answered::{Answer, answered};
pub use budget::Bucket;
pub use call::{Call, Decision};
pub use limits::{Attempts, Limits};
use memory::Rebalance;
pub use memory::{
    Breaker, BreakerState, ConnectorMemory, Memory, Phase, Reason, Time, Unit, UnitId,
};
pub use report::{Hold, Report, UnitReport};
pub use rules::{Policy, Rule, Selector, Silence};
pub use update::Outcome;

/// What is known of the cluster at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Input<'s> {
    /// What the last poll found; `None`: nothing that can be believed.
    pub snapshot: Option<&'s Snapshot>,
    /// Whether a worker is proven able to serve.
    pub fresh: bool,
    /// Whether a rebalance is visible otherwise than in the snapshot: 409s, or other workers.
    pub rebalancing: bool,
    /// Whether the journal was lost so recently that nothing is done yet.
    pub journal_lost: bool,
    /// Whether the workers know KIP-745 and do not start tasks twice.
    pub restarts_with_tasks: bool,
}

/// What `decide` comes to.
#[derive(Debug)]
pub struct Decided {
    /// To be given to the next `decide`.
    pub memory: Memory,
    /// What is to be restarted now, in this order.
    pub decisions: Vec<Decision>,
    /// What became of restarts, as far as this poll told.
    pub outcomes: Vec<(UnitId, Reason, Outcome)>,
    /// What there is to say of every unit that is not healthy.
    pub report: Report,
}

/// One look at one cluster.
pub fn decide(
    mut memory: Memory,
    input: Input<'_>,
    limits: &Limits,
    now: Time,
    rng: &mut Rng,
) -> Decided {
    let Some(snapshot) = input.snapshot else {
        let report = report::report(&memory, Some(Hold::NoSnapshot), &[]);
        return Decided { memory, decisions: Vec::new(), outcomes: Vec::new(), report };
    };
    let seen = look(&mut memory, snapshot, limits, now, rng);
    for (id, reason, outcome) in &seen.outcomes {
        note_release(&mut memory, id, *reason, *outcome);
    }
    storm::settle(&mut memory, seen.units, limits, now);
    let hold = hold(&mut memory, input, seen.unassigned, limits, now);
    let (decisions, over_budget) = match hold {
        Some(_) => (Vec::new(), Vec::new()),
        None => act(&mut memory, input.restarts_with_tasks, limits, now),
    };
    let report = report::report(&memory, hold, &over_budget);
    Decided { memory, decisions, outcomes: seen.outcomes, report }
}

#[derive(Default)]
struct Seen {
    units: usize,
    unassigned: bool,
    outcomes: Vec<(UnitId, Reason, Outcome)>,
}

fn instances(connector: &Connector) -> impl Iterator<Item = (Option<u32>, &Instance)> {
    let tasks = connector.tasks.iter().map(|task| (Some(task.id), &task.instance));
    std::iter::once((None, &connector.instance)).chain(tasks)
}

/// Takes in what the snapshot says of every unit. What is gone is forgotten; what could not be
/// read this time is not.
fn look(
    memory: &mut Memory,
    snapshot: &Snapshot,
    limits: &Limits,
    now: Time,
    rng: &mut Rng,
) -> Seen {
    let mut seen = Seen::default();
    if !memory.connectors.is_empty() {
        for name in &snapshot.unread {
            let units = memory.connectors.get_mut(name).map(|connector| &mut connector.units);
            units.into_iter().flatten().for_each(|(_, unit)| unit.is_failed = false);
        }
        memory.connectors.retain(|name, _| {
            let known = snapshot.connectors.binary_search_by(|c| c.name.cmp(name)).is_ok();
            known || snapshot.unread.binary_search(name).is_ok()
        });
    }
    for connector in &snapshot.connectors {
        seen.units += 1 + connector.tasks.len();
        let mut failing = false;
        for (_, instance) in instances(connector) {
            failing |= instance.state == State::Failed;
            seen.unassigned |= instance.state == State::Unassigned;
        }
        let remembered =
            !memory.connectors.is_empty() && memory.connectors.contains_key(&connector.name);
        if !failing && !remembered {
            continue;
        }
        let of_connector = memory.connectors.entry(Arc::clone(&connector.name)).or_default();
        let mut before = std::mem::take(&mut of_connector.units);
        for (task, instance) in instances(connector) {
            let (unit, outcome) = match before.remove(&task) {
                Some(unit) => update::unit(unit, instance, limits, now, rng),
                None if instance.state == State::Failed => {
                    (Some(update::first_seen(instance, now)), None)
                }
                None => (None, None),
            };
            if let Some((reason, outcome)) = outcome {
                seen.outcomes.push(((Arc::clone(&connector.name), task), reason, outcome));
            }
            if let Some(unit) = unit {
                of_connector.units.insert(task, unit);
            }
        }
        // Budgets outlive the trouble, or a connector that fails again and again would have none.
        let spent = of_connector.budget.is_some_and(|budget| {
            budget.left(limits.connector_budget, HOUR, now) < limits.connector_budget.0.into()
        });
        if of_connector.units.is_empty() && !spent {
            memory.connectors.remove(&connector.name);
        }
    }
    seen
}

/// A breaker that releases learns who of the released failed again.
fn note_release(memory: &mut Memory, id: &UnitId, reason: Reason, outcome: Outcome) {
    if (reason, outcome) != (Reason::Release, Outcome::Failed) {
        return;
    }
    let unit = memory.connectors.get(&id.0).and_then(|connector| connector.units.get(&id.1));
    let breaker = unit.and_then(|unit| memory.breakers.get_mut(&unit.signature));
    if let Some(Breaker { state: BreakerState::Releasing { failed, .. }, .. }) = breaker {
        *failed += 1;
    }
}

fn hold(
    memory: &mut Memory,
    input: Input<'_>,
    unassigned: bool,
    limits: &Limits,
    now: Time,
) -> Option<Hold> {
    if input.rebalancing || unassigned {
        let began = memory.rebalance.map_or(now, |rebalance| rebalance.began);
        memory.rebalance = Some(Rebalance { began, last_seen: now });
    }
    let held = memory.rebalance.is_some_and(|rebalance| {
        now.saturating_sub(rebalance.last_seen) < limits.rebalance_hold
            && now.saturating_sub(rebalance.began) < limits.rebalance_most
    });
    if memory.rebalance.is_some_and(|r| now.saturating_sub(r.last_seen) >= limits.rebalance_hold) {
        memory.rebalance = None;
    }
    match (input.fresh, held, input.journal_lost) {
        (false, ..) => Some(Hold::NotFresh),
        (true, true, _) => Some(Hold::Rebalance),
        (true, false, true) => Some(Hold::JournalLost),
        (true, false, false) => None,
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Who is due, as far as breakers and budgets allow; and who is due and over budget.
fn act(
    memory: &mut Memory,
    restarts_with_tasks: bool,
    limits: &Limits,
    now: Time,
) -> (Vec<Decision>, Vec<UnitId>) {
    let mut due: BTreeMap<(Arc<str>, Reason), Vec<Option<u32>>> = BTreeMap::new();
    for ((connector, task), reason) in storm::may_go(memory, now) {
        due.entry((connector, reason)).or_default().push(task);
    }
    for (connector, of_connector) in &memory.connectors {
        for (task, unit) in of_connector.units.iter().filter(|(_, unit)| unit.waits()) {
            let reason = match unit.phase {
                Phase::BackingOff { next } if next <= now => Reason::Attempt,
                Phase::Parked { next } if next <= now => Reason::Probe,
                Phase::Observing { .. }
                | Phase::BackingOff { .. }
                | Phase::Verifying { .. }
                | Phase::Recovered { .. }
                | Phase::Parked { .. }
                | Phase::GivenUp => continue,
            };
            if !memory.breakers.contains_key(&unit.signature) {
                due.entry((Arc::clone(connector), reason)).or_default().push(*task);
            }
        }
    }
    let (mut decisions, mut over_budget) = (Vec::new(), Vec::new());
    for ((connector, reason), units) in due {
        for (call, units) in call::calls(&units, restarts_with_tasks) {
            // What a canary proved is let through in the breaker's steps.
            if reason != Reason::Release && !pay(memory, &connector, limits, now) {
                over_budget.extend(units.into_iter().map(|task| (Arc::clone(&connector), task)));
                continue;
            }
            for task in &units {
                begin(memory, &connector, *task, reason, limits, now);
            }
            decisions.push(Decision { connector: Arc::clone(&connector), call, units, reason });
        }
    }
    over_budget.sort_unstable();
    (decisions, over_budget)
}

/// A restart costs one of the connector's budget and one of the cluster's; both or none.
fn pay(memory: &mut Memory, connector: &Arc<str>, limits: &Limits, now: Time) -> bool {
    let mut cluster = memory.budget.unwrap_or_else(|| Bucket::full(limits.cluster_budget.0, now));
    let of_connector = memory.connectors.entry(Arc::clone(connector)).or_default();
    let mut own =
        of_connector.budget.unwrap_or_else(|| Bucket::full(limits.connector_budget.0, now));
    let paid = own.take(limits.connector_budget, HOUR, now)
        && cluster.take(limits.cluster_budget, MINUTE, now);
    if paid {
        of_connector.budget = Some(own);
        memory.budget = Some(cluster);
    }
    paid
}

fn begin(
    memory: &mut Memory,
    connector: &Arc<str>,
    task: Option<u32>,
    reason: Reason,
    limits: &Limits,
    now: Time,
) {
    let Some(unit) = memory.connectors.get_mut(connector).and_then(|c| c.units.get_mut(&task))
    else {
        return;
    };
    unit.phase = Phase::Verifying { since: now, moved: false, running: None, reason };
    if matches!(reason, Reason::Attempt | Reason::Release) {
        unit.attempts = (unit.attempts + 1).min(limits.attempts.of(unit.class));
    }
    if unit.restarts.len() == limits.flapping {
        unit.restarts.pop_front();
    }
    unit.restarts.push_back(now);
    let Some(breaker) = memory.breakers.get_mut(&unit.signature) else { return };
    match &mut breaker.state {
        BreakerState::Open { canary, .. } => {
            *canary = Some((Arc::clone(connector), task));
            breaker.canaries += 1;
        }
        BreakerState::Releasing { released, .. } => *released += 1,
    }
}
