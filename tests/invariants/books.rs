//! What the checker writes down of each unit, breaker and budget, from what could be seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use connect_warden::config::{FailureClass, WatchdogMode};
use connect_warden::connect::model::State;
use connect_warden::observe::snapshot::{Connector, Instance, Snapshot};
use connect_warden::watchdog::policy::{
    Answer, Decided, Decision, Hold, Input, Limits, Policy, Reason,
};

use crate::world::{Id, World, number, slot};

/// What there was to be seen.
pub(crate) struct Seen<'s> {
    pub(crate) input: &'s Input<'s>,
    pub(crate) policy: &'s Policy,
    pub(crate) silenced: &'s [usize],
    pub(crate) now: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) attempts: u32,
    pub(crate) used_up: Option<u64>,
    pub(crate) given_up: bool,
    pub(crate) believed: bool,
    pub(crate) classes: u8,
    /// FAILED in each valid poll since then, and in how many.
    pub(crate) failed: Option<(u64, u32)>,
    /// FAILED of class DATA since then.
    pub(crate) data: Option<u64>,
    /// RUNNING in each valid poll since then, times without polls apart.
    pub(crate) health: Option<u64>,
    /// What is awaited of a restart: since when, and whether another state than FAILED was seen.
    pub(crate) out: Option<(u64, bool)>,
    /// When it was restarted last, and the time before; what was refused does not count.
    pub(crate) last: Option<u64>,
    pub(crate) last_but_one: Option<u64>,
    pub(crate) refused: Option<u64>,
    /// Its turn had come, and it was refused: it may be tried again soon.
    pub(crate) is_excused: bool,
    /// Not as a canary.
    pub(crate) restarts: Vec<u64>,
    pub(crate) really_sent: bool,
    /// The same before the last decision: that may come to nothing before it is sent.
    pub(crate) really_sent_before: bool,
    pub(crate) waits: u64,
    pub(crate) class: Option<FailureClass>,
    pub(crate) reported: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Breaker {
    pub(crate) begun: u64,
    pub(crate) last: u64,
    pub(crate) canaries: u32,
    pub(crate) out: Option<Id>,
    /// The last one was refused.
    pub(crate) is_excused: bool,
    pub(crate) proven: Option<u64>,
    pub(crate) released: u32,
}

#[derive(Clone)]
pub(crate) struct Tokens {
    left: f64,
    at: u64,
}

impl Tokens {
    fn fill(&mut self, (burst, per): (u32, u32), period: f64, now: u64) {
        let more = now.saturating_sub(self.at) as f64 / period * f64::from(per);
        self.left = (self.left + more).min(f64::from(burst));
        self.at = now.max(self.at);
    }

    pub(crate) fn take(&mut self, budget: (u32, u32), period: f64, now: u64) -> bool {
        self.fill(budget, period, now);
        self.left -= 1.0;
        self.left > -1e-6
    }
}

#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) units: Vec<Vec<Unit>>,
    pub(crate) configs: Vec<Option<u64>>,
    pub(crate) read_at: Vec<u64>,
    /// Until when a connector is left to somebody else.
    pub(crate) stood_down: Vec<Option<u64>>,
    pub(crate) breakers: BTreeMap<Arc<str>, Breaker>,
    pub(crate) auth: BTreeMap<Arc<str>, (u64, Id)>,
    pub(crate) cluster: Tokens,
    pub(crate) connectors: Vec<Tokens>,
    /// Since when a rebalance is visible, and until when it was.
    pub(crate) rebalance: Option<(u64, u64)>,
    pub(crate) polled_at: u64,
    pub(crate) caution: bool,
    pub(crate) stamp: u64,
}

pub(crate) fn instances(connector: &Connector) -> impl Iterator<Item = (usize, &Instance)> {
    let tasks = connector.tasks.iter().map(|task| (slot(Some(task.id)), &task.instance));
    std::iter::once((0, &connector.instance)).chain(tasks)
}

pub(crate) fn is_paused(connector: &Connector) -> bool {
    matches!(connector.instance.state, State::Paused | State::Stopped)
}

impl Seen<'_> {
    /// What can be believed of what was polled.
    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.input.snapshot.filter(|_| self.input.fresh && !self.input.doubt)
    }

    pub(crate) fn at(&self, connector: usize) -> Option<&Connector> {
        let connectors = &self.snapshot()?.connectors;
        let at = connectors.partition_point(|c| number(&c.name) < connector);
        connectors.get(at).filter(|c| number(&c.name) == connector)
    }

    pub(crate) fn instance(&self, (connector, slot): Id) -> Option<&Instance> {
        let connector = self.at(connector)?;
        match slot {
            0 => Some(&connector.instance),
            _ => connector.tasks.get(slot - 1).map(|task| &task.instance),
        }
    }

    /// The limits and the mode of the first rule for a unit.
    pub(crate) fn rule(&self, connector: usize, class: FailureClass) -> (&Limits, WatchdogMode) {
        let name = format!("c{connector:02}");
        let fits = |classes: &[FailureClass], names: &[regex::Regex]| {
            (classes.is_empty() || classes.contains(&class))
                && (names.is_empty() || names.iter().any(|pattern| pattern.is_match(&name)))
        };
        let rule = self
            .policy
            .rules
            .iter()
            .find(|rule| fits(&rule.selector.failure_classes, &rule.selector.connectors));
        rule.map_or((&self.policy.limits, self.policy.mode), |rule| {
            (&rule.limits, rule.mode.min(self.policy.mode))
        })
    }
}

