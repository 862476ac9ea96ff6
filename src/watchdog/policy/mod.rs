//! The policy: `decide` looks at what is remembered and at the last valid snapshot and says what is
//! to be restarted now. No clock, no I/O, no randomness of its own.
//!
//! [`Memory`] goes in and comes out changed. In it a unit (a task, or a connector's own instance)
//! goes from observing over backing off to verifying, and from there to recovered or, its attempts
//! used up, to parked and given up: `update` and `backoff`. `look` takes a snapshot through all
//! units; `storm` keeps the breakers of failures that are many units' at once, and `gate` says who
//! passes one; `act` picks who is due within the budgets, and `call` how. What came of a call is told
//! by [`answered`].

mod act;
mod answered;
mod backoff;
mod breaker;
mod budget;
mod call;
mod caution;
mod event;
mod gate;
mod limits;
mod look;
mod memory;
mod report;
mod restore;
mod rules;
mod storm;
#[cfg(test)]
mod tests;
mod told;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::observe::snapshot::Snapshot;

pub use answered::{Answer, answered};
pub use budget::Bucket;
pub use call::{Call, Decision};
pub use event::{Because, BreakerChange, Change, Event, Outcome};
pub use limits::{Attempts, Limits};
pub use memory::{
    Breaker, BreakerState, ConnectorMemory, Memory, Phase, Reason, Time, Unit, UnitId,
};
pub use report::{Behind, Hold, Report, UnitReport, Why, report};
pub use rules::{Policy, Rule, Selector, Silence};
pub use update::Progress;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// What is known of the cluster at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Input<'s> {
    /// What the last poll found; `None`: nothing that can be believed.
    pub snapshot: Option<&'s Snapshot>,
    /// Whether a worker is proven able to serve.
    pub fresh: bool,
    /// Whether a rebalance is visible otherwise than in the snapshot: 409s, or other workers.
    pub rebalancing: bool,
    /// Whether the journal was lost so recently that nothing is done yet, or cannot be written.
    pub journal_lost: bool,
    /// Whether the workers know KIP-745 and do not start tasks twice.
    pub restarts_with_tasks: bool,
    /// Whether no watched cluster can be reached.
    pub doubt: bool,
    /// Whether the kill switch is on.
    pub stopped: bool,
    /// What is left of the budget of all clusters together.
    pub process_left: u32,
    /// For each rule of the policy, and last for units without one: whether a window keeps it shut.
    pub shut: &'s [bool],
    /// Who is to be left alone: the silences that are in force.
    pub silences: &'s [Arc<Silence>],
    /// Whose restart was decided, and is not yet answered: that it is FAILED says nothing of it.
    pub not_ended: &'s [UnitId],
    /// Whom a person wants to be tried afresh.
    pub acknowledged: &'s [Acknowledged],
    /// How connectors get on whose offsets are read.
    pub progress: &'s BTreeMap<Arc<str>, Progress>,
    /// What the last probes of dependencies said, by target.
    pub probes: &'s BTreeMap<Arc<str>, Probed>,
}

static NO_PROGRESS: BTreeMap<Arc<str>, Progress> = BTreeMap::new();
static NO_PROBES: BTreeMap<Arc<str>, Probed> = BTreeMap::new();

impl<'s> Input<'s> {
    /// A poll without anything special about it.
    pub const fn of(snapshot: Option<&'s Snapshot>) -> Self {
        Self {
            snapshot,
            fresh: true,
            rebalancing: false,
            journal_lost: false,
            restarts_with_tasks: true,
            doubt: false,
            stopped: false,
            process_left: u32::MAX,
            shut: &[],
            silences: &[],
            not_ended: &[],
            acknowledged: &[],
            progress: &NO_PROGRESS,
            probes: &NO_PROBES,
        }
    }
}

/// A person's order: what is remembered is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Of this connector.
    pub connector: Arc<str>,
    /// Of this task; `None`: of all of it.
    pub task: Option<u32>,
}

