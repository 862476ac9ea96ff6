//! Changing the file: one writer at a time, and each reader sees the file of before or of after.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::file::{Given, OrderError};
use super::{MAX_BYTES, Orders};
use crate::watchdog::policy::Time;

/// Others hold the lock for as long as one write takes.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// There is always room for an order to stop.
const ROOM_FOR_STOP: u64 = 8 << 10;

/// What becomes of a file that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It stays, and so does the order to stop that it is.
    Refuse,
    /// It is put aside as `.broken`, and what is ordered begins afresh.
    PutAside,
}

/// Orders that could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The order itself.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// What is in the file.
    #[error("{0}")]
    Broken(String),
    /// Somebody else writes, and does not end.
    #[error("{0} is locked by another process for more than 10 s")]
    Locked(PathBuf),
    /// The watchdog would not be able to read it.
    #[error(
        "{path} must belong to the user of the watchdog, who has the id {uid}: give the order as that user or as root"
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Whose it must be.
        uid: u32,
        /// Why it could not be made so.
        source: std::io::Error,
    },
    /// The disk.
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] std::io::Error),
}

/// What was made of it.
#[derive(Debug)]
pub struct Changed<T> {
    /// What the change gave.
    pub value: T,
    /// What is in the file now.
    pub given: Given,
    /// What was there before could not be understood, and is here now.
    pub put_aside: Option<PathBuf>,
}

impl Orders {
    /// Changes what is ordered; on the disk when this returns. Nothing is changed where `change`
    /// fails.
    pub fn change<T>(
        &self,
        broken: Broken,
        now: Time,
        change: impl FnOnce(&mut Given) -> Result<T, OrderError>,
    ) -> Result<Changed<T>, ChangeError> {
        let path = self.path();
        let _lock = lock(path)?;
        // Not what was read before the lock was had.
        let before = Self::at(path).read();
        let is_broken = match (&before.problem, broken) {
            (Some(problem), Broken::Refuse) => return Err(ChangeError::Broken(problem.clone())),
            (problem, Broken::Refuse | Broken::PutAside) => problem.is_some(),
        };
        let mut given = before.given.clone();
        given.prune(now);
        let count = |given: &Given| given.silences.len() + given.acknowledged.len();
        let had = count(&given);
        let value = change(&mut given)?;
        let most = if count(&given) > had { MAX_BYTES - ROOM_FOR_STOP } else { MAX_BYTES };
        let put_aside = write(path, &given, most, is_broken)?;
        Ok(Changed { value, given, put_aside })
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits for the others; let go when it is dropped.
fn lock(path: &Path) -> Result<File, ChangeError> {
    let at = beside(path, ".lock");
    let failed = |error| ChangeError::Write(at.clone(), error);
    let mut options = File::options();
    options.read(true).write(true);
    let file = match options.clone().create_new(true).mode(0o600).open(&at) {
        // Only one that was made here is given away: another may be a link to anywhere.
        Ok(made) => {
            give_to_the_watchdog(&made, path)?;
            made
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            options.open(&at).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(file.lock().map(|()| file)));
    receiver.recv_timeout(LOCK_LIMIT).map_err(|_| ChangeError::Locked(at.clone()))?.map_err(failed)
}

/// What root writes must be readable for the user whom the watchdog runs as.
fn give_to_the_watchdog(file: &File, path: &Path) -> Result<(), ChangeError> {
    let failed = |error| ChangeError::Write(path.to_owned(), error);
    let own = file.metadata().map_err(failed)?.uid();
    let owner = |path: &Path| path.metadata().ok().map(|found| (found.uid(), found.gid()));
    let journal = path.with_extension("");
    let whose = owner(&journal)
        .or_else(|| owner(path))
        .or_else(|| owner(folder(path)).filter(|_| own == 0))
        .filter(|(uid, _)| *uid != own);
    let Some((uid, gid)) = whose else { return Ok(()) };
    fchown(file, Some(uid), Some(gid)).map_err(|source| ChangeError::Owner {
        path: path.to_owned(),
        uid,
        source,
    })
}

fn write(
    path: &Path,
    given: &Given,
    most: u64,
    is_broken: bool,
) -> Result<Option<PathBuf>, ChangeError> {
    let failed = |error| ChangeError::Write(path.to_owned(), error);
    let mut text = serde_json::to_vec_pretty(given).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    if text.len() as u64 > most {
        let full = "there are too many orders for one file of 1 MiB; take some silences back";
        return Err(OrderError::Full(full.to_owned()).into());
    }
    // Made with mode 0600.
    let mut new =
        tempfile::Builder::new().prefix(".orders.").tempfile_in(folder(path)).map_err(failed)?;
    give_to_the_watchdog(new.as_file(), path)?;
    new.write_all(&text).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
    let aside = if is_broken { Some(put_aside(path).map_err(failed)?) } else { None };
    new.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(aside)
}

/// A link comes first: with it there is no moment without a file, which would be one without an
/// order to stop.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = beside(path, ".broken");
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::hard_link(path, &aside).or_else(|_| std::fs::rename(path, &aside))?;
    Ok(aside)
}
