//! A scenario file: strict, and each error with its line.

use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::config::{FailureClass, yaml};

use super::scenario::{Cause, Rebalance, Scenario, Window};

type Read<T> = Result<T, String>;

/// Durations are read as text, so that a bad one is told with its line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    duration: Spanned<String>,
    #[serde(default)]
    healthy: usize,
    #[serde(default)]
    causes: Vec<Spanned<CauseText>>,
    #[serde(default)]
    rebalances: Vec<Spanned<WindowText>>,
    #[serde(default)]
    blind: Vec<Spanned<WindowText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CauseText {
    class: FailureClass,
    units: Spanned<usize>,
    #[serde(default)]
    connectors: Option<Spanned<String>>,
    #[serde(default)]
    connector_class: String,
    #[serde(default)]
    down_at: Option<Spanned<String>>,
    #[serde(default)]
    down_for: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    fails_within: Option<Spanned<String>>,
    fails_after_start: Spanned<String>,
    #[serde(default)]
    host: Option<Spanned<String>>,
    #[serde(default)]
    accepts_while_down: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowText {
    at: Spanned<String>,
    #[serde(rename = "for")]
    lasts: Spanned<String>,
    #[serde(default)]
    units: Option<Spanned<usize>>,
}

const MOST_UNITS: usize = 100_000;
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

pub(super) fn scenario(text: &str) -> Read<Scenario> {
    if text.trim().is_empty() {
        return Err(
            "the file is empty; `name`, `duration`, and `causes` or `healthy` units are wanted"
                .to_owned(),
        );
    }
    let file: File = serde_saphyr::from_str(text).map_err(|error| yaml::problem(text, &error))?;
    if file.name.value.trim().is_empty() {
        return at(&file.name, "name: is empty");
    }
    let duration = positive("duration", &file.duration)?;
    let causes =
        file.causes.iter().map(|text| cause(text, duration)).collect::<Read<Vec<Cause>>>()?;
    let mut units = file.healthy;
    for cause in &causes {
        units = units.saturating_add(cause.units);
    }
    if units == 0 || units > MOST_UNITS {
        return at(&file.name, format!("it has {units} units; give 1 to {MOST_UNITS}"));
    }
    let rebalance = |text: &Spanned<WindowText>| {
        let of = text.value.units.as_ref();
        if let Some(of) = of.filter(|of| of.value == 0 || of.value > units) {
            return at(of, format!("units: {} is not from 1 to the fleet's {units}", of.value));
        }
        Ok(Rebalance { window: window(text, duration)?, units: of.map(|of| of.value) })
    };
    let rebalances = file.rebalances.iter().map(rebalance).collect::<Read<Vec<_>>>()?;
    let blind = file.blind.iter().map(|text| {
        if let Some(units) = &text.value.units {
            return at(units, "units: while no worker answers it is all of them");
        }
        window(text, duration)
    });
    let blind = blind.collect::<Read<Vec<_>>>()?;
    overlaps("rebalances", &file.rebalances, rebalances.iter().map(|r| r.window))?;
    overlaps("blind", &file.blind, blind.iter().copied())?;
    let (name, healthy) = (file.name.value, file.healthy);
    Ok(Scenario { name, duration, healthy, causes, rebalances, blind })
}

fn cause(text: &Spanned<CauseText>, duration: Duration) -> Read<Cause> {
    let cause = &text.value;
    let optional = |key: &str, text: &Option<Spanned<String>>| {
        text.as_ref().map_or(Ok(Duration::ZERO), |text| time(key, text))
    };
    if cause.units.value == 0 {
        return at(&cause.units, "units: is 0; a cause without units does nothing");
    }
    let down_at = optional("down_at", &cause.down_at)?;
    if let Some(text) = cause.down_at.as_ref().filter(|_| down_at >= duration) {
        return at(text, "down_at: is not before the scenario's end");
    }
    let down_for = cause.down_for.as_ref().map(|range| {
        let [least, most] = &range.value[..] else {
            return at(range, "down_for: give two durations, such as [90m, 150m]");
        };
        let range = (positive("down_for", least)?, positive("down_for", most)?);
        if range.0 > range.1 {
            return at(least, "down_for: is not from less to more");
        }
        if down_at + range.1 >= duration {
            return at(
                most,
                "down_for: it is not back before the scenario's end; make that later, or leave \
                 down_for out for one that stays away",
            );
        }
        Ok(range)
    });
    let host = cause.host.as_ref().map(|host| {
        let port = host.value.rsplit_once(':').filter(|(name, _)| !name.is_empty());
        match port.map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(port)) if port > 0 => Ok(host.value.clone()),
            Some(_) | None => {
                at(host, format!("host: {:?} is not such as db.example:5432", host.value))
            }
        }
    });
    if let (None, true) = (&cause.host, cause.accepts_while_down) {
        return at(text, "accepts_while_down: there is no host that could take connections");
    }
    let connectors = match &cause.connectors {
        Some(name) if name.value.is_empty() => {
            return at(name, "connectors: is empty; give what their names begin with");
        }
        Some(name) => name.value.clone(),
        None => "c".to_owned(),
    };
    Ok(Cause {
        class: cause.class,
        units: cause.units.value,
        connectors,
        connector_class: cause.connector_class.clone(),
        down_at,
        down_for: down_for.transpose()?,
        fails_within: optional("fails_within", &cause.fails_within)?,
        fails_after_start: time("fails_after_start", &cause.fails_after_start)?,
        host: host.transpose()?,
        accepts_while_down: cause.accepts_while_down,
    })
}

fn window(text: &Spanned<WindowText>, duration: Duration) -> Read<Window> {
    let window =
        Window { at: time("at", &text.value.at)?, lasts: positive("for", &text.value.lasts)? };
    if window.at >= duration {
        return at(&text.value.at, "at: is not before the scenario's end");
    }
    Ok(window)
}

fn overlaps(
    key: &str,
    texts: &[Spanned<WindowText>],
    windows: impl Iterator<Item = Window>,
) -> Read<()> {
    let mut all: Vec<_> = windows.zip(texts).collect();
    all.sort_by_key(|(window, _)| window.at);
    for pair in all.windows(2) {
        let [(first, before), (second, text)] = pair else { continue };
        if first.at + first.lasts > second.at {
            let line = before.referenced.line();
            return at(text, format!("{key}: begins while the one of line {line} is under way"));
        }
    }
    Ok(())
}

fn positive(key: &str, text: &Spanned<String>) -> Read<Duration> {
    let time = time(key, text)?;
    if time.is_zero() { at(text, format!("{key}: is 0")) } else { Ok(time) }
}

fn time(key: &str, text: &Spanned<String>) -> Read<Duration> {
    match humantime::parse_duration(&text.value) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) => at(text, format!("{key}: is over a year")),
        Err(error) => at(
            text,
            format!("{key}: {:?} is not a duration such as 15s or 1h 30m: {error}", text.value),
        ),
    }
}

fn at<T, V>(place: &Spanned<V>, problem: impl std::fmt::Display) -> Read<T> {
    Err(format!("line {}: {problem}", place.referenced.line()))
}
