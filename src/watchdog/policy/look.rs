//! What a valid snapshot changes in the memory of a cluster. What is gone is forgotten; what could
//! not be read this time is not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::config::WatchdogMode;
use crate::connect::model::State;
use crate::observe::snapshot::{Connector, Instance, Snapshot};

use super::event::{Because, Change, Event};
use super::memory::{ConnectorMemory, Memory, Phase, Time, Unit};
use super::report::Why;
use super::rules::Policy;
use super::update::{self, Look};
use super::{HOUR, Input};

/// What the snapshot shows beside the memory that it changes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How many units there are.
    pub(super) units: usize,
    /// Whether one of them is UNASSIGNED.
    pub(super) unassigned: bool,
    /// What happened.
    pub(super) events: Vec<Event>,
}

pub(super) fn look(
    memory: &mut Memory,
    snapshot: &Snapshot,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
    rng: &mut Rng,
) -> Seen {
    let mut seen = Seen::default();
    if !memory.connectors.is_empty() {
        forget_the_gone(memory, snapshot, policy, now, &mut seen);
    }
    let rebalancing = memory.rebalance.is_some() || input.rebalancing;
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
        let mut one = One { connector, input, policy, now, rebalancing, events: &mut seen.events };
        one.look(of_connector, rng);
        if of_connector.is_blank(policy, now) {
            memory.connectors.remove(&connector.name);
        }
    }
    seen
}

fn instances(connector: &Connector) -> impl Iterator<Item = (Option<u32>, &Instance)> {
    let tasks = connector.tasks.iter().map(|task| (Some(task.id), &task.instance));
    std::iter::once((None, &connector.instance)).chain(tasks)
}

fn forget_the_gone(
    memory: &mut Memory,
    snapshot: &Snapshot,
    policy: &Policy,
    now: Time,
    seen: &mut Seen,
) {
    for name in &snapshot.unread {
        if let Some(connector) = memory.connectors.get_mut(name) {
            connector.units.values_mut().for_each(|unit| unit.is_failed = false);
        }
    }
    memory.connectors.retain(|name, connector| {
        let known = snapshot.connectors.binary_search_by(|c| c.name.cmp(name)).is_ok();
        if known || snapshot.unread.binary_search(name).is_ok() {
            return true;
        }
        for task in std::mem::take(&mut connector.units).into_keys() {
            let id = (Arc::clone(name), task);
            seen.events.push(Event::Unit(id, Change::Cleared(Because::Deleted)));
        }
        // One that is deleted and created again has no budget of its own for it.
        !connector.is_blank(policy, now)
    });
}

impl ConnectorMemory {
    /// Whether there is nothing to remember of it. Budgets outlive the trouble, or a connector that
    /// fails again and again would have none.
    fn is_blank(&self, policy: &Policy, now: Time) -> bool {
        let budget = policy.limits.connector_budget;
        let spent = self.budget.is_some_and(|b| b.left(budget, HOUR, now) < budget.0.into());
        let stood_down = self.stood_down_until.is_some_and(|until| now < until);
        self.units.is_empty() && !spent && !stood_down && self.foreign.is_empty()
    }
}

/// One connector under a look.
struct One<'l> {
    connector: &'l Connector,
    input: &'l Input<'l>,
    policy: &'l Policy,
    now: Time,
    rebalancing: bool,
    events: &'l mut Vec<Event>,
}

