//! Wall-clock time that never goes back while the process lives: for waits, and not for what
//! persons date. The wall clock may be set, and goes on while a machine sleeps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::policy::Time;

/// The wall-clock time, as persons date; at least 0.
pub(super) fn since_1970(wall: SystemTime) -> Time {
    wall.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Counts from the wall-clock time at which it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    wall: Duration,
    started: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { wall: since_1970(SystemTime::now()), started: Instant::now() }
    }

    /// Since 1970.
    pub(super) fn now(self) -> Time {
        self.wall + self.started.elapsed()
    }
}
