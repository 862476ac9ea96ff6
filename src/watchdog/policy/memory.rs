//! What the policy remembers of one cluster: only of units that are not simply healthy.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::FailureClass;

use super::budget::Bucket;
use super::report::Why;

/// Time since an origin that the caller keeps; it never goes back.
pub type Time = Duration;

/// One task, or with `None` the connector's own instance.
pub type UnitId = (Arc<str>, Option<u32>);

/// The memory of one cluster. What is not worth a place in the journal is private to the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Units that failed and are not yet forgotten, by connector.
    pub connectors: BTreeMap<Arc<str>, ConnectorMemory>,
    /// Breakers that are not closed, by signature.
    pub breakers: BTreeMap<Arc<str>, Breaker>,
    /// What is left of the cluster's budget; `None`: all of it.
    pub budget: Option<Bucket>,
    pub(super) rebalance: Option<Rebalance>,
    /// Since when every watched cluster is out of reach.
    pub(super) doubted_since: Option<Time>,
    /// Whether the last restarts recovered, the latest last.
    pub(super) verified: VecDeque<bool>,
    /// Calls in a row that were refused or not answered.
    pub(super) refused: u32,
    pub(super) caution: Option<Caution>,
    /// Whether the caution was told.
    pub(super) caution_told: bool,
    /// When credentials were tried last, by signature: accounts lock, whoever it is that tries.
    pub(super) tried_auth: BTreeMap<Arc<str>, Time>,
}

/// One restart at a time, ever further apart, since the last ones came to nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Caution {
    /// When the next one is let through.
    pub(super) next: Time,
    /// How many were let through.
    pub(super) tries: u32,
    /// Whether it ends with a call that is taken; else with a recovery.
    pub(super) refused: bool,
}

/// A rebalance that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rebalance {
    pub(super) began: Time,
    pub(super) last_seen: Time,
}

/// The memory of one connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectorMemory {
    /// Its units that failed and are not yet forgotten.
    pub units: BTreeMap<Option<u32>, Unit>,
    /// What is left of the connector's budget; `None`: all of it.
    pub budget: Option<Bucket>,
    /// A fingerprint of its configuration; another one begins everything afresh.
    pub config: Option<u64>,
    /// When units of it went from FAILED to RUNNING by somebody else's doing, lately.
    pub foreign: VecDeque<Time>,
    /// It is left to somebody else until then.
    pub stood_down_until: Option<Time>,
    /// When it was read last; zero: not by this process.
    pub(in crate::watchdog) seen: Time,
}

/// The memory of one unit.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Unit {
    /// Why it failed last.
    pub class: FailureClass,
    /// What failures of its kind have in common.
    pub signature: Arc<str>,
    /// Whether the last poll read it and found it FAILED: nothing else is ever restarted.
    pub is_failed: bool,
    /// When it was first seen FAILED in this trouble.
    pub first_failed: Time,
    /// When it last went into FAILED.
    pub failed_at: Time,
    /// Attempts made of its own; canaries are the breaker's.
    pub attempts: u32,
    /// Since when its attempts are used up; until it is cleared there are none.
    pub parked_since: Option<Time>,
    /// Whether it was given up, though it may be RUNNING by other hands meanwhile.
    #[serde(default)]
    pub given_up: bool,
    /// The wait before its last attempt.
    pub last_wait: Duration,
    /// When it was restarted for its own sake, the last few times: not as a canary.
    pub restarts: VecDeque<Time>,
    /// When it was restarted last, for whatever reason.
    #[serde(default)]
    pub last_restart: Option<Time>,
    /// Whether all of its restarts were only said, not sent.
    #[serde(default)]
    pub dry_run: bool,
    /// The worker on which it failed: one that moved was started by a rebalance.
    #[serde(default)]
    pub worker: Arc<str>,
    /// Where it is.
    pub phase: Phase,
    /// The classes in which it failed in this trouble, as bits; none: the trouble is over.
    #[serde(default)]
    pub(in crate::watchdog) classes: u8,
    /// The user's rule that is for it, by its place.
    #[serde(skip)]
    pub rule: Option<usize>,
    /// What keeps it from being restarted, as of the last look.
    #[serde(skip)]
    pub(in crate::watchdog) held: Option<Why>,
}

