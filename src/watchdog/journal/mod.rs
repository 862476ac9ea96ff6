//! What the watchdog did, on the local disk: an intent is durable before the restart is sent, so that
//! no crash makes it forget an attempt or do one twice.
//!
//! A checksummed file that is appended to: each write is one line with all that it changes and one
//! `fdatasync`. What it says is states, not steps: the last record of a unit or a breaker counts,
//! however often it is read.
//!
//! Beside `FILE` there are `FILE.lock`, which one process holds; `FILE.new` for a moment, while the
//! file is written anew without what no longer counts, to be renamed over it; and `FILE.broken`,
//! what was last found damaged.
//!
//! Why not a database: one record of 300 bytes made durable, against a bare write and `fdatasync` of
//! the same bytes, takes 1.0 times as long in such a file, 1.1 to 1.2 in redb 4.6 and 1.4 to 1.6 in
//! SQLite 3.54 (WAL, `synchronous=FULL`); 100 records in one write 1.0, 1.4 and 0.9, the last since a
//! write-ahead log that is used again does not grow. On a busy disk, where a sync takes 4 ms and not
//! 0.2, all of them are within 1.2. The watchdog looks nothing up and holds all of it in memory, so
//! that there is nothing else that a database would be better at, and a person can read the file.

mod disk;
mod history;
mod known;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::policy::{Memory, Time};
use disk::{Disk, LocalDisk};
pub use history::{Event, HistoryError, read_history};
use known::{Known, changes};
use record::{Broken, FORMAT, Record, line, lines};
pub use store::{Loaded, Store, StoreError};

/// A shorter file is not written anew: it is a history that can be replayed.
const KEPT_BYTES: u64 = 16 << 20;
/// A longer one is once it is so many times as long as what still counts.
const DEAD: u64 = 4;
/// What is known of a cluster that is no longer configured is kept for so long.
const NOT_CONFIGURED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A journal in a local file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    disk: Box<dyn Disk>,
    configured: BTreeSet<Arc<str>>,
    loaded: BTreeSet<Arc<str>>,
    known: Known,
    is_open: bool,
    is_first: bool,
    /// Whether the file is known to end with a whole line that is on the disk; if not, it is
    /// written anew before anything else.
    is_sound: bool,
    length: u64,
    limit: u64,
    kept_bytes: u64,
}

/// What was found when a journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Why what was done before is not known, or not wholly.
    pub lost: Option<String>,
    /// Whether no journal was ever here: held as when one was lost, since others may have restarted
    /// something a moment ago, and no reason to worry.
    pub is_first: bool,
    /// What is worth a line in the log although nothing is lost.
    pub note: Option<String>,
}

impl Journal {
    /// A journal that is yet to be opened. What is known of clusters that are neither among
    /// `configured` nor loaded is forgotten after seven days.
    pub fn new(path: &Path, configured: impl IntoIterator<Item = Arc<str>>) -> Self {
        let disk = Box::new(LocalDisk::new(path.to_owned()));
        Self::on(disk, path, KEPT_BYTES, configured)
    }

