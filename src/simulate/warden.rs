//! The policy of this program, on the model's fleet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Failure, Instance, Snapshot, Task};
use crate::watchdog::policy::{
    BreakerState, Decided, Input, Memory, Phase, Policy, Probed, decide,
};

use super::fleet::Fleet;
use super::peers::Restarter;
use super::settings::Tried;

/// Looks through a snapshot, as in real life.
#[derive(Debug)]
pub(super) struct Warden {
    policy: Policy,
    interval: Duration,
    first: Duration,
    memory: Memory,
    snapshot: Snapshot,
    /// The unit behind each connector of the snapshot, and the other way round.
    units: Vec<usize>,
    places: Vec<usize>,
    signatures: Vec<Arc<str>>,
    /// Which units were being moved at the last look.
    rebalanced: Option<usize>,
    /// Until when what was seen of a rebalance may still count.
    unsettled_until: Duration,
    /// Until when a look at the same snapshot comes to nothing.
    sleeps_until: Duration,
    sleeps: bool,
    probes: BTreeMap<Arc<str>, Probed>,
    rng: Rng,
}

impl Warden {
    pub(super) fn new(fleet: &Fleet<'_>, tried: &Tried, seed: u64) -> Self {
        // What is drawn here must have nothing to do with how long an outage lasts.
        let mut rng = Rng::with_seed(!seed);
        let name = |unit: usize| {
            let cause = fleet.units[unit].cause.map(|cause| &fleet.scenario.causes[cause]);
            format!("{}{unit:06}", cause.map_or("c", |cause| &cause.connectors))
        };
        let mut units: Vec<usize> = (0..fleet.units.len()).collect();
        units.sort_by_cached_key(|unit| name(*unit));
        let mut places = vec![0; units.len()];
        for (place, unit) in units.iter().enumerate() {
            places[*unit] = place;
        }
        let worker: Arc<str> = "worker:8083".into();
        let running =
            || Instance { state: State::Running, worker_id: Arc::clone(&worker), failure: None };
        let none: Arc<str> = "".into();
        let classes: Vec<Arc<str>> = fleet
            .scenario
            .causes
            .iter()
            .map(|cause| cause.connector_class.as_str().into())
            .collect();
        let connector = |unit: &usize| Connector {
            name: name(*unit).into(),
            kind: ConnectorType::Sink,
            class: fleet.units[*unit].cause.map_or(&none, |cause| &classes[cause]).clone(),
            version: Arc::clone(&none),
            config: None,
            instance: running(),
            tasks_expected: Some(1),
            tasks_max: Some(1),
            tasks: vec![Task { id: 0, instance: running() }],
        };
        let signature = |(number, host): (usize, &Option<String>)| match host {
            Some(host) => format!("cause {number} @{host}").into(),
            None => format!("cause {number}").into(),
        };
        let hosts = fleet.scenario.causes.iter().map(|cause| &cause.host);
        Self {
            policy: tried.policy.clone(),
            interval: tried.interval,
            first: tried.interval.mul_f64(rng.f64()),
            memory: Memory::default(),
            snapshot: Snapshot {
                connectors: units.iter().map(connector).collect(),
                ..Snapshot::default()
            },
            units,
            places,
            signatures: hosts.enumerate().map(signature).collect(),
            rebalanced: None,
            unsettled_until: Duration::ZERO,
            sleeps_until: Duration::MAX,
            sleeps: true,
            probes: BTreeMap::new(),
            rng,
        }
    }

    fn see(&mut self, fleet: &mut Fleet<'_>) {
        let all = fleet.units.len();
        let moved = fleet.rebalance().map(|rebalance| rebalance.units.unwrap_or(all));
        if moved != self.rebalanced {
            self.rebalanced = moved;
            fleet.changed = (0..all).collect();
        }
        for at in std::mem::take(&mut fleet.changed) {
            let unit = fleet.units[at];
            let cause = unit.cause.filter(|_| unit.failed);
            let moves = moved.is_some_and(|moved| is_among(at, moved, all));
            let instance = &mut self.snapshot.connectors[self.places[at]].tasks[0].instance;
            instance.state = match (cause, moves) {
                (Some(_), _) => State::Failed,
                (None, true) => State::Unassigned,
                (None, false) => State::Running,
            };
            instance.failure = cause.map(|cause| {
                Box::new(Failure {
                    class: fleet.scenario.causes[cause].class,
                    signature: Arc::clone(&self.signatures[cause]),
                    ..Failure::default()
                })
            });
        }
    }

