//! A time as it is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A time, written as RFC 3339 in UTC, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-11-25T03:12:00Z"))]
pub struct Moment(SystemTime);

impl Moment {
    /// How long ago it is.
    pub fn age(self, now: SystemTime) -> Duration {
        now.duration_since(self.0).unwrap_or_default()
    }

    /// Seconds since 1970.
    pub fn unix_seconds(self) -> u64 {
        self.0.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        humantime::format_rfc3339_seconds(self.0).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The latest time that RFC 3339 can write.
const LAST: Duration = Duration::from_secs(253_402_300_799);

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        time.duration_since(UNIX_EPOCH).unwrap_or_default().into()
    }
}

/// Since 1970.
impl From<Duration> for Moment {
    fn from(since_1970: Duration) -> Self {
        Self(UNIX_EPOCH + since_1970.min(LAST))
    }
}
