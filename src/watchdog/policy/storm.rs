//! The breakers: while many fail of one cause only a canary is restarted, and once it is proven that
//! the cause is gone the others follow in growing steps. Rule 10.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::FailureClass;

use super::Input;
use super::backoff;
use super::event::{BreakerChange, Change, Event, Outcome};
use super::limits::Limits;
use super::memory::{Breaker, BreakerState, Memory, Phase, Reason, Time, Unit, UnitId};
use super::report::Why;
use super::rules::Policy;

/// Units whose failures have one signature.
#[derive(Debug, Default)]
struct Group<'m> {
    /// Connectors with a unit that could make the breaker open.
    connectors: usize,
    last: Option<&'m Arc<str>>,
    /// FAILED, and could be restarted.
    waiting: Vec<(&'m Arc<str>, Option<u32>, &'m Unit)>,
}

fn units(memory: &Memory) -> impl Iterator<Item = (&Arc<str>, Option<u32>, &Unit)> {
    memory.connectors.iter().flat_map(|(connector, memory)| {
        memory.units.iter().map(move |(task, unit)| (connector, *task, unit))
    })
}

fn can_be_restarted(unit: &Unit, policy: &Policy) -> bool {
    policy.limits_of(unit.rule).attempts.of(unit.class) > 0
}

fn groups<'m>(memory: &'m Memory, policy: &Policy) -> BTreeMap<&'m Arc<str>, Group<'m>> {
    let mut all: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for (connector, task, unit) in units(memory) {
        let fails = matches!(unit.phase, Phase::Observing { .. } | Phase::BackingOff { .. });
        let counts = fails && can_be_restarted(unit, policy);
        if !counts && !unit.waits() {
            continue;
        }
        let group = all.entry(&unit.signature).or_default();
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
        let opens = group.connectors > 0
            && (storm || group.connectors >= limits.signature_connectors)
            && !breakers.contains_key(*signature);
        if opens {
            let class = group
                .waiting
                .first()
                .map_or_else(|| class_of(memory, signature), |(_, _, unit)| unit.class);
            breakers.insert(Arc::clone(signature), Breaker::opened(class, limits, now));
            events.push(Event::Breaker(Arc::clone(signature), BreakerChange::Opened));
        }
    }
    let mut given_up = Vec::new();
    breakers.retain(|signature, breaker| {
        let waiting = groups.get(signature).map_or(0, |group| group.waiting.len());
        let mut happened = |change| events.push(Event::Breaker(Arc::clone(signature), change));
        breaker.probed(signature, input, policy, now);
        let waits = move_on(breaker, memory, limits, now, &mut happened);
        if waiting > 0 && breaker.is_exhausted(limits, now) {
            happened(BreakerChange::Exhausted);
            given_up.push(Arc::clone(signature));
            return false;
        }
        let keep = waits || waiting > 0;
        if !keep {
            happened(BreakerChange::Closed);
        }
        keep
    });
    drop(groups);
    memory.breakers = breakers;
    for signature in given_up {
        give_up(memory, &signature, policy, now, events);
    }
}

fn class_of(memory: &Memory, signature: &str) -> FailureClass {
    units(memory)
        .find(|(_, _, unit)| *unit.signature == *signature)
        .map_or(FailureClass::Unknown, |(_, _, unit)| unit.class)
}

/// Whether so many newly failed that it cannot be their own doing.
fn is_storm(memory: &Memory, all_units: usize, policy: &Policy, now: Time) -> bool {
    let limits = &policy.limits;
    let fresh = units(memory).filter(|(_, _, unit)| {
        matches!(unit.phase, Phase::Observing { .. } | Phase::BackingOff { .. })
            && can_be_restarted(unit, policy)
            && now.saturating_sub(unit.failed_at) <= limits.storm_window
    });
    let fresh = fresh.count();
    #[expect(clippy::cast_precision_loss, reason = "a count of units fits")]
    let part = fresh as f64 / all_units.max(1) as f64;
    fresh >= limits.storm_units && part >= limits.storm_part
}

/// Looks after the canary or the release; whether there is still something to wait for.
fn move_on(
    breaker: &mut Breaker,
    memory: &Memory,
    limits: &Limits,
    now: Time,
    happened: &mut impl FnMut(BreakerChange),
) -> bool {
    let wait = breaker.wait(limits, now);
    match &mut breaker.state {
        BreakerState::Open { canary: None, .. } => false,
        BreakerState::Open { next, canary: out @ Some(_) } => {
            let unit = out.as_ref().and_then(|id| {
                let connector = memory.connectors.get(&id.0)?;
                connector.units.get(&id.1)
            });
            match unit.map(|unit| &unit.phase) {
                Some(Phase::Verifying { since, running, .. }) => {
                    // RUNNING at each look, and not only since a moment ago.
                    let proven = now.saturating_sub(*since) >= limits.canary_watch
                        && running
                            .is_some_and(|at| now.saturating_sub(at) >= limits.canary_watch / 2);
                    if proven {
                        breaker.state = BreakerState::Releasing {
                            since: now,
                            allowed: limits.release_first,
                            released: 0,
                            failed: 0,
                            next: now + limits.release_step,
                        };
                        happened(BreakerChange::Proven);
                    } else {
                        *next = *since + wait;
                    }
                    true
                }
                // It failed, or somebody took it away: the next one.
                Some(_) | None => {
                    *out = None;
                    true
                }
            }
        }
        BreakerState::Releasing { since, allowed, released, failed, next } => {
            let most = f64::from(*released) * limits.release_failing;
            if *failed >= 2 && f64::from(*failed) >= most {
                breaker.state = BreakerState::Open { next: now + wait, canary: None };
                happened(BreakerChange::Reopened);
                return true;
            }
            if now >= *next {
                *allowed = allowed.saturating_mul(limits.release_factor);
                *next = now + limits.release_step;
            }
            now.saturating_sub(*since) < limits.verify
        }
    }
}