    /// Whether a look can only come to nothing.
    fn is_quiet(&self, fleet: &Fleet<'_>) -> bool {
        fleet.changed.is_empty()
            && fleet.now > self.unsettled_until
            && fleet.now < self.sleeps_until
            && self.sleeps
    }

    /// Until when looks at the same snapshot would change nothing: while all that is remembered
    /// waits for its time, only that time can end it. A test holds it against looking always.
    fn sleep(&self, decided: &Decided) -> Duration {
        let awake = Duration::ZERO;
        if !decided.events.is_empty() || !decided.decisions.is_empty() {
            return awake;
        }
        let mut until = Duration::MAX;
        for breaker in self.memory.breakers.values() {
            let waits = matches!(breaker.state, BreakerState::Open { canary: None, .. });
            if !waits || !self.policy.probe_targets.is_empty() {
                return awake;
            }
            until = until.min(breaker.since + self.policy.limits.probe_until);
        }
        let units = self.memory.connectors.values().flat_map(|connector| connector.units.values());
        for unit in units {
            match unit.phase {
                Phase::BackingOff { .. } | Phase::Parked { .. } | Phase::GivenUp => {}
                Phase::Observing { .. } | Phase::Verifying { .. } | Phase::Recovered { .. } => {
                    return awake;
                }
            }
        }
        decided.report.units.iter().filter_map(|unit| unit.next).fold(until, Duration::min)
    }
}

/// Whether a unit is one of so many, spread evenly over all.
const fn is_among(unit: usize, of: usize, all: usize) -> bool {
    unit * of / all != (unit + 1) * of / all
}

impl Restarter for Warden {
    /// Polls have nothing to do with when things fail.
    fn first(&self) -> Duration {
        self.first
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn look(&mut self, fleet: &mut Fleet<'_>) -> Vec<usize> {
        if fleet.rebalance().is_some() || fleet.is_blind() || self.rebalanced.is_some() {
            self.unsettled_until = fleet.now + self.policy.limits.rebalance_hold;
        }
        if self.is_quiet(fleet) {
            return Vec::new();
        }
        let answered = !fleet.is_blind();
        if answered {
            self.see(fleet);
        }
        let snapshot = answered.then_some(&self.snapshot);
        let input = Input { probes: &self.probes, ..Input::of(snapshot) };
        let memory = std::mem::take(&mut self.memory);
        let mut decided = decide(memory, &input, &self.policy, fleet.now, &mut self.rng);
        self.memory = std::mem::take(&mut decided.memory);
        self.sleeps_until = self.sleep(&decided);
        // The answers are there for the next look.
        for target in decided.probes {
            let reachable = fleet.is_reachable(&target);
            self.probes.insert(target, Probed { at: fleet.now, reachable });
        }
        let unit = |name: &Arc<str>| {
            let connectors = &self.snapshot.connectors;
            let place = connectors.binary_search_by(|connector| connector.name.cmp(name)).ok()?;
            Some(self.units[place])
        };
        decided.decisions.iter().filter_map(|decision| unit(&decision.connector)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::*;

    /// When which units are restarted.
    fn play(scenario: &Scenario, seed: u64, sleeps: bool) -> Vec<(Duration, Vec<usize>)> {
        let tried = Tried::read(None, None).unwrap();
        let mut fleet = Fleet::new(scenario, seed);
        let mut warden = Warden { sleeps, ..Warden::new(&fleet, &tried, seed) };
        let mut restarts = Vec::new();
        let mut now = warden.first();
        while now < scenario.duration {
            fleet.advance(now);
            let units = warden.look(&mut fleet);
            if !units.is_empty() {
                for unit in &units {
                    fleet.start(*unit);
                }
                restarts.push((now, units));
            }
            now += warden.interval();
        }
        restarts
    }

    #[test]
    fn looks_that_are_left_out_would_have_come_to_nothing() {
        for name in ["poison", "flap", "outage-5", "trickle", "mixed", "rebalance-storm"] {
            let mut scenario = Scenario::named(name).unwrap();
            scenario.causes.iter_mut().for_each(|cause| cause.units = cause.units.min(10));
            scenario.healthy = scenario.healthy.min(10);
            let slow = play(&scenario, 7, false);
            assert!(!slow.is_empty(), "{name}");
            assert_eq!(play(&scenario, 7, true), slow, "{name}");
        }
        let mut long = Scenario::named("outage-long").unwrap();
        long.causes[0].units = 4;
        long.causes[0].down_for = None;
        long.duration = Duration::from_secs(100 * 3600);
        assert_eq!(play(&long, 7, true), play(&long, 7, false), "until it is given up");
    }
}
