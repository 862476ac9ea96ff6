//! Who passes a breaker that is not closed: a canary, or those whose turn it is after a proof.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::WatchdogMode;

use super::memory::{BreakerState, Memory, Reason, Time, Unit, UnitId};
use super::report::Why;
use super::rules::Policy;
use super::storm::groups;

/// Who may be restarted under an unclosed breaker.
#[derive(Debug, Default)]
pub(super) struct MayGo {
    /// Now, and why.
    pub(super) go: Vec<(UnitId, Reason)>,
    /// Whose turn it is, without budget for it.
    pub(super) cannot_pay: Vec<UnitId>,
}

/// Who may be restarted under an unclosed breaker now. `ahead` says how many calls of a connector
/// come before one for a unit that is only said or not, and was restarted then.
pub(super) fn may_go(
    memory: &Memory,
    policy: &Policy,
    now: Time,
    ahead: impl Fn(&Arc<str>, bool, Option<Time>) -> usize,
) -> MayGo {
    let mut all = MayGo::default();
    if memory.breakers.is_empty() {
        return all;
    }
    let limits = &policy.limits;
    let groups = groups(memory, policy);
    let mut canaries: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for (signature, breaker) in &memory.breakers {
        let Some(group) = groups.get(signature) else { continue };
        let free = group.waiting.iter().filter(|(_, _, unit)| {
            let own = policy.limits_of(unit.rule);
            unit.held.is_none()
                && !breaker.lets_be(unit)
                && unit.ripe_at(own) <= now
                && (breaker.is_releasing() || memory.auth_rests_until(unit, own) <= now)
        });
        let id =
            |(connector, task, _): &(&Arc<str>, Option<u32>, &Unit)| (Arc::clone(connector), *task);
        match breaker.state {
            BreakerState::Open { canary: Some(_), .. } => {}
            BreakerState::Open { next, canary: None } => {
                let doubted = breaker.reachable == Some(false);
                let trusted = if doubted { limits.probe_distrust } else { Duration::ZERO };
                if next.saturating_add(trusted) > now {
                    continue;
                }
                // Turn and turn about: one that is broken in itself must not speak for all. One that
                // is only said proves nothing, and one that cannot be paid does not go.
                let all_free: Vec<_> = free
                    .map(|of @ (connector, _, unit)| {
                        let is_said = policy.mode_of(unit.rule) != WatchdogMode::On;
                        let others = canaries.get(connector).copied().unwrap_or_default();
                        let calls = 1 + others + ahead(connector, is_said, unit.last_restart);
                        let is_poor = !memory.can_pay(connector, calls, limits, now);
                        ((is_said, is_poor, unit.last_restart), of)
                    })
                    .collect();
                match all_free.iter().min_by_key(|(key, _)| *key) {
                    None => {}
                    // Nobody who could speak for them can: each of them waits for its budget.
                    Some(((_, true, _), _)) => {
                        let poor = all_free.iter().filter(|((_, is_poor, _), _)| *is_poor);
                        all.cannot_pay.extend(poor.map(|(_, of)| id(of)));
                    }
                    Some(((_, false, _), first)) => {
                        *canaries.entry(first.0).or_default() += 1;
                        all.go.push((id(first), Reason::Canary));
                    }
                }
            }
            BreakerState::Releasing { allowed, released, .. } => {
                let left = allowed.saturating_sub(released) as usize;
                all.go.extend(free.take(left).map(|of| (id(of), Reason::Release)));
            }
        }
    }
    all
}

/// With those that a breaker holds back it is said.
pub(super) fn hold_the_others(memory: &mut Memory) {
    if memory.breakers.is_empty() {
        return;
    }
    for unit in memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut()) {
        if let Some(breaker) = memory.breakers.get(&unit.signature)
            && unit.waits()
            && unit.held.is_none()
            && !breaker.lets_be(unit)
        {
            let probe = breaker.reachable == Some(false);
            unit.held = Some(if probe { Why::Probe } else { Why::Breaker });
        }
    }
}
