//! What was found for each unit that is not healthy, and why nothing more was done.

use std::sync::Arc;

use crate::config::FailureClass;

use super::memory::{Memory, Phase, Time};

/// Why nothing is done in a cluster at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The last poll gave no valid snapshot.
    NoSnapshot,
    /// The journal was missing or broken: what was done before is not known.
    JournalLost,
    /// No worker is proven able to serve: the statuses may be those of before.
    NotFresh,
    /// A rebalance is under way, or just was.
    Rebalance,
}

impl Hold {
    /// Every hold, in the order in which they are exported.
    pub const ALL: [Self; 4] =
        [Self::NoSnapshot, Self::JournalLost, Self::NotFresh, Self::Rebalance];

    /// The word for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSnapshot => "no_snapshot",
            Self::JournalLost => "journal_lost",
            Self::NotFresh => "not_fresh",
            Self::Rebalance => "rebalance",
        }
    }
}

/// One unit that is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitReport {
    /// The connector.
    pub connector: Arc<str>,
    /// The task; `None`: the connector's own instance.
    pub task: Option<u32>,
    /// Such as `backing_off`.
    pub phase: &'static str,
    /// Why it failed.
    pub class: FailureClass,
    /// What failures of its kind have in common.
    pub signature: Arc<str>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, where that is known.
    pub next: Option<Time>,
    /// What keeps it from being tried now.
    pub held_by: Option<&'static str>,
}

/// What `decide` has to say beside its decisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Why nothing is done in the whole cluster.
    pub hold: Option<Hold>,
    /// Every unit that is remembered, in order.
    pub units: Vec<UnitReport>,
}

pub(super) fn report(
    memory: &Memory,
    hold: Option<Hold>,
    over_budget: &[(Arc<str>, Option<u32>)],
) -> Report {
    let units = memory.connectors.iter().flat_map(|(connector, of_connector)| {
        of_connector.units.iter().map(move |(task, unit)| {
            let next = match unit.phase {
                Phase::BackingOff { next } | Phase::Parked { next } => Some(next),
                Phase::Observing { .. }
                | Phase::Verifying { .. }
                | Phase::Recovered { .. }
                | Phase::GivenUp => None,
            };
            let held_by = match hold {
                Some(hold) => Some(hold.as_str()),
                None if unit.waits() && memory.breakers.contains_key(&unit.signature) => {
                    Some("breaker")
                }
                None => {
                    let id = (Arc::clone(connector), *task);
                    over_budget.binary_search(&id).is_ok().then_some("budget")
                }
            };
            UnitReport {
                connector: Arc::clone(connector),
                task: *task,
                phase: unit.phase_word(),
                class: unit.class,
                signature: Arc::clone(&unit.signature),
                attempts: unit.attempts,
                next,
                held_by,
            }
        })
    });
    Report { hold, units: units.collect() }
}