    fn on(
        disk: Box<dyn Disk>,
        path: &Path,
        kept_bytes: u64,
        configured: impl IntoIterator<Item = Arc<str>>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            disk,
            configured: configured.into_iter().collect(),
            loaded: BTreeSet::new(),
            known: Known::default(),
            is_open: false,
            is_first: false,
            is_sound: false,
            length: 0,
            limit: kept_bytes,
            kept_bytes,
        }
    }

    /// Opens and reads it, or makes it where there is none. After an error that may pass it can be
    /// called again; [`Store::load`] does so.
    pub fn open(&mut self, now: Time) -> Result<Found, StoreError> {
        if self.is_open {
            return Ok(Found::default());
        }
        self.lock()?;
        let bytes = self.disk.open().map_err(|error| self.unusable("opened", error))?;
        let (known, read) = replay(&self.path, bytes.as_deref().unwrap_or_default(), now)?;
        (self.known, self.length, self.is_sound) = (known, read.whole, true);
        let is_first = bytes.is_none() && self.disk.is_first_use();
        let lost = match &bytes {
            None if is_first => None,
            None => Some("there was no journal".to_owned()),
            Some(bytes) if bytes.is_empty() => Some("the file is empty".to_owned()),
            Some(_) => read.broken,
        };
        if lost.is_some() || is_first {
            self.known.apply(now, Record::Lost);
        }
        if bytes.is_some_and(|bytes| !bytes.is_empty()) && lost.is_some() {
            self.disk.keep_aside().map_err(|error| self.unusable("kept aside", error))?;
        }
        if lost.is_some() || is_first || read.is_old {
            self.rewrite(&[])?;
        } else {
            let cut = if read.is_cut_off { self.disk.truncate(self.length) } else { Ok(()) };
            // The last process may have ended before it synced what was just read, or a rename.
            let synced = cut.and_then(|()| self.disk.sync()).and_then(|()| self.disk.sync_folder());
            synced.map_err(|error| self.unusable("written", error))?;
        }
        self.is_open = true;
        let note = read.is_cut_off.then(|| {
            "its last line was cut off by a crash and counts for nothing; what stands before it counts"
                .to_owned()
        });
        self.is_first = is_first;
        let found = Found { lost, is_first, note };
        found.tell(&self.path);
        Ok(found)
    }

    fn lock(&mut self) -> Result<(), StoreError> {
        match self.disk.lock() {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Whatever the other process does is to be read once it is gone.
                self.is_open = false;
                self.loaded.clear();
                Err(StoreError::InUse(self.path.clone()))
            }
            Err(error) => Err(self.unusable("opened", error)),
        }
    }

    fn unusable(&self, what: &'static str, error: std::io::Error) -> StoreError {
        StoreError::Unusable { path: self.path.clone(), what, error }
    }

    /// Makes these durable.
    fn add(&mut self, text: &[u8]) -> Result<(), StoreError> {
        if !self.disk.is_ours() {
            self.lock()?;
            self.is_sound = false;
        }
        if !self.is_sound {
            return self.rewrite(text);
        }
        self.is_sound = false;
        if let Err(error) = self.disk.append(text) {
            let cut = self.disk.truncate(self.length).and_then(|()| self.disk.sync());
            self.is_sound = cut.is_ok();
            return Err(self.unusable("written", error));
        }
        // What the file holds after a sync that failed nobody knows.
        self.disk.sync().map_err(|error| self.unusable("written", error))?;
        self.is_sound = true;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Writes it anew, with this at its end; the old text stays whole until the new one is durable.
    fn rewrite(&mut self, more: &[u8]) -> Result<(), StoreError> {
        let written = self.known.text().and_then(|mut text| {
            text.extend_from_slice(more);
            self.disk.write_copy(&text)?;
            self.disk.sync_copy()?;
            self.is_sound = false;
            self.disk.rename_copy()?;
            self.disk.sync_folder()?;
            self.is_sound = true;
            Ok(text.len() as u64)
        });
        self.length = written.map_err(|error| self.unusable("written anew", error))?;
        self.limit = self.kept_bytes.max(self.length.saturating_mul(DEAD));
        Ok(())
    }

    /// What has to be said of clusters that are no longer configured, or are again.
    fn configuration(&self, now: Time) -> impl Iterator<Item = Record> {
        self.known.clusters.iter().filter_map(move |(cluster, kept)| {
            let (is, cluster) = (self.configured.contains(cluster), Arc::clone(cluster));
            match kept.not_configured_since {
                Some(since) if !is && now.saturating_sub(since) >= NOT_CONFIGURED => {
                    Some(Record::Drop { cluster })
                }
                since => (since.is_some() == is).then_some(Record::Configured { cluster, is }),
            }
        })
    }
}