impl Books {
    pub(crate) fn new(world: &World, policy: &Policy) -> Self {
        let limits = &policy.limits;
        let full = |(burst, _): (u32, u32)| Tokens { left: burst.into(), at: 0 };
        let all = world.snapshot.connectors.len() + world.away.len();
        Self {
            units: vec![vec![Unit::default(); 9]; all],
            configs: vec![None; all],
            read_at: vec![0; all],
            stood_down: vec![None; all],
            breakers: BTreeMap::new(),
            auth: BTreeMap::new(),
            cluster: full(limits.cluster_budget),
            connectors: vec![full(limits.connector_budget); all],
            rebalance: None,
            polled_at: 0,
            caution: false,
            stamp: 0,
        }
    }

    /// The journal is gone, and all that was known with it.
    pub(crate) fn lost(&mut self, world: &World, policy: &Policy) {
        *self = Self::new(world, policy);
    }

    /// Another process has taken over: it saw nothing, and its clock may have been set.
    pub(crate) fn restarted(&mut self, limits: &Limits, now: u64) {
        // Until the clock was set it had gone on.
        let polled_at = self.polled_at;
        self.cluster.fill(limits.cluster_budget, 60.0, polled_at);
        for tokens in &mut self.connectors {
            tokens.fill(limits.connector_budget, 3600.0, polled_at);
        }
        let clamp = |at: &mut u64| *at = (*at).min(now);
        for unit in self.units.iter_mut().flatten() {
            (unit.failed, unit.health) = (None, None);
            unit.restarts.iter_mut().for_each(clamp);
            unit.out.iter_mut().for_each(|(at, _)| clamp(at));
            [
                &mut unit.data,
                &mut unit.last,
                &mut unit.last_but_one,
                &mut unit.refused,
                &mut unit.used_up,
            ]
            .into_iter()
            .flatten()
            .for_each(clamp);
        }
        for breaker in self.breakers.values_mut() {
            clamp(&mut breaker.begun);
            clamp(&mut breaker.last);
            breaker.proven.iter_mut().for_each(clamp);
        }
        // A clock that was set back makes no stand-down longer than this.
        let furthest = now + 6 * 3600;
        for until in &mut self.stood_down {
            *until = until.filter(|until| polled_at < *until).map(|until| until.min(furthest));
        }
        for tokens in self.connectors.iter_mut().chain([&mut self.cluster]) {
            clamp(&mut tokens.at);
        }
        // Credentials are on the disk with the unit that tried them last.
        let units = &self.units;
        self.auth.retain(|_, (_, id)| {
            units[id.0][id.1].class == Some(FailureClass::Auth) && units[id.0][id.1].last.is_some()
        });
        self.auth.values_mut().for_each(|(at, _)| clamp(at));
        self.read_at.iter_mut().for_each(|at| *at = 0);
        // One that was over by the clock of before does not begin anew by that of now.
        let hold = limits.rebalance_hold.as_secs();
        self.rebalance = self.rebalance.filter(|(_, last)| polled_at.saturating_sub(*last) < hold);
        if let Some((began, last)) = &mut self.rebalance {
            clamp(began);
            clamp(last);
        }
        self.polled_at = now;
    }

    /// One poll and what was decided on it.
    pub(crate) fn observe(&mut self, seen: &Seen<'_>, decided: &Decided) -> Result<(), String> {
        self.stamp += 1;
        if seen.snapshot().is_some() {
            self.look(seen);
        }
        self.events(seen, decided)?;
        if let Some(snapshot) = seen.snapshot() {
            self.note_classes(snapshot);
        }
        let hold = self.hold(seen);
        if decided.report.hold != hold {
            return Err(format!("the hold is {hold:?}, and {:?} is said", decided.report.hold));
        }
        if hold.is_some() && !decided.decisions.is_empty() {
            return Err(format!("acts in the hold {hold:?}"));
        }
        self.decisions(seen, decided)?;
        self.report(seen, decided)?;
        self.polled_at = seen.now;
        Ok(())
    }

