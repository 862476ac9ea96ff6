//! Windows: when each opens and shuts. Pure; the time is an argument.
//!
//! A cron of one minute and one hour is meant once a day: where a change of clocks skips it, it comes
//! right after the change, and where it comes twice it opens the first time. Any other is meant
//! again and again: what is skipped is skipped, and what comes twice opens twice. A window is open for
//! its length in real time, whatever the clocks do meanwhile.

use std::time::{Duration, SystemTime};

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Ends that are looked at for one at which no other opening keeps the window open. A window that
/// opens each minute has as many in two weeks, one of a day's length in more than a lifetime.
const ENDS: usize = 20_000;
const DAY: Duration = Duration::from_secs(86_400);
const MINUTES_OF_A_DAY: u64 = 24 * 60;

/// A span of time that comes again and again.
#[derive(Clone, Debug)]
pub struct Window {
    /// What rules call it.
    pub name: String,
    /// When it opens.
    pub cron: Cron,
    /// The place whose clocks `cron` is about.
    pub time_zone: TimeZone,
    /// How long it stays open; whole seconds.
    pub length: Duration,
}

/// Whether the window is open.
pub fn is_open(window: &Window, wall_clock: SystemTime) -> bool {
    Timestamp::try_from(wall_clock).is_ok_and(|now| closes(window, now).is_some())
}

/// When it opens or shuts next; `None`: never, as far as can be seen.
pub fn next_change(window: &Window, wall_clock: SystemTime) -> Option<SystemTime> {
    let now = Timestamp::try_from(wall_clock).ok()?;
    let Some(mut end) = closes(window, now) else {
        return next_opening(window, now).map(SystemTime::from);
    };
    for _ in 0..ENDS {
        match closes(window, end) {
            Some(later) => end = later,
            None => return Some(end.into()),
        }
    }
    None
}

/// Whether it never opens, such as on 30 February.
pub(super) fn never_opens(window: &Window) -> bool {
    next_opening(window, Timestamp::UNIX_EPOCH).is_none()
}

/// Whether it is open all the time but for hours that clocks are put back.
pub(super) fn is_always_open(window: &Window) -> bool {
    let window = Window { time_zone: TimeZone::UTC, ..window.clone() };
    let days = 2 * 366;
    if window.length < DAY {
        return longest_wait_of_a_day(&window) <= window.length
            && (0..days).all(|day| opens_on(&window, day));
    }
    let mut end = Timestamp::UNIX_EPOCH;
    let horizon = end + DAY * days;
    while let Some(later) = closes(&window, end) {
        end = later;
        if end > horizon {
            return true;
        }
    }
    false
}

/// From one opening to the next where each day has some.
fn longest_wait_of_a_day(window: &Window) -> Duration {
    let pattern = &window.cron.pattern;
    let minutes = pattern.minutes.values();
    let hours = pattern.hours.values();
    let openings: Vec<u64> = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(|minute| u64::from(*hour) * 60 + u64::from(*minute)))
        .collect();
    let next_day = openings.first().map(|first| first + MINUTES_OF_A_DAY);
    let longest =
        openings.iter().zip(openings.iter().skip(1).chain(&next_day)).map(|(one, next)| next - one);
    Duration::from_secs(longest.max().unwrap_or(MINUTES_OF_A_DAY) * 60)
}

/// Whether it opens on this day of UTC.
fn opens_on(window: &Window, day: u32) -> bool {
    let begins = Timestamp::UNIX_EPOCH + DAY * day;
    let next = window.cron.find_next_occurrence(&zoned(window, begins), true);
    next.is_ok_and(|next| next.timestamp() < begins + DAY)
}

/// When it opens next.
pub(super) fn next_opening(window: &Window, after: Timestamp) -> Option<Timestamp> {
    let next = window.cron.find_next_occurrence(&zoned(window, after), false);
    next.ok().map(|next| next.timestamp())
}

/// When the opening that `now` is in ends, if it is in one.
fn closes(window: &Window, now: Timestamp) -> Option<Timestamp> {
    let opened = window.cron.find_previous_occurrence(&zoned(window, now), true).ok()?;
    let end = opened.timestamp().checked_add(window.length).ok()?;
    (now < end).then_some(end)
}

