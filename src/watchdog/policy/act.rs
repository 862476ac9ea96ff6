//! Who is due, as far as breakers and budgets allow: rules 9 to 11.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{FailureClass, WatchdogMode};

use super::budget::Bucket;
use super::call::{self, Call, Decision};
use super::limits::Limits;
use super::memory::{BreakerState, Memory, Phase, Reason, Time, Unit};
use super::report::Why;
use super::rules::Policy;
use super::{HOUR, Input, MINUTE, gate};

/// One connector, one reason, and whether it is only said.
type Errand = (Arc<str>, Reason, bool);

/// Units that are due.
type Due = BTreeMap<Errand, Vec<Option<u32>>>;

pub(super) fn act(
    memory: &mut Memory,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
) -> Vec<Decision> {
    let due = due(memory, input, policy, now);
    let mut spent_by_process = 0;
    let mut decisions = Vec::new();
    for ((connector, reason, dry_run), units) in in_turn(memory, due) {
        for (call, units) in calls(memory, input, &connector, &units) {
            // What a canary proved is let through in the breaker's steps.
            let pays = reason != Reason::Release;
            // But where calls are refused it is that which has to end first.
            let is_careful = pays || memory.caution.is_some_and(|caution| caution.refused);
            let held = if decisions.len() >= input.room {
                Some(Why::Budget)
            } else if is_careful && !memory.caution_allows(now) {
                Some(Why::Breaker)
            } else if !pays {
                None
            } else {
                let paid = spent_by_process < input.process_left
                    && pay(memory, &connector, &policy.limits, now);
                (!paid).then_some(Why::Budget)
            };
            if let Some(held) = held {
                hold(memory, &connector, &units, held);
                continue;
            }
            if pays {
                spent_by_process += 1;
            }
            if is_careful {
                memory.caution_spent(&policy.limits, now);
            }
            for task in &units {
                begin(memory, &connector, *task, reason, policy, now);
            }
            let class = class_of_first(memory, &connector, &units);
            let connector = Arc::clone(&connector);
            decisions.push(Decision { connector, call, units, reason, dry_run, at: now, class });
        }
    }
    decisions
}

fn calls(
    memory: &Memory,
    input: &Input<'_>,
    connector: &Arc<str>,
    units: &[Option<u32>],
) -> Vec<(Call, Vec<Option<u32>>)> {
    let restarts_with_tasks =
        input.restarts_with_tasks && is_with_workers_that_do(input, connector);
    let together = restarts_with_tasks && all_that_failed(memory, connector, units);
    call::calls(units, restarts_with_tasks, together)
}

/// Each worker that has something of a connector does its part of KIP-745's restart as its own version
/// has it; of one that is not known to do it right only plain restarts are asked.
fn is_with_workers_that_do(input: &Input<'_>, connector: &Arc<str>) -> bool {
    let Some(known) = input.workers_that_do else { return true };
    let Some(snapshot) = input.snapshot else { return false };
    let at = snapshot.connectors.binary_search_by(|c| c.name.cmp(connector));
    let Ok(of) = at.map(|at| &snapshot.connectors[at]) else { return false };
    let tasks = of.tasks.iter().map(|task| &task.instance);
    tasks.chain([&of.instance]).all(|instance| known.contains(&instance.worker_id))
}

/// Whether one call for all FAILED instances of a connector touches these units and no other: one
/// that is given up or waits must not be started with them.
fn all_that_failed(memory: &Memory, connector: &Arc<str>, due: &[Option<u32>]) -> bool {
    let Some(of_connector) = memory.connectors.get(connector) else { return false };
    let units = || due.iter().filter_map(|task| of_connector.units.get(task));
    let failed = of_connector.units.values().filter(|unit| unit.is_failed).count();
    let one_cause =
        units().all(|unit| units().next().is_some_and(|u| u.signature == unit.signature));
    failed == due.len() && (one_cause || due.contains(&None))
}

fn due(memory: &mut Memory, input: &Input<'_>, policy: &Policy, now: Time) -> Due {
    let mut due = due_by_themselves(memory, policy, now);
    let ahead = |connector: &Arc<str>, is_said: bool, last: Option<Time>| -> usize {
        let of = |reason, dry_run| (Arc::clone(connector), reason, dry_run);
        due.range(of(Reason::Attempt, false)..=of(Reason::Probe, true))
            .filter(|((_, _, dry_run), units)| {
                let longest = units.iter().map(|task| last_restart(memory, connector, task)).min();
                (*dry_run, longest) <= (is_said, Some(last))
            })
            .map(|(_, units)| calls(memory, input, connector, units).len())
            .sum()
    };
    let gate::MayGo { go, cannot_pay } = gate::may_go(memory, policy, now, ahead);
    for ((connector, task), reason) in go {
        let unit = memory.connectors.get(&connector).and_then(|c| c.units.get(&task));
        let dry_run = policy.mode_of(unit.and_then(|unit| unit.rule)) != WatchdogMode::On;
        due.entry((connector, reason, dry_run)).or_default().push(task);
    }
    for (connector, task) in cannot_pay {
        hold(memory, &connector, &[task], Why::Budget);
    }
    gate::hold_the_others(memory);
    due
}

