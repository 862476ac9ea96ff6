//! What one valid poll changes in the memory of one unit: rules 2, 5, 6 and 8.

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;

use crate::connect::model::State;
use crate::observe::snapshot::Instance;

use super::backoff;
use super::limits::Limits;
use super::memory::{Phase, Reason, Time, Unit};

/// What became of a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// RUNNING for long enough.
    Recovered,
    /// FAILED again.
    Failed,
}

/// A unit that is FAILED for the first time, or was forgotten before.
pub(super) fn first_seen(instance: &Instance, now: Time) -> Unit {
    let (class, signature) = cause(instance);
    Unit {
        class,
        signature,
        is_failed: true,
        first_failed: now,
        failed_at: now,
        attempts: 0,
        parked_since: None,
        last_wait: Time::ZERO,
        restarts: VecDeque::new(),
        phase: Phase::Observing { sightings: 1 },
    }
}

fn cause(instance: &Instance) -> (crate::config::FailureClass, Arc<str>) {
    instance.failure.as_ref().map_or_else(
        || (crate::config::FailureClass::Unknown, "".into()),
        |failure| (failure.class, Arc::clone(&failure.signature)),
    )
}

/// What one poll says of a unit that is remembered; `None`: it may be forgotten. The second is
/// what became of a restart, where the poll tells.
pub(super) fn unit(
    mut unit: Unit,
    instance: &Instance,
    limits: &Limits,
    now: Time,
    rng: &mut Rng,
) -> (Option<Unit>, Option<(Reason, Outcome)>) {
    unit.is_failed = instance.state == State::Failed;
    match instance.state {
        State::Failed => {
            let outcome = failed(&mut unit, instance, limits, now, rng);
            (Some(unit), outcome)
        }
        State::Running => running(unit, limits, now),
        // An operator's doing: whatever follows begins afresh.
        State::Paused | State::Stopped => (None, None),
        State::Unassigned | State::Restarting | State::Unknown => {
            match &mut unit.phase {
                Phase::Verifying { moved, running, .. } => {
                    *moved = true;
                    *running = None;
                }
                Phase::Observing { sightings } => *sightings = 0,
                Phase::Recovered { since } => *since = now,
                Phase::BackingOff { .. } | Phase::Parked { .. } | Phase::GivenUp => {}
            }
            (Some(unit), None)
        }
    }
}

fn failed(
    unit: &mut Unit,
    instance: &Instance,
    limits: &Limits,
    now: Time,
    rng: &mut Rng,
) -> Option<(Reason, Outcome)> {
    let (class, signature) = cause(instance);
    let another = class != unit.class;
    (unit.class, unit.signature) = (class, signature);
    match unit.phase {
        Phase::Observing { sightings } => {
            let sightings = sightings + 1;
            let believed =
                sightings >= limits.sightings && now.saturating_sub(unit.failed_at) >= limits.grace;
            unit.phase = if believed {
                backoff::first(class, limits, now, rng)
            } else {
                Phase::Observing { sightings }
            };
            None
        }
        Phase::Verifying { since, moved, reason, .. } => {
            // Right after a restart FAILED may be the status of before.
            let told = moved || now.saturating_sub(since) >= limits.stale_status;
            told.then(|| {
                backoff::again(unit, reason, limits, now, rng);
                (reason, Outcome::Failed)
            })
        }
        Phase::Recovered { .. } if unit.attempts == 0 => {
            unit.failed_at = now;
            unit.phase = Phase::Observing { sightings: 1 };
            None
        }
        Phase::Recovered { .. } => {
            backoff::again(unit, Reason::Attempt, limits, now, rng);
            None
        }
        Phase::Parked { .. } | Phase::GivenUp if another => {
            (unit.attempts, unit.parked_since, unit.failed_at) = (0, None, now);
            unit.phase = Phase::Observing { sightings: 1 };
            None
        }
        Phase::BackingOff { .. } | Phase::Parked { .. } | Phase::GivenUp => None,
    }
}

fn running(
    mut unit: Unit,
    limits: &Limits,
    now: Time,
) -> (Option<Unit>, Option<(Reason, Outcome)>) {
    match &mut unit.phase {
        Phase::Verifying { moved, running, reason, .. } => {
            *moved = true;
            let since = *running.get_or_insert(now);
            if now.saturating_sub(since) < limits.verify {
                return (Some(unit), None);
            }
            let reason = *reason;
            unit.phase = Phase::Recovered { since };
            (Some(unit), Some((reason, Outcome::Recovered)))
        }
        Phase::Recovered { since } => {
            let stable = limits.stable.max(unit.last_wait * 2);
            let forget = now.saturating_sub(*since) >= stable;
            ((!forget).then_some(unit), None)
        }
        Phase::Observing { .. } if unit.attempts == 0 => (None, None),
        Phase::Observing { .. }
        | Phase::BackingOff { .. }
        | Phase::Parked { .. }
        | Phase::GivenUp => {
            unit.phase = Phase::Recovered { since: now };
            (Some(unit), None)
        }
    }
}