/// What of a memory is known again after a crash: it is written in a journal's form, and read. For who
/// simulates crashes by the thousand, without a disk.
pub fn survives(memory: &Memory) -> Result<Memory, StoreError> {
    let (cluster, path) = (Arc::from("one"), Path::new("a simulated journal"));
    let mut text = Vec::new();
    line(&mut text, Time::ZERO, &changes(&cluster, &Memory::default(), memory))
        .map_err(|error| StoreError::Unusable { path: path.to_owned(), what: "written", error })?;
    let (mut known, _) = replay(path, &text, Time::ZERO)?;
    Ok(known.clusters.remove(&cluster).map(|kept| kept.memory).unwrap_or_default())
}

impl Store for Journal {
    fn load(&mut self, cluster: &Arc<str>, now: Time) -> Result<Loaded, StoreError> {
        self.open(now)?;
        self.configured.insert(Arc::clone(cluster));
        self.loaded.insert(Arc::clone(cluster));
        let memory = self.known.clusters.get(cluster).map(|kept| kept.memory.clone());
        // A hold ends, whatever the clock did meanwhile.
        let lost_at = self.known.lost_at.map(|at| at.min(now));
        let is_first = self.is_first;
        Ok(Loaded { memory: memory.unwrap_or_default(), lost_at, is_first })
    }

    fn write(&mut self, cluster: &Arc<str>, memory: &Memory, now: Time) -> Result<(), StoreError> {
        if !self.loaded.contains(cluster) {
            return Err(StoreError::NotLoaded(Arc::clone(cluster)));
        }
        let nothing = Memory::default();
        let before = self.known.clusters.get(cluster).map_or(&nothing, |kept| &kept.memory);
        let mut records = changes(cluster, before, memory);
        records.extend(self.configuration(now));
        if records.is_empty() && self.is_sound {
            return Ok(());
        }
        let mut text = Vec::new();
        line(&mut text, now, &records).map_err(|error| self.unusable("written", error))?;
        self.add(&text)?;
        records.into_iter().for_each(|record| self.known.apply(now, record));
        if self.length > self.limit
            && let Err(error) = self.rewrite(&[])
        {
            // What was to be written is durable all the same.
            tracing::warn!(%error, "the journal grows on");
            self.limit = self.length.saturating_mul(2);
        }
        Ok(())
    }
}

impl Found {
    /// Logs it.
    fn tell(&self, path: &Path) {
        let journal = path.display();
        if let Some(note) = &self.note {
            tracing::info!(%journal, note, "the last process ended while it wrote");
        }
        match &self.lost {
            None if self.is_first => tracing::info!(
                %journal,
                "the first start with this journal: nothing is restarted at first"
            ),
            None => tracing::info!(%journal, "what was done before is known"),
            Some(because) => tracing::warn!(
                %journal,
                because,
                "what was done before is not known: nothing is restarted at first"
            ),
        }
    }
}

#[derive(Default)]
struct Read {
    /// So many bytes are whole lines.
    whole: u64,
    broken: Option<String>,
    is_cut_off: bool,
    is_old: bool,
}

/// Every line whose checksum is right counts: to forget an attempt is worse than to remember one
/// that is over.
fn replay(path: &Path, bytes: &[u8], now: Time) -> Result<(Known, Read), StoreError> {
    let (mut known, mut read) = (Known::default(), Read::default());
    for (number, (end, line)) in lines(bytes).enumerate() {
        let line = match line {
            Ok(line) => line,
            Err(Broken::CutOff) if number > 0 => {
                read.is_cut_off = true;
                break;
            }
            Err(broken) => {
                let number = number + 1;
                read.broken.get_or_insert_with(|| format!("line {number} {}", broken.as_str()));
                continue;
            }
        };
        read.whole = end as u64;
        read.is_old |= line.at.is_none();
        for record in line.records {
            if let Record::Format(format) = record
                && format > FORMAT
            {
                return Err(StoreError::Format(path.to_owned(), format));
            }
            known.apply(line.at.unwrap_or(now), record);
        }
    }
    Ok((known, read))
}
