//! What changes in the files comes into force without a restart; what is bad about them does not.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Access;
use super::loaded::{Loaded, watched};
use super::problem::AccessError;

/// A look costs a `stat` of each file, and files that are read only where one differs.
const LOOK: Duration = Duration::from_secs(1);

/// How the files were when they were looked at last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// What was wrong then, and is told unless it is right at the next look: a certificate is there a
    /// moment before its key.
    wrong: Option<AccessError>,
}

/// What tells a file from the one that was there before.
#[derive(Debug, PartialEq, Eq)]
struct Stamp([i64; 4], [u64; 3]);

impl From<Metadata> for Stamp {
    fn from(of: Metadata) -> Self {
        Self(
            [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()],
            [of.dev(), of.ino(), of.size()],
        )
    }
}

/// The files as they are now.
fn stamped(files: impl IntoIterator<Item = PathBuf>) -> Vec<(PathBuf, Option<Stamp>)> {
    let stamp = |path: PathBuf| {
        let stamp = std::fs::metadata(&path).ok().map(Stamp::from);
        (path, stamp)
    };
    files.into_iter().map(stamp).collect()
}

impl Seen {
    pub(super) fn now(path: &Path) -> Self {
        Self { files: stamped(watched(path)), wrong: None }
    }
}

impl Access {
    /// Looks at the files each second until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        if self.path.is_none() {
            return stop.cancelled().await;
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let access = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || access.look()).await;
        }
    }

    /// Reads the files again where one differs from how it was.
    fn look(&self) {
        let Some(path) = &self.path else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamped(seen.files.iter().map(|(path, _)| path.clone())) == seen.files {
            if let Some(error) = seen.wrong.take() {
                tracing::error!(
                    %error,
                    "the web configuration cannot be used; the one from before stays in force"
                );
            }
            return;
        }
        // Before they are read: what changes meanwhile differs at the next look.
        *seen = Seen::now(path);
        match self.read_again(path) {
            Ok(odd) => {
                tracing::info!("the web configuration has changed and is in force");
                for oddity in odd {
                    tracing::warn!("{oddity}");
                }
            }
            Err(error) => seen.wrong = Some(error),
        }
    }

    fn read_again(&self, path: &Path) -> Result<Vec<String>, AccessError> {
        let (loaded, mut odd) = Loaded::read(path)?;
        let before = self.loaded();
        let bad = |problem: &str| {
            Err(AccessError { place: path.display().to_string(), problem: problem.to_owned() })
        };
        if loaded.tls.is_some() != before.tls.is_some() {
            return bad("turns TLS on or off; restart for that");
        }
        // It may be a file of which only the beginning is there.
        if loaded.users.is_empty() && !before.users.is_empty() {
            return bad(
                "has no basic_auth_users any more, which may let in everybody; restart for that",
            );
        }
        // Whoever was taken out of the file is out, also where the administrators still name them.
        odd.extend(self.roles.strangers(&loaded));
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        Ok(odd)
    }
}
