//! What is told of a replay, as it is written in JSON.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Serialize, Serializer};

use crate::config::FailureClass;
use crate::watchdog::policy::Time;

use super::format::Format;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) format: Format,
    pub(super) files: Vec<String>,
    pub(super) poll_interval_seconds: f64,
    /// What has to be known to read the rest aright.
    pub(super) notes: Vec<String>,
    pub(super) clusters: Vec<ClusterTold>,
}

#[derive(Debug, Serialize)]
pub(super) struct ClusterTold {
    pub(super) cluster: Arc<str>,
    pub(super) from: Moment,
    pub(super) until: Moment,
    /// Units of which something is recorded.
    pub(super) units_recorded: usize,
    pub(super) totals: Totals,
    pub(super) recorded: RecordedTotals,
    /// Those that failed.
    pub(super) units: Vec<UnitTold>,
}

/// What would have been done.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) units_failed: usize,
    pub(super) restarts: usize,
    pub(super) attempts: usize,
    pub(super) canaries: usize,
    pub(super) releases: usize,
    pub(super) probes: usize,
    pub(super) peak_per_minute: usize,
    pub(super) parked: usize,
    pub(super) given_up: usize,
    /// Over all units.
    pub(super) held_minutes: BTreeMap<&'static str, f64>,
}

/// What was really done.
#[derive(Debug, Default, Serialize)]
pub(super) struct RecordedTotals {
    /// `None`: the record does not tell.
    pub(super) restarts: Option<usize>,
    /// Only said: dry-run.
    pub(super) restarts_only_said: Option<usize>,
    /// How often a unit was FAILED.
    pub(super) failures: usize,
    /// How often one was no longer FAILED after that.
    pub(super) ended: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct UnitTold {
    pub(super) connector: Arc<str>,
    /// `None`: the connector's own instance.
    pub(super) task: Option<u32>,
    /// As recorded.
    pub(super) failures: Vec<FailureTold>,
    pub(super) decisions: Vec<DecisionTold>,
    pub(super) held: Vec<HeldTold>,
    /// Where it would be at the end; `None`: it is well.
    pub(super) phase: Option<&'static str>,
    /// Restarts of it that were really sent.
    pub(super) recorded_restarts: Vec<Moment>,
}

#[derive(Debug, Serialize)]
pub(super) struct FailureTold {
    pub(super) at: Moment,
    /// `None`: it is FAILED to the end.
    pub(super) until: Option<Moment>,
    pub(super) failure_class: FailureClass,
    pub(super) signature: Arc<str>,
}

#[derive(Debug, Serialize)]
pub(super) struct DecisionTold {
    pub(super) at: Moment,
    pub(super) reason: &'static str,
    /// Which of its own attempts; canaries and probes are none.
    pub(super) attempt: Option<u32>,
    pub(super) attempts_most: u32,
    pub(super) call: &'static str,
    /// A rule of the user's says dry-run.
    pub(super) dry_run: bool,
    /// What the record says of it, where it does.
    pub(super) outcome: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct HeldTold {
    pub(super) by: &'static str,
    pub(super) from: Moment,
    pub(super) until: Moment,
}

/// A time since 1970, as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) Time);

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = Time::from_secs(253_402_300_799);
        humantime::format_rfc3339_seconds(UNIX_EPOCH + self.0.min(last)).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
