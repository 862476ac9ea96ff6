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
    let (limits, now) = (look.limits, look.now);
    if limits.attempts.of(unit.class) == 0 {
        give_up(unit, now, &mut look.changes);
        return;
    }
    let data = unit.class == FailureClass::Data;
    let mut delay = if data { limits.data_delay } else { Duration::ZERO };
    match flaps(unit, look) {
        Flaps::Not => {}
        Flaps::GetsOn => {
            delay = delay.max(limits.flapping_spacing);
            look.changes.push(Change::Flapping);
        }
        Flaps::InVain => return exhausted(unit, limits, now, &mut look.changes),
    }
    let wait = delay.saturating_add(up_to(limits.first_jitter, look.rng));
    unit.phase = Phase::BackingOff { next: now.saturating_add(wait) };
}

/// What comes after a restart that did not help, or a recovery that did not last.
pub(super) fn again(unit: &mut Unit, reason: Reason, look: &mut Look<'_>) {
    let (limits, now) = (look.limits, look.now);
    unit.failed_at = now;
    let most = limits.attempts.of(unit.class);
    let flaps = flaps(unit, look);
    if unit.parked_since.is_some() {
        return exhausted(unit, limits, now, &mut look.changes);
    }
    match (reason, flaps) {
        // The breaker says when; it is not the unit's own doing.
        (Reason::Canary, _) | (_, Flaps::Not) => {
            if unit.attempts >= most {
                return exhausted(unit, limits, now, &mut look.changes);
            }
            unit.last_wait = wait(unit, limits, look.rng);
        }
        (_, Flaps::InVain) => return exhausted(unit, limits, now, &mut look.changes),
        (_, Flaps::GetsOn) => {
            // An attempt that brought it on is not lost.
            unit.attempts = unit.attempts.min(most.saturating_sub(1));
            unit.last_wait = wait(unit, limits, look.rng).max(limits.flapping_spacing);
            look.changes.push(Change::Flapping);
        }
    }
    unit.phase = Phase::BackingOff { next: now.saturating_add(unit.last_wait) };
}

/// Whether it is restarted again and again.
enum Flaps {
    Not,
    /// And what it has to do gets done in between.
    GetsOn,
    InVain,
}

fn flaps(unit: &Unit, look: &Look<'_>) -> Flaps {
    let (limits, now) = (look.limits, look.now);
    let lately = |at: &&Time| now.saturating_sub(**at) <= limits.flapping_window;
    if unit.restarts.iter().filter(lately).count() < limits.flapping.max(1) {
        return Flaps::Not;
    }
    let moved = look
        .progress
        .is_some_and(|progress| unit.restarts.front().is_some_and(|first| progress.last > *first));
    if moved && heals(unit.class) && limits.attempts.of(unit.class) > 0 {
        Flaps::GetsOn
    } else {
        Flaps::InVain
    }
}

/// It waits, and may fail in another way by now, or under another rule: perhaps in one that has
/// fewer attempts.
pub(super) fn still_allowed(unit: &mut Unit, look: &mut Look<'_>) {
    let used_up = unit.attempts >= look.limits.attempts.of(unit.class);
    match unit.phase {
        Phase::BackingOff { .. } if used_up => {
            exhausted(unit, look.limits, look.now, &mut look.changes);
        }
        Phase::Parked { .. } if !may_be_probed(unit, look.limits) => {
            give_up(unit, look.now, &mut look.changes);
        }
        Phase::BackingOff { .. }
        | Phase::Parked { .. }
        | Phase::Observing { .. }
        | Phase::Verifying { .. }
        | Phase::Recovered { .. }
        | Phase::GivenUp => {}
    }
}

/// Equal jitter over the doubled base.
fn wait(unit: &Unit, limits: &Limits, rng: &mut Rng) -> Duration {
    let doubled = 2_u32.saturating_pow(unit.attempts.saturating_sub(1).min(20));
    let whole = limits.backoff_base.saturating_mul(doubled).min(limits.backoff_cap);
    let wait = (whole / 2).saturating_add(up_to(whole / 2, rng));
    if unit.class == FailureClass::Auth { wait.max(limits.auth_spacing) } else { wait }
}

/// Whether time alone may heal it.
pub(super) const fn heals(class: FailureClass) -> bool {
    matches!(class, FailureClass::Transient | FailureClass::Unknown)
}

const fn may_be_probed(unit: &Unit, limits: &Limits) -> bool {
    heals(unit.class) && limits.attempts.of(unit.class) > 0
}

/// Its attempts are used up. Only what time may heal is tried further.
pub(super) fn exhausted(unit: &mut Unit, limits: &Limits, now: Time, changes: &mut Vec<Change>) {
    let is_new = unit.parked_since.is_none();
    let since = *unit.parked_since.get_or_insert(now);
    let parked = now.saturating_sub(since);
    if unit.given_up || !may_be_probed(unit, limits) || parked >= limits.probe_until {
        give_up(unit, now, changes);
        return;
    }
    if is_new {
        changes.push(Change::Parked);
    }
    unit.phase = Phase::Parked { next: now.saturating_add(pause(parked, limits)) };
}

fn pause(parked: Duration, limits: &Limits) -> Duration {
    let often = parked < limits.probe_often_until;
    if often { limits.probe_often } else { limits.probe_seldom }
}

/// How long it waits, for itself, after it failed last.
pub(super) fn own_wait(unit: &Unit, limits: &Limits) -> Duration {
    match unit.parked_since {
        Some(since) => pause(unit.failed_at.saturating_sub(since), limits),
        None => unit.last_wait,
    }
}

pub(super) fn give_up(unit: &mut Unit, now: Time, changes: &mut Vec<Change>) {
    unit.parked_since.get_or_insert(now);
    unit.given_up = true;
    unit.phase = Phase::GivenUp;
    changes.push(Change::GivenUp);
}
