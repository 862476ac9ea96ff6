//! What the policy remembers of one cluster: only of units that are not simply healthy.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::FailureClass;

use super::budget::Bucket;

/// Time since an origin that the caller keeps; it never goes back.
pub type Time = Duration;

/// One task, or with `None` the connector's own instance.
pub type UnitId = (Arc<str>, Option<u32>);

/// The memory of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Units that failed and are not yet forgotten, by connector.
    pub connectors: BTreeMap<Arc<str>, ConnectorMemory>,
    /// Breakers that are not closed, by signature.
    pub breakers: BTreeMap<Arc<str>, Breaker>,
    /// What is left of the cluster's budget; `None`: all of it.
    pub budget: Option<Bucket>,
    pub(super) rebalance: Option<Rebalance>,
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
    /// Since when its attempts are used up.
    pub parked_since: Option<Time>,
    /// The wait before its last attempt.
    pub last_wait: Duration,
    /// When it was restarted, the last few times.
    pub restarts: VecDeque<Time>,
    /// Where it is.
    pub phase: Phase,
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

/// The breaker of one signature while it is not closed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Breaker {
    /// When it opened.
    pub since: Time,
    /// Canaries so far.
    pub canaries: u32,
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

impl Unit {
    /// Whether it is FAILED and something may still be done about it.
    pub fn waits(&self) -> bool {
        self.is_failed && matches!(self.phase, Phase::BackingOff { .. } | Phase::Parked { .. })
    }

    /// The word for its phase.
    pub const fn phase_word(&self) -> &'static str {
        match &self.phase {
            Phase::Observing { .. } => "observing",
            Phase::BackingOff { .. } => "backing_off",
            Phase::Verifying { reason: Reason::Canary, .. } => "canary",
            Phase::Verifying { .. } => "verifying",
            Phase::Recovered { .. } => "recovered",
            Phase::Parked { .. } => "parked",
            Phase::GivenUp => "given_up",
        }
    }
}
