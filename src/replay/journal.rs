//! A journal: lines `CRC MILLISECONDS JSON`, where JSON is an array of records and only those of
//! units are looked at. It may be in use, so that its last line may be half written.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::connect::model::State;
use crate::watchdog::policy::{Phase, Time, Unit, UnitId};

use super::lines::each_line;
use super::recording::{Cause, Change, Done, Now, Record, Recording, Seen};

/// The last format that is known here; the first says no times.
const FORMAT: u64 = 2;

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

#[derive(Deserialize)]
struct UnitRecord {
    cluster: Arc<str>,
    id: UnitId,
    /// `None`: it is forgotten.
    unit: Option<Unit>,
}

impl JournalReader {
    pub(super) fn read(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        each_line(file, |_, line| match line.strip_suffix(b"\n") {
            Some(line) => self.line(line),
            None => Ok(()),
        })
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let line = std::str::from_utf8(line).map_err(|_| "is not text in UTF-8")?;
        let (sum, said) = line.split_once(' ').ok_or("is not a record of a journal")?;
        let sum = u32::from_str_radix(sum, 16).map_err(|_| "is not a record of a journal")?;
        if sum != crc32fast::hash(said.as_bytes()) {
            return Err("has a wrong checksum".to_owned());
        }
        let timed = said.split_once(' ').and_then(|(at, json)| Some((at.parse().ok()?, json)));
        let (at, json) = timed.ok_or("has format 1, which says no times")?;
        let at = Duration::from_millis(at);
        let records: Vec<Value> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        for record in records {
            let Value::Object(record) = record else { continue };
            for (kind, record) in record {
                match (kind.as_str(), record.as_u64()) {
                    ("format", Some(format)) if format > FORMAT => {
                        return Err(format!("has format {format}; {FORMAT} is the last known"));
                    }
                    ("unit" | "forget", _) => {
                        let record: UnitRecord =
                            serde_json::from_value(record).map_err(|error| error.to_string())?;
                        let cluster = self.clusters.entry(record.cluster).or_default();
                        cluster.learn(at, record.id, record.unit);
                    }
                    _ => {}
                }
            }
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
