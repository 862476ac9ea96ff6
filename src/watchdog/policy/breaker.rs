//! One breaker: from one canary to the next, and when it has been tried for long enough. Rule 10.

use std::time::Duration;

use crate::config::FailureClass;

use super::Input;
use super::backoff;
use super::limits::Limits;
use super::memory::{Breaker, BreakerState, Time, Unit, UnitId};
use super::rules::Policy;

impl Breaker {
    pub(super) fn opened(class: FailureClass, limits: &Limits, now: Time) -> Self {
        let mut breaker = Self {
            class,
            opened: Some(now),
            since: now,
            canaries: 0,
            reachable: None,
            state: BreakerState::Open { next: now, canary: None },
        };
        let delay = if class == FailureClass::Data { limits.data_delay } else { Duration::ZERO };
        let wait = breaker.wait(limits, now).max(delay);
        breaker.put_off(wait);
        breaker
    }

    pub(super) const fn is_releasing(&self) -> bool {
        matches!(self.state, BreakerState::Releasing { .. })
    }

    pub(super) fn put_off(&mut self, by: Duration) {
        match &mut self.state {
            BreakerState::Open { next, .. } | BreakerState::Releasing { next, .. } => {
                *next = next.saturating_add(by);
            }
        }
    }

    /// From one canary to the next. Refused credentials may lock an account, whoever uses them; and
    /// where nothing is known to come back by itself the group goes on as a parked unit does.
    pub(super) fn wait(&self, limits: &Limits, now: Time) -> Duration {
        let age = now.saturating_sub(self.since);
        if self.class == FailureClass::Unknown && self.canaries >= limits.attempts.of(self.class) {
            let often = age < limits.probe_often_until;
            return if often { limits.probe_often } else { limits.probe_seldom };
        }
        let wait = if age >= limits.canary_old {
            limits.canary_old_wait
        } else {
            let at = usize::try_from(self.canaries).unwrap_or(usize::MAX);
            limits.canary_waits[at.min(limits.canary_waits.len() - 1)]
        };
        if self.class == FailureClass::Auth && self.canaries > 0 {
            wait.max(limits.auth_spacing)
        } else {
            wait
        }
    }

    /// A canary is on its way.
    pub(super) fn sent(&mut self, id: UnitId, limits: &Limits, now: Time) {
        if self.canaries == 0 {
            self.since = now;
        }
        self.canaries = self.canaries.saturating_add(1);
        let next = now.saturating_add(self.wait(limits, now));
        self.state = BreakerState::Open { next, canary: Some(id) };
    }

    /// Whether so many canaries failed that time alone will not heal it.
    pub(super) fn is_exhausted(&self, limits: &Limits, now: Time) -> bool {
        if backoff::heals(self.class) {
            now.saturating_sub(self.since) >= limits.probe_until
        } else {
            self.canaries >= limits.attempts.of(self.class)
        }
    }

    /// Whether a unit goes its own way: each is released once, and fails for itself after that.
    pub(super) fn lets_be(&self, unit: &Unit) -> bool {
        match self.state {
            BreakerState::Open { .. } => false,
            BreakerState::Releasing { since, .. } => {
                unit.last_restart.is_some_and(|at| at >= since)
            }
        }
    }

    /// Takes in what a probe said. A dependency that just came back is tried at once.
    pub(super) fn probed(
        &mut self,
        signature: &str,
        input: &Input<'_>,
        policy: &Policy,
        now: Time,
    ) {
        let probe = policy.probe_target(signature).and_then(|target| input.probes.get(target));
        let Some(probe) = probe.filter(|probe| {
            now.saturating_sub(probe.at) <= policy.limits.probe_interval.saturating_mul(2)
        }) else {
            self.reachable = None;
            return;
        };
        let came_back = self.reachable == Some(false) && probe.reachable;
        self.reachable = Some(probe.reachable);
        if let (true, BreakerState::Open { next, canary: None }) = (came_back, &mut self.state) {
            *next = (*next).min(now);
        }
    }
}
