//! What changed in the memory: the log, the audit and the counters are made of these.

use std::sync::Arc;

use serde::Serialize;

use super::memory::{Reason, UnitId};

/// Something that happened to a unit or a breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To a unit.
    Unit(UnitId, Change),
    /// To the breaker of a signature.
    Breaker(Arc<str>, BreakerChange),
    /// The cluster's restarts do not help, or its calls are refused: one at a time from now on, or
    /// no longer.
    Caution(bool),
}

/// What happened to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// FAILED, and now believed.
    Believed,
    /// What became of a restart.
    Outcome(Reason, Outcome),
    /// Its attempts are used up; it is tried now and then.
    Parked,
    /// Only a person can help.
    GivenUp,
    /// Neither RUNNING nor FAILED for too long after a restart.
    Stuck,
    /// It is restarted again and again, and gets on in between.
    Flapping,
    /// It runs again by somebody else's doing.
    Foreign,
    /// Its connector is left to somebody else.
    StoodDown,
    /// What was remembered of it is forgotten.
    Cleared(Because),
}

/// What became of a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// RUNNING for long enough.
    Recovered,
    /// FAILED again.
    Failed,
    /// RUNNING, but its offsets stand still; or neither RUNNING nor FAILED.
    Unverified,
}

impl Outcome {
    /// The word for logs and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Failed => "failed",
            Self::Unverified => "unverified",
        }
    }
}

/// Why a unit is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It was healthy for long enough.
    StableHealth,
    /// The connector has another configuration.
    ConfigChanged,
    /// It was paused or stopped.
    Paused,
    /// It is gone.
    Deleted,
    /// It fails in a way in which it did not fail before.
    OtherFailure,
    /// A person said so.
    Acknowledged,
    /// What was only said before is sent from now on.
    ModeChanged,
}

impl Because {
    /// The word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StableHealth => "stable_health",
            Self::ConfigChanged => "config_changed",
            Self::Paused => "paused",
            Self::Deleted => "deleted",
            Self::OtherFailure => "other_failure",
            Self::Acknowledged => "acknowledged",
            Self::ModeChanged => "mode_changed",
        }
    }
}

/// What happened to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    /// Many fail of one cause: only canaries from now on.
    Opened,
    /// A canary runs: the others follow.
    Proven,
    /// Too many of those that followed failed again.
    Reopened,
    /// Nothing is left to wait for.
    Closed,
    /// Canaries are used up: the units go on each for itself.
    Exhausted,
}

impl BreakerChange {
    /// The word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Proven => "proven",
            Self::Reopened => "reopened",
            Self::Closed => "closed",
            Self::Exhausted => "exhausted",
        }
    }
}
