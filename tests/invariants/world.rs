//! A fleet that behaves as Connect does: what is restarted runs, hangs, or fails again.

use std::collections::BTreeMap;
use std::sync::Arc;

use connect_warden::config::FailureClass;
use connect_warden::connect::model::{ConnectorType, State};
use connect_warden::observe::snapshot::{Connector, Failure, Instance, Snapshot, Task};
use connect_warden::watchdog::policy::Call;
use fastrand::Rng;

/// A connector's number, and 0 for its own instance or 1 more than a task's.
pub(crate) type Id = (usize, usize);

/// Why a unit fails, for as long as it does.
#[derive(Clone)]
pub(crate) struct Trouble {
    pub(crate) class: FailureClass,
    pub(crate) signature: Arc<str>,
    pub(crate) heals_at: u64,
    /// RUNNING for so long after a start; 0: not at all.
    pub(crate) runs_for: u64,
    pub(crate) hangs: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Happens {
    Fault,
    Fails(Id),
    Runs(Id),
    Resumes(usize),
    Returns(usize),
    IsRead(usize),
    /// Something that was so for a while is over; there is to be a poll.
    Ends,
}

/// Moments until which something is so.
#[derive(Default)]
pub(crate) struct Until {
    pub(crate) invalid: u64,
    pub(crate) not_fresh: u64,
    pub(crate) stopped: u64,
    pub(crate) doubt: u64,
    pub(crate) lost: u64,
    pub(crate) rebalance: u64,
    pub(crate) shut: u64,
    pub(crate) poor: u64,
}

pub(crate) struct World {
    pub(crate) t: u64,
    pub(crate) dice: Rng,
    pub(crate) snapshot: Snapshot,
    /// Connectors that are not in the snapshot, by number.
    pub(crate) away: BTreeMap<usize, Connector>,
    pub(crate) troubles: BTreeMap<Id, Trouble>,
    pub(crate) until: Until,
    pub(crate) silenced: BTreeMap<usize, (u64, u64)>,
    pub(crate) orders: Vec<(usize, Option<u32>)>,
    pub(crate) reachable: bool,
    queue: BTreeMap<(u64, u64), Happens>,
    made: u64,
}

pub(crate) fn name(connector: usize) -> Arc<str> {
    format!("c{connector:02}").into()
}

pub(crate) fn number(name: &str) -> usize {
    name[1..].parse().unwrap()
}

pub(crate) fn slot(task: Option<u32>) -> usize {
    task.map_or(0, |task| task as usize + 1)
}

impl World {
    pub(crate) fn new(mut dice: Rng) -> Self {
        let connectors = 1 + (dice.f64().powi(2) * 30.0) as usize;
        let instance =
            || Instance { state: State::Running, worker_id: "w1:8083".into(), failure: None };
        let connector = |at: usize, tasks: u32| Connector {
            name: name(at),
            kind: ConnectorType::Sink,
            class: "".into(),
            version: "".into(),
            config: Some(0),
            instance: instance(),
            tasks_expected: Some(tasks),
            tasks_max: Some(tasks),
            tasks: (0..tasks).map(|id| Task { id, instance: instance() }).collect(),
        };
        let connectors = (0..connectors).map(|at| connector(at, dice.u32(0..=8))).collect();
        Self {
            t: 0,
            snapshot: Snapshot { connectors, ..Snapshot::default() },
            away: BTreeMap::new(),
            troubles: BTreeMap::new(),
            until: Until::default(),
            silenced: BTreeMap::new(),
            orders: Vec::new(),
            reachable: true,
            queue: BTreeMap::new(),
            made: 0,
            dice,
        }
    }

    pub(crate) fn at(&self, connector: usize) -> Option<&Connector> {
        let connectors = &self.snapshot.connectors;
        let at = connectors.partition_point(|c| number(&c.name) < connector);
        connectors.get(at).filter(|c| number(&c.name) == connector)
    }

    pub(crate) fn at_mut(&mut self, connector: usize) -> Option<&mut Connector> {
        let connectors = &mut self.snapshot.connectors;
        let at = connectors.partition_point(|c| number(&c.name) < connector);
        connectors.get_mut(at).filter(|c| number(&c.name) == connector)
    }

    pub(crate) fn instance_mut(&mut self, (connector, slot): Id) -> Option<&mut Instance> {
        let connector = match self.away.contains_key(&connector) {
            true => self.away.get_mut(&connector),
            false => self.at_mut(connector),
        }?;
        match slot {
            0 => Some(&mut connector.instance),
            _ => connector.tasks.get_mut(slot - 1).map(|task| &mut task.instance),
        }
    }

    pub(crate) fn later(&mut self, after: u64, happens: Happens) {
        self.made += 1;
        self.queue.insert((self.t + after, self.made), happens);
    }

    pub(crate) fn next_event(&self) -> Option<u64> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Until then; true if there was a fault to be made.
    pub(crate) fn advance(&mut self, to: u64) -> usize {
        let mut faults = 0;
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= to) {
            self.t = entry.key().0;
            match entry.remove() {
                Happens::Fault => faults += 1,
                Happens::Fails(id) => self.fail(id),
                Happens::Runs(id) => self.run(id),
                Happens::Resumes(connector) => self.resume(connector),
                Happens::Returns(connector) => self.create_again(connector),
                Happens::IsRead(connector) => self.put_back(connector),
                Happens::Ends => {}
            }
        }
        self.t = to;
        faults
    }

