//! What was found for each unit that is not healthy, and why nothing more was done.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{FailureClass, WatchdogMode};

use super::memory::{Breaker, BreakerState, ConnectorMemory, Memory, Phase, Time, Unit, UnitId};
use super::rules::Policy;
use super::{HOUR, MINUTE};

/// Why nothing is done in a cluster at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// No watched cluster can be reached: the watchdog doubts itself.
    Doubt,
    /// The last poll gave no valid snapshot.
    NoSnapshot,
    /// The kill switch is on.
    Stopped,
    /// The journal was missing or broken: what was done before is not known; or it cannot be
    /// written.
    JournalLost,
    /// No worker is proven able to serve: the statuses may be those of before.
    NotFresh,
    /// A rebalance is under way, or just was.
    Rebalance,
}

impl Hold {
    /// Every hold, in the order in which they are exported.
    pub const ALL: [Self; 6] = [
        Self::Doubt,
        Self::NoSnapshot,
        Self::Stopped,
        Self::JournalLost,
        Self::NotFresh,
        Self::Rebalance,
    ];

    /// The word for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Doubt => "doubt",
            Self::NoSnapshot => "no_snapshot",
            Self::Stopped => "stopped",
            Self::JournalLost => "journal_lost",
            Self::NotFresh => "not_fresh",
            Self::Rebalance => "rebalance",
        }
    }
}

/// The rule that speaks for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nothing is done in the whole cluster.
    Hold(Hold),
    /// FAILED, and not yet believed.
    Grace,
    /// The next attempt is not due.
    BackOff,
    /// Many fail of one cause, and only a canary is restarted; or restarts do not help, and one at
    /// a time is.
    Breaker,
    /// The dependency does not answer a probe.
    Probe,
    /// Restarts of the connector, the cluster or the process are used up for now.
    Budget,
    /// The user's rule for it says off.
    Rule,
    /// A maintenance window.
    Window,
    /// A silence.
    Silence,
    /// Somebody else restarts it.
    Foreign,
    /// It was restarted, and what comes of it is awaited.
    Verify,
    /// Neither RUNNING nor FAILED for too long after a restart.
    Stuck,
    /// It runs again and is watched.
    Stable,
    /// Its attempts are used up; it is tried now and then.
    Parked,
    /// Only a person can help.
    GivenUp,
    /// It is not FAILED by now.
    NotFailed,
}

impl Why {
    /// Why a unit that is FAILED is not restarted now, for a counter that is there from the start.
    pub const SKIPS: [Self; 17] = [
        Self::Hold(Hold::Doubt),
        Self::Hold(Hold::NoSnapshot),
        Self::Hold(Hold::Stopped),
        Self::Hold(Hold::JournalLost),
        Self::Hold(Hold::NotFresh),
        Self::Hold(Hold::Rebalance),
        Self::Grace,
        Self::BackOff,
        Self::Breaker,
        Self::Probe,
        Self::Budget,
        Self::Rule,
        Self::Window,
        Self::Silence,
        Self::Foreign,
        Self::Parked,
        Self::GivenUp,
    ];

    /// The word for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold(hold) => hold.as_str(),
            Self::Grace => "grace",
            Self::BackOff => "back_off",
            Self::Breaker => "breaker",
            Self::Probe => "probe",
            Self::Budget => "budget",
            Self::Rule => "rule",
            Self::Window => "window",
            Self::Silence => "silence",
            Self::Foreign => "foreign",
            Self::Verify => "verify",
            Self::Stuck => "stuck",
            Self::Stable => "stable",
            Self::Parked => "parked",
            Self::GivenUp => "given_up",
            Self::NotFailed => "not_failed",
        }
    }

    /// Whether it holds back a unit that is due.
    pub const fn holds(self) -> bool {
        matches!(
            self,
            Self::Hold(_)
                | Self::Breaker
                | Self::Probe
                | Self::Budget
                | Self::Rule
                | Self::Window
                | Self::Silence
                | Self::Foreign
        )
    }
}

/// A breaker, as it is for those who wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// How many units that are not healthy have its cause.
    pub units: usize,
    /// The canary that is out.
    pub canary: Option<UnitId>,
    /// Whether a canary proved that it works again.
    pub releasing: bool,
}

/// One unit that is not simply healthy.
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
    /// When it was first seen FAILED in this trouble.
    pub first_failed: Time,
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts that its class has.
    pub attempts_most: u32,
    /// Restarts that its connector may still have now.
    pub connector_budget_left: f64,
    /// The breaker that it waits for.
    pub behind: Option<Arc<Behind>>,
    /// When it was restarted last.
    pub last_restart: Option<Time>,
    /// Since when it runs again, where it does.
    pub recovered: Option<Time>,
    /// When it is tried next, where that is known.
    pub next: Option<Time>,
    /// The rule that speaks.
    pub why: Why,
    /// Whether it is restarted, or only said to be.
    pub mode: WatchdogMode,
    /// The user's rule that is for it.
    pub rule: Option<Arc<str>>,
}