/// Whole seconds: a cron knows no parts of them.
fn zoned(window: &Window, at: Timestamp) -> Zoned {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    whole.to_zoned(window.time_zone.clone())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn window(cron: &str, zone: &str, length: &str) -> Window {
        Window {
            name: "w".to_owned(),
            cron: Cron::from_str(cron).unwrap(),
            time_zone: TimeZone::get(zone).unwrap(),
            length: humantime::parse_duration(length).unwrap(),
        }
    }

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().into()
    }

    fn after(window: &Window, time: &str) -> String {
        let next = next_change(window, at(time));
        next.map_or("never".to_owned(), |next| Timestamp::try_from(next).unwrap().to_string())
    }

    #[test]
    fn it_is_open_from_each_opening_for_its_length() {
        let berlin = "Europe/Berlin";
        for (cron, zone, length, time, open, change) in [
            ("0 2 * * *", "UTC", "1h", "2026-06-01T01:59:59.9Z", false, "2026-06-01T02:00:00Z"),
            ("0 2 * * *", "UTC", "1h", "2026-06-01T02:00:00Z", true, "2026-06-01T03:00:00Z"),
            ("0 2 * * *", "UTC", "1h", "2026-06-01T02:59:59.9Z", true, "2026-06-01T03:00:00Z"),
            ("0 2 * * *", "UTC", "1h", "2026-06-01T03:00:00Z", false, "2026-06-02T02:00:00Z"),
            // Over midnight, and over the end of the week.
            ("0 22 * * *", berlin, "4h", "2026-06-01T23:30:00Z", true, "2026-06-02T00:00:00Z"),
            ("0 22 * * SUN", "UTC", "4h", "2026-06-01T01:00:00Z", true, "2026-06-01T02:00:00Z"),
            ("0 22 * * SUN", "UTC", "4h", "2026-06-02T01:00:00Z", false, "2026-06-07T22:00:00Z"),
            // Longer than its period: open from Friday 20:00 through to Sunday 20:00.
            ("0 20 * * FRI,SAT", "UTC", "1d", "2026-06-06T21:00:00Z", true, "2026-06-07T20:00:00Z"),
            ("0 8-17 * * *", "UTC", "90m", "2026-06-01T09:00:00Z", true, "2026-06-01T18:30:00Z"),
            // Spring: 02:30 is skipped and comes at 03:00, which is 01:00 UTC.
            ("30 2 * * *", berlin, "1h", "2026-03-29T00:59:59Z", false, "2026-03-29T01:00:00Z"),
            ("30 2 * * *", berlin, "1h", "2026-03-29T01:30:00Z", true, "2026-03-29T02:00:00Z"),
            ("30 2 * * *", berlin, "1h", "2026-03-29T02:00:00Z", false, "2026-03-30T00:30:00Z"),
            // Open over the change: two hours of real time.
            ("0 1 * * *", berlin, "2h", "2026-03-29T01:59:00Z", true, "2026-03-29T02:00:00Z"),
            // Autumn: 02:30 comes twice and opens once, the first time.
            ("30 2 * * *", berlin, "20m", "2026-10-25T00:30:00Z", true, "2026-10-25T00:50:00Z"),
            ("30 2 * * *", berlin, "20m", "2026-10-25T01:35:00Z", false, "2026-10-26T01:30:00Z"),
            // One that comes each hour comes in both.
            ("30 * * * *", berlin, "20m", "2026-10-25T00:35:00Z", true, "2026-10-25T00:50:00Z"),
            ("30 * * * *", berlin, "20m", "2026-10-25T01:35:00Z", true, "2026-10-25T01:50:00Z"),
            // Of more than one hour, what is skipped does not come.
            ("30 2,14 * * *", berlin, "1h", "2026-03-29T00:30:00Z", false, "2026-03-29T12:30:00Z"),
            // Midnight that is skipped: Cairo, 2026-04-24 goes from 00:00 to 01:00.
            (
                "0 0 * * *",
                "Africa/Cairo",
                "1h",
                "2026-04-23T22:10:00Z",
                true,
                "2026-04-23T23:00:00Z",
            ),
            // Half an hour of change: Lord Howe, 2026-10-04 goes from 02:00 to 02:30.
            (
                "15 2 * * *",
                "Australia/Lord_Howe",
                "1h",
                "2026-10-03T15:30:00Z",
                true,
                "2026-10-03T16:30:00Z",
            ),
            // A leap day.
            ("0 0 29 2 *", "UTC", "1d", "2026-01-01T00:00:00Z", false, "2028-02-29T00:00:00Z"),
        ] {
            let window = window(cron, zone, length);
            let what = format!("{cron} {zone} {length} at {time}");
            assert_eq!(is_open(&window, at(time)), open, "{what}");
            assert_eq!(after(&window, time), change, "{what}");
        }
    }

    #[test]
    fn what_never_opens_and_what_never_shuts_is_known() {
        for (cron, length, never, always) in [
            ("0 0 30 2 *", "1h", true, false),
            ("0 0 31 4,6 *", "1h", true, false),
            ("0 0 29 2 *", "1h", false, false),
            ("* * * * *", "1m", false, true),
            ("*/5 * * * *", "5m", false, true),
            ("*/5 * * * *", "4m", false, false),
            ("*/7 * * * *", "6m", false, false),
            ("0 0 * * *", "24h", false, true),
            ("0 0 * * *", "23h 59m", false, false),
            ("0 */6 * * *", "6h", false, true),
            ("0 */6 * * 1-6", "6h", false, false),
            ("0 0 * * MON-FRI", "3days", false, true),
            ("0 0 * * MON-FRI", "2days", false, false),
            ("0 0 1 * *", "31days", false, true),
            ("0 0 1 * *", "30days", false, false),
            ("* * * 1-11 *", "1h", false, false),
        ] {
            // One more hour a year, where clocks are put back, is no reason to call it shut.
            for zone in ["UTC", "Europe/Berlin"] {
                let window = window(cron, zone, length);
                assert_eq!(never_opens(&window), never, "{cron} {length} {zone}");
                assert_eq!(is_always_open(&window), always, "{cron} {length} {zone}");
            }
        }
    }

    #[test]
    fn from_change_to_change_it_is_open_and_shut_in_turn() {
        for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
            for (cron, length) in
                [("30 2 * * *", "3h"), ("*/20 1-3 * * *", "10m"), ("0 1 * * *", "25h")]
            {
                let window = window(cron, zone, length);
                let mut now = at("2026-01-01T00:10:00Z");
                for _ in 0..3000 {
                    let Some(next) = next_change(&window, now) else { break };
                    assert!(next > now, "{cron} {zone}");
                    let before = next - Duration::from_secs(1);
                    assert_ne!(is_open(&window, before), is_open(&window, next), "{cron} {zone}");
                    now = next;
                }
            }
        }
    }
}