impl One<'_> {
    fn look(&mut self, memory: &mut ConnectorMemory, rng: &mut Rng) {
        let (now, limits) = (self.now, &self.policy.limits);
        let gap = now.saturating_sub(memory.seen);
        if gap > limits.longest_gap {
            memory.units.values_mut().for_each(|unit| unit.not_observed_for(gap));
        }
        memory.seen = now;
        self.another_config(memory);
        self.acknowledge(memory);
        let mut before = std::mem::take(&mut memory.units);
        let mut foreign = false;
        for (task, instance) in instances(self.connector) {
            let Some(unit) = self.unit(before.remove(&task), task, instance, rng) else { continue };
            foreign |= self.was_foreign(task);
            memory.units.insert(task, unit);
        }
        self.clear(before, Because::Deleted);
        memory.foreign.retain(|at| now.saturating_sub(*at) < limits.foreign_window);
        memory.stood_down_until = memory.stood_down_until.filter(|until| now < *until);
        if foreign {
            memory.foreign.push_back(now);
            if memory.foreign.len() >= limits.foreign_restarts {
                memory.stood_down_until = Some(now + limits.stand_down);
                self.happened(None, Change::StoodDown);
            }
        }
        let stood_down = memory.stood_down_until.is_some();
        for unit in memory.units.values_mut() {
            unit.held = self.held(unit, stood_down);
        }
    }

    /// What becomes of one unit; `None`: nothing that is worth remembering.
    fn unit(
        &mut self,
        before: Option<Unit>,
        task: Option<u32>,
        instance: &Instance,
        rng: &mut Rng,
    ) -> Option<Unit> {
        let Some(mut unit) = before else {
            let failed = instance.state == State::Failed;
            return failed.then(|| {
                let mut unit = update::first_seen(instance, self.now);
                unit.rule = self.policy.rule_of(self.connector, unit.class);
                unit
            });
        };
        let class = instance.failure.as_ref().map_or(unit.class, |failure| failure.class);
        unit.rule = self.policy.rule_of(self.connector, class);
        let acts = self.policy.mode_of(unit.rule) == WatchdogMode::On;
        if unit.dry_run && acts && instance.state == State::Failed {
            self.happened(task, Change::Cleared(Because::ModeChanged));
            unit = Unit { rule: unit.rule, ..update::first_seen(instance, self.now) };
        }
        let mut look = Look {
            limits: self.policy.limits_of(unit.rule),
            now: self.now,
            rng,
            progress: self.input.progress.get(&self.connector.name).copied(),
            rebalancing: self.rebalancing,
            changes: Vec::new(),
        };
        let remember = update::unit(&mut unit, instance, &mut look);
        let id = || (Arc::clone(&self.connector.name), task);
        self.events.extend(look.changes.into_iter().map(|change| Event::Unit(id(), change)));
        // An operator's order forgets, and what was forgotten may be FAILED all the same.
        remember.then_some(unit)
    }

    fn was_foreign(&self, task: Option<u32>) -> bool {
        let own = |event: &&Event| match event {
            Event::Unit(id, Change::Foreign) => id.0 == self.connector.name && id.1 == task,
            Event::Unit(..) | Event::Breaker(..) | Event::Caution(_) => false,
        };
        self.events.iter().rev().take(2).any(|event| own(&event))
    }

    fn another_config(&mut self, memory: &mut ConnectorMemory) {
        let now = self.connector.config;
        if now.is_some() && memory.config.is_some() && now != memory.config {
            let units = std::mem::take(&mut memory.units);
            self.clear(units, Because::ConfigChanged);
        }
        memory.config = now.or(memory.config);
    }

    fn acknowledge(&mut self, memory: &mut ConnectorMemory) {
        for order in self.input.acknowledged.iter().filter(|a| a.connector == self.connector.name) {
            let all = std::mem::take(&mut memory.units);
            let (cleared, kept) = match order.task {
                None => (all, BTreeMap::new()),
                Some(task) => all.into_iter().partition(|(unit, _)| *unit == Some(task)),
            };
            memory.units = kept;
            (memory.stood_down_until, memory.foreign) = (None, Default::default());
            self.clear(cleared, Because::Acknowledged);
        }
    }

    fn clear(&mut self, units: BTreeMap<Option<u32>, Unit>, because: Because) {
        for task in units.into_keys() {
            self.happened(task, Change::Cleared(because));
        }
    }

    fn happened(&mut self, task: Option<u32>, change: Change) {
        self.events.push(Event::Unit((Arc::clone(&self.connector.name), task), change));
    }

    /// What the user or somebody else has to say about it.
    fn held(&self, unit: &Unit, stood_down: bool) -> Option<Why> {
        if !unit.is_failed || matches!(unit.phase, Phase::GivenUp | Phase::Verifying { .. }) {
            return None;
        }
        let silenced = || {
            self.input.silences.iter().any(|silence| {
                (silence.from..silence.until).contains(&self.now)
                    && silence.selector.fits(self.connector, unit.class)
            })
        };
        let default = self.policy.rules.len();
        if self.policy.mode_of(unit.rule) == WatchdogMode::Off {
            Some(Why::Rule)
        } else if silenced() {
            Some(Why::Silence)
        } else if self.input.shut.get(unit.rule.unwrap_or(default)) == Some(&true) {
            Some(Why::Window)
        } else {
            stood_down.then_some(Why::Foreign)
        }
    }
}

impl Memory {
    /// Lets the time stand still that nothing could be seen in.
    pub(super) fn shift(&mut self, by: Duration) {
        for unit in self.connectors.values_mut().flat_map(|connector| connector.units.values_mut())
        {
            match &mut unit.phase {
                Phase::BackingOff { next } | Phase::Parked { next } => *next += by,
                Phase::Observing { sightings } => *sightings = 0,
                Phase::Verifying { .. } | Phase::Recovered { .. } | Phase::GivenUp => {}
            }
        }
        for breaker in self.breakers.values_mut() {
            breaker.put_off(by);
        }
    }
}
