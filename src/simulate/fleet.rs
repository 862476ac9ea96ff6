//! The model: units that run or have failed, and what makes them fail.

use std::time::Duration;

use fastrand::Rng;

use super::scenario::Scenario;

/// One unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unit {
    pub(super) failed: bool,
    /// When it will fail.
    pub(super) fails_at: Option<Duration>,
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
    /// Units whose state changed since the last look.
    pub(super) changed: Vec<usize>,
    rng: Rng,
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
            for _ in 0..cause.units {
                units.push(Unit { cause: Some(at), ..Unit::default() });
            }
        }
        units.resize_with(units.len() + scenario.healthy, Unit::default);
        let mut fleet =
            Self { scenario, units, now: Duration::ZERO, back_at, changed: Vec::new(), rng };
        for unit in 0..fleet.units.len() {
            let Some(cause) = fleet.units[unit].cause.map(|cause| &scenario.causes[cause]) else {
                continue;
            };
            let after = match (cause.down_at.is_zero(), cause.fails_within) {
                (true, Duration::ZERO) => cause.fails_after_start,
                (_, within) => cause.down_at + within.mul_f64(fleet.rng.f64()),
            };
            fleet.units[unit].fails_at = Some(after);
        }
        fleet
    }

    /// When the last cause that comes back does so.
    pub(super) fn all_back_at(&self) -> Option<Duration> {
        self.back_at.iter().copied().flatten().max()
    }

    /// Whether a cause is there.
    pub(super) fn is_back(&self, cause: usize) -> bool {
        let of = &self.scenario.causes[cause];
        self.now < of.down_at || self.back_at[cause].is_some_and(|at| self.now >= at)
    }

    /// Whether workers are on the move.
    pub(super) fn rebalances(&self) -> bool {
        let under_way =
            |r: &super::scenario::Rebalance| self.now >= r.at && self.now < r.at + r.lasts;
        self.scenario.rebalances.iter().any(under_way)
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, step: Duration) {
        self.now += step;
        for (at, unit) in self.units.iter_mut().enumerate() {
            if !unit.failed && unit.fails_at.is_some_and(|fails_at| fails_at <= self.now) {
                *unit = Unit { failed: true, fails_at: None, ..*unit };
                self.changed.push(at);
            }
        }
    }

    /// A restart; whether what the unit needs was there.
    pub(super) fn start(&mut self, unit: usize) -> bool {
        let Some(cause) = self.units[unit].cause else { return true };
        let back = self.is_back(cause);
        let after = self.scenario.causes[cause].fails_after_start;
        let fails_at = (!back).then_some(self.now + after);
        self.units[unit] = Unit { failed: false, fails_at, cause: Some(cause) };
        self.changed.push(unit);
        back
    }

    /// Whether everything runs and nothing is about to fail.
    pub(super) fn all_up(&self) -> bool {
        let soon = self.now + Duration::from_secs(60);
        self.units.iter().all(|unit| !unit.failed && unit.fails_at.is_none_or(|at| at > soon))
    }
}