/// Those that wait for no breaker.
fn due_by_themselves(memory: &mut Memory, policy: &Policy, now: Time) -> Due {
    let mut due = Due::new();
    let mut credentials = BTreeSet::new();
    let mut after_another = Vec::new();
    for (connector, of_connector) in &memory.connectors {
        for (task, unit) in &of_connector.units {
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
            let own = policy.limits_of(unit.rule);
            if unit.is_failed
                && unit.held.is_none()
                && memory.breakers.get(&unit.signature).is_none_or(|b| b.lets_be(unit))
                && unit.ripe_at(own) <= now
                && memory.auth_rests_until(unit, own) <= now
            {
                let connector = Arc::clone(connector);
                if unit.class == FailureClass::Auth && !credentials.insert(&unit.signature) {
                    after_another.push((connector, *task));
                } else {
                    let dry_run = policy.mode_of(unit.rule) != WatchdogMode::On;
                    due.entry((connector, reason, dry_run)).or_default().push(*task);
                }
            }
        }
    }
    for (connector, task) in after_another {
        hold(memory, &connector, &[task], Why::Breaker);
    }
    due
}

/// Who waits longest comes first, so that a budget is not spent on the same ones every time; nor is
/// it on what is only said.
fn in_turn(memory: &Memory, due: Due) -> Vec<(Errand, Vec<Option<u32>>)> {
    let mut due: Vec<_> = due.into_iter().collect();
    for ((connector, ..), units) in &mut due {
        units.sort_by_key(|task| last_restart(memory, connector, task));
    }
    if due.len() > 1 {
        due.sort_by_cached_key(|((connector, _, dry_run), units)| {
            (*dry_run, units.first().and_then(|task| last_restart(memory, connector, task)))
        });
    }
    due
}

fn last_restart(memory: &Memory, connector: &Arc<str>, task: &Option<u32>) -> Option<Time> {
    memory.connectors.get(connector)?.units.get(task)?.last_restart
}

fn class_of_first(memory: &Memory, connector: &Arc<str>, units: &[Option<u32>]) -> FailureClass {
    let of = memory.connectors.get(connector);
    let first = units.first().and_then(|task| of?.units.get(task));
    first.map_or_else(FailureClass::default, |unit| unit.class)
}

fn hold(memory: &mut Memory, connector: &Arc<str>, units: &[Option<u32>], why: Why) {
    let Some(of_connector) = memory.connectors.get_mut(connector) else { return };
    for task in units {
        if let Some(unit) = of_connector.units.get_mut(task) {
            unit.held = Some(why);
        }
    }
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
    policy: &Policy,
    now: Time,
) {
    let Some(unit) = memory.connectors.get_mut(connector).and_then(|c| c.units.get_mut(&task))
    else {
        return;
    };
    unit.phase = Phase::Verifying {
        since: now,
        decided: now,
        moved: false,
        running: None,
        reason,
        stuck: false,
    };
    unit.held = None;
    let is_said = policy.mode_of(unit.rule) != WatchdogMode::On;
    unit.dry_run = is_said && (unit.dry_run || unit.last_restart.is_none());
    let before = unit.last_restart.replace(now);
    if !std::mem::take(&mut unit.was_not_sent) {
        unit.restarted_before = before;
    }
    let limits = policy.limits_of(unit.rule);
    if reason.costs_an_attempt() && unit.parked_since.is_none() {
        unit.attempts = unit.attempts.saturating_add(1);
    }
    if reason != Reason::Canary {
        while unit.restarts.len() >= limits.flapping.max(1) {
            unit.restarts.pop_front();
        }
        unit.restarts.push_back(now);
    }
    if unit.class == FailureClass::Auth {
        memory.tried_auth.insert(Arc::clone(&unit.signature), now);
    }
    let Some(breaker) = memory.breakers.get_mut(&unit.signature) else { return };
    match (&mut breaker.state, reason) {
        (BreakerState::Open { .. }, Reason::Canary) => {
            breaker.sent((Arc::clone(connector), task), &policy.limits, now);
        }
        (BreakerState::Releasing { released, allowed, next, .. }, Reason::Release) => {
            *released += 1;
            // Those just released are given their time, however late they were.
            if *released >= *allowed {
                *next = now.saturating_add(policy.limits.release_step);
            }
        }
        (BreakerState::Open { .. } | BreakerState::Releasing { .. }, _) => {}
    }
}

impl Unit {
    /// What does not fit is given time: somebody may change it, or the other side.
    pub(super) fn ripe_at(&self, limits: &Limits) -> Time {
        let data = self.class == FailureClass::Data;
        if data { self.failed_at.saturating_add(limits.data_delay) } else { Time::ZERO }
    }
}

impl Memory {
    /// Until then the credentials of a unit are not tried again, by whomever.
    pub(super) fn auth_rests_until(&self, unit: &Unit, limits: &Limits) -> Time {
        if unit.class != FailureClass::Auth {
            return Time::ZERO;
        }
        let of_all = self.tried_auth.get(&unit.signature).copied();
        let tried = of_all.max(unit.last_restart);
        tried.map_or(Time::ZERO, |at| at.saturating_add(limits.auth_spacing))
    }

    /// Credentials that were tried long ago are as good as new.
    pub(super) fn forget_auth(&mut self, policy: &Policy, now: Time) {
        let spacing = policy.rules.iter().map(|rule| rule.limits.auth_spacing);
        let longest = spacing.fold(policy.limits.auth_spacing, Time::max);
        self.tried_auth.retain(|_, at| now.saturating_sub(*at) < longest);
    }

    /// Whether there is budget for so many restarts of a connector.
    pub(super) fn can_pay(
        &self,
        connector: &Arc<str>,
        restarts: usize,
        limits: &Limits,
        now: Time,
    ) -> bool {
        let own = self.connectors.get(connector).and_then(|connector| connector.budget);
        let full = f64::from(limits.connector_budget.0);
        let left = own.map_or(full, |own| own.left(limits.connector_budget, HOUR, now));
        let restarts = u32::try_from(restarts).unwrap_or(u32::MAX);
        left >= restarts.into()
    }
}