impl UnitReport {
    /// What keeps it back, where something does.
    pub fn held_by(&self) -> Option<Why> {
        Some(self.why).filter(|why| why.holds())
    }
}

/// What `decide` has to say beside its decisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Why nothing is done in the whole cluster.
    pub hold: Option<Hold>,
    /// Every unit that is not simply healthy, in order.
    pub units: Vec<UnitReport>,
}

/// What is to be said of this memory.
pub fn report(memory: &Memory, hold: Option<Hold>, policy: &Policy, now: Time) -> Report {
    let mut units = Vec::with_capacity(memory.connectors.values().map(|c| c.units.len()).sum());
    let breakers = behind(memory);
    for (connector, of_connector) in &memory.connectors {
        let budget = memory.connector_budget_left(connector, &policy.limits, now);
        for (task, unit) in of_connector.units.iter().filter(|(_, unit)| !unit.is_healthy()) {
            units.push(UnitReport {
                connector: Arc::clone(connector),
                task: *task,
                phase: unit.phase_word(),
                class: unit.class,
                signature: Arc::clone(&unit.signature),
                first_failed: unit.first_failed,
                attempts: unit.attempts,
                attempts_most: policy.limits_of(unit.rule).attempts.of(unit.class),
                connector_budget_left: budget,
                behind: breakers
                    .get(&unit.signature)
                    .filter(|_| {
                        memory.breakers.get(&unit.signature).is_some_and(|b| !b.lets_be(unit))
                    })
                    .cloned(),
                last_restart: unit.last_restart,
                recovered: match unit.phase {
                    Phase::Recovered { since } => Some(since).filter(|since| *since < Time::MAX),
                    Phase::Observing { .. }
                    | Phase::BackingOff { .. }
                    | Phase::Verifying { .. }
                    | Phase::Parked { .. }
                    | Phase::GivenUp => None,
                },
                next: next(memory, of_connector, unit, policy),
                why: why(unit, hold),
                mode: policy.mode_of(unit.rule),
                rule: unit.rule.and_then(|at| policy.rules.get(at)).map(|r| Arc::clone(&r.name)),
            });
        }
    }
    Report { hold, units }
}

fn behind(memory: &Memory) -> BTreeMap<&Arc<str>, Arc<Behind>> {
    let mut units: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    if !memory.breakers.is_empty() {
        let all = memory.connectors.values().flat_map(|connector| connector.units.values());
        for unit in
            all.filter(|unit| unit.is_failed || !matches!(unit.phase, Phase::Recovered { .. }))
        {
            *units.entry(&unit.signature).or_default() += 1;
        }
    }
    let of_one = |(signature, breaker): (_, &Breaker)| {
        let (canary, releasing) = match &breaker.state {
            BreakerState::Open { canary, .. } => (canary.clone(), false),
            BreakerState::Releasing { .. } => (None, true),
        };
        let units = units.get(signature).copied().unwrap_or_default();
        (signature, Arc::new(Behind { units, canary, releasing }))
    };
    memory.breakers.iter().map(of_one).collect()
}

/// Under a breaker it is the breaker that says when, and without budget the budget.
fn next(
    memory: &Memory,
    connector: &ConnectorMemory,
    unit: &Unit,
    policy: &Policy,
) -> Option<Time> {
    let limits = policy.limits_of(unit.rule);
    let own = match unit.phase {
        Phase::BackingOff { next } | Phase::Parked { next } => next,
        Phase::Observing { .. }
        | Phase::Verifying { .. }
        | Phase::Recovered { .. }
        | Phase::GivenUp => return None,
    };
    let breaker = memory.breakers.get(&unit.signature).filter(|breaker| !breaker.lets_be(unit));
    let next = breaker.map_or(own, |breaker| breaker.next());
    let next = next.max(unit.ripe_at(limits)).max(memory.auth_rests_until(unit, limits));
    if unit.held != Some(Why::Budget) {
        return Some(next);
    }
    let own = connector.budget.map(|own| own.next(policy.limits.connector_budget, HOUR));
    let all = memory.budget.map(|all| all.next(policy.limits.cluster_budget, MINUTE));
    Some(next.max(own.unwrap_or_default()).max(all.unwrap_or_default()))
}

fn why(unit: &Unit, hold: Option<Hold>) -> Why {
    match (&unit.phase, hold, unit.held) {
        (Phase::GivenUp, ..) => Why::GivenUp,
        (Phase::Verifying { stuck: true, .. }, ..) => Why::Stuck,
        (Phase::Verifying { .. }, ..) => Why::Verify,
        (Phase::Recovered { .. }, ..) => Why::Stable,
        (_, Some(hold), _) => Why::Hold(hold),
        _ if !unit.is_failed => Why::NotFailed,
        (_, None, Some(held)) => held,
        (Phase::Observing { .. }, None, None) => Why::Grace,
        (Phase::BackingOff { .. }, None, None) => Why::BackOff,
        (Phase::Parked { .. }, None, None) => Why::Parked,
    }
}
