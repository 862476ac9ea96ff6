//! The rules as cases, and an independent checker over random troubles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::*;
use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Failure, Instance, Task};

const POLL: Duration = Duration::from_secs(15);

fn instance(state: State, class: FailureClass, signature: &str) -> Instance {
    let failure = (state == State::Failed).then(|| {
        Box::new(Failure {
            class,
            signature: signature.into(),
            exception: "".into(),
            trace: "".into(),
        })
    });
    Instance { state, worker_id: "w:1".into(), failure }
}

/// One connector a row: its name and its tasks' states.
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
            now: Duration::from_secs(1000),
            rng: Rng::with_seed(1),
        }
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

    /// Polls for so long; how many restarts were decided.
    fn polls(&mut self, snapshot: &Snapshot, time: Duration) -> usize {
        let end = self.now + time;
        let mut decisions = 0;
        while self.now < end {
            decisions += self.poll(snapshot).decisions.len();
        }
        decisions
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn attempts_are_made_by_class() {
    let a_day = minutes(24 * 60);
    for (class, attempts) in [
        (FailureClass::OffsetLost, 0),
        (FailureClass::Install, 0),
        (FailureClass::Data, 1),
        (FailureClass::Auth, 2),
        (FailureClass::Resource, 2),
    ] {
        let mut watched = Watched::new();
        let failing = snapshot(&[("a", &[State::Failed])], class);
        assert_eq!(watched.polls(&failing, a_day), attempts, "{class:?}");
        let report = watched.poll(&failing).report;
        assert_eq!(report.units[0].phase, "given_up", "{class:?}");
    }
}

#[test]
fn failed_is_believed_after_two_polls_and_the_grace() {
    let mut watched = Watched::new();
    let failing = snapshot(&[("a", &[State::Failed])], FailureClass::Transient);
    let phases: Vec<_> = (0..3).map(|_| watched.poll(&failing).report.units[0].phase).collect();
    assert_eq!(phases, ["observing", "observing", "backing_off"]);
    assert_eq!(watched.polls(&failing, minutes(1)), 1);
}

#[test]
fn states_that_are_not_failed_are_left_alone() {
    for state in [State::Paused, State::Stopped, State::Restarting, State::Unknown, State::Running]
    {
        let mut watched = Watched::new();
        let quiet = snapshot(&[("a", &[state])], FailureClass::Transient);
        assert_eq!(watched.polls(&quiet, minutes(60)), 0, "{state:?}");
        assert!(watched.memory.connectors.is_empty(), "{state:?}");
    }
}

#[test]
fn holds_are_said_and_nothing_is_done() {
    let failing = snapshot(&[("a", &[State::Failed])], FailureClass::Transient);
    let unassigned =
        snapshot(&[("a", &[State::Failed, State::Unassigned])], FailureClass::Transient);
    let usual = Input::of(Some(&failing));
    for (input, hold) in [
        (Input { snapshot: None, ..usual }, Hold::NoSnapshot),
        (Input { snapshot: None, doubt: true, ..usual }, Hold::Doubt),
        (Input { stopped: true, ..usual }, Hold::Stopped),
        (Input { fresh: false, ..usual }, Hold::NotFresh),
        (Input { rebalancing: true, ..usual }, Hold::Rebalance),
        (Input { journal_lost: true, ..usual }, Hold::JournalLost),
        (Input { snapshot: Some(&unassigned), ..usual }, Hold::Rebalance),
    ] {
        let mut watched = Watched::new();
        for _ in 0..30 {
            let decided = watched.input(input);
            assert_eq!((decided.decisions.len(), decided.report.hold), (0, Some(hold)));
        }
    }
    let mut watched = Watched::new();
    let decided =
        (0..60).map(|_| watched.input(Input { rebalancing: true, ..usual }).decisions.len());
    assert!(decided.sum::<usize>() > 0, "a rebalance that does not end holds ten minutes, no more");
}

#[test]
fn an_invalid_poll_changes_nothing() {
    let mut watched = Watched::new();
    let failing = snapshot(&[("a", &[State::Failed])], FailureClass::Transient);
    watched.poll(&failing);
    let before = watched.memory.clone();
    watched.input(Input::of(None));
    assert_eq!(watched.memory, before);
}

#[test]
fn an_operators_pause_begins_everything_afresh() {
    let mut watched = Watched::new();
    let failing = snapshot(&[("a", &[State::Failed])], FailureClass::Data);
    watched.polls(&failing, minutes(60));
    assert_eq!(watched.poll(&failing).report.units[0].phase, "given_up");
    watched.poll(&snapshot(&[("a", &[State::Paused])], FailureClass::Data));
    assert_eq!(watched.polls(&failing, minutes(60)), 1);
}

#[test]
fn a_recovery_is_verified_and_attempts_are_forgotten_only_after_stable_health() {
    let mut watched = Watched::new();
    let failing = snapshot(&[("a", &[State::Failed])], FailureClass::Transient);
    let running = snapshot(&[("a", &[State::Running])], FailureClass::Transient);
    while watched.poll(&failing).decisions.is_empty() {}
    let mut outcomes = Vec::new();
    for _ in 0..9 {
        outcomes.extend(
            watched
                .poll(&running)
                .events
                .into_iter()
                .filter(|event| matches!(event, Event::Unit(_, Change::Outcome(..)))),
        );
    }
    assert_eq!(outcomes.len(), 1);
    let recovered = Change::Outcome(Reason::Attempt, Outcome::Recovered);
    assert_eq!(outcomes[0], Event::Unit(("a".into(), Some(0)), recovered));
    watched.polls(&running, minutes(10));
    assert_eq!(watched.poll(&running).report.units[0].attempts, 1);
    watched.polls(&running, minutes(6));
    assert!(watched.poll(&running).report.units.is_empty());
}

#[test]
fn many_of_one_signature_wait_for_a_canary() {
    let mut watched = Watched::new();
    let mut failing = snapshot(
        &[("a", &[State::Failed]), ("b", &[State::Failed]), ("c", &[State::Failed])],
        FailureClass::Transient,
    );
    for connector in &mut failing.connectors {
        let own = &mut connector.tasks[0].instance;
        *own = instance(State::Failed, FailureClass::Transient, "db");
    }
    assert!(watched.polls(&failing, minutes(30)) <= 8, "canaries, one at a time");
    let report = watched.poll(&failing).report;
    assert!(report.units.iter().any(|unit| unit.held_by() == Some(Why::Breaker)), "{report:?}");
    let attempts: u32 = report.units.iter().map(|unit| unit.attempts).sum();
    assert_eq!(attempts, 0, "canaries are the breaker's, not the units'");
}

/// Random fleets whose units fail and heal as they like; after each poll an independent checker
/// looks at what was decided.
#[test]
fn the_invariants_hold_over_random_troubles() {
    for seed in 0..60 {
        let mut dice = Rng::with_seed(seed);
        let mut watched = Watched::new();
        watched.rng = Rng::with_seed(seed ^ 0xABCD);
        let classes = [
            FailureClass::Transient,
            FailureClass::Unknown,
            FailureClass::Auth,
            FailureClass::Install,
        ];
        let names: Vec<String> = (0..dice.usize(1..20)).map(|n| format!("c{n:02}")).collect();
        let mut states: Vec<(Vec<State>, FailureClass)> = names
            .iter()
            .map(|_| (vec![State::Running; dice.usize(1..6)], classes[dice.usize(0..4)]))
            .collect();
        let mut last: BTreeMap<(Arc<str>, Option<u32>), Duration> = BTreeMap::new();
        for _ in 0..2_000 {
            for (tasks, _) in &mut states {
                for state in tasks {
                    *state = match dice.u32(0..200) {
                        0..=3 => State::Failed,
                        4 | 5 => State::Running,
                        6 => State::Paused,
                        7 => State::Restarting,
                        _ => *state,
                    };
                }
            }
            let mut now = snapshot(&[], FailureClass::Transient);
            for (name, (tasks, class)) in names.iter().zip(&states) {
                now.connectors.extend(snapshot(&[(name, tasks)], *class).connectors);
            }
            let (valid, fresh) = (dice.u32(0..10) > 0, dice.u32(0..10) > 0);
            let decided = watched.input(Input {
                snapshot: valid.then_some(&now),
                fresh,
                rebalancing: false,
                journal_lost: false,
                restarts_with_tasks: dice.bool(),
                ..Input::of(None)
            });
            check(&decided, &now, valid && fresh, watched.now, &mut last);
            for decision in &decided.decisions {
                let at = names.iter().position(|name| **name == *decision.connector).unwrap();
                for task in decision.units.iter().flatten() {
                    if dice.bool() {
                        states[at].0[*task as usize] = State::Running;
                    }
                }
            }
            // Without time going on nothing new is decided.
            let again = decide(
                watched.memory.clone(),
                &Input::of(Some(&now)),
                &watched.policy,
                watched.now,
                &mut watched.rng.clone(),
            );
            let twice =
                again.decisions.iter().flat_map(|d| d.units.iter().map(|t| (&d.connector, *t)));
            for (connector, task) in twice {
                assert_ne!(
                    last.get(&(Arc::clone(connector), task)),
                    Some(&watched.now),
                    "decided twice"
                );
            }
        }
    }
}

fn check(
    decided: &Decided,
    now: &Snapshot,
    may_act: bool,
    at: Duration,
    last: &mut BTreeMap<(Arc<str>, Option<u32>), Duration>,
) {
    assert!(may_act || decided.decisions.is_empty(), "nothing on what cannot be believed");
    for decision in &decided.decisions {
        let connector = now.connectors.iter().find(|c| c.name == decision.connector).unwrap();
        for unit in &decision.units {
            let task = unit.unwrap();
            let instance = &connector.tasks[task as usize].instance;
            assert_eq!(instance.state, State::Failed, "only what is FAILED");
            let class = instance.failure.as_ref().unwrap().class;
            assert_ne!(class, FailureClass::Install, "never what a restart cannot help");
            let before = last.insert((Arc::clone(&decision.connector), *unit), at);
            assert!(
                before.is_none_or(|before| at - before >= Duration::from_secs(15)),
                "no hammering"
            );
        }
    }
    let attempts = decided.report.units.iter().map(|unit| unit.attempts).max();
    assert!(attempts.unwrap_or(0) <= 6, "never more attempts than the class has");
}
