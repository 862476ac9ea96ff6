//! A journal as a history, for a replay.

use std::io::Read;
use std::sync::Arc;

use super::super::policy::{Time, Unit, UnitId};
use super::record::{Broken, FORMAT, Record, lines};

/// What was written of one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, as seconds since 1970.
    pub at: Time,
    /// The cluster.
    pub cluster: Arc<str>,
    /// The unit.
    pub id: UnitId,
    /// What it was from then on; `None`: healthy or gone, and forgotten.
    pub unit: Option<Unit>,
}

/// A file that cannot be read as a history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It cannot be read.
    #[error("cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It is no journal, or a damaged one.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads what happened to each unit, in the order of time, from a journal that may be in use: it is
/// neither locked nor changed. Of what was before it was last written anew there is only what it
/// came to. A line that is still being written is left out.
pub fn read_history(file: &mut (impl Read + ?Sized)) -> Result<Vec<Event>, HistoryError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(HistoryError::Unreadable)?;
    let wrong =
        |number: usize, reason: String| Err(HistoryError::Line { line: number + 1, reason });
    if bytes.is_empty() {
        return wrong(0, "is missing: the file is empty".to_owned());
    }
    let mut events = Vec::new();
    for (number, (_, line)) in lines(&bytes).enumerate() {
        let line = match line {
            Ok(line) => line,
            Err(Broken::CutOff) if number > 0 => break,
            Err(broken) => return wrong(number, broken.as_str().to_owned()),
        };
        let starts = matches!(line.records.first(), Some(Record::Format(_)));
        if number == 0 && !starts {
            return wrong(number, "does not say the format, as a journal's first does".to_owned());
        }
        for record in line.records {
            let (at, cluster, id, unit) = match (record, line.at) {
                (Record::Format(format), _) if format > FORMAT => {
                    let reason = format!("has format {format}; this version knows up to {FORMAT}");
                    return wrong(number, reason);
                }
                (Record::Format(_), None) => {
                    return wrong(number, "has format 1, which says no times".to_owned());
                }
                (Record::Unit { cluster, id, unit }, Some(at)) => (at, cluster, id, Some(unit)),
                (Record::Forget { cluster, id }, Some(at)) => (at, cluster, id, None),
                _ => continue,
            };
            events.push(Event { at, cluster, id, unit });
        }
    }
    // After it was written anew, clusters follow one another; the order within one stays.
    events.sort_by_key(|event| event.at);
    Ok(events)
}
