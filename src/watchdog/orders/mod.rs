//! What an operator orders while the process runs: stop, leave some connectors alone for a while,
//! try a unit afresh.
//!
//! A small JSON file beside the journal ([`Given`]); whoever may write it may give orders. [`Orders`]
//! reads it, cheaply enough for before every decision and before every restart, and
//! [`Orders::change`] writes it. When in doubt nothing is done: a file that is there and cannot be
//! understood is an order to stop.

mod file;
mod now;
mod text;
mod write;

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use file::{Acknowledgement, Given, OrderError, Silenced, Stop};
pub use now::Now;
pub use text::{MAX_TEXT, as_time, clean};
pub use write::{Broken, ChangeError, Changed};

/// A longer file is not read.
pub const MAX_BYTES: u64 = 1 << 20;

/// A file that had changed so recently when it was read is read again: two changes within one tick
/// of the file system's clock look like one.
const SETTLED: Duration = Duration::from_secs(3);

/// Where orders are given, and what they were when it was last looked.
#[derive(Debug)]
pub struct Orders {
    path: PathBuf,
    last: Mutex<Option<(Stamp, Arc<Now>)>>,
}

/// Tells one content of the file from the next, by its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether who read it at this time can rely on seeing the next change.
    fn was_settled(self, wall: Duration) -> bool {
        let changed = u64::try_from(self.changed.0).map(Duration::from_secs);
        changed.is_ok_and(|changed| wall.saturating_sub(changed) > SETTLED)
    }
}

impl Orders {
    /// The orders in this file; where it is missing there are none.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), last: Mutex::default() }
    }

    /// Those beside a journal: its name and `.orders`.
    pub fn beside(journal: &Path) -> Self {
        let mut path = journal.as_os_str().to_owned();
        path.push(".orders");
        Self::at(path)
    }

    /// The file; it need not be there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is ordered at this moment. Costs one `stat` while nothing changes, and never waits for
    /// who writes; reading a changed file takes a few milliseconds at most times, so that an async
    /// caller had better be on a thread that may block.
    pub fn read(&self) -> Arc<Now> {
        self.look(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// As if reading took as long as this does.
    #[cfg(test)]
    pub(super) fn while_read<T>(&self, read: impl FnOnce() -> T) -> T {
        let _last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        read()
    }

    fn look(&self, wall: Duration) -> Arc<Now> {
        let path = &self.path;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let found = std::fs::metadata(path);
        if let (Ok(found), Some((stamp, now))) = (&found, &*last)
            && *stamp == Stamp::of(found)
        {
            return Arc::clone(now);
        }
        *last = None;
        match found.and_then(|found| contents(path, &found)) {
            Ok((stamp, bytes)) => {
                let now = Arc::new(Now::parsed(path, &bytes));
                *last = stamp.was_settled(wall).then(|| (stamp, Arc::clone(&now)));
                now
            }
            Err(error) if is_missing(path, &error) => Arc::default(),
            Err(error) => Arc::new(Now::not_understood(path, &error.to_string())),
        }
    }
}

/// Whether there is nothing at all, not even a link that leads nowhere.
fn is_missing(path: &Path, error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err()
}

fn contents(path: &Path, found: &Metadata) -> std::io::Result<(Stamp, Vec<u8>)> {
    // Opening a pipe would wait for who writes into it.
    if !found.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is over 1 MiB"));
    }
    Ok((stamp, bytes))
}

#[cfg(test)]
mod tests;
