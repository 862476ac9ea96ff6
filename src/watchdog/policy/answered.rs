//! What the policy learns from the answer to a restart; it is the executor that asks.

use super::limits::Limits;
use super::memory::{Memory, Phase, Reason, Time, UnitId};

/// What came of sending a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken; later polls tell what it came to.
    Accepted,
    /// Nobody knows whether it was taken: it counts.
    NotKnown,
    /// It was refused or never sent: it costs no attempt.
    Refused,
    /// Just before it would have been sent the unit was no longer FAILED.
    NotFailed,
    /// There is no such connector or task.
    Gone,
}

impl Answer {
    /// The word for logs and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotKnown => "not_known",
            Self::Refused => "refused",
            Self::NotFailed => "not_failed",
            Self::Gone => "gone",
        }
    }
}

/// Takes in the answer for one unit.
pub fn answered(memory: &mut Memory, id: &UnitId, answer: Answer, limits: &Limits, now: Time) {
    let Some(connector) = memory.connectors.get_mut(&id.0) else { return };
    match answer {
        Answer::Accepted | Answer::NotKnown => {}
        Answer::Gone => {
            connector.units.remove(&id.1);
        }
        Answer::Refused | Answer::NotFailed => {
            let Some(unit) = connector.units.get_mut(&id.1) else { return };
            let Phase::Verifying { reason, .. } = unit.phase else { return };
            unit.restarts.pop_back();
            if matches!(reason, Reason::Attempt | Reason::Release) {
                unit.attempts = unit.attempts.saturating_sub(1);
            }
            unit.is_failed = answer == Answer::Refused;
            unit.phase = Phase::BackingOff { next: now + limits.refused_wait };
        }
    }
}
