//! What the policy learns from the answer to a restart; it is the executor that asks.

use std::sync::Arc;

use crate::config::FailureClass;

use super::backoff;
use super::call::Decision;
use super::event::{Change, Event};
use super::limits::Limits;
use super::memory::{BreakerState, Memory, Phase, Reason, Rebalance, Time, UnderWay, Unit, UnitId};

/// What came of sending a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken; later polls tell what it came to.
    Accepted,
    /// Nobody knows whether it was taken: it counts.
    NotKnown,
    /// It was refused: it costs no attempt.
    Refused,
    /// It was refused since a rebalance is under way, or the unit has no worker: the same.
    Conflict,
    /// It was not sent, by this program's own choice: the same.
    NotSent,
    /// Just before it would have been sent the unit was no longer FAILED.
    NotFailed,
    /// There is no such connector or task: it counts.
    Gone,
    /// No call can name it: nothing was sent, and nothing can be, so that it is given up.
    Impossible,
}

impl Answer {
    /// The word for logs and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotKnown => "not_known",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::NotSent => "not_sent",
            Self::NotFailed => "not_failed",
            Self::Gone => "gone",
            Self::Impossible => "impossible",
        }
    }
}

/// Takes in that a restart waits for its turn.
pub fn waits(memory: &mut Memory, decision: &Decision) {
    for id in decision.ids() {
        if let Some(unit) = memory.decided(&id, decision) {
            unit.under_way = Some(UnderWay::Waits);
        }
    }
}

/// Takes in that a restart goes out now, and not when it was decided.
pub fn sent(memory: &mut Memory, decision: &Decision, now: Time) {
    for id in decision.ids() {
        let Some(unit) = memory.decided(&id, decision) else { continue };
        unit.under_way = Some(UnderWay::Sent);
        unit.last_restart = unit.last_restart.map(|at| at.max(now));
        let tried = (unit.class == FailureClass::Auth).then(|| Arc::clone(&unit.signature));
        if let Phase::Verifying { since, .. } = &mut unit.phase {
            *since = (*since).max(now);
        }
        memory.tried_auth.extend(tried.map(|signature| (signature, now)));
    }
}

/// Takes in the answer to one call; gives what it changed beside the call itself. What came of a
/// unit since, such as another decision, is not touched.
pub fn answered(
    memory: &mut Memory,
    decision: &Decision,
    answer: Answer,
    limits: &Limits,
    now: Time,
) -> Vec<Event> {
    match answer {
        Answer::Accepted => memory.call_taken(),
        Answer::NotKnown | Answer::Refused => memory.call_refused(limits, now),
        Answer::Conflict => {
            memory.call_refused(limits, now);
            memory.rebalance_seen(limits, now);
        }
        Answer::NotSent | Answer::NotFailed | Answer::Gone | Answer::Impossible => {}
    }
    let mut events = Vec::new();
    match answer {
        // What is gone is forgotten once a poll says so too: a task that is in no configuration
        // has a status for ever, and would else be tried for ever.
        Answer::Accepted | Answer::NotKnown | Answer::Gone => {
            for id in decision.ids() {
                let Some(unit) = memory.decided(&id, decision) else { continue };
                unit.under_way = None;
                // From now on, and not from when it was sent, FAILED may be the status of before.
                if let Phase::Verifying { since, moved: false, .. } = &mut unit.phase {
                    *since = (*since).max(now);
                }
            }
        }
        Answer::Refused | Answer::Conflict | Answer::NotSent | Answer::NotFailed => {
            for id in decision.ids() {
                take_back(memory, decision, &id, answer, limits, now);
            }
        }
        Answer::Impossible => {
            for id in decision.ids() {
                if memory.decided(&id, decision).is_some() {
                    take_back(memory, decision, &id, answer, limits, now);
                    give_up(memory, &id, now, &mut events);
                }
            }
        }
    }
    events
}

fn give_up(memory: &mut Memory, id: &UnitId, now: Time, events: &mut Vec<Event>) {
    let unit =
        memory.connectors.get_mut(&id.0).and_then(|connector| connector.units.get_mut(&id.1));
    let Some(unit) = unit.filter(|unit| unit.waits()) else { return };
    let mut changes = Vec::new();
    backoff::give_up(unit, now, &mut changes);
    events.extend(changes.into_iter().map(|change: Change| Event::Unit(id.clone(), change)));
}

fn take_back(
    memory: &mut Memory,
    decision: &Decision,
    id: &UnitId,
    answer: Answer,
    limits: &Limits,
    now: Time,
) {
    let Some(unit) = memory.decided(id, decision) else { return };
    let reason = decision.reason;
    // Whose turn it was has had it, even if nothing could be sent.
    if matches!(answer, Answer::NotSent | Answer::NotFailed) {
        unit.last_restart = unit.restarted_before;
    } else {
        unit.was_not_sent = unit.under_way == Some(UnderWay::Waits);
    }
    unit.under_way = None;
    if reason != Reason::Canary {
        unit.restarts.pop_back();
    }
    let used_up = unit.parked_since.is_some();
    if reason.costs_an_attempt() && !used_up {
        unit.attempts = unit.attempts.saturating_sub(1);
    }
    if answer == Answer::NotFailed {
        unit.is_failed = false;
    }
    let mut next = now.saturating_add(limits.refused_wait);
    unit.not_before = next;
    if reason == Reason::Canary {
        // It was the breaker's turn, and not the unit's own.
        next = next.max(unit.failed_at.saturating_add(backoff::own_wait(unit, limits)));
    }
    let signature = Arc::clone(&unit.signature);
    unit.phase = if used_up { Phase::Parked { next } } else { Phase::BackingOff { next } };
    let Some(breaker) = memory.breakers.get_mut(&signature) else { return };
    match (&mut breaker.state, reason) {
        (BreakerState::Open { next, canary }, Reason::Canary) if canary.as_ref() == Some(id) => {
            *canary = None;
            *next = now.saturating_add(limits.refused_wait);
            breaker.canaries = breaker.canaries.saturating_sub(1);
        }
        (BreakerState::Releasing { released, .. }, Reason::Release) => {
            *released = released.saturating_sub(1);
        }
        (BreakerState::Open { .. } | BreakerState::Releasing { .. }, _) => {}
    }
}

impl Memory {
    /// A unit that waits for what comes of this decision, and of no other.
    pub(super) fn decided(&mut self, id: &UnitId, decision: &Decision) -> Option<&mut Unit> {
        let unit = self.connectors.get_mut(&id.0)?.units.get_mut(&id.1)?;
        let Phase::Verifying { decided, .. } = unit.phase else { return None };
        (decided == decision.at).then_some(unit)
    }

    /// While one is under way, and for a while after.
    pub(super) fn is_held_by_rebalance(&self, limits: &Limits, now: Time) -> bool {
        self.rebalance.is_some_and(|rebalance| {
            now.saturating_sub(rebalance.last_seen) < limits.rebalance_hold
                && now.saturating_sub(rebalance.began) < limits.rebalance_most
        })
    }

    /// One that was over long enough ago is another one.
    pub(super) fn rebalance_seen(&mut self, limits: &Limits, now: Time) {
        let same = self
            .rebalance
            .filter(|rebalance| now.saturating_sub(rebalance.last_seen) < limits.rebalance_hold);
        let began = same.map_or(now, |rebalance| rebalance.began);
        self.rebalance = Some(Rebalance { began, last_seen: now });
    }
}
