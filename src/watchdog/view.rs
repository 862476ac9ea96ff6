//! What the watchdog of one cluster found and did, for metrics and the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{FailureClass, WatchdogMode};

use super::policy::{Memory, Report};

/// One cluster's watchdog at this moment.
#[derive(Clone, Debug, Default)]
pub struct WatchdogView {
    /// The value of the label `connect_cluster`.
    pub cluster: Arc<str>,
    /// Whether it acts.
    pub mode: WatchdogMode,
    /// What was found last, and why nothing more was done.
    pub report: Report,
    /// Breakers that are not closed, and who is out: as the policy remembers them.
    pub memory: Memory,
    /// Restarts sent, or in `dry-run` not sent, by connector, call and class.
    pub attempts: BTreeMap<(Arc<str>, &'static str, FailureClass), u64>,
    /// What became of them, by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// From FAILED to verified, each in seconds: how many, and their sum.
    pub recoveries: (u64, f64),
    /// Writes to the journal that failed.
    pub journal_failures: u64,
}
