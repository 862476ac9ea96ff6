//! Whether restarts come to something: half of the last ten failing, or three calls refused in a row,
//! is reason to go on one at a time. Rule 10.

use crate::config::WatchdogMode;

use super::event::{Change, Event, Outcome};
use super::limits::Limits;
use super::memory::{Caution, Memory, Reason, Time, UnitId};
use super::rules::Policy;

impl Memory {
    pub(super) fn count_outcomes(
        &mut self,
        happened: &[Event],
        policy: &Policy,
        now: Time,
    ) -> Option<Event> {
        let limits = &policy.limits;
        for event in happened {
            let Event::Unit(id, Change::Outcome(reason, outcome)) = event else { continue };
            if policy.mode == WatchdogMode::On && self.was_only_said(id) {
                continue;
            }
            let recovered = *outcome == Outcome::Recovered;
            if recovered && self.caution.is_some_and(|caution| !caution.refused) {
                self.caution = None;
                self.verified.clear();
            }
            if matches!(reason, Reason::Canary | Reason::Probe) {
                continue;
            }
            self.verified.push_back(recovered);
            if self.verified.len() > limits.ineffective_of {
                self.verified.pop_front();
            }
            let failed = self.verified.iter().filter(|recovered| !**recovered).count();
            #[expect(clippy::cast_precision_loss, reason = "a count of restarts fits")]
            let part = failed as f64 / limits.ineffective_of as f64;
            if self.verified.len() == limits.ineffective_of
                && part >= limits.ineffective_part
                && self.caution.is_none()
            {
                self.caution = Some(Caution::new(false, limits, now));
            }
        }
        let caution = self.caution.is_some();
        let news = caution != std::mem::replace(&mut self.caution_told, caution);
        news.then_some(Event::Caution(caution))
    }

    /// What was not sent says nothing of what restarts come to.
    fn was_only_said(&self, id: &UnitId) -> bool {
        let unit = self.connectors.get(&id.0).and_then(|connector| connector.units.get(&id.1));
        unit.is_some_and(|unit| unit.dry_run)
    }

    pub(super) fn caution_allows(&self, now: Time) -> bool {
        self.caution.is_none_or(|caution| caution.next <= now)
    }

    pub(super) fn caution_spent(&mut self, limits: &Limits, now: Time) {
        if let Some(caution) = &mut self.caution {
            let at = (caution.tries as usize).min(limits.canary_waits.len() - 1);
            *caution = Caution {
                tries: caution.tries.saturating_add(1),
                next: now.saturating_add(limits.canary_waits[at]),
                ..*caution
            };
        }
    }

    pub(super) fn call_refused(&mut self, limits: &Limits, now: Time) {
        self.refused = self.refused.saturating_add(1);
        if self.refused >= limits.refused_in_a_row && self.caution.is_none() {
            self.caution = Some(Caution::new(true, limits, now));
        }
    }

    pub(super) fn call_taken(&mut self) {
        self.refused = 0;
        self.caution = self.caution.filter(|caution| !caution.refused);
    }
}

impl Caution {
    fn new(refused: bool, limits: &Limits, now: Time) -> Self {
        let next = now.saturating_add(limits.canary_waits[0]);
        Self { began: now, next, tries: 1, refused }
    }
}
