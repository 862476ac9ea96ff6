//! `windows:`, and the `hold_during:` and `act_during:` that name them.

use std::time::{Duration, SystemTime};

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;

use super::super::nearest::did_you_mean;
use super::node::{Node, Problem, problem};
use super::section::{Section, Text, written};
use super::window::{Window, is_always_open, is_open, never_opens, next_change};

const DAY: Duration = Duration::from_secs(86_400);

/// Which windows hold, and in which alone is acted; places in the list of windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Nothing is done while one of these is open.
    pub hold_during: Vec<usize>,
    /// Something is done only while one of these is open; empty: at any time.
    pub act_during: Vec<usize>,
}

impl Schedule {
    /// Whether nothing is done now.
    pub fn is_shut(&self, windows: &[Window], wall_clock: SystemTime) -> bool {
        let open = |at: &usize| windows.get(*at).is_some_and(|window| is_open(window, wall_clock));
        self.hold_during.iter().any(open)
            || (!self.act_during.is_empty() && !self.act_during.iter().any(open))
    }

    pub(super) fn windows(&self) -> impl Iterator<Item = usize> {
        self.hold_during.iter().chain(&self.act_during).copied()
    }
}

/// A window and the line of its name.
pub(super) struct Named {
    pub(super) window: Window,
    pub(super) line: u64,
}

/// Reads `windows:`.
pub(super) fn read(nodes: &[Node]) -> Result<Vec<Named>, Problem> {
    let mut all: Vec<Named> = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let path = format!("watchdog.windows[{}]", number + 1);
        let section = Section::new(path, node.line, node)?;
        let named = one(section)?;
        if let Some(first) = all.iter().find(|other| other.window.name == named.window.name) {
            let (name, line) = (&named.window.name, first.line);
            return problem(
                named.line,
                format!("watchdog.windows: the name {name:?} is taken, by line {line}"),
            );
        }
        all.push(named);
    }
    Ok(all)
}

fn one(mut section: Section<'_>) -> Result<Named, Problem> {
    let name = section.needed("name", "nightly-load")?;
    section.path = format!("watchdog.windows[{}]", name.text);
    let text = section.needed("cron", "'0 2 * * *'")?;
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    // The library also takes words such as @daily.
    let has_five = text.text.split_whitespace().count() == 5;
    let cron = match parser.parse(&text.text) {
        Ok(cron) if has_five => cron,
        other => {
            // Of the number of fields the library speaks in terms of its own options, and of a
            // number in terms of its own parts.
            let why = match other {
                Err(CronError::ComponentError(_)) if has_five => {
                    ": minute 0 to 59, hour 0 to 23, day 1 to 31, month 1 to 12, weekday 0 to 7"
                        .to_owned()
                }
                Err(error) if has_five => format!(": {error}"),
                Err(_) | Ok(_) => String::new(),
            };
            let problem = format!(
                "{:?} is not a cron of five fields, such as '0 2 * * SAT' (minute, hour, day, \
                 month, weekday){why}",
                text.text
            );
            return section.wrong("cron", problem);
        }
    };
    let time_zone = match section.text("time_zone")? {
        None => TimeZone::UTC,
        Some(name) => zone(&section, &name)?,
    };
    if !section.has("for") {
        return problem(
            section.line,
            format!("{}: has no `for`; give how long it stays open, such as 4h", section.path),
        );
    }
    let mut length = Duration::ZERO;
    let most = DAY * 30;
    section.time("for", Duration::from_secs(60)..=most, &mut length)?;
    let length = Duration::from_secs(length.as_secs());
    let window = Window { name: name.text, cron, time_zone, length };
    if never_opens(&window) {
        return section.wrong("cron", format!("{:?} never comes: it never opens", text.text));
    }
    if is_always_open(&window) {
        let length = written(window.length);
        return section.wrong("for", format!("{length} from each opening: it never shuts"));
    }
    section.finish()?;
    Ok(Named { window, line: name.line })
}

fn zone(section: &Section<'_>, name: &Text) -> Result<TimeZone, Problem> {
    TimeZone::get(&name.text).or_else(|_| {
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let meant = did_you_mean(&name.text, known.iter().map(String::as_str));
        section.wrong(
            "time_zone",
            format!("{:?} is not a time zone such as Europe/Berlin or UTC{meant}", name.text),
        )
    })
}

/// Reads `hold_during:` and `act_during:` of a rule, or of all.
pub(super) fn schedule(section: &mut Section<'_>, windows: &[Named]) -> Result<Schedule, Problem> {
    let mut places = |key| -> Result<Vec<usize>, Problem> {
        let path = format!("{}.{key}", section.path);
        let texts = section.texts(key)?;
        texts.iter().map(|text| place(&path, text, windows)).collect()
    };
    Ok(Schedule { hold_during: places("hold_during")?, act_during: places("act_during")? })
}

fn place(path: &str, Text { text, line }: &Text, windows: &[Named]) -> Result<usize, Problem> {
    let names = || windows.iter().map(|named| named.window.name.as_str());
    names().position(|name| name == text).map_or_else(
        || {
            let known = match windows {
                [] => "watchdog.windows has none".to_owned(),
                _ => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let meant = did_you_mean(text, names());
            problem(*line, format!("{path}: unknown window `{text}`, {known}{meant}"))
        },
        Ok,
    )
}

/// Whether these schedules together leave no moment within four years to act: 29 February is one.
pub(super) fn never_acts(schedules: &[&Schedule], windows: &[Named]) -> bool {
    let list: Vec<Window> = windows.iter().map(|named| named.window.clone()).collect();
    let used: Vec<usize> = schedules.iter().flat_map(|schedule| schedule.windows()).collect();
    let mut at = SystemTime::UNIX_EPOCH + DAY * (56 * 365);
    let horizon = at + DAY * (4 * 366);
    // Few windows change more often than that; those that do are not told.
    for _ in 0..20_000 {
        if !schedules.iter().any(|schedule| schedule.is_shut(&list, at)) {
            return false;
        }
        let changes = used.iter().filter_map(|at_window| next_change(list.get(*at_window)?, at));
        match changes.min() {
            Some(next) if next < horizon => at = next,
            Some(_) | None => return true,
        }
    }
    false
}
