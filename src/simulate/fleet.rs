//! The model: units that run or have failed, and what makes them fail.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;

use super::scenario::{Rebalance, Scenario};

/// One unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unit {
    pub(super) failed: bool,
    /// When it will fail.
    fails_at: Option<Duration>,
    /// Which of the scenario's causes it hangs on.
    pub(super) cause: Option<usize>,
}

/// A fleet at one moment.
#[derive(Debug)]
pub(super) struct Fleet<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) units: Vec<Unit>,
    pub(super) now: Duration,
    /// When each cause comes back.
    back_at: Vec<Option<Duration>>,
    /// Who will fail when, the next first.
    failures: BinaryHeap<Reverse<(Duration, usize)>>,
    failed: usize,
    /// Units whose state changed since the last look.
    pub(super) changed: Vec<usize>,
}

impl<'s> Fleet<'s> {
    pub(super) fn new(scenario: &'s Scenario, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let back_at = scenario.causes.iter().map(|cause| {
            let (least, most) = cause.down_for?;
            Some(cause.down_at + least + (most - least).mul_f64(rng.f64()))
        });
        let back_at = back_at.collect();
        let mut units = Vec::new();
        for (at, cause) in scenario.causes.iter().enumerate() {
            units.extend((0..cause.units).map(|_| Unit { cause: Some(at), ..Unit::default() }));
        }
        units.resize_with(units.len() + scenario.healthy, Unit::default);
        let mut fleet = Self {
            scenario,
            units,
            now: Duration::ZERO,
            back_at,
            failures: BinaryHeap::new(),
            failed: 0,
            changed: Vec::new(),
        };
        for unit in 0..fleet.units.len() {
            let Some(cause) = fleet.units[unit].cause.map(|cause| &scenario.causes[cause]) else {
                continue;
            };
            let at = match (cause.down_at.is_zero(), cause.fails_within) {
                (true, Duration::ZERO) => cause.fails_after_start,
                (_, within) => cause.down_at + within.mul_f64(rng.f64()),
            };
            fleet.will_fail(unit, at);
        }
        fleet
    }

    fn will_fail(&mut self, unit: usize, at: Duration) {
        self.units[unit].fails_at = Some(at);
        self.failures.push(Reverse((at, unit)));
    }

    /// When the last cause that comes back does so.
    pub(super) fn all_back_at(&self) -> Option<Duration> {
        self.back_at.iter().copied().flatten().max()
    }

    /// Whether a cause is there.
    fn is_back(&self, cause: usize) -> bool {
        let of = &self.scenario.causes[cause];
        self.now < of.down_at || self.back_at[cause].is_some_and(|at| self.now >= at)
    }

    /// Whether something takes connections at this address.
    pub(super) fn is_reachable(&self, host: &str) -> bool {
        let mut behind =
            self.scenario.causes.iter().enumerate().filter(|(_, cause)| {
                cause.host.as_deref() == Some(host) && !cause.accepts_while_down
            });
        behind.all(|(cause, _)| self.is_back(cause))
    }

    /// The rebalance that is under way.
    pub(super) fn rebalance(&self) -> Option<&'s Rebalance> {
        self.scenario.rebalances.iter().find(|rebalance| rebalance.window.is_open(self.now))
    }

    /// Whether no worker answers.
    pub(super) fn is_blind(&self) -> bool {
        self.scenario.blind.iter().any(|window| window.is_open(self.now))
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, to: Duration) {
        self.now = to;
        while let Some(Reverse((at, unit))) = self.failures.peek().copied()
            && at <= to
        {
            self.failures.pop();
            self.units[unit] = Unit { failed: true, fails_at: None, ..self.units[unit] };
            self.failed += 1;
            self.changed.push(unit);
        }
    }

    /// A restart of a unit that has failed; whether what it needs was there.
    pub(super) fn start(&mut self, unit: usize) -> bool {
        debug_assert!(self.units[unit].failed, "what runs is never restarted");
        let Some(cause) = self.units[unit].cause else { return true };
        self.units[unit].failed = false;
        self.failed -= 1;
        self.changed.push(unit);
        let back = self.is_back(cause);
        if !back {
            self.will_fail(unit, self.now + self.scenario.causes[cause].fails_after_start);
        }
        back
    }

    /// Whether everything runs and nothing is about to fail.
    pub(super) fn all_up(&self) -> bool {
        let soon = self.now + Duration::from_secs(60);
        self.failed == 0 && self.failures.peek().is_none_or(|Reverse((at, _))| *at > soon)
    }
}
