//! The breakers: while many fail of one cause only a canary is restarted, and once it is proven that
//! the cause is gone the others follow in growing steps. Rule 10.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::config::FailureClass;

use super::limits::Limits;
use super::memory::{Breaker, BreakerState, Memory, Phase, Reason, Time, Unit, UnitId};

/// Opens, closes and moves the breakers after what a poll has shown.
pub(super) fn settle(memory: &mut Memory, all_units: usize, limits: &Limits, now: Time) {
    open(memory, all_units, limits, now);
    let breakers = std::mem::take(&mut memory.breakers);
    for (signature, mut breaker) in breakers {
        let left = waiting(memory, &signature).count();
        let open = move_on(&mut breaker, memory, limits, now);
        if exhausted(&breaker, memory, &signature, limits, now) {
            give_up(memory, &signature, limits, now);
        } else if open || left > 0 {
            memory.breakers.insert(signature, breaker);
        }
    }
}

fn units(memory: &Memory) -> impl Iterator<Item = (&Arc<str>, Option<u32>, &Unit)> {
    memory.connectors.iter().flat_map(|(connector, memory)| {
        memory.units.iter().map(move |(task, unit)| (connector, *task, unit))
    })
}

/// The units of a signature that are FAILED and could be restarted.
fn waiting<'m>(memory: &'m Memory, signature: &str) -> impl Iterator<Item = (UnitId, &'m Unit)> {
    units(memory)
        .filter(move |(_, _, unit)| *unit.signature == *signature && unit.waits())
        .map(|(connector, task, unit)| ((Arc::clone(connector), task), unit))
}

fn open(memory: &mut Memory, all_units: usize, limits: &Limits, now: Time) {
    let mut fresh = 0_usize;
    let mut by_signature: BTreeMap<&Arc<str>, BTreeSet<&Arc<str>>> = BTreeMap::new();
    for (connector, _, unit) in units(memory) {
        let fails = matches!(unit.phase, Phase::Observing { .. } | Phase::BackingOff { .. });
        if !fails || limits.attempts.of(unit.class) == 0 {
            continue;
        }
        fresh += usize::from(now.saturating_sub(unit.failed_at) <= limits.storm_window);
        by_signature.entry(&unit.signature).or_default().insert(connector);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of units fits")]
    let part = fresh as f64 / all_units.max(1) as f64;
    let storm = fresh >= limits.storm_units && part >= limits.storm_part;
    let opened: Vec<Arc<str>> = by_signature
        .into_iter()
        .filter(|(_, connectors)| storm || connectors.len() >= limits.signature_connectors)
        .map(|(signature, _)| Arc::clone(signature))
        .collect();
    for signature in opened {
        memory.breakers.entry(signature).or_insert_with(|| Breaker {
            since: now,
            canaries: 0,
            state: BreakerState::Open { next: now + limits.canary_waits[0], canary: None },
        });
    }
}

/// Looks after the canary or the release; whether there is still something to wait for.
fn move_on(breaker: &mut Breaker, memory: &Memory, limits: &Limits, now: Time) -> bool {
    let wait = wait(breaker, limits, now);
    match &mut breaker.state {
        BreakerState::Open { canary: None, .. } => false,
        BreakerState::Open { next, canary: out @ Some(_) } => {
            let unit = out.as_ref().and_then(|id| {
                let connector = memory.connectors.get(&id.0)?;
                connector.units.get(&id.1)
            });
            match unit.map(|unit| &unit.phase) {
                Some(Phase::Verifying { since, running, .. }) => {
                    let proven =
                        running.is_some() && now.saturating_sub(*since) >= limits.canary_watch;
                    if proven {
                        breaker.state = BreakerState::Releasing {
                            since: now,
                            allowed: limits.release_first,
                            released: 0,
                            failed: 0,
                            next: now + limits.release_step,
                        };
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

/// From one canary to the next.
fn wait(breaker: &Breaker, limits: &Limits, now: Time) -> Duration {
    if now.saturating_sub(breaker.since) >= limits.canary_old {
        return limits.canary_old_wait;
    }
    let at = usize::try_from(breaker.canaries).unwrap_or(usize::MAX);
    limits.canary_waits[at.min(limits.canary_waits.len() - 1)]
}

/// Whether so many canaries failed that time alone will not heal it.
fn exhausted(
    breaker: &Breaker,
    memory: &Memory,
    signature: &str,
    limits: &Limits,
    now: Time,
) -> bool {
    let BreakerState::Open { canary: None, .. } = breaker.state else { return false };
    let Some((_, unit)) = waiting(memory, signature).next() else { return false };
    if unit.class == FailureClass::Transient {
        now.saturating_sub(breaker.since) >= limits.probe_until
    } else {
        breaker.canaries >= limits.attempts.of(unit.class)
    }
}

/// The units go on each for itself: parked, or given up.
fn give_up(memory: &mut Memory, signature: &str, limits: &Limits, now: Time) {
    for unit in memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut()) {
        if *unit.signature == *signature && matches!(unit.phase, Phase::BackingOff { .. }) {
            unit.phase = if unit.class == FailureClass::Unknown {
                super::backoff::park(unit, limits, now)
            } else {
                Phase::GivenUp
            };
        }
    }
}

/// Who may be restarted under an unclosed breaker now, and why.
pub(super) fn may_go(memory: &Memory, now: Time) -> Vec<(UnitId, Reason)> {
    let mut all = Vec::new();
    for (signature, breaker) in &memory.breakers {
        match breaker.state {
            BreakerState::Open { canary: Some(_), .. } => {}
            BreakerState::Open { next, canary: None } => {
                // Turn and turn about: one that is broken in itself must not speak for all.
                let longest_ago = waiting(memory, signature)
                    .min_by_key(|(_, unit)| unit.restarts.back().copied());
                if let Some((id, _)) = longest_ago.filter(|_| next <= now) {
                    all.push((id, Reason::Canary));
                }
            }
            BreakerState::Releasing { allowed, released, .. } => {
                let left = allowed.saturating_sub(released) as usize;
                let released = waiting(memory, signature).take(left);
                all.extend(released.map(|(id, _)| (id, Reason::Release)));
            }
        }
    }
    all
}
