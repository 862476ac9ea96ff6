//! The policy of this program, on the model's fleet.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Failure, Instance, Snapshot, Task};
use crate::watchdog::policy::{Input, Memory, Policy, decide};

use super::fleet::Fleet;
use super::peers::Restarter;

/// Looks through a snapshot, as in real life.
#[derive(Debug)]
pub(super) struct Warden {
    policy: Policy,
    interval: Duration,
    memory: Memory,
    snapshot: Snapshot,
    was_rebalancing: bool,
    rng: Rng,
}

impl Warden {
    pub(super) fn new(fleet: &Fleet<'_>, policy: Policy, interval: Duration, seed: u64) -> Self {
        let worker: Arc<str> = "worker:8083".into();
        let instance =
            || Instance { state: State::Running, worker_id: Arc::clone(&worker), failure: None };
        let none: Arc<str> = "".into();
        let connector = |number: usize| Connector {
            name: format!("c{number:06}").into(),
            kind: ConnectorType::Sink,
            class: Arc::clone(&none),
            version: Arc::clone(&none),
            config: None,
            instance: instance(),
            tasks_expected: Some(1),
            tasks_max: Some(1),
            tasks: vec![Task { id: 0, instance: instance() }],
        };
        let connectors = (0..fleet.units.len()).map(connector).collect();
        Self {
            policy,
            interval,
            memory: Memory::default(),
            snapshot: Snapshot { connectors, ..Snapshot::default() },
            was_rebalancing: false,
            rng: Rng::with_seed(seed),
        }
    }

    fn see(&mut self, fleet: &mut Fleet<'_>) {
        let rebalances = fleet.rebalances();
        let turned = rebalances != self.was_rebalancing;
        self.was_rebalancing = rebalances;
        if turned {
            fleet.changed = (0..fleet.units.len()).collect();
        }
        for at in std::mem::take(&mut fleet.changed) {
            let unit = fleet.units[at];
            let instance = &mut self.snapshot.connectors[at].tasks[0].instance;
            let cause = unit.cause.filter(|_| unit.failed);
            instance.state = match (cause, rebalances) {
                (Some(_), _) => State::Failed,
                (None, true) => State::Unassigned,
                (None, false) => State::Running,
            };
            instance.failure = cause.map(|cause| {
                Box::new(Failure {
                    class: fleet.scenario.causes[cause].class,
                    signature: format!("cause {cause}").into(),
                    exception: "".into(),
                    trace: "".into(),
                })
            });
        }
    }
}

impl Restarter for Warden {
    fn interval(&self) -> Duration {
        self.interval
    }

    fn look(&mut self, fleet: &mut Fleet<'_>) -> Vec<usize> {
        self.see(fleet);
        let input = Input::of(Some(&self.snapshot));
        let memory = std::mem::take(&mut self.memory);
        let decided = decide(memory, &input, &self.policy, fleet.now, &mut self.rng);
        self.memory = decided.memory;
        let unit = |name: &str| name.trim_start_matches('c').parse().ok();
        decided.decisions.iter().filter_map(|decision| unit(&decision.connector)).collect()
    }
}