/// Where a unit is on its way from FAILED to healthy or given up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Phase {
    /// FAILED, and not yet believed.
    Observing {
        /// Valid snapshots in a row that said so.
        sightings: u32,
    },
    /// FAILED; the next attempt is due then.
    BackingOff {
        /// When.
        next: Time,
    },
    /// Restarted; what comes of it is awaited.
    Verifying {
        /// When the restart was decided.
        since: Time,
        /// Seen in another state than FAILED since then.
        moved: bool,
        /// RUNNING in every valid poll since then.
        running: Option<Time>,
        /// Why it was restarted.
        reason: Reason,
        /// Neither RUNNING nor FAILED for too long.
        #[serde(default)]
        stuck: bool,
    },
    /// RUNNING again, and watched until it has been so for long.
    Recovered {
        /// Since when.
        since: Time,
    },
    /// Attempts are used up; tried now and then.
    Parked {
        /// The next try.
        next: Time,
    },
    /// Only a person can help.
    GivenUp,
}

/// Why a unit is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Reason {
    /// An attempt of its own.
    Attempt,
    /// To see whether what fails many works again.
    Canary,
    /// A canary proved it.
    Release,
    /// A parked unit is tried.
    Probe,
}

impl Reason {
    /// Whether it is one of those that the unit's class has.
    pub(super) const fn costs_an_attempt(self) -> bool {
        matches!(self, Self::Attempt | Self::Release)
    }

    /// The word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Canary => "canary",
            Self::Release => "release",
            Self::Probe => "probe",
        }
    }
}

/// The breaker of one signature while it is not closed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Breaker {
    /// What it is that fails.
    #[serde(default)]
    pub class: FailureClass,
    /// When it opened; `None`: a version wrote it that did not keep that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Time>,
    /// When it opened, or once there was one, when the first canary was sent: its age counts from it.
    pub since: Time,
    /// Canaries so far.
    pub canaries: u32,
    /// What the last probe of the dependency said; `None`: none was made.
    #[serde(default)]
    pub reachable: Option<bool>,
    /// Open or releasing.
    pub state: BreakerState,
}

/// What an unclosed breaker does.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum BreakerState {
    /// Nobody is restarted but a canary.
    Open {
        /// When the next canary is due.
        next: Time,
        /// Who is out.
        canary: Option<UnitId>,
    },
    /// A canary proved that it works again.
    Releasing {
        /// When the canary proved it.
        since: Time,
        /// So many may be restarted by now.
        allowed: u32,
        /// So many were.
        released: u32,
        /// So many of them failed again.
        failed: u32,
        /// When more are allowed.
        next: Time,
    },
}

impl Breaker {
    /// When the next canary, or the next step of the release, is due.
    pub const fn next(&self) -> Time {
        match self.state {
            BreakerState::Open { next, .. } | BreakerState::Releasing { next, .. } => next,
        }
    }
}

impl Unit {
    /// Whether nothing is wrong with it: it is remembered for its restarts alone, so that one that
    /// fails again and again is known for it.
    pub const fn is_healthy(&self) -> bool {
        self.classes == 0
    }

    /// Whether it is FAILED and something may still be done about it.
    pub fn waits(&self) -> bool {
        self.is_failed && matches!(self.phase, Phase::BackingOff { .. } | Phase::Parked { .. })
    }

    /// The word for its phase.
    pub const fn phase_word(&self) -> &'static str {
        match &self.phase {
            Phase::Observing { .. } => "observing",
            Phase::BackingOff { .. } => "backing_off",
            Phase::Verifying { stuck: true, .. } => "stuck",
            Phase::Verifying { reason: Reason::Canary, .. } => "canary",
            Phase::Verifying { .. } => "verifying",
            Phase::Recovered { .. } => "recovered",
            Phase::Parked { .. } => "parked",
            Phase::GivenUp => "given_up",
        }
    }
}
