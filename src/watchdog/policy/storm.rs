//! The breakers: while many fail of one cause only a canary is restarted, and once it is proven that
//! the cause is gone the others follow in growing steps. Rule 10.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::FailureClass;

use super::Input;
use super::backoff;
use super::event::{BreakerChange, Change, Event, Outcome};
use super::limits::Limits;
use super::memory::{Breaker, BreakerState, Memory, Phase, Reason, Time, Unit};
use super::rules::Policy;

/// Units whose failures have one signature.
#[derive(Debug)]
pub(super) struct Group<'m> {
    /// Of the first of them.
    class: FailureClass,
    /// Units with a trouble that is not over.
    units: usize,
    /// Connectors with a unit that could make the breaker open.
    connectors: usize,
    last: Option<&'m Arc<str>>,
    /// Whether one was released whose call has not ended.
    is_under_way: bool,
    /// FAILED, and could be restarted.
    pub(super) waiting: Vec<(&'m Arc<str>, Option<u32>, &'m Unit)>,
}

fn units(memory: &Memory) -> impl Iterator<Item = (&Arc<str>, Option<u32>, &Unit)> {
    memory.connectors.iter().flat_map(|(connector, memory)| {
        memory.units.iter().map(move |(task, unit)| (connector, *task, unit))
    })
}

const fn newly_fails(unit: &Unit) -> bool {
    matches!(unit.phase, Phase::Observing { .. } | Phase::BackingOff { .. })
}

fn can_be_restarted(unit: &Unit, policy: &Policy) -> bool {
    policy.limits_of(unit.rule).attempts.of(unit.class) > 0
}

pub(super) fn groups<'m>(memory: &'m Memory, policy: &Policy) -> BTreeMap<&'m Arc<str>, Group<'m>> {
    let mut all: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for (connector, task, unit) in units(memory) {
        if matches!(unit.phase, Phase::Recovered { .. } | Phase::GivenUp) {
            continue;
        }
        let group = all.entry(&unit.signature).or_insert_with(|| Group {
            class: unit.class,
            units: 0,
            connectors: 0,
            last: None,
            is_under_way: false,
            waiting: Vec::new(),
        });
        group.units += 1;
        let released = matches!(unit.phase, Phase::Verifying { reason: Reason::Release, .. });
        group.is_under_way |= released && unit.under_way.is_some();
        let counts = newly_fails(unit) && can_be_restarted(unit, policy);
        if counts && group.last != Some(connector) {
            group.connectors += 1;
            group.last = Some(connector);
        }
        if unit.waits() {
            group.waiting.push((connector, task, unit));
        }
    }
    all
}

/// Opens, closes and moves the breakers after what a poll has shown.
pub(super) fn settle(
    memory: &mut Memory,
    all_units: usize,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
    events: &mut Vec<Event>,
) {
    if memory.connectors.is_empty() && memory.breakers.is_empty() {
        return;
    }
    let limits = &policy.limits;
    let mut breakers = std::mem::take(&mut memory.breakers);
    let groups = groups(memory, policy);
    let storm = is_storm(memory, all_units, policy, now);
    for (signature, group) in &groups {
        // With nobody to hold back yet it would close at once, to open again at the next look.
        let opens = group.connectors > 0
            && !group.waiting.is_empty()
            && (storm || group.connectors >= limits.signature_connectors)
            && !breakers.contains_key(*signature);
        if opens {
            breakers.insert(Arc::clone(signature), Breaker::opened(group.class, limits, now));
            events.push(Event::Breaker(Arc::clone(signature), BreakerChange::Opened));
        }
    }
    let mut given_up = BTreeMap::new();
    breakers.retain(|signature, breaker| {
        let mut happened = |change| events.push(Event::Breaker(Arc::clone(signature), change));
        breaker.probed(signature, input, policy, now);
        let group = groups.get(signature);
        let moved = move_on(breaker, memory, group, limits, now, &mut happened);
        if moved == Moved::CanaryFailed && breaker.is_exhausted(limits, now) {
            happened(BreakerChange::Exhausted);
            given_up.insert(Arc::clone(signature), breaker.since);
            return false;
        }
        // A single unit that is left has back-off and attempts of its own.
        let others = group.is_some_and(|group| group.units > usize::from(!storm));
        let keep = match breaker.state {
            BreakerState::Open { canary: Some(_), .. } => true,
            BreakerState::Open { canary: None, .. } => others,
            BreakerState::Releasing { since, .. } => {
                now.saturating_sub(since) < limits.verify || is_waited_for(breaker, group)
            }
        };
        if !keep {
            happened(BreakerChange::Closed);
        }
        keep
    });
    drop(groups);
    memory.breakers = breakers;
    if !given_up.is_empty() {
        give_up(memory, &given_up, policy, now, events);
    }
}

/// Whether there is one to be released that nobody but the breaker holds back.
fn is_waited_for(breaker: &Breaker, group: Option<&Group<'_>>) -> bool {
    group.is_some_and(|group| {
        group.waiting.iter().any(|(_, _, unit)| unit.held.is_none() && !breaker.lets_be(unit))
    })
}

