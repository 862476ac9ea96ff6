//! Wall-clock time that never goes back while the process lives.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::policy::Time;

/// Counts from the wall-clock time at which it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    wall: Duration,
    started: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, started: Instant::now() }
    }

    /// Since 1970.
    pub(super) fn now(self) -> Time {
        self.wall + self.started.elapsed()
    }
}
