//! When the next attempt is due, and when there is none: rules 3, 4, 7 and 8.

use std::time::Duration;

use fastrand::Rng;

use crate::config::FailureClass;

use super::limits::Limits;
use super::memory::{Phase, Reason, Time, Unit};

fn up_to(most: Duration, rng: &mut Rng) -> Duration {
    most.mul_f64(rng.f64())
}

/// What comes first once a failure is believed.
pub(super) fn first(class: FailureClass, limits: &Limits, now: Time, rng: &mut Rng) -> Phase {
    if limits.attempts.of(class) == 0 {
        return Phase::GivenUp;
    }
    let delay = if class == FailureClass::Data { limits.data_delay } else { Duration::ZERO };
    Phase::BackingOff { next: now + delay + up_to(limits.first_jitter, rng) }
}

/// What comes after a restart that did not help, or a recovery that did not last.
pub(super) fn again(unit: &mut Unit, reason: Reason, limits: &Limits, now: Time, rng: &mut Rng) {
    unit.failed_at = now;
    unit.phase = match reason {
        // The breaker says when; it is not the unit's own doing.
        Reason::Canary if unit.attempts < limits.attempts.of(unit.class) => {
            Phase::BackingOff { next: now }
        }
        Reason::Canary => park(unit, limits, now),
        Reason::Probe => park(unit, limits, now),
        Reason::Attempt | Reason::Release => {
            let flaps = unit.restarts.len() >= limits.flapping
                && unit.restarts.iter().all(|at| now.saturating_sub(*at) <= limits.flapping_window);
            if unit.attempts < limits.attempts.of(unit.class) && !flaps {
                unit.last_wait = wait(unit, limits, rng);
                Phase::BackingOff { next: now + unit.last_wait }
            } else if matches!(unit.class, FailureClass::Transient | FailureClass::Unknown) {
                park(unit, limits, now)
            } else {
                Phase::GivenUp
            }
        }
    };
}

/// Equal jitter over the doubled base.
fn wait(unit: &Unit, limits: &Limits, rng: &mut Rng) -> Duration {
    let doubled =
        limits.backoff_base * 2_u32.saturating_pow(unit.attempts.saturating_sub(1).min(20));
    let whole = doubled.min(limits.backoff_cap);
    let wait = whole / 2 + up_to(whole / 2, rng);
    if unit.class == FailureClass::Auth { wait.max(limits.auth_spacing) } else { wait }
}

pub(super) fn park(unit: &mut Unit, limits: &Limits, now: Time) -> Phase {
    let parked = now.saturating_sub(*unit.parked_since.get_or_insert(now));
    if parked >= limits.probe_until {
        return Phase::GivenUp;
    }
    let often = parked < limits.probe_often_until;
    let pause = if often { limits.probe_often } else { limits.probe_seldom };
    Phase::Parked { next: now + pause }
}
