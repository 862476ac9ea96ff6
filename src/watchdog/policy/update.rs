//! What one valid poll changes in the memory of one unit: rules 2, 5, 6, 8 and 15.

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;

use crate::config::FailureClass;
use crate::connect::model::State;
use crate::observe::snapshot::Instance;

use super::backoff;
use super::event::{Because, Change, Outcome};
use super::limits::Limits;
use super::memory::{Phase, Reason, Time, UnderWay, Unit};

/// How the offsets of a connector get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When they moved last.
    pub last: Time,
    /// Whether that is longer ago than is allowed.
    pub stalled: bool,
}

/// What a look at one unit needs to know beside the unit.
pub(super) struct Look<'l> {
    pub(super) limits: &'l Limits,
    pub(super) now: Time,
    pub(super) rng: &'l mut Rng,
    /// Of its connector, where offsets are read.
    pub(super) progress: Option<Progress>,
    /// Whether one that runs again may be somebody's doing: it was looked at all the while, and
    /// there was no rebalance to start it.
    pub(super) may_be_foreign: bool,
    /// Whether it is looked at once more at the same moment: that is not two polls in a row.
    pub(super) is_the_same: bool,
    /// What happened.
    pub(super) changes: Vec<Change>,
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
        given_up: false,
        last_wait: Time::ZERO,
        restarts: VecDeque::new(),
        last_restart: None,
        dry_run: false,
        worker: Arc::clone(&instance.worker_id),
        phase: Phase::Observing { sightings: 1 },
        classes: bit(class),
        rule: None,
        held: None,
        under_way: None,
        restarted_before: None,
        was_not_sent: false,
        missing: None,
        not_before: Time::ZERO,
    }
}

fn cause(instance: &Instance) -> (FailureClass, Arc<str>) {
    instance.failure.as_ref().map_or_else(
        || (FailureClass::Unknown, "".into()),
        |failure| (failure.class, Arc::clone(&failure.signature)),
    )
}

/// The journal has these: another number is another class to who reads it later.
const fn bit(class: FailureClass) -> u8 {
    match class {
        FailureClass::Transient => 1,
        FailureClass::Unknown => 1 << 1,
        FailureClass::Resource => 1 << 2,
        FailureClass::Auth => 1 << 3,
        FailureClass::Data => 1 << 4,
        FailureClass::OffsetLost => 1 << 5,
        FailureClass::Install => 1 << 6,
    }
}

/// What one poll says of a unit that is remembered; whether it is to be remembered further.
pub(super) fn unit(unit: &mut Unit, instance: &Instance, look: &mut Look<'_>) -> bool {
    unit.is_failed = instance.state == State::Failed;
    let is_paused = matches!(instance.state, State::Paused | State::Stopped);
    // Nothing was done yet, so that nothing has come of it. Right before it would be sent its status
    // is read once more.
    if unit.under_way == Some(UnderWay::Waits) && !is_paused {
        return true;
    }
    match instance.state {
        State::Failed => failed(unit, instance, look),
        State::Running => running(unit, instance, look),
        // An operator's doing: whatever follows begins afresh.
        State::Paused | State::Stopped => {
            if !unit.is_healthy() {
                look.changes.push(Change::Cleared(Because::Paused));
            }
            false
        }
        State::Unassigned | State::Restarting | State::Unknown => {
            neither(unit, look);
            true
        }
    }
}

fn failed(unit: &mut Unit, instance: &Instance, look: &mut Look<'_>) -> bool {
    // Until it is answered this may be the status of before, whatever it says.
    if unit.under_way.is_some() && matches!(unit.phase, Phase::Verifying { moved: false, .. }) {
        return true;
    }
    let (class, signature) = cause(instance);
    let another = class != unit.class;
    let before = unit.classes;
    // Two classes in turn are one trouble.
    let never_before = before & bit(class) == 0;
    unit.classes |= bit(class);
    (unit.class, unit.signature) = (class, signature);
    unit.worker = Arc::clone(&instance.worker_id);
    let is_news = never_before && unit.parked_since.is_some();
    match unit.phase {
        Phase::Verifying { since, moved, reason, .. } => {
            // Right after a restart FAILED may be the status of before.
            let recent = look.now.saturating_sub(since) < look.limits.stale_status;
            if !moved && recent && !another {
                return true;
            }
            look.changes.push(Change::Outcome(reason, Outcome::Failed));
            if is_news {
                afresh(unit, instance, look);
            } else {
                backoff::again(unit, reason, look);
            }
        }
        Phase::Recovered { .. } | Phase::Parked { .. } | Phase::GivenUp if is_news => {
            afresh(unit, instance, look);
        }
        Phase::Observing { sightings: 1.. } if look.is_the_same => {}
        Phase::Observing { sightings: 0 } => seen_again(unit, look),
        Phase::Observing { sightings } => observe(unit, sightings + 1, look),
        Phase::Recovered { .. } if unit.attempts == 0 && unit.parked_since.is_none() => {
            if before == 0 {
                unit.first_failed = look.now;
            }
            seen_again(unit, look);
        }
        Phase::Recovered { .. } => backoff::again(unit, Reason::Attempt, look),
        Phase::BackingOff { .. } | Phase::Parked { .. } => {
            if another {
                unit.failed_at = look.now;
            }
            backoff::still_allowed(unit, look);
        }
        Phase::GivenUp => {}
    }
    true
}