/// What a probe said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// When.
    pub at: Time,
    /// Whether the dependency took a connection.
    pub reachable: bool,
}

/// What `decide` comes to.
#[derive(Debug)]
pub struct Decided {
    /// To be given to the next `decide`.
    pub memory: Memory,
    /// What is to be restarted now, in this order.
    pub decisions: Vec<Decision>,
    /// Dependencies that are to be probed now, as targets of the policy.
    pub probes: Vec<Arc<str>>,
    /// What changed in the memory.
    pub events: Vec<Event>,
    /// What there is to say of every unit that is not healthy.
    pub report: Report,
}

/// One look at one cluster.
pub fn decide(
    mut memory: Memory,
    input: &Input<'_>,
    policy: &Policy,
    now: Time,
    rng: &mut Rng,
) -> Decided {
    let mut events = Vec::new();
    look::acknowledge(&mut memory, input.acknowledged, &mut events);
    if input.doubt {
        memory.doubted_since.get_or_insert(now);
    }
    let believed = input.snapshot.filter(|_| !input.doubt && input.fresh);
    let Some(snapshot) = believed else {
        let hold = match input.snapshot {
            _ if input.doubt => Hold::Doubt,
            None => Hold::NoSnapshot,
            // The statuses may be those of before: they are no health, and nothing to go by.
            Some(_) => Hold::NotFresh,
        };
        let report = report(&memory, Some(hold), policy, now);
        return Decided { memory, decisions: vec![], probes: vec![], events, report };
    };
    if let Some(since) = memory.doubted_since.take() {
        memory.shift(now.saturating_sub(since));
    }
    memory.forget_auth(policy, now);
    let seen = look::look(&mut memory, snapshot, input, policy, now, rng);
    events.extend(seen.events);
    storm::note(&mut memory, &events);
    let caution = memory.count_outcomes(&events, policy, now);
    events.extend(caution);
    storm::settle(&mut memory, seen.units, input, policy, now, &mut events);
    let hold = hold(&mut memory, input, seen.unassigned, &policy.limits, now);
    let (decisions, probes) = match hold {
        Some(_) => (Vec::new(), Vec::new()),
        None => {
            (act::act(&mut memory, input, policy, now), wanted_probes(&memory, input, policy, now))
        }
    };
    let report = report(&memory, hold, policy, now);
    Decided { memory, decisions, probes, events, report }
}

fn hold(
    memory: &mut Memory,
    input: &Input<'_>,
    unassigned: bool,
    limits: &Limits,
    now: Time,
) -> Option<Hold> {
    if input.rebalancing || unassigned {
        memory.rebalance_seen(limits, now);
    }
    let rests = |since: Time, least: Duration| now.saturating_sub(since) >= least;
    let held = memory.rebalance.is_some_and(|rebalance| {
        !rests(rebalance.last_seen, limits.rebalance_hold)
            && !rests(rebalance.began, limits.rebalance_most)
    });
    memory.rebalance =
        memory.rebalance.filter(|rebalance| !rests(rebalance.last_seen, limits.rebalance_hold));
    [
        (input.stopped, Hold::Stopped),
        (input.journal_lost, Hold::JournalLost),
        (held, Hold::Rebalance),
    ]
    .into_iter()
    .find_map(|(holds, hold)| holds.then_some(hold))
}

/// Before a canary is sent it is cheaper to ask the dependency.
fn wanted_probes(memory: &Memory, input: &Input<'_>, policy: &Policy, now: Time) -> Vec<Arc<str>> {
    let open = memory
        .breakers
        .iter()
        .filter(|(_, breaker)| matches!(breaker.state, BreakerState::Open { canary: None, .. }));
    let targets = open.filter_map(|(signature, _)| policy.probe_target(signature));
    let mut wanted: Vec<_> = targets
        .filter(|target| {
            input
                .probes
                .get(*target)
                .is_none_or(|last| now.saturating_sub(last.at) >= policy.limits.probe_interval)
        })
        .cloned()
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}
