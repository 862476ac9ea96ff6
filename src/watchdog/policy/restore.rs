//! What becomes of the memory while nothing can be seen: the process was away, or polls were missing.

use std::time::Duration;

use crate::config::FailureClass;

use super::memory::{BreakerState, Memory, Phase, Time, Unit};

/// No breaker waits longer than this.
const FURTHEST: Duration = Duration::from_secs(6 * 3600);

impl Memory {
    /// As it is taken up again after the process was away: nothing was observed meanwhile, and
    /// nothing is further ahead than it can have been decided, even if the wall clock went back.
    pub fn restored(mut self, now: Time) -> Self {
        let furthest = now.saturating_add(FURTHEST);
        for connector in self.connectors.values_mut() {
            for unit in connector.units.values_mut() {
                unit.restored(now);
                if let (FailureClass::Auth, Some(last)) = (unit.class, unit.last_restart) {
                    let tried = self.tried_auth.entry(unit.signature.clone()).or_default();
                    *tried = last.max(*tried);
                }
            }
            connector.seen = Time::ZERO;
            connector.budget = connector.budget.map(|budget| budget.restored(now));
            connector.foreign.retain(|at| *at <= now);
            connector.stood_down_until =
                connector.stood_down_until.map(|until| until.min(furthest));
        }
        self.tried_auth.values_mut().for_each(|at| *at = (*at).min(now));
        self.budget = self.budget.map(|budget| budget.restored(now));
        for breaker in self.breakers.values_mut() {
            breaker.since = breaker.since.min(now);
            breaker.opened = breaker.opened.map(|at| at.min(now));
            match &mut breaker.state {
                BreakerState::Open { next, .. } => *next = (*next).min(furthest),
                BreakerState::Releasing { since, next, .. } => {
                    // A clock that was set back makes no step of the release come sooner.
                    let ahead = since.saturating_sub(now);
                    *since = since.saturating_sub(ahead);
                    *next = next.saturating_sub(ahead);
                }
            }
        }
        self
    }

    /// Lets the time stand still that nothing could be seen in.
    pub(super) fn shift(&mut self, by: Duration) {
        for unit in self.connectors.values_mut().flat_map(|connector| connector.units.values_mut())
        {
            match &mut unit.phase {
                Phase::BackingOff { next } | Phase::Parked { next } => {
                    *next = next.saturating_add(by);
                }
                Phase::Observing { sightings } => *sightings = 0,
                Phase::Verifying { .. } | Phase::Recovered { .. } | Phase::GivenUp => {}
            }
        }
        for breaker in self.breakers.values_mut() {
            breaker.put_off(by);
        }
    }
}

impl Unit {
    fn restored(&mut self, now: Time) {
        self.is_failed = false;
        // The latest thing that is known of it: what lies ahead of the clock now was written by one
        // that has been set back since.
        let latest = [self.parked_since, self.last_restart].into_iter().flatten();
        let ahead = latest.fold(self.failed_at, Time::max).saturating_sub(now);
        for at in [&mut self.first_failed, &mut self.failed_at]
            .into_iter()
            .chain(&mut self.parked_since)
            .chain(&mut self.last_restart)
            .chain(&mut self.restarts)
        {
            *at = (*at).min(now);
        }
        match &mut self.phase {
            Phase::Observing { sightings } => *sightings = 0,
            Phase::BackingOff { next } | Phase::Parked { next } => {
                *next = next.saturating_sub(ahead);
            }
            Phase::Verifying { since, running, .. } => {
                *since = (*since).min(now);
                *running = None;
            }
            Phase::Recovered { since } => *since = Time::MAX,
            Phase::GivenUp => {}
        }
    }

    /// Nothing was observed for so long until now: it counts neither as health nor as time in a
    /// state.
    pub(super) fn not_observed_for(&mut self, gap: Duration, now: Time) {
        match &mut self.phase {
            Phase::Verifying { running: Some(since), .. } | Phase::Recovered { since } => {
                *since = since.saturating_add(gap).min(now);
            }
            Phase::Verifying { running: None, .. }
            | Phase::Observing { .. }
            | Phase::BackingOff { .. }
            | Phase::Parked { .. }
            | Phase::GivenUp => {}
        }
    }
}
