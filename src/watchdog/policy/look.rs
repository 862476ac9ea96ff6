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
use super::memory::{ConnectorMemory, Memory, Phase, Time, UnderWay, Unit};
use super::report::Why;
use super::rules::Policy;
use super::update::{self, Look};
use super::{Acknowledged, HOUR, Input};

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
    let mut seen = Seen { unassigned: snapshot.others.unassigned, ..Seen::default() };
    if !memory.connectors.is_empty() {
        forget_the_gone(memory, snapshot, policy, now, &mut seen);
    }
    let looked_at = worth_a_look(memory, snapshot, &mut seen);
    let rebalancing = memory.rebalance.is_some() || input.rebalancing || seen.unassigned;
    for connector in looked_at.into_iter().filter_map(|at| snapshot.connectors.get(at)) {
        let of_connector = memory.connectors.entry(Arc::clone(&connector.name)).or_default();
        let events = &mut seen.events;
        let foreign = false;
        One { connector, input, policy, now, rebalancing, foreign, events }.look(of_connector, rng);
        if of_connector.is_blank(policy, now) {
            memory.connectors.remove(&connector.name);
        }
    }
    seen
}

/// The places of connectors with something to see or to remember: of a healthy fleet nothing.
fn worth_a_look(memory: &Memory, snapshot: &Snapshot, seen: &mut Seen) -> Vec<usize> {
    let mut looked_at = Vec::new();
    let mut remembered = memory.connectors.keys().peekable();
    for (at, connector) in snapshot.connectors.iter().enumerate() {
        seen.units += 1 + connector.tasks.len();
        let mut failing = false;
        for (_, instance) in instances(connector) {
            failing |= instance.state == State::Failed;
            seen.unassigned |= instance.state == State::Unassigned;
        }
        while remembered.next_if(|name| **name < connector.name).is_some() {}
        let known = remembered.next_if(|name| **name == connector.name).is_some();
        if known || (failing && !is_paused(connector)) {
            looked_at.push(at);
        }
    }
    looked_at
}

