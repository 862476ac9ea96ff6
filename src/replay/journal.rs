//! A journal: what it says of units. It may be in use, so that its last line may be half written.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::BufRead;
use std::sync::Arc;

use crate::connect::model::State;
use crate::watchdog::journal::{Event, HistoryError, read_history};
use crate::watchdog::policy::{Phase, Time, Unit, UnitId};

use super::recording::{Cause, Change, Done, Now, Record, Recording, Seen};

/// Takes in journals, in the order of time.
#[derive(Debug, Default)]
pub(super) struct JournalReader {
    clusters: BTreeMap<Arc<str>, OfCluster>,
}

#[derive(Debug, Default)]
struct OfCluster {
    recording: Recording,
    units: BTreeMap<UnitId, Unit>,
}

impl JournalReader {
    pub(super) fn read(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        for Event { at, cluster, id, unit } in read_history(file).map_err(|error| told(&error))? {
            self.clusters.entry(cluster).or_default().learn(at, id, unit);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Record, String> {
        if self.clusters.is_empty() {
            return Err("the journal tells of no unit".to_owned());
        }
        let mut record = Record::default();
        for (name, OfCluster { mut recording, .. }) in self.clusters {
            recording.settle();
            record.clusters.insert(name, recording);
        }
        record.notes.push(
            "a journal names only units that failed; of how many there were see --units".to_owned(),
        );
        record.notes.push(
            "of what was before the journal was last written anew there is only what it came to"
                .to_owned(),
        );
        Ok(record)
    }
}

fn told(error: &HistoryError) -> String {
    let because = error.source().map_or(String::new(), |because| format!(": {because}"));
    format!("{error}{because}")
}

impl OfCluster {
    fn learn(&mut self, at: Time, id: UnitId, now: Option<Unit>) {
        let before = self.units.remove(&id);
        self.recording.until = self.recording.until.max(at);
        let mut becomes = |at, now| {
            self.recording.changes.push(Change { at, id: id.clone(), now });
        };
        let Some(now) = now else {
            becomes(at, Now::In(Seen::of(State::Running)));
            return;
        };
        let cause = || Cause {
            class: now.class,
            signature: Arc::clone(&now.signature),
            exception: "".into(),
        };
        let was_failed = before.as_ref().is_some_and(|before| {
            before.is_failed && before.class == now.class && before.signature == now.signature
        });
        match (now.is_failed, &now.phase) {
            (true, _) if !was_failed => {
                let since = if before.is_some() { now.failed_at } else { now.first_failed };
                let seen = Seen { cause: Some(cause()), ..Seen::of(State::Failed) };
                becomes(since.min(at), Now::In(seen));
            }
            (false, Phase::Verifying { running: Some(since), .. } | Phase::Recovered { since }) => {
                becomes((*since).min(at), Now::In(Seen::of(State::Running)));
            }
            (false, Phase::Verifying { running: None, .. }) => {
                becomes(at, Now::In(Seen::of(State::Restarting)));
            }
            (true, _)
            | (
                false,
                Phase::Observing { .. }
                | Phase::BackingOff { .. }
                | Phase::Parked { .. }
                | Phase::GivenUp,
            ) => {}
        }
        let known = before.iter().flat_map(|before| &before.restarts).max().copied();
        let done = self.recording.done.get_or_insert_default();
        for restart in now.restarts.iter().filter(|at| known.is_none_or(|known| **at > known)) {
            done.push(Done {
                at: *restart,
                connector: Arc::clone(&id.0),
                unit: Some(id.1),
                dry_run: now.dry_run,
            });
        }
        self.units.insert(id, now);
    }
}
