//! What of the memory is told beside the report.

use std::sync::Arc;

use super::limits::Limits;
use super::memory::{Memory, Time};
use super::{HOUR, MINUTE};

impl Memory {
    /// Restarts that the cluster may still have now.
    pub fn budget_left(&self, limits: &Limits, now: Time) -> f64 {
        let (budget, full) = (limits.cluster_budget, f64::from(limits.cluster_budget.0));
        self.budget.map_or(full, |bucket| bucket.left(budget, MINUTE, now))
    }

    /// Restarts that a connector may still have now.
    pub fn connector_budget_left(&self, name: &str, limits: &Limits, now: Time) -> f64 {
        let (budget, full) = (limits.connector_budget, f64::from(limits.connector_budget.0));
        let bucket = self.connectors.get(name).and_then(|connector| connector.budget);
        bucket.map_or(full, |bucket| bucket.left(budget, HOUR, now))
    }

    /// Whether restarts come to nothing, so that one at a time is made.
    pub const fn is_cautious(&self) -> bool {
        self.caution.is_some()
    }

    /// Connectors that are left to somebody else, and until when.
    pub fn stood_down(&self) -> impl Iterator<Item = (Arc<str>, Time)> {
        self.connectors.iter().filter_map(|(name, connector)| {
            connector.stood_down_until.map(|until| (Arc::clone(name), until))
        })
    }
}
