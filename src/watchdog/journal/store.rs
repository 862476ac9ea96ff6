//! Where a watchdog's memory is kept, as its engine sees it.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::policy::{Memory, Time};
use super::record::FORMAT;

/// Keeps what the watchdogs of this process remember, so that it outlives the process.
///
/// The methods block until the disk, or whatever stands for it, has answered.
pub trait Store: std::fmt::Debug + Send {
    /// What is known of a cluster. Until this was answered once nothing may be restarted there:
    /// after an error it is asked again, at the next poll. `now` is seconds since 1970.
    fn load(&mut self, cluster: &Arc<str>, now: Time) -> Result<Loaded, StoreError>;

    /// Makes durable what changed in a cluster's memory since the last write that was `Ok`; all of
    /// it or, after a crash, nothing. What is `Ok` is on the disk. After an error nothing that is
    /// only in this memory may be sent, and the next write tries again, whether or not it changes
    /// anything.
    fn write(&mut self, cluster: &Arc<str>, memory: &Memory, now: Time) -> Result<(), StoreError>;
}

/// What is known of a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// What was remembered of it.
    pub memory: Memory,
    /// When it was last found, in any process, that what was done before is not known, or not
    /// wholly. It is held from then on, also over the end of a process.
    pub lost_at: Option<Time>,
    /// Whether that is since this process made the first journal.
    pub is_first: bool,
}

/// A store that does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another watchdog has it.
    #[error(
        "the journal {0} is used by another process; two watchdogs must not act on the same clusters"
    )]
    InUse(PathBuf),
    /// It was written by a later version.
    #[error(
        "the journal {0} has format {1}, and this version knows up to {FORMAT}; use a later version, or move the file away"
    )]
    Format(PathBuf, u32),
    /// It cannot be read or written now; that may pass.
    #[error("the journal {path} cannot be {what}: {error}")]
    Unusable {
        /// The journal.
        path: PathBuf,
        /// Such as "written".
        what: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// A cluster is to be written whose memory was not loaded: that would be lost.
    #[error("what the journal knows of cluster {0:?} was not read")]
    NotLoaded(Arc<str>),
}

impl StoreError {
    /// Whether it may pass by itself, so that the process goes on and restarts nothing meanwhile.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unusable { .. } | Self::NotLoaded(_) => true,
            Self::InUse(_) | Self::Format(..) => false,
        }
    }
}
