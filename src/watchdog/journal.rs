//! What the watchdog did, on the local disk: an intent is durable before the restart is sent, so that
//! no crash makes it forget an attempt or do one twice.
//!
//! A line a record, `CRC JSON`; the last one of a unit or a breaker counts. The file is locked while
//! it is used, and written anew when it is opened.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::policy::{Breaker, Bucket, Memory, Unit, UnitId};

const FORMAT: u32 = 1;

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another watchdog has it.
    #[error(
        "the journal {0} is used by another process; two watchdogs must not act on the same clusters"
    )]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error(
        "the journal {0} cannot be used: {1}; name a file that this user may write with --watchdog.journal"
    )]
    Unusable(PathBuf, std::io::Error),
    /// It was written by a later version.
    #[error(
        "the journal {0} has format {1}, and this version knows up to {FORMAT}; use a later version, or move the file away"
    )]
    Format(PathBuf, u32),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Format(u32),
    Unit {
        cluster: Arc<str>,
        id: UnitId,
        unit: Unit,
    },
    Forget {
        cluster: Arc<str>,
        id: UnitId,
    },
    Breaker {
        cluster: Arc<str>,
        signature: Arc<str>,
        breaker: Breaker,
    },
    Close {
        cluster: Arc<str>,
        signature: Arc<str>,
    },
    /// Of a connector, or with `None` of the cluster.
    Budget {
        cluster: Arc<str>,
        connector: Option<Arc<str>>,
        left: Bucket,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    clusters: BTreeMap<Arc<str>, Memory>,
}

/// What was found when a journal was opened.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// Why what was done before is not known, or not wholly.
    pub lost: Option<String>,
}

impl Journal {
    /// Opens it, or makes it where there is none; reads it and writes it anew, without what no
    /// longer counts.
    pub fn open(path: &Path) -> Result<Opened, JournalError> {
        let unusable = |error| JournalError::Unusable(path.to_owned(), error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        let existed = path.exists();
        let mut options = File::options();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unusable)?;
        let mut journal = Self { path: path.to_owned(), file, clusters: BTreeMap::new() };
        let broken = journal.replay(&bytes)?;
        let lost = match (existed && !bytes.is_empty(), broken) {
            (false, _) => Some("there was no journal".to_owned()),
            (true, Some(line)) => {
                Some(format!("line {line} is broken, and what follows is not believed"))
            }
            (true, None) => None,
        };
        if lost.is_some() && existed && !bytes.is_empty() {
            let aside = path.with_extension("broken");
            std::fs::write(&aside, &bytes).map_err(unusable)?;
        }
        journal.rewrite().map_err(unusable)?;
        Ok(Opened { journal, lost })
    }

    /// What it knows of a cluster.
    pub fn memory(&self, cluster: &str) -> Memory {
        self.clusters.get(cluster).cloned().unwrap_or_default()
    }

    /// Makes what changed in a cluster's memory durable; returns only when the disk has it.
    pub fn write(&mut self, cluster: &Arc<str>, memory: &Memory) -> std::io::Result<()> {
        let before = self.clusters.entry(Arc::clone(cluster)).or_default();
        let mut text = String::new();
        for record in changes(cluster, before, memory) {
            line(&mut text, &record)?;
        }
        if text.is_empty() {
            return Ok(());
        }
        let end = self.file.seek(SeekFrom::End(0))?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line would make the rest unbelievable.
            let _ = self.file.set_len(end);
            return written;
        }
        *before = memory.clone();
        if end > MAX_BYTES {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Gives the number of the first line that is broken.
    fn replay(&mut self, bytes: &[u8]) -> Result<Option<usize>, JournalError> {
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(record) = read(line) else { return Ok(Some(number + 1)) };
            match record {
                Record::Format(format) if format > FORMAT => {
                    return Err(JournalError::Format(self.path.clone(), format));
                }
                Record::Format(_) => {}
                Record::Unit { cluster, id: (connector, task), unit } => {
                    let memory = self.clusters.entry(cluster).or_default();
                    memory.connectors.entry(connector).or_default().units.insert(task, unit);
                }
                Record::Forget { cluster, id: (connector, task) } => {
                    let memory = self.clusters.entry(cluster).or_default();
                    if let Some(of_connector) = memory.connectors.get_mut(&connector) {
                        of_connector.units.remove(&task);
                    }
                }
                Record::Breaker { cluster, signature, breaker } => {
                    self.clusters.entry(cluster).or_default().breakers.insert(signature, breaker);
                }
                Record::Budget { cluster, connector, left } => {
                    let memory = self.clusters.entry(cluster).or_default();
                    match connector {
                        None => memory.budget = Some(left),
                        Some(name) => {
                            memory.connectors.entry(name).or_default().budget = Some(left);
                        }
                    }
                }
                Record::Close { cluster, signature } => {
                    self.clusters.entry(cluster).or_default().breakers.remove(&signature);
                }
            }
        }
        Ok(None)
    }

