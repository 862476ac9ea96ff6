//! Who is due, as far as breakers and budgets allow: rules 9 to 11.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::WatchdogMode;

use super::budget::Bucket;
use super::call::{self, Decision};
use super::event::{Change, Event, Outcome};
use super::limits::Limits;
use super::memory::{BreakerState, Caution, Memory, Phase, Reason, Time, UnitId};
use super::report::Why;
use super::rules::Policy;
use super::{HOUR, Input, MINUTE, storm};

/// Units of one connector that are due for one reason and in one mode.
type Due = BTreeMap<(Arc<str>, Reason, bool), Vec<Option<u32>>>;

pub(super) fn act(
    memory: &mut Memory,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
) -> Vec<Decision> {
    let due = due(memory, policy, now);
    let mut spent_by_process = 0;
    let mut decisions = Vec::new();
    for ((connector, reason, dry_run), units) in in_turn(memory, due) {
        for (call, units) in call::calls(&units, input.restarts_with_tasks) {
            // What a canary proved is let through in the breaker's steps.
            let pays = reason != Reason::Release;
            let held = if pays && !memory.caution_allows(now) {
                Some(Why::Breaker)
            } else if pays && spent_by_process >= input.process_left {
                Some(Why::Budget)
            } else if pays && !pay(memory, &connector, &policy.limits, now) {
                Some(Why::Budget)
            } else {
                None
            };
            if let Some(held) = held {
                hold(memory, &connector, &units, held);
                continue;
            }
            spent_by_process += u32::from(pays);
            memory.caution_spent(&policy.limits, now);
            for task in &units {
                begin(memory, &connector, *task, reason, policy, now);
            }
            let connector = Arc::clone(&connector);
            decisions.push(Decision { connector, call, units, reason, dry_run });
        }
    }
    decisions
}

fn due(memory: &mut Memory, policy: &Policy, now: Time) -> Due {
    let mut due = Due::new();
    let mut add = |(connector, task): UnitId, reason, rule| {
        let dry_run = policy.mode_of(rule) != WatchdogMode::On;
        due.entry((connector, reason, dry_run)).or_default().push(task);
    };
    for (id, reason) in storm::may_go(memory, policy, now) {
        let unit = memory.connectors.get(&id.0).and_then(|c| c.units.get(&id.1));
        let rule = unit.and_then(|unit| unit.rule);
        add(id, reason, rule);
    }
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
            if unit.is_failed
                && unit.held.is_none()
                && !memory.breakers.contains_key(&unit.signature)
            {
                add((Arc::clone(connector), *task), reason, unit.rule);
            }
        }
    }
    due
}

/// Who waits longest comes first, so that a budget is not spent on the same ones every time.
fn in_turn(memory: &Memory, due: Due) -> Vec<((Arc<str>, Reason, bool), Vec<Option<u32>>)> {
    let mut due: Vec<_> = due.into_iter().collect();
    if due.len() > 1 {
        due.sort_by_cached_key(|((connector, ..), units)| {
            let units_of = memory.connectors.get(connector).map(|c| &c.units);
            let last = |task: &Option<u32>| units_of?.get(task)?.restarts.back().copied();
            units.iter().filter_map(last).max()
        });
    }
    due
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
    unit.phase = Phase::Verifying { since: now, moved: false, running: None, reason, stuck: false };
    unit.held = None;
    unit.dry_run = policy.mode_of(unit.rule) != WatchdogMode::On;
    let limits = policy.limits_of(unit.rule);
    if matches!(reason, Reason::Attempt | Reason::Release) {
        unit.attempts = (unit.attempts + 1).min(limits.attempts.of(unit.class));
    }
    while unit.restarts.len() >= limits.flapping.max(1) {
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

/// Whether restarts come to something: half of the last ten failing, or three refused in a row, is
/// reason to go on one at a time.
impl Memory {
    pub(super) fn count_outcomes(
        &mut self,
        happened: &[Event],
        limits: &Limits,
        now: Time,
    ) -> Option<Event> {
        let before = self.caution.is_some();
        for event in happened {
            let Event::Unit(_, Change::Outcome(reason, outcome)) = event else { continue };
            let recovered = *outcome == Outcome::Recovered;
            if recovered && self.caution.is_some_and(|caution| !caution.refused) {
                self.caution = None;
                self.verified.clear();
            }
            if matches!(reason, Reason::Canary | Reason::Probe) {
                continue;
            }
            self.verified.push_back(recovered);
            if self.verified.len() > limits.ineffective_of {
                self.verified.pop_front();
            }
            let failed = self.verified.iter().filter(|recovered| !**recovered).count();
            #[expect(clippy::cast_precision_loss, reason = "a count of restarts fits")]
            let part = failed as f64 / limits.ineffective_of as f64;
            if self.verified.len() == limits.ineffective_of
                && part >= limits.ineffective_part
                && self.caution.is_none()
            {
                self.caution = Some(Caution::new(false, limits, now));
            }
        }
        let after = self.caution.is_some();
        (before != after).then_some(Event::Caution(after))
    }

    fn caution_allows(&self, now: Time) -> bool {
        self.caution.is_none_or(|caution| caution.next <= now)
    }

    fn caution_spent(&mut self, limits: &Limits, now: Time) {
        if let Some(caution) = &mut self.caution {
            let at = (caution.tries as usize).min(limits.canary_waits.len() - 1);
            *caution = Caution {
                tries: caution.tries + 1,
                next: now + limits.canary_waits[at],
                refused: caution.refused,
            };
        }
    }

    pub(super) fn call_refused(&mut self, limits: &Limits, now: Time) {
        self.refused += 1;
        if self.refused >= limits.refused_in_a_row && self.caution.is_none() {
            self.caution = Some(Caution::new(true, limits, now));
        }
    }

    pub(super) fn call_taken(&mut self) {
        self.refused = 0;
        self.caution = self.caution.filter(|caution| !caution.refused);
    }
}

impl Caution {
    fn new(refused: bool, limits: &Limits, now: Time) -> Self {
        Self { next: now + limits.canary_waits[0], tries: 1, refused }
    }
}
