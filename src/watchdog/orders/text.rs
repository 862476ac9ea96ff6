//! Free text and times, as they stand in the file.

use std::time::{Duration, UNIX_EPOCH};

use crate::watchdog::policy::Time;

/// Reasons and the names of persons have at most so many characters.
pub const MAX_TEXT: usize = 200;

/// Free text that can be put on a line of a log or a terminal: bounded, and without what moves the
/// cursor, breaks lines or turns the direction of writing.
pub fn clean(text: &str) -> String {
    let moves = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || turns || c == '\u{feff}'
    };
    let kept: String = text.trim().chars().filter(|c| !moves(*c)).take(MAX_TEXT).collect();
    kept.trim().to_owned()
}

/// RFC 3339 in UTC, to the millisecond. Times after the year 9999 are written as its last second.
pub fn as_time(time: Time) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(UNIX_EPOCH + time.min(LAST)).to_string()
}

/// For `#[serde(with)]`.
pub(super) mod rfc3339 {
    use std::time::UNIX_EPOCH;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::watchdog::policy::Time;

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Time,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::as_time(*time))
    }

    pub(in super::super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = humantime::parse_rfc3339(&text).ok();
        time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).ok_or_else(|| {
            D::Error::custom("a time is wanted in RFC 3339 and UTC, such as 2026-11-24T07:34:23Z")
        })
    }
}