    fn look(&mut self, seen: &Seen<'_>) {
        let (now, limits) = (seen.now, &seen.policy.limits);
        let Some(snapshot) = seen.snapshot() else { return };
        let mut unassigned = false;
        for connector in &snapshot.connectors {
            let at = number(&connector.name);
            let gap = now.saturating_sub(self.read_at[at]);
            let gap = if gap > limits.longest_gap.as_secs() { gap } else { 0 };
            self.read_at[at] = now;
            for (slot, instance) in instances(connector) {
                let unit = &mut self.units[at][slot];
                let (state, failure) = (instance.state, instance.failure.as_ref());
                unassigned |= state == State::Unassigned;
                let failed = state == State::Failed;
                let (since, count) = unit.failed.unwrap_or((now, 0));
                unit.failed = failed.then_some((since, count + 1));
                let health = unit.health.map_or(now, |health| (health + gap).min(now));
                unit.health = (state == State::Running).then_some(health);
                if let Some((_, moved)) = &mut unit.out {
                    *moved |= !failed;
                }
                let is_data = failure.is_some_and(|f| f.class == FailureClass::Data);
                match state {
                    State::Failed if is_data => unit.data = unit.data.or(Some(now)),
                    State::Failed | State::Running | State::Paused | State::Stopped => {
                        unit.data = None;
                    }
                    State::Unassigned | State::Restarting | State::Unknown => {}
                }
            }
        }
        if unassigned || seen.input.rebalancing {
            self.rebalances(limits, now);
        }
    }

    fn rebalances(&mut self, limits: &Limits, now: u64) {
        let hold = limits.rebalance_hold.as_secs();
        let same = self.rebalance.filter(|(_, last)| now.saturating_sub(*last) < hold);
        self.rebalance = Some((same.map_or(now, |(began, _)| began), now));
    }

    /// Why nothing may be done at all.
    fn hold(&self, seen: &Seen<'_>) -> Option<Hold> {
        let (input, limits) = (seen.input, &seen.policy.limits);
        let rebalance = self.rebalance.is_some_and(|(began, last)| {
            seen.now.saturating_sub(last) < limits.rebalance_hold.as_secs()
                && seen.now.saturating_sub(began) < limits.rebalance_most.as_secs()
        });
        let holds = [
            (input.doubt, Hold::Doubt),
            (input.snapshot.is_none(), Hold::NoSnapshot),
            (!input.fresh, Hold::NotFresh),
            (input.stopped, Hold::Stopped),
            (input.journal_lost, Hold::JournalLost),
            (rebalance, Hold::Rebalance),
        ];
        holds.into_iter().find_map(|(holds, hold)| holds.then_some(hold))
    }

    fn note_classes(&mut self, snapshot: &Snapshot) {
        for connector in snapshot.connectors.iter().filter(|c| !is_paused(c)) {
            self.configs[number(&connector.name)] =
                connector.config.or(self.configs[number(&connector.name)]);
            for (slot, instance) in instances(connector) {
                if let Some(failure) = &instance.failure {
                    let unit = &mut self.units[number(&connector.name)][slot];
                    unit.classes |= 1 << failure.class as u8;
                    unit.class = Some(failure.class);
                }
            }
        }
    }

    /// What was answered to a restart that was sent.
    pub(crate) fn answered(
        &mut self,
        decision: &Decision,
        answer: Answer,
        limits: &Limits,
        now: u64,
    ) {
        if answer == Answer::Conflict {
            self.rebalances(limits, now);
        }
        match answer {
            Answer::Accepted | Answer::NotKnown | Answer::Gone => return,
            Answer::Refused
            | Answer::Conflict
            | Answer::NotSent
            | Answer::NotFailed
            | Answer::Impossible => {}
        }
        for task in &decision.units {
            let id = (number(&decision.connector), slot(*task));
            let unit = &mut self.units[id.0][id.1];
            unit.refused = Some(now);
            unit.is_excused = decision.reason != Reason::Canary;
            (unit.last, unit.out) = (unit.last_but_one, None);
            if matches!(answer, Answer::NotSent | Answer::NotFailed) {
                unit.really_sent = unit.really_sent_before;
            }
            if decision.reason != Reason::Canary {
                unit.restarts.pop();
            }
            let costs = matches!(decision.reason, Reason::Attempt | Reason::Release);
            if costs && unit.used_up.is_none() {
                unit.attempts -= 1;
            }
            if answer == Answer::Impossible {
                unit.used_up.get_or_insert(now);
                unit.given_up = true;
            }
            for breaker in self.breakers.values_mut() {
                if decision.reason == Reason::Canary && breaker.out == Some(id) {
                    breaker.out = None;
                    breaker.canaries -= 1;
                    (breaker.last, breaker.is_excused) = (now, true);
                }
                if decision.reason == Reason::Release {
                    breaker.released = breaker.released.saturating_sub(1);
                }
            }
        }
    }
}
