//! What people ordered: silences, and the kill switch.

use serde::Serialize;
use utoipa::ToSchema;

use crate::watchdog::office::KillSwitch;
use crate::watchdog::orders::{Now, Silenced, Stop, clean};
use crate::watchdog::policy::Time;

use super::Moment;

/// An order to leave some connectors alone for a while.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SilenceFacts {
    /// To take it back by.
    pub id: String,
    /// Matches a cluster's whole name; null: in every cluster.
    pub cluster: Option<String>,
    /// Matches a connector's whole name.
    pub connector: String,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// Whose order.
    pub by: String,
    /// When it was given.
    pub at: Moment,
    /// Why.
    pub reason: String,
}

impl From<&Silenced> for SilenceFacts {
    fn from(order: &Silenced) -> Self {
        Self {
            id: clean(&order.id),
            cluster: order.cluster.as_deref().map(clean),
            connector: clean(&order.connector),
            from: order.from.into(),
            until: order.until.into(),
            by: clean(&order.by),
            at: order.at.into(),
            reason: clean(&order.reason),
        }
    }
}

impl SilenceFacts {
    /// Those that have not ended, the one that ends first first.
    pub fn all(orders: &Now, now: Time) -> Vec<Self> {
        let in_force = orders.given.silences.iter().filter(|silence| silence.until > now);
        let mut all: Vec<Self> = in_force.map(Self::from).collect();
        all.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
        all
    }
}

/// Whether anything is restarted at all.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KillSwitchFacts {
    /// While it is on the watchdog restarts nothing, in no cluster.
    pub on: bool,
    /// Why it is on, in a sentence; a file or a signal may have turned it on too.
    pub because: Option<String>,
    /// The order that turned it on, where one did.
    pub order: Option<StopFacts>,
}

/// An order to restart nothing at all.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StopFacts {
    /// Whose order.
    pub by: String,
    /// Since when.
    pub at: Moment,
    /// Why; may be empty.
    pub reason: String,
}

impl KillSwitchFacts {
    /// As it is now. Looks at files.
    pub fn of(kill_switch: &KillSwitch, orders: &Now) -> Self {
        let because = kill_switch.stopped();
        let order = |stop: &Stop| StopFacts {
            by: clean(&stop.by),
            at: stop.at.into(),
            reason: clean(&stop.reason),
        };
        Self { on: because.is_some(), because, order: orders.given.stop.as_ref().map(order) }
    }
}