/// An operator holds it: its tasks may be FAILED all the same, and are left alone.
const fn is_paused(connector: &Connector) -> bool {
    matches!(connector.instance.state, State::Paused | State::Stopped)
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
    for name in snapshot.unread.iter().chain(&snapshot.without_status) {
        if let Some(connector) = memory.connectors.get_mut(name) {
            connector.units.values_mut().for_each(|unit| unit.is_failed = false);
        }
    }
    memory.connectors.retain(|name, connector| {
        let known = snapshot.connectors.binary_search_by(|c| c.name.cmp(name)).is_ok();
        // One that is listed without a status is there.
        let listed = |names: &[Arc<str>]| names.binary_search(name).is_ok();
        if known || listed(&snapshot.unread) || listed(&snapshot.without_status) {
            return true;
        }
        let gone = connector.units.extract_if(.., |_, unit| unit.is_gone(now)).collect();
        clear(name, gone, Because::Deleted, &mut seen.events);
        connector.forget_foreign(policy, now);
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

    fn forget_foreign(&mut self, policy: &Policy, now: Time) {
        self.foreign.retain(|at| now.saturating_sub(*at) < policy.limits.foreign_window);
        self.stood_down_until = self.stood_down_until.filter(|until| now < *until);
    }
}

/// In so many polls, and for so long, what is remembered must be missing before it counts as deleted:
/// a worker that reads its topics anew lists only a part of all.
pub(in crate::watchdog) const GONE: (u32, Duration) = (3, Duration::from_secs(120));

impl Unit {
    /// It is not there; whether it counts as deleted.
    fn is_gone(&mut self, now: Time) -> bool {
        self.is_failed = false;
        let (since, polls) = self.missing.get_or_insert((now, 0));
        *polls = polls.saturating_add(1);
        *polls >= GONE.0 && now.saturating_sub(*since) >= GONE.1
    }
}

fn clear(
    connector: &Arc<str>,
    units: BTreeMap<Option<u32>, Unit>,
    because: Because,
    events: &mut Vec<Event>,
) {
    for (task, _) in units.into_iter().filter(|(_, unit)| !unit.is_healthy()) {
        events.push(Event::Unit((Arc::clone(connector), task), Change::Cleared(because)));
    }
}

/// Forgets what a person wants to be tried afresh, whatever the last poll was.
pub(super) fn acknowledge(memory: &mut Memory, orders: &[Acknowledged], events: &mut Vec<Event>) {
    for order in orders {
        let Some(connector) = memory.connectors.get_mut(&order.connector) else { continue };
        let all = std::mem::take(&mut connector.units);
        let (cleared, kept) = match order.task {
            None => (all, BTreeMap::new()),
            Some(task) => all.into_iter().partition(|(unit, _)| *unit == Some(task)),
        };
        connector.units = kept;
        (connector.stood_down_until, connector.foreign) = (None, Default::default());
        clear(&order.connector, cleared, Because::Acknowledged, events);
    }
}

/// One connector under a look.
struct One<'l> {
    connector: &'l Connector,
    input: &'l Input<'l>,
    policy: &'l Policy,
    now: Time,
    rebalancing: bool,
    /// Whether somebody else restarted one of its units.
    foreign: bool,
    events: &'l mut Vec<Event>,
}

impl One<'_> {
    fn look(&mut self, memory: &mut ConnectorMemory, rng: &mut Rng) {
        let (now, limits) = (self.now, &self.policy.limits);
        let gap = now.saturating_sub(memory.seen);
        if gap > limits.longest_gap {
            memory.units.values_mut().for_each(|unit| unit.not_observed_for(gap, now));
        }
        memory.seen = now;
        memory.forget_foreign(self.policy, now);
        self.another_config(memory);
        if is_paused(self.connector) {
            let units = std::mem::take(&mut memory.units);
            return self.clear(units, Because::Paused);
        }
        let units = &mut memory.units;
        for (task, instance) in instances(self.connector) {
            if let Some(unit) = units.get_mut(&task) {
                if !self.unit(unit, task, instance, gap, rng) {
                    units.remove(&task);
                }
            } else if instance.state == State::Failed {
                let mut unit = update::first_seen(instance, self.now);
                unit.rule = self.policy.rule_of(self.connector, unit.class);
                units.insert(task, unit);
            }
        }
        let tasks = &self.connector.tasks;
        let is_gone = |task: &u32| tasks.binary_search_by_key(task, |task| task.id).is_err();
        let gone = units
            .extract_if(.., |task, unit| task.as_ref().is_some_and(is_gone) && unit.is_gone(now))
            .collect();
        self.clear(gone, Because::Deleted);
        if self.foreign {
            memory.foreign.push_back(now);
            if memory.foreign.len() >= limits.foreign_restarts {
                memory.stood_down_until = Some(now.saturating_add(limits.stand_down));
                self.happened(None, Change::StoodDown);
            }
        }
        let stood_down = memory.stood_down_until.is_some();
        for unit in memory.units.values_mut() {
            unit.held = self.held(unit, stood_down);
        }
    }

    /// What becomes of one unit; whether it is worth remembering further.
    fn unit(
        &mut self,
        unit: &mut Unit,
        task: Option<u32>,
        instance: &Instance,
        gap: Duration,
        rng: &mut Rng,
    ) -> bool {
        let class = instance.failure.as_ref().map_or(unit.class, |failure| failure.class);
        unit.rule = self.policy.rule_of(self.connector, class);
        unit.under_way = self.under_way(unit, task);
        let was_missing = unit.missing.take().is_some();
        let acts = self.policy.mode_of(unit.rule) == WatchdogMode::On;
        if unit.dry_run && acts && instance.state == State::Failed {
            self.happened(task, Change::Cleared(Because::ModeChanged));
            *unit = Unit { rule: unit.rule, ..update::first_seen(instance, self.now) };
            return true;
        }
        let mut look = Look {
            limits: self.policy.limits_of(unit.rule),
            now: self.now,
            rng,
            progress: self.input.progress.get(&self.connector.name).copied(),
            may_be_foreign: gap <= self.policy.limits.longest_gap
                && !self.rebalancing
                && !was_missing,
            is_the_same: gap.is_zero(),
            changes: Vec::new(),
        };
        let remember = update::unit(unit, instance, &mut look);
        self.foreign |= look.changes.contains(&Change::Foreign);
        for change in look.changes {
            self.happened(task, change);
        }
        remember
    }

    /// Where its call is; one that was decided for it before it was forgotten is not its own.
    fn under_way(&self, unit: &Unit, task: Option<u32>) -> Option<UnderWay> {
        let Phase::Verifying { decided, .. } = unit.phase else { return None };
        if self.input.under_way.is_empty() {
            return None;
        }
        let of_it = self.input.under_way.get(&(Arc::clone(&self.connector.name), task))?;
        Some(of_it.1).filter(|_| of_it.0 == decided)
    }

    fn another_config(&mut self, memory: &mut ConnectorMemory) {
        let now = self.connector.config;
        if now.is_some() && memory.config.is_some() && now != memory.config {
            let units = std::mem::take(&mut memory.units);
            self.clear(units, Because::ConfigChanged);
        }
        memory.config = now.or(memory.config);
    }

    fn clear(&mut self, units: BTreeMap<Option<u32>, Unit>, because: Because) {
        clear(&self.connector.name, units, because, self.events);
    }

    fn happened(&mut self, task: Option<u32>, change: Change) {
        self.events.push(Event::Unit((Arc::clone(&self.connector.name), task), change));
    }

    /// What the user or somebody else has to say about it.
    fn held(&self, unit: &Unit, stood_down: bool) -> Option<Why> {
        // One that is verified too: its restart may not yet be sent.
        if !unit.is_failed || matches!(unit.phase, Phase::GivenUp) {
            return None;
        }
        held_by_person(self.connector, unit, self.input, self.policy)
            .or_else(|| stood_down.then_some(Why::Foreign))
    }
}

/// What the user has to say about a unit.
pub(super) fn held_by_person(
    connector: &Connector,
    unit: &Unit,
    input: &Input<'_>,
    policy: &Policy,
) -> Option<Why> {
    let mut silences = input.silences.iter();
    if policy.mode_of(unit.rule) == WatchdogMode::Off {
        Some(Why::Rule)
    } else if silences.any(|silence| silence.selector.fits(connector, unit.class)) {
        Some(Why::Silence)
    } else {
        let place = unit.rule.unwrap_or(policy.rules.len());
        (input.shut.get(place) == Some(&true)).then_some(Why::Window)
    }
}
