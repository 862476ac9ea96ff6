//! The rules as cases. What must hold whatever happens is in `tests/invariants`.

mod answers;
mod attempts;
mod budgets;
mod demo;
mod flapping;
mod golden;
mod holds;
mod storm;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::*;
use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Failure, Instance, Task};

const POLL: Duration = Duration::from_secs(15);

fn instance(state: State, class: FailureClass, signature: &str) -> Instance {
    let failure = (state == State::Failed)
        .then(|| Box::new(Failure { class, signature: signature.into(), ..Failure::default() }));
    Instance { state, worker_id: "w:1".into(), failure }
}

/// One connector a row: its name and its tasks' states; each fails with a signature of its own.
fn snapshot(rows: &[(&str, &[State])], class: FailureClass) -> Snapshot {
    let connector = |(name, tasks): &(&str, &[State])| Connector {
        name: (*name).into(),
        kind: ConnectorType::Sink,
        class: "".into(),
        version: "".into(),
        config: None,
        instance: instance(State::Running, class, ""),
        tasks_expected: None,
        tasks_max: None,
        tasks: (0..)
            .zip(*tasks)
            .map(|(id, state)| Task { id, instance: instance(*state, class, name) })
            .collect(),
    };
    Snapshot { connectors: rows.iter().map(connector).collect(), ..Snapshot::default() }
}

/// One FAILED task of each, all with one signature.
fn failing(names: &[&str], class: FailureClass, signature: &str) -> Snapshot {
    let rows: Vec<(&str, &[State])> =
        names.iter().map(|name| (*name, [State::Failed].as_slice())).collect();
    let mut snapshot = snapshot(&rows, class);
    for connector in &mut snapshot.connectors {
        connector.tasks[0].instance = instance(State::Failed, class, signature);
    }
    snapshot
}

/// The same for so many.
fn many(count: usize, class: FailureClass, signature: &str) -> Snapshot {
    let names: Vec<String> = (0..count).map(|n| format!("c{n:03}")).collect();
    failing(&names.iter().map(String::as_str).collect::<Vec<_>>(), class, signature)
}

fn set(snapshot: &mut Snapshot, connector: &str, state: State) {
    let of = snapshot.connectors.iter_mut().find(|c| &*c.name == connector).unwrap();
    of.tasks[0].instance.state = state;
}

/// A cluster under watch, polled every 15 s.
struct Watched {
    memory: Memory,
    policy: Policy,
    now: Duration,
    rng: Rng,
}

impl Watched {
    fn new() -> Self {
        Self {
            memory: Memory::default(),
            policy: Policy::default(),
            now: hours(1000),
            rng: Rng::with_seed(1),
        }
    }

    /// Where no number of failures is a storm.
    fn calm() -> Self {
        let mut watched = Self::new();
        watched.policy.limits.storm_units = usize::MAX;
        watched.policy.limits.signature_connectors = usize::MAX;
        watched.policy.limits.first_jitter = Duration::ZERO;
        watched
    }

    fn input(&mut self, input: Input<'_>) -> Decided {
        self.now += POLL;
        let memory = std::mem::take(&mut self.memory);
        let mut decided = decide(memory, &input, &self.policy, self.now, &mut self.rng);
        self.memory = std::mem::take(&mut decided.memory);
        decided
    }

    fn poll(&mut self, snapshot: &Snapshot) -> Decided {
        self.input(Input::of(Some(snapshot)))
    }

    /// Polls for so long; when restarts were decided, counted from its beginning.
    fn restarts(&mut self, snapshot: &Snapshot, time: Duration) -> Vec<Duration> {
        let (begin, end) = (self.now, self.now + time);
        let mut all = Vec::new();
        while self.now < end {
            let decided = self.poll(snapshot);
            all.extend(decided.decisions.iter().map(|_| self.now - begin));
        }
        all
    }

    fn polls(&mut self, snapshot: &Snapshot, time: Duration) -> usize {
        self.restarts(snapshot, time).len()
    }

    /// Polls until a restart is decided.
    fn restart(&mut self, snapshot: &Snapshot) -> Decision {
        let mut decided = (0..20_000).flat_map(|_| self.poll(snapshot).decisions);
        decided.next().unwrap()
    }

    /// Another process takes over, perhaps with another clock.
    fn restored(&mut self) {
        self.memory = std::mem::take(&mut self.memory).restored(self.now);
    }

    fn unit(&mut self, connector: &str) -> &mut Unit {
        let of = self.memory.connectors.get_mut(connector).unwrap();
        of.units.get_mut(&Some(0)).unwrap()
    }

    fn answer(&mut self, decision: &Decision, answer: Answer) -> Vec<Event> {
        let ids: Vec<UnitId> =
            decision.units.iter().map(|task| (Arc::clone(&decision.connector), *task)).collect();
        answered(&mut self.memory, &ids, answer, &self.policy.limits, self.now)
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

/// What happened to task 0 of it.
fn of_first(connector: &str, change: Change) -> Event {
    Event::Unit((connector.into(), Some(0)), change)
}
