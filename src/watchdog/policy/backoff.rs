//! When the next attempt is due, and when there is none: rules 3, 4, 7 and 8.

use std::time::Duration;

use fastrand::Rng;

use crate::config::FailureClass;

use super::event::Change;
use super::limits::Limits;
use super::memory::{Phase, Reason, Time, Unit};
use super::update::Look;

fn up_to(most: Duration, rng: &mut Rng) -> Duration {
    most.mul_f64(rng.f64())
}

/// What comes first once a failure is believed.
pub(super) fn first(unit: &mut Unit, look: &mut Look<'_>) {
    if look.limits.attempts.of(unit.class) == 0 {
        give_up(unit, &mut look.changes);
        return;
    }
    let delay =
        if unit.class == FailureClass::Data { look.limits.data_delay } else { Duration::ZERO };
    let next = look.now + delay + up_to(look.limits.first_jitter, look.rng);
    unit.phase = Phase::BackingOff { next };
}

/// What comes after a restart that did not help, or a recovery that did not last.
pub(super) fn again(unit: &mut Unit, reason: Reason, look: &mut Look<'_>) {
    let (limits, now) = (look.limits, look.now);
    unit.failed_at = now;
    let spent = unit.attempts >= limits.attempts.of(unit.class);
    match reason {
        // The breaker says when; it is not the unit's own doing.
        Reason::Canary if !spent => unit.phase = Phase::BackingOff { next: now },
        Reason::Canary | Reason::Probe => exhausted(unit, limits, now, &mut look.changes),
        Reason::Attempt | Reason::Release => {
            let flaps = unit.restarts.len() >= limits.flapping
                && unit.restarts.iter().all(|at| now.saturating_sub(*at) <= limits.flapping_window);
            let moved = look.progress.is_some_and(|progress| {
                unit.restarts.front().is_some_and(|first| progress.last > *first)
            });
            if spent || (flaps && !moved) {
                exhausted(unit, limits, now, &mut look.changes);
                return;
            }
            unit.last_wait = wait(unit, limits, look.rng);
            if flaps {
                unit.last_wait = unit.last_wait.max(limits.flapping_spacing);
                look.changes.push(Change::Flapping);
            }
            unit.phase = Phase::BackingOff { next: now + unit.last_wait };
        }
    }
}

/// It waits, and now fails in another way: perhaps in one that has fewer attempts.
pub(super) fn still_allowed(unit: &mut Unit, look: &mut Look<'_>) {
    if unit.attempts >= look.limits.attempts.of(unit.class) {
        exhausted(unit, look.limits, look.now, &mut look.changes);
    } else if unit.class == FailureClass::Auth
        && let (Phase::BackingOff { next }, Some(last)) = (&mut unit.phase, unit.restarts.back())
    {
        *next = (*next).max(*last + look.limits.auth_spacing);
    }
}

/// Equal jitter over the doubled base.
fn wait(unit: &Unit, limits: &Limits, rng: &mut Rng) -> Duration {
    let doubled =
        limits.backoff_base * 2_u32.saturating_pow(unit.attempts.saturating_sub(1).min(20));
    let whole = doubled.min(limits.backoff_cap);
    let wait = whole / 2 + up_to(whole / 2, rng);
    if unit.class == FailureClass::Auth { wait.max(limits.auth_spacing) } else { wait }
}

/// Its attempts are used up. Only what time may heal is tried further.
pub(super) fn exhausted(unit: &mut Unit, limits: &Limits, now: Time, changes: &mut Vec<Change>) {
    let heals = matches!(unit.class, FailureClass::Transient | FailureClass::Unknown);
    let since = *unit.parked_since.get_or_insert(now);
    let parked = now.saturating_sub(since);
    if !heals || limits.attempts.of(unit.class) == 0 || parked >= limits.probe_until {
        give_up(unit, changes);
        return;
    }
    if since == now {
        changes.push(Change::Parked);
    }
    let often = parked < limits.probe_often_until;
    let pause = if often { limits.probe_often } else { limits.probe_seldom };
    unit.phase = Phase::Parked { next: now + pause };
}

fn give_up(unit: &mut Unit, changes: &mut Vec<Change>) {
    unit.phase = Phase::GivenUp;
    changes.push(Change::GivenUp);
}