    fn is_held_by_operator(&self, connector: usize) -> bool {
        let connector = self.away.get(&connector).or_else(|| self.at(connector));
        connector.is_none_or(|c| matches!(c.instance.state, State::Paused | State::Stopped))
    }

    /// It fails if its trouble is still there.
    pub(crate) fn fail(&mut self, id: Id) {
        let t = self.t;
        let Some(trouble) = self.troubles.get(&id).filter(|trouble| t < trouble.heals_at) else {
            self.troubles.remove(&id);
            return;
        };
        let failure = Box::new(Failure {
            class: trouble.class,
            signature: Arc::clone(&trouble.signature),
            ..Failure::default()
        });
        if let Some(instance) = self.instance_mut(id)
            && !matches!(instance.state, State::Paused | State::Stopped)
        {
            (instance.state, instance.failure) = (State::Failed, Some(failure));
        }
    }

    pub(crate) fn run(&mut self, id: Id) {
        self.set(id, State::Running);
    }

    pub(crate) fn set(&mut self, id: Id, state: State) {
        let held = self.is_held_by_operator(id.0) && id.1 > 0 && state == State::Running;
        if let Some(instance) = self.instance_mut(id) {
            let state = if held { State::Paused } else { state };
            (instance.state, instance.failure) = (state, None);
        }
    }

    /// What a restart does to one instance.
    pub(crate) fn start(&mut self, id: Id) {
        let t = self.t;
        let Some(trouble) = self.troubles.get(&id).filter(|trouble| t < trouble.heals_at).cloned()
        else {
            self.troubles.remove(&id);
            // Some take their time, and show FAILED until they are there.
            match self.dice.u32(0..20) {
                0 => self.later(90, Happens::Runs(id)),
                _ => self.run(id),
            }
            return;
        };
        if trouble.hangs {
            self.set(id, State::Restarting);
            let long = self.dice.u64(60..3000);
            self.later(long, Happens::Fails(id));
        } else if trouble.runs_for > 0 {
            self.run(id);
            self.later(trouble.runs_for, Happens::Fails(id));
        } else {
            self.fail(id);
        }
    }

    pub(crate) fn carry_out(&mut self, connector: usize, call: Call) {
        let failed = |instance: &Instance| instance.state == State::Failed;
        let Some(of) = self.at(connector) else { return };
        let all: Vec<Id> = match call {
            Call::Task(task) => vec![(connector, slot(Some(task)))],
            Call::ConnectorOnly | Call::PlainConnector => vec![(connector, 0)],
            Call::ConnectorAndTasks => {
                let own = failed(&of.instance).then_some((connector, 0));
                let tasks = of.tasks.iter().filter(|task| failed(&task.instance));
                own.into_iter().chain(tasks.map(|t| (connector, slot(Some(t.id))))).collect()
            }
        };
        all.into_iter().for_each(|id| self.start(id));
    }

    pub(crate) fn ids(&self) -> Vec<Id> {
        let of = |c: &Connector| {
            let connector = number(&c.name);
            (0..=c.tasks.len()).map(move |slot| (connector, slot))
        };
        self.snapshot.connectors.iter().flat_map(of).collect()
    }

    pub(crate) fn hold(&mut self, connector: usize, state: State) {
        let Some(of) = self.at_mut(connector) else { return };
        if of.instance.state == State::Failed {
            return;
        }
        (of.instance.state, of.instance.failure) = (state, None);
        for task in &mut of.tasks {
            // A FAILED task stays FAILED under a paused connector.
            if task.instance.state != State::Failed {
                task.instance.state = state;
            }
        }
    }

    fn resume(&mut self, connector: usize) {
        let Some(of) = self.at_mut(connector) else { return };
        let held = |i: &Instance| matches!(i.state, State::Paused | State::Stopped);
        if !held(&of.instance) {
            return;
        }
        of.instance.state = State::Running;
        for task in of.tasks.iter_mut().filter(|task| held(&task.instance)) {
            task.instance.state = State::Running;
        }
    }

    pub(crate) fn take_away(&mut self, connector: usize) {
        let connectors = &mut self.snapshot.connectors;
        let at = connectors.partition_point(|c| number(&c.name) < connector);
        if connectors.get(at).is_some_and(|c| number(&c.name) == connector) {
            self.away.insert(connector, connectors.remove(at));
        }
    }

    fn put_back(&mut self, connector: usize) {
        self.snapshot.unread.retain(|other| number(other) != connector);
        self.snapshot.without_status.retain(|other| number(other) != connector);
        if let Some(of) = self.away.remove(&connector) {
            let connectors = &mut self.snapshot.connectors;
            let at = connectors.partition_point(|c| number(&c.name) < connector);
            connectors.insert(at, of);
        }
    }

    fn create_again(&mut self, connector: usize) {
        self.troubles.retain(|id, _| id.0 != connector);
        self.put_back(connector);
        let slots = self.at(connector).map_or(0, |of| of.tasks.len() + 1);
        (0..slots).for_each(|slot| self.set((connector, slot), State::Running));
    }
}
