//! What the watchdog's part of the configuration comes to.

use std::io::Write;
use std::time::SystemTime;

use humantime::format_duration;
use jiff::{Timestamp, Zoned};
use regex::Regex;

use crate::config::{
    AuditTarget, MatchSettings, RuleSettings, Schedule, Settings, WatchdogSettings, Window,
    as_written, differing, is_open, next_change,
};
use crate::watchdog::policy::Limits;

/// Writes the mode, the rules in order, the windows, the silences and the targets of probes.
pub(super) fn write(
    settings: &Settings,
    now: SystemTime,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let watchdog = &settings.watchdog;
    let usual = Limits { longest_gap: settings.poll.interval * 3, ..Limits::default() };
    writeln!(out, "watchdog: {}, {}", watchdog.mode.as_str(), times(watchdog, &watchdog.schedule))?;
    writeln!(out, "  journal: {}", watchdog.journal.display())?;
    if let Some(file) = &watchdog.stop_file {
        writeln!(out, "  stop file: {}", file.display())?;
    }
    match watchdog.audit.as_ref().map(|audit| &audit.target) {
        None => {}
        Some(AuditTarget::StandardOutput) => writeln!(out, "  audit: standard output")?,
        Some(AuditTarget::File(file)) => writeln!(out, "  audit: {}", file.display())?,
    }
    let changed = differing(&watchdog.limits, &usual);
    if !changed.is_empty() {
        writeln!(out, "  numbers other than the defaults: {}", changed.join(", "))?;
    }
    for (number, rule) in watchdog.rules.iter().enumerate() {
        write_rule(watchdog, number + 1, rule, out)?;
    }
    for window in &watchdog.windows {
        write_window(window, now, out)?;
    }
    for silence in &watchdog.silences {
        let (from, until) = (in_utc(silence.from), in_utc(silence.until));
        let whom = whom(&silence.matching);
        let over = if silence.until <= now { " (over)" } else { "" };
        writeln!(out, "  silence from {from} until {until}{over}: {whom}: {}", silence.reason)?;
    }
    if let Some(probe) = &watchdog.probe {
        let targets = probe.targets.iter();
        let targets: Vec<String> = targets
            .map(|t| format!("{}{}", t.address(), if t.tls { " (TLS)" } else { "" }))
            .collect();
        let (interval, timeout) = (format_duration(probe.interval), format_duration(probe.timeout));
        writeln!(out, "  probes each {interval}, for {timeout}: {}", targets.join(", "))?;
    }
    Ok(())
}

fn write_rule(
    watchdog: &WatchdogSettings,
    number: usize,
    rule: &RuleSettings,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let mode = rule.mode.unwrap_or(watchdog.mode).min(watchdog.mode).as_str();
    let mut does = vec![mode.to_owned()];
    if rule.schedule != Schedule::default() {
        does.push(times(watchdog, &rule.schedule));
    }
    does.extend(differing(&rule.limits, &watchdog.limits));
    writeln!(out, "  rule {number}, {}: {}: {}", rule.name, whom(&rule.matching), does.join(", "))
}

fn write_window(window: &Window, now: SystemTime, out: &mut impl Write) -> std::io::Result<()> {
    let place = window.time_zone.iana_name().unwrap_or("UTC");
    let (state, change) = if is_open(window, now) { ("open", "shuts") } else { ("shut", "opens") };
    let next = next_change(window, now).and_then(|at| in_zone(window, at));
    let next = next.map_or_else(String::new, |at| format!(", {change} {at}"));
    writeln!(
        out,
        "  window {}: {} in {place}, for {}: {state}{next}",
        window.name,
        window.cron.as_str(),
        format_duration(window.length)
    )
}

/// When it acts, in words.
fn times(watchdog: &WatchdogSettings, schedule: &Schedule) -> String {
    let names = |places: &[usize]| {
        let named = places.iter().filter_map(|at| watchdog.windows.get(*at));
        named.map(|window| window.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let Schedule { hold_during, act_during } = schedule;
    match (hold_during.is_empty(), act_during.is_empty()) {
        (true, true) => "at any time".to_owned(),
        (false, true) => format!("not during {}", names(hold_during)),
        (true, false) => format!("only during {}", names(act_during)),
        (false, false) => {
            format!("only during {} and not during {}", names(act_during), names(hold_during))
        }
    }
}

/// Which units, in words.
fn whom(matching: &MatchSettings) -> String {
    let patterns = |what: &str, list: &[Regex]| {
        let list: Vec<&str> = list.iter().map(as_written).collect();
        (!list.is_empty()).then(|| format!("{what} {}", list.join(" or ")))
    };
    let words = |what: &str, list: Vec<&str>| {
        (!list.is_empty()).then(|| format!("{what} {}", list.join(" or ")))
    };
    let selector = &matching.selector;
    let all: Vec<String> = [
        patterns("cluster", &matching.clusters),
        patterns("connector", &selector.connectors),
        patterns("connector class", &selector.connector_classes),
        words("type", selector.types.iter().map(|kind| kind.as_str()).collect()),
        words("failure class", selector.failure_classes.iter().map(|c| c.as_str()).collect()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if all.is_empty() { "everything".to_owned() } else { all.join("; ") }
}

fn in_zone(window: &Window, at: SystemTime) -> Option<Zoned> {
    Some(Timestamp::try_from(at).ok()?.to_zoned(window.time_zone.clone()))
}

fn in_utc(at: SystemTime) -> String {
    Timestamp::try_from(at).map_or_else(|_| "never".to_owned(), |at| at.to_string())
}
