//! What goes wrong, and what people do.

use std::sync::Arc;

use connect_warden::config::FailureClass;
use connect_warden::connect::model::State;

use super::world::{Happens, Id, Trouble, World, name};

/// What the watchdog itself has to bear.
pub(crate) enum Blow {
    None,
    Crash,
}

impl World {
    /// From a minute to days, each order of magnitude as likely.
    fn a_while(&mut self, most: u64) -> u64 {
        let magnitudes = (most as f64 / 20.0).ln();
        (20.0 * (self.dice.f64() * magnitudes).exp()) as u64
    }

    fn class(&mut self) -> FailureClass {
        use FailureClass::{Auth, Data, Install, OffsetLost, Resource, Transient, Unknown};
        let classes = [
            Transient, Transient, Transient, Unknown, Unknown, Auth, Data, Resource, OffsetLost,
            Install,
        ];
        classes[self.dice.usize(0..classes.len())]
    }

    fn trouble(&mut self) -> Trouble {
        let class = self.class();
        let own = self.dice.u64(0..1_000_000);
        let signature: Arc<str> = match self.dice.u32(0..3) {
            0 => format!("{class:?} @db:5432").into(),
            1 => format!("{class:?} x").into(),
            _ => format!("{class:?} {own}").into(),
        };
        let heals = if self.dice.u32(0..8) == 0 { 400 * 3600 } else { self.a_while(60 * 3600) };
        let runs_for = if self.dice.bool() { 0 } else { self.a_while(3 * 3600) };
        let hangs = self.dice.u32(0..12) == 0;
        Trouble { class, signature, heals_at: self.t + heals, runs_for, hangs }
    }

    fn afflicted(&mut self) -> Vec<Id> {
        let ids = self.ids();
        let Some(one) = self.dice.choice(&ids).copied() else { return ids };
        match self.dice.u32(0..6) {
            0 | 1 => vec![one],
            2 => ids.into_iter().filter(|id| id.0 == one.0).collect(),
            3 => ids.into_iter().filter(|id| id.1 == 1).collect(),
            4 => {
                let part = self.dice.u32(1..4);
                ids.into_iter().filter(|_| self.dice.u32(0..4) < part).collect()
            }
            _ => ids,
        }
    }

    fn failures(&mut self) {
        let trouble = self.trouble();
        let within = [1, 20, 600][self.dice.usize(0..3)];
        let is_each_its_own = self.dice.u32(0..6) == 0;
        for id in self.afflicted() {
            let mut own = trouble.clone();
            if is_each_its_own {
                own.signature = format!("{} {id:?}", own.signature).into();
            }
            self.troubles.insert(id, own);
            let after = self.dice.u64(0..within);
            self.later(after, Happens::Fails(id));
        }
    }

    /// A rebalance that starts some of the units, elsewhere or where they were.
    fn rebalance(&mut self) {
        let long = if self.dice.u32(0..5) == 0 {
            self.dice.u64(900..3600)
        } else {
            self.dice.u64(10..120)
        };
        let is_seen = self.dice.u32(0..4) > 0;
        let (part, moves) = (self.dice.u32(1..4), self.dice.bool());
        let worker: Arc<str> = format!("w{}:8083", self.dice.u32(1..4)).into();
        for id in self.ids() {
            let held = |state| matches!(state, State::Paused | State::Stopped);
            if self.dice.u32(0..4) >= part || self.instance_mut(id).is_none_or(|i| held(i.state)) {
                continue;
            }
            if is_seen {
                self.set(id, State::Unassigned);
            }
            if let Some(instance) = self.instance_mut(id).filter(|_| moves) {
                instance.worker_id = Arc::clone(&worker);
            }
            self.later(long, Happens::Runs(id));
            if self.troubles.contains_key(&id) {
                self.later(long + 5, Happens::Fails(id));
            }
        }
        self.until.rebalance = self.t + long * u64::from(self.dice.bool());
    }

    /// Somebody does something to one connector.
    fn order(&mut self, connector: usize) {
        match self.dice.u32(0..8) {
            0 => {
                let state = if self.dice.bool() { State::Paused } else { State::Stopped };
                self.hold(connector, state);
                let long = self.a_while(20 * 3600);
                self.later(long, Happens::Resumes(connector));
            }
            1 => {
                self.take_away(connector);
                let long = self.a_while(20 * 3600);
                self.later(long, Happens::Returns(connector));
            }
            2 => {
                let config = self.dice.u64(0..3);
                if let Some(of) = self.at_mut(connector) {
                    of.config = Some(config);
                }
            }
            3 => {
                let task = Some(self.dice.u32(0..4)).filter(|task| *task > 0);
                self.orders.push((connector, task.map(|task| task - 1)));
            }
            4 => {
                let long = self.a_while(24 * 3600);
                self.silenced.insert(connector, (self.t, self.t + long));
                self.later(long, Happens::Ends);
            }
            // By hand, or by another watchdog.
            _ => {
                for slot in 0..self.at(connector).map_or(0, |of| of.tasks.len() + 1) {
                    let failed = |i: &mut _| {
                        matches!(
                            i,
                            &mut connect_warden::observe::snapshot::Instance {
                                state: State::Failed,
                                ..
                            }
                        )
                    };
                    if self.instance_mut((connector, slot)).is_some_and(failed) {
                        self.start((connector, slot));
                    }
                }
            }
        }
    }

    /// One of them; gives what only the watchdog's process can suffer.
    pub(crate) fn fault(&mut self) -> Blow {
        let ids = self.ids();
        let one = self.dice.choice(&ids).copied();
        let connector = one.map_or(0, |id| id.0);
        let is_away = self.away.contains_key(&connector);
        match self.dice.u32(0..24) {
            0..=7 => self.failures(),
            8 | 9 => self.rebalance(),
            10..=13 if !is_away && one.is_some() => self.order(connector),
            14 if !is_away && one.is_some() => {
                self.take_away(connector);
                let names = if self.dice.bool() {
                    &mut self.snapshot.unread
                } else {
                    &mut self.snapshot.without_status
                };
                names.push(name(connector));
                names.sort();
                let long = self.a_while(6 * 3600);
                self.later(long, Happens::IsRead(connector));
            }
            15 => {
                // It fails in another way.
                let other = self.trouble();
                let all: Vec<Id> = self.troubles.keys().copied().collect();
                for id in all.into_iter().take(5) {
                    if let Some(trouble) = self.troubles.get_mut(&id) {
                        trouble.class = other.class;
                        trouble.signature = Arc::clone(&other.signature);
                    }
                    if self.dice.bool() {
                        self.start(id);
                    }
                }
            }
            16 => self.reachable = !self.reachable,
            17..=20 => self.blindness(),
            _ => return Blow::Crash,
        }
        Blow::None
    }

    fn blindness(&mut self) {
        let long = self.a_while(10 * 3600);
        let until = self.t + long;
        let all = &mut self.until;
        let which = match self.dice.u32(0..8) {
            0 => &mut all.invalid,
            1 => &mut all.not_fresh,
            2 => &mut all.stopped,
            3 => &mut all.doubt,
            4 => &mut all.lost,
            5 => &mut all.shut,
            6 => &mut all.poor,
            _ => &mut all.rebalance,
        };
        *which = until;
        self.later(long, Happens::Ends);
    }
}