/// Whether so many newly failed that it cannot be their own doing. One that was restarted since and
/// failed again is not new.
fn is_storm(memory: &Memory, all_units: usize, policy: &Policy, now: Time) -> bool {
    let limits = &policy.limits;
    let fresh = units(memory).filter(|(_, _, unit)| {
        !matches!(unit.phase, Phase::Recovered { .. } | Phase::GivenUp)
            && can_be_restarted(unit, policy)
            && now.saturating_sub(unit.first_failed) <= limits.storm_window
    });
    let fresh = fresh.count();
    #[expect(clippy::cast_precision_loss, reason = "a count of units fits")]
    let part = fresh as f64 / all_units.max(1) as f64;
    fresh >= limits.storm_units && part >= limits.storm_part
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    CanaryFailed,
}

/// Looks after the canary or the release.
fn move_on(
    breaker: &mut Breaker,
    memory: &Memory,
    group: Option<&Group<'_>>,
    limits: &Limits,
    now: Time,
    happened: &mut impl FnMut(BreakerChange),
) -> Moved {
    let wait = breaker.wait(limits, now);
    let is_waited_for = is_waited_for(breaker, group);
    match &mut breaker.state {
        BreakerState::Open { canary: None, .. } => {}
        BreakerState::Open { canary: out @ Some(_), .. } => {
            let unit = out.as_ref().and_then(|id| memory.connectors.get(&id.0)?.units.get(&id.1));
            match canary(unit, limits, now) {
                Canary::Out => {}
                Canary::Proven => {
                    breaker.state = BreakerState::Releasing {
                        since: now,
                        allowed: limits.release_first,
                        released: 0,
                        failed: 0,
                        next: now.saturating_add(limits.release_step),
                    };
                    happened(BreakerChange::Proven);
                }
                Canary::Failed => {
                    *out = None;
                    return Moved::CanaryFailed;
                }
                Canary::Lost => *out = None,
            }
        }
        BreakerState::Releasing { allowed, released, failed, next, .. } => {
            let most = f64::from(*released) * limits.release_failing;
            let failing = *failed >= 2 && f64::from(*failed) >= most;
            // What was proven before a long hold is proven no more.
            let old = now.saturating_sub(*next) >= limits.verify_most && is_waited_for;
            if failing || old {
                let next = now.saturating_add(wait);
                breaker.state = BreakerState::Open { next, canary: None };
                happened(BreakerChange::Reopened);
            } else if group.is_some_and(|group| group.is_under_way) {
                // The step counts from when all of it was done, however long that takes.
                *next = (*next).max(now.saturating_add(limits.release_step));
            } else if now >= *next && *released >= *allowed {
                let least = allowed.saturating_add(limits.release_first.max(1));
                *allowed = allowed.saturating_mul(limits.release_factor).max(least);
                *next = now.saturating_add(limits.release_step);
            }
        }
    }
    Moved::No
}

enum Canary {
    Out,
    Proven,
    Failed,
    /// Nobody can tell: it is gone, was taken away, or hangs. The next one.
    Lost,
}

fn canary(unit: Option<&Unit>, limits: &Limits, now: Time) -> Canary {
    match unit.map(|unit| &unit.phase) {
        Some(Phase::Verifying { since, running, stuck, .. }) => {
            let out = now.saturating_sub(*since);
            // RUNNING at each look, and not only since a moment ago.
            let runs = running.is_some_and(|at| now.saturating_sub(at) >= limits.canary_watch / 2);
            if out >= limits.canary_watch && runs {
                Canary::Proven
            } else if *stuck || out >= limits.verify_most.max(limits.canary_watch) {
                Canary::Lost
            } else {
                Canary::Out
            }
        }
        Some(Phase::Recovered { .. }) => Canary::Proven,
        Some(Phase::BackingOff { .. } | Phase::Parked { .. } | Phase::GivenUp) => Canary::Failed,
        Some(Phase::Observing { .. }) | None => Canary::Lost,
    }
}

/// What was tried in vain for all of them is tried no more. Who was held back by a person is not one
/// of them.
fn give_up(
    memory: &mut Memory,
    signatures: &BTreeMap<Arc<str>, Time>,
    policy: &Policy,
    now: Time,
    events: &mut Vec<Event>,
) {
    for (connector, of_connector) in &mut memory.connectors {
        for (task, unit) in &mut of_connector.units {
            let Some(since) = signatures.get(&unit.signature) else { continue };
            if !matches!(unit.phase, Phase::BackingOff { .. } | Phase::Parked { .. })
                || unit.held.is_some()
            {
                continue;
            }
            let parked_since = unit.parked_since.get_or_insert(*since);
            *parked_since = (*parked_since).min(*since);
            let mut changes = Vec::new();
            backoff::exhausted(unit, policy.limits_of(unit.rule), now, &mut changes);
            let id = || (Arc::clone(connector), *task);
            events.extend(changes.into_iter().map(|change| Event::Unit(id(), change)));
        }
    }
}

/// A breaker that releases learns who of the released failed again.
pub(super) fn note(memory: &mut Memory, events: &[Event]) {
    for event in events {
        let Event::Unit(id, Change::Outcome(Reason::Release, Outcome::Failed)) = event else {
            continue;
        };
        let unit = memory.connectors.get(&id.0).and_then(|connector| connector.units.get(&id.1));
        let breaker = unit.and_then(|unit| memory.breakers.get_mut(&unit.signature));
        if let Some(Breaker { state: BreakerState::Releasing { failed, .. }, .. }) = breaker {
            *failed += 1;
        }
    }
}