impl Breaker {
    fn opened(class: FailureClass, limits: &Limits, now: Time) -> Self {
        let mut breaker = Self {
            class,
            since: now,
            canaries: 0,
            reachable: None,
            state: BreakerState::Open { next: now, canary: None },
        };
        let delay = if class == FailureClass::Data { limits.data_delay } else { Duration::ZERO };
        let wait = breaker.wait(limits, now).max(delay);
        breaker.put_off(wait);
        breaker
    }

    pub(super) fn put_off(&mut self, by: Duration) {
        match &mut self.state {
            BreakerState::Open { next, .. } | BreakerState::Releasing { next, .. } => *next += by,
        }
    }

    /// From one canary to the next. Refused credentials may lock an account, whoever uses them.
    fn wait(&self, limits: &Limits, now: Time) -> Duration {
        let wait = if now.saturating_sub(self.since) >= limits.canary_old {
            limits.canary_old_wait
        } else {
            let at = usize::try_from(self.canaries).unwrap_or(usize::MAX);
            limits.canary_waits[at.min(limits.canary_waits.len() - 1)]
        };
        match self.class {
            FailureClass::Auth if self.canaries > 0 => wait.max(limits.auth_spacing),
            _ => wait,
        }
    }

    /// Whether so many canaries failed that time alone will not heal it.
    fn is_exhausted(&self, limits: &Limits, now: Time) -> bool {
        let BreakerState::Open { canary: None, .. } = self.state else { return false };
        if self.class == FailureClass::Transient {
            now.saturating_sub(self.since) >= limits.probe_until
        } else {
            self.canaries >= limits.attempts.of(self.class)
        }
    }

    /// Takes in what a probe said. A dependency that just came back is tried at once.
    fn probed(&mut self, signature: &str, input: &Input<'_>, policy: &Policy, now: Time) {
        let probe = policy.probe_target(signature).and_then(|target| input.probes.get(target));
        let Some(probe) =
            probe.filter(|probe| now.saturating_sub(probe.at) <= policy.limits.probe_interval * 2)
        else {
            self.reachable = None;
            return;
        };
        let came_back = self.reachable == Some(false) && probe.reachable;
        self.reachable = Some(probe.reachable);
        if let (true, BreakerState::Open { next, canary: None }) = (came_back, &mut self.state) {
            *next = (*next).min(now);
        }
    }
}

/// The units go on each for itself: parked, or given up.
fn give_up(
    memory: &mut Memory,
    signature: &str,
    policy: &Policy,
    now: Time,
    events: &mut Vec<Event>,
) {
    for (connector, of_connector) in &mut memory.connectors {
        for (task, unit) in &mut of_connector.units {
            if *unit.signature == *signature && matches!(unit.phase, Phase::BackingOff { .. }) {
                let mut changes = Vec::new();
                backoff::exhausted(unit, policy.limits_of(unit.rule), now, &mut changes);
                let id = || (Arc::clone(connector), *task);
                events.extend(changes.into_iter().map(|change| Event::Unit(id(), change)));
            }
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

/// Who may be restarted under an unclosed breaker now, and why; with the others it is said what
/// they wait for.
pub(super) fn may_go(memory: &mut Memory, policy: &Policy, now: Time) -> Vec<(UnitId, Reason)> {
    let mut all = Vec::new();
    if memory.breakers.is_empty() {
        return all;
    }
    let limits = &policy.limits;
    let groups = groups(memory, policy);
    for (signature, breaker) in &memory.breakers {
        let Some(group) = groups.get(signature) else { continue };
        let free = group.waiting.iter().filter(|(_, _, unit)| unit.held.is_none());
        let id =
            |(connector, task, _): &(&Arc<str>, Option<u32>, &Unit)| (Arc::clone(connector), *task);
        match breaker.state {
            BreakerState::Open { canary: Some(_), .. } => {}
            BreakerState::Open { next, canary: None } => {
                let trusted = if breaker.reachable == Some(false) {
                    limits.probe_distrust
                } else {
                    Duration::ZERO
                };
                if next + trusted > now {
                    continue;
                }
                // Turn and turn about: one that is broken in itself must not speak for all.
                let rested = |unit: &Unit| {
                    unit.class != FailureClass::Auth
                        || unit
                            .restarts
                            .back()
                            .is_none_or(|last| *last + limits.auth_spacing <= now)
                };
                let longest_ago = free
                    .filter(|(_, _, unit)| rested(unit))
                    .min_by_key(|(_, _, unit)| unit.restarts.back().copied());
                all.extend(longest_ago.map(|of| (id(of), Reason::Canary)));
            }
            BreakerState::Releasing { allowed, released, .. } => {
                let left = allowed.saturating_sub(released) as usize;
                all.extend(free.take(left).map(|of| (id(of), Reason::Release)));
            }
        }
    }
    drop(groups);
    for unit in memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut()) {
        if let Some(breaker) = memory.breakers.get(&unit.signature)
            && unit.waits()
            && unit.held.is_none()
        {
            let probe = breaker.reachable == Some(false);
            unit.held = Some(if probe { Why::Probe } else { Why::Breaker });
        }
    }
    all
}
