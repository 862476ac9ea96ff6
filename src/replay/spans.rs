//! From the times at which series were 1 to what each unit was from when on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::connect::model::State;
use crate::watchdog::policy::{Time, UnitId};

use super::recording::{Cause, Change, Done, Now, Recording, Seen, Window};

#[derive(Debug, Default)]
pub(super) struct OfCluster {
    pub(super) units: BTreeMap<UnitId, OfUnit>,
    pub(super) unanswered: Vec<Times>,
    pub(super) not_fresh: Vec<Times>,
    pub(super) done: Option<Vec<Done>>,
}

#[derive(Debug, Default)]
pub(super) struct OfUnit {
    pub(super) states: Vec<(Times, State, Arc<str>)>,
    pub(super) causes: Vec<(Times, Cause)>,
}

/// When a series was what is looked for.
pub(super) type Times = Vec<Time>;

/// Times as spans: nothing is missing within one.
fn spans(times: &[Time], step: Duration) -> Vec<Window> {
    let mut all: Vec<Window> = Vec::new();
    for at in times {
        match all.last_mut() {
            Some((_, until)) if at.saturating_sub(*until) <= step * 3 / 2 => *until = *at,
            Some(_) | None => all.push((*at, *at)),
        }
    }
    all
}

impl OfCluster {
    pub(super) fn recording(self, step: Duration) -> Recording {
        let mut recording = Recording { done: self.done, ..Recording::default() };
        let windows = |all: &[Times]| {
            let spans = all.iter().flat_map(|times| spans(times, step));
            spans.map(|(from, until)| (from, until + step)).collect::<Vec<_>>()
        };
        recording.unanswered = windows(&self.unanswered);
        recording.not_fresh = windows(&self.not_fresh);
        let mut units = Vec::new();
        let mut all = Vec::new();
        let mut last_of: BTreeMap<Arc<str>, Time> = BTreeMap::new();
        for (id, of_unit) in self.units {
            let mut states = Vec::new();
            for (times, state, worker) in &of_unit.states {
                let spans = spans(times, step).into_iter();
                states.extend(spans.map(|span| (span, *state, Arc::clone(worker))));
            }
            states.sort_by_key(|(span, ..)| *span);
            for ((_, until), ..) in &states {
                let last = last_of.entry(Arc::clone(&id.0)).or_default();
                *last = (*last).max(*until);
                recording.until = recording.until.max(*until);
            }
            all.extend(states.iter().map(|(span, ..)| *span));
            units.push((id, states, of_unit.causes));
        }
        let gaps = gaps(all, step);
        for (id, states, causes) in units {
            let last = last_of.get(&id.0).copied().unwrap_or_default();
            let unit = Unit { id, causes: &causes, step, gaps: &gaps, last_of_connector: last };
            unit.changes(&states, &mut recording.changes, recording.until);
        }
        recording.unanswered.extend(gaps);
        recording.settle();
        recording
    }
}

/// When nothing at all was recorded.
fn gaps(mut spans: Vec<Window>, step: Duration) -> Vec<Window> {
    spans.sort_unstable();
    let mut gaps = Vec::new();
    let mut last: Option<Time> = None;
    for (from, until) in spans {
        if let Some(last) = last.filter(|last| from.saturating_sub(*last) > step * 3 / 2) {
            gaps.push((last + step, from));
        }
        last = Some(last.map_or(until, |last| last.max(until)));
    }
    gaps
}

struct Unit<'u> {
    id: UnitId,
    causes: &'u [(Times, Cause)],
    step: Duration,
    gaps: &'u [Window],
    /// When anything was recorded of its connector last.
    last_of_connector: Time,
}

impl Unit<'_> {
    fn changes(&self, states: &[(Window, State, Arc<str>)], changes: &mut Vec<Change>, end: Time) {
        let mut becomes = |at, now| changes.push(Change { at, id: self.id.clone(), now });
        for (number, ((from, until), state, worker)) in states.iter().enumerate() {
            let seen = |cause| Now::In(Seen { state: *state, worker: Arc::clone(worker), cause });
            if *state == State::Failed {
                for (at, cause) in self.causes_within(*from, *until) {
                    becomes(at, seen(Some(cause)));
                }
            } else {
                becomes(*from, seen(None));
            }
            // Of two series the one that began later counts; where none follows it is not there.
            let mut gone = *until + self.step;
            if let Some((_, over)) = self.gaps.iter().find(|(a, b)| (*a..*b).contains(&gone)) {
                gone = *over;
            }
            let follows =
                states.get(number + 1).is_some_and(|((next, _), ..)| *next <= gone + self.step / 2);
            let outlived = states[..number].iter().any(|((_, other), ..)| other > until);
            if !follows && !outlived && gone <= end {
                let now = if self.last_of_connector > gone { Now::Unread } else { Now::Gone };
                becomes(gone, now);
            }
        }
    }

    /// The causes of a FAILED that lasts from when until when, each from when on.
    fn causes_within(&self, from: Time, until: Time) -> Vec<(Time, Cause)> {
        let mut found = Vec::new();
        for (times, cause) in self.causes {
            for (began, ended) in spans(times, self.step) {
                if began <= until + self.step && ended + self.step >= from {
                    found.push((began.clamp(from, until), cause.clone()));
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        match found.first_mut() {
            Some((at, _)) => *at = from,
            None => found.push((from, Cause::unknown(&self.id.0))),
        }
        found
    }
}