/// It begins to be believed once more.
fn seen_again(unit: &mut Unit, look: &Look<'_>) {
    unit.failed_at = look.now;
    unit.phase = Phase::Observing { sightings: 1 };
}

/// Another failure than any before has attempts of its own.
fn afresh(unit: &mut Unit, instance: &Instance, look: &mut Look<'_>) {
    look.changes.push(Change::Cleared(Because::OtherFailure));
    *unit = Unit {
        classes: unit.classes,
        restarts: std::mem::take(&mut unit.restarts),
        last_restart: unit.last_restart,
        dry_run: unit.dry_run,
        rule: unit.rule,
        ..first_seen(instance, look.now)
    };
}

fn observe(unit: &mut Unit, sightings: u32, look: &mut Look<'_>) {
    let believed = sightings >= look.limits.sightings
        && look.now.saturating_sub(unit.failed_at) >= look.limits.grace;
    if believed {
        look.changes.push(Change::Believed);
        backoff::first(unit, look);
    } else {
        unit.phase = Phase::Observing { sightings };
    }
}

fn running(unit: &mut Unit, instance: &Instance, look: &mut Look<'_>) -> bool {
    let now = look.now;
    match &mut unit.phase {
        Phase::Verifying { moved, running, reason, since: restarted, stuck, .. } => {
            (*moved, *stuck) = (true, false);
            let since = *running.get_or_insert(now);
            if now.saturating_sub(since) < look.limits.verify {
                return true;
            }
            let stalled = look.progress.is_some_and(|progress| progress.stalled);
            if stalled && now.saturating_sub(*restarted) < look.limits.verify_most {
                return true;
            }
            let outcome = if stalled { Outcome::Unverified } else { Outcome::Recovered };
            look.changes.push(Change::Outcome(*reason, outcome));
            unit.phase = Phase::Recovered { since };
            true
        }
        Phase::Recovered { since } => {
            *since = (*since).min(now);
            let stable = look.limits.stable.max(unit.last_wait.saturating_mul(2));
            if now.saturating_sub(*since) < stable {
                return true;
            }
            if !unit.is_healthy() {
                look.changes.push(Change::Cleared(Because::StableHealth));
            }
            (unit.attempts, unit.classes) = (0, 0);
            (unit.parked_since, unit.given_up) = (None, false);
            unit.last_wait = Time::ZERO;
            let window = look.limits.flapping_window;
            unit.restarts.retain(|at| now.saturating_sub(*at) <= window);
            !unit.restarts.is_empty()
        }
        Phase::Observing { .. }
        | Phase::BackingOff { .. }
        | Phase::Parked { .. }
        | Phase::GivenUp => {
            // What moved to another worker was started by a rebalance; and what was restarted a
            // moment ago may be slow.
            let ours = unit
                .last_restart
                .is_some_and(|at| now.saturating_sub(at) <= look.limits.verify_most);
            if look.may_be_foreign && !ours && instance.worker_id == unit.worker {
                look.changes.push(Change::Foreign);
            }
            unit.phase = Phase::Recovered { since: now };
            true
        }
    }
}

fn neither(unit: &mut Unit, look: &mut Look<'_>) {
    match &mut unit.phase {
        Phase::Verifying { moved, running, since, stuck, .. } => {
            *moved = true;
            *running = None;
            if !*stuck && look.now.saturating_sub(*since) >= look.limits.stuck {
                *stuck = true;
                look.changes.push(Change::Stuck);
            }
        }
        Phase::Observing { sightings } => *sightings = 0,
        // Not before it is seen RUNNING again.
        Phase::Recovered { since } => *since = Time::MAX,
        Phase::BackingOff { .. } | Phase::Parked { .. } | Phase::GivenUp => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_classes_are_those_of_the_journals_that_there_are() {
        use FailureClass::{Auth, Data, Install, OffsetLost, Resource, Transient, Unknown};
        let all = [Transient, Unknown, Resource, Auth, Data, OffsetLost, Install];
        assert_eq!(all.map(bit), [1, 2, 4, 8, 16, 32, 64]);
    }
}