    fn rewrite(&mut self) -> std::io::Result<()> {
        let mut text = String::new();
        line(&mut text, &Record::Format(FORMAT))?;
        for (cluster, memory) in &self.clusters {
            for record in changes(cluster, &Memory::default(), memory) {
                line(&mut text, &record)?;
            }
        }
        // The old text stays whole until the new one is on the disk: the lock is on this file, so
        // that it is written in place, from a copy that survives a crash in between.
        let copy = self.path.with_extension("new");
        let mut new = File::create(&copy)?;
        new.write_all(text.as_bytes())?;
        new.sync_data()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_data()?;
        std::fs::remove_file(copy)
    }
}

/// A longer file is written anew.
const MAX_BYTES: u64 = 16 << 20;

fn line(text: &mut String, record: &Record) -> std::io::Result<()> {
    let json = serde_json::to_string(record)?;
    let sum = crc32fast::hash(json.as_bytes());
    text.push_str(&format!("{sum:08x} {json}\n"));
    Ok(())
}

fn read(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = line.split_once(' ')?;
    let right = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(json.as_bytes());
    serde_json::from_str(json).ok().filter(|_| right)
}

fn changes(cluster: &Arc<str>, before: &Memory, after: &Memory) -> Vec<Record> {
    let mut all = Vec::new();
    let unit =
        |memory: &Memory, id: &UnitId| memory.connectors.get(&id.0)?.units.get(&id.1).cloned();
    for (connector, of_connector) in &after.connectors {
        for (task, now) in &of_connector.units {
            let id = (Arc::clone(connector), *task);
            if unit(before, &id).as_ref() != Some(now) {
                all.push(Record::Unit { cluster: Arc::clone(cluster), id, unit: now.clone() });
            }
        }
    }
    for (connector, of_connector) in &before.connectors {
        for task in of_connector.units.keys() {
            let id = (Arc::clone(connector), *task);
            if unit(after, &id).is_none() {
                all.push(Record::Forget { cluster: Arc::clone(cluster), id });
            }
        }
    }
    let mut budget =
        |connector: Option<&Arc<str>>, before: Option<Bucket>, after: Option<Bucket>| {
            if let Some(left) = after.filter(|_| before != after) {
                let (cluster, connector) = (Arc::clone(cluster), connector.cloned());
                all.push(Record::Budget { cluster, connector, left });
            }
        };
    budget(None, before.budget, after.budget);
    for (connector, now) in &after.connectors {
        let before = before.connectors.get(connector).and_then(|before| before.budget);
        budget(Some(connector), before, now.budget);
    }
    for (signature, breaker) in &after.breakers {
        if before.breakers.get(signature) != Some(breaker) {
            let (signature, breaker) = (Arc::clone(signature), breaker.clone());
            all.push(Record::Breaker { cluster: Arc::clone(cluster), signature, breaker });
        }
    }
    for signature in before.breakers.keys().filter(|s| !after.breakers.contains_key(*s)) {
        all.push(Record::Close { cluster: Arc::clone(cluster), signature: Arc::clone(signature) });
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::FailureClass;
    use crate::watchdog::policy::Phase;

    fn memory(attempts: u32) -> Memory {
        let unit = Unit {
            class: FailureClass::Transient,
            signature: "db".into(),
            is_failed: true,
            first_failed: Duration::from_secs(1),
            failed_at: Duration::from_secs(1),
            attempts,
            parked_since: None,
            last_wait: Duration::ZERO,
            restarts: [Duration::from_secs(5)].into(),
            dry_run: false,
            worker: "".into(),
            classes: 1,
            rule: None,
            held: None,
            phase: Phase::BackingOff { next: Duration::from_secs(9) },
        };
        let mut memory = Memory::default();
        memory.connectors.entry("x/y".into()).or_default().units.insert(Some(1), unit);
        memory
    }

    #[test]
    fn what_was_written_is_there_again_and_nobody_else_gets_it_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/journal");
        let cluster: Arc<str> = "c".into();
        let mut opened = Journal::open(&path).unwrap();
        assert_eq!(opened.lost.as_deref(), Some("there was no journal"));
        opened.journal.write(&cluster, &memory(1)).unwrap();
        opened.journal.write(&cluster, &memory(2)).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse(_))));
        drop(opened);
        let mut opened = Journal::open(&path).unwrap();
        assert_eq!((opened.lost.as_deref(), opened.journal.memory("c")), (None, memory(2)));
        opened.journal.write(&cluster, &Memory::default()).unwrap();
        drop(opened);
        let opened = Journal::open(&path).unwrap();
        assert!(opened.journal.memory("c").connectors.values().all(|c| c.units.is_empty()));
    }

    #[test]
    fn a_broken_line_is_said_and_what_stands_before_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut opened = Journal::open(&path).unwrap();
        opened.journal.write(&"c".into(), &memory(3)).unwrap();
        drop(opened);
        for damage in [&b"deadbeef {}\n"[..], b"half a li", b"\xff\n"] {
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(damage).unwrap();
            let opened = Journal::open(&path).unwrap();
            assert!(opened.lost.unwrap().contains("line 3 is broken"));
            assert_eq!(opened.journal.memory("c"), memory(3));
        }
        assert!(folder.path().join("journal").with_extension("broken").exists());
        let mut text = String::new();
        line(&mut text, &Record::Format(9)).unwrap();
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Format(_, 9))));
    }
}
