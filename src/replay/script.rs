//! What would have been done, beside what was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::connect::model::State;
use crate::watchdog::policy::{Change, Decided, Event, Memory, Reason, Time, UnitId, Why};
use crate::watchdog::view::Scope;

use super::recording::{self, Now, Recording};
use super::told::{
    ClusterTold, DecisionTold, FailureTold, HeldTold, Moment, RecordedTotals, Totals, UnitTold,
};

/// What happened and what would have been done, by unit.
#[derive(Debug, Default)]
pub(super) struct Script {
    units: BTreeMap<UnitId, OfUnit>,
    totals: Totals,
    per_minute: BTreeMap<u64, usize>,
    parked: BTreeSet<UnitId>,
    given_up: BTreeSet<UnitId>,
    /// Who is held, by what and since when.
    held: BTreeMap<UnitId, (Why, Time)>,
    last: Time,
}

#[derive(Debug, Default)]
struct OfUnit {
    failures: Vec<FailureTold>,
    decisions: Vec<DecisionTold>,
    held: Vec<HeldTold>,
}

impl Script {
    pub(super) fn recorded(&mut self, change: &recording::Change) {
        let cause = match &change.now {
            Now::In(seen) if seen.state == State::Failed => seen.cause.as_ref(),
            Now::In(_) | Now::Unread | Now::Gone => None,
        };
        if cause.is_none() && !self.units.contains_key(&change.id) {
            return;
        }
        let failures = &mut self.units.entry(change.id.clone()).or_default().failures;
        let goes_on = |last: &FailureTold| {
            last.until.is_none()
                && cause.is_some_and(|cause| {
                    (cause.class, &cause.signature) == (last.failure_class, &last.signature)
                })
        };
        if failures.last().is_some_and(goes_on) {
            return;
        }
        if let Some(last) = failures.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(Moment(change.at));
        }
        failures.extend(cause.map(|cause| FailureTold {
            at: Moment(change.at),
            until: None,
            failure_class: cause.class,
            signature: Arc::clone(&cause.signature),
        }));
    }

    pub(super) fn looked(&mut self, decided: &Decided, now: Time) {
        self.last = now;
        for event in &decided.events {
            let Event::Unit(id, change) = event else { continue };
            match change {
                Change::Outcome(_, outcome) => {
                    let unit = self.units.get_mut(id);
                    let last = unit.and_then(|unit| unit.decisions.last_mut());
                    if let Some(decision) = last {
                        decision.outcome.get_or_insert(outcome.as_str());
                    }
                }
                Change::Parked => drop(self.parked.insert(id.clone())),
                Change::GivenUp => drop(self.given_up.insert(id.clone())),
                Change::Believed
                | Change::Stuck
                | Change::Flapping
                | Change::Foreign
                | Change::StoodDown
                | Change::Cleared(_) => {}
            }
        }
        for decision in &decided.decisions {
            self.totals.restarts += 1;
            *self.per_minute.entry(now.as_secs() / 60).or_default() += 1;
            *match decision.reason {
                Reason::Attempt => &mut self.totals.attempts,
                Reason::Canary => &mut self.totals.canaries,
                Reason::Release => &mut self.totals.releases,
                Reason::Probe => &mut self.totals.probes,
            } += 1;
            for task in &decision.units {
                let id = (Arc::clone(&decision.connector), *task);
                let own = matches!(decision.reason, Reason::Attempt | Reason::Release);
                let report = decided.report.unit(&id);
                self.units.entry(id).or_default().decisions.push(DecisionTold {
                    at: Moment(now),
                    reason: decision.reason.as_str(),
                    attempt: report.filter(|_| own).map(|unit| unit.attempts),
                    attempts_most: report.map_or(0, |unit| unit.attempts_most),
                    call: Scope::from(decision.call).as_str(),
                    dry_run: decision.dry_run,
                    outcome: None,
                });
            }
        }
        self.note_holds(decided, now);
    }

    fn note_holds(&mut self, decided: &Decided, now: Time) {
        let mut before = std::mem::take(&mut self.held);
        for unit in &decided.report.units {
            let id = (Arc::clone(&unit.connector), unit.task);
            let was = before.remove(&id);
            let held = unit.held_by();
            if let Some((why, since)) = was
                && held != Some(why)
            {
                self.was_held(id.clone(), why, since, now);
            }
            if let Some(why) = held {
                let since = was.filter(|(was, _)| *was == why).map_or(now, |(_, since)| since);
                self.held.insert(id, (why, since));
            }
        }
        for (id, (why, since)) in before {
            self.was_held(id, why, since, now);
        }
    }

    fn was_held(&mut self, id: UnitId, why: Why, from: Time, until: Time) {
        let minutes = until.saturating_sub(from).as_secs_f64() / 60.0;
        *self.totals.held_minutes.entry(why.as_str()).or_default() += minutes;
        let (from, until) = (Moment(from), Moment(until));
        let held = HeldTold { by: why.as_str(), from, until };
        self.units.entry(id).or_default().held.push(held);
    }

    pub(super) fn told(
        mut self,
        cluster: &Arc<str>,
        recording: &Recording,
        units_recorded: usize,
        memory: &Memory,
    ) -> ClusterTold {
        for (id, (why, since)) in std::mem::take(&mut self.held) {
            self.was_held(id, why, since, self.last);
        }
        let mut totals = self.totals;
        totals.units_failed = self.units.len();
        totals.peak_per_minute = self.per_minute.into_values().max().unwrap_or(0);
        (totals.parked, totals.given_up) = (self.parked.len(), self.given_up.len());
        for minutes in totals.held_minutes.values_mut() {
            *minutes = (*minutes * 10.0).round() / 10.0;
        }
        let failures = || self.units.values().flat_map(|unit| &unit.failures);
        let of = |dry_run| {
            let done = recording.done.as_ref()?;
            Some(done.iter().filter(|done| done.dry_run == dry_run).count())
        };
        let recorded = RecordedTotals {
            restarts: of(false),
            restarts_only_said: of(true),
            failures: failures().count(),
            ended: failures().filter(|failure| failure.until.is_some()).count(),
        };
        let done = |id: &UnitId| {
            let all = recording.done.iter().flatten();
            let own = all.filter(|d| d.connector == id.0 && d.unit == Some(id.1) && !d.dry_run);
            own.map(|done| Moment(done.at)).collect()
        };
        let phase = |id: &UnitId| {
            let unit = memory.connectors.get(&id.0)?.units.get(&id.1)?;
            (!unit.is_healthy()).then(|| unit.phase_word())
        };
        let units = self.units.into_iter().map(|(id, unit)| UnitTold {
            phase: phase(&id),
            recorded_restarts: done(&id),
            connector: id.0,
            task: id.1,
            failures: unit.failures,
            decisions: unit.decisions,
            held: unit.held,
        });
        ClusterTold {
            cluster: Arc::clone(cluster),
            from: Moment(recording.from),
            until: Moment(recording.until),
            units_recorded,
            totals,
            recorded,
            units: units.collect(),
        }
    }
}
