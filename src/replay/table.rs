//! What is told of a replay, for people.

use std::io::{Result, Write};

use super::told::{ClusterTold, DecisionTold, Told, UnitTold};

/// More units than this are only counted.
const MOST_UNITS: usize = 50;
/// More lines than this of one unit are only counted.
const MOST_LINES: usize = 40;

pub(super) fn write(told: &Told, out: &mut impl Write) -> Result<()> {
    for note in &told.notes {
        writeln!(out, "note: {note}")?;
    }
    for cluster in &told.clusters {
        of_cluster(cluster, out)?;
    }
    Ok(())
}

fn of_cluster(told: &ClusterTold, out: &mut impl Write) -> Result<()> {
    let ClusterTold { cluster, from, until, units_recorded, totals, recorded, units } = told;
    writeln!(out, "\ncluster {cluster}, {from} to {until}, {units_recorded} units recorded")?;
    for unit in units.iter().take(MOST_UNITS) {
        of_unit(unit, out)?;
    }
    if let Some(more) = units.len().checked_sub(MOST_UNITS).filter(|more| *more > 0) {
        writeln!(out, "  ... and {more} more units; --output=json has them")?;
    }
    writeln!(
        out,
        "  in all: {} units failed; {} restarts: {} attempts, {} canaries, {} released after one, \
         {} tries of what was parked; at most {} a minute; {} parked, {} given up",
        totals.units_failed,
        totals.restarts,
        totals.attempts,
        totals.canaries,
        totals.releases,
        totals.probes,
        totals.peak_per_minute,
        totals.parked,
        totals.given_up
    )?;
    let held = totals.held_minutes.iter().map(|(why, minutes)| format!("{why} {minutes} min"));
    let held: Vec<_> = held.collect();
    if !held.is_empty() {
        writeln!(out, "  held, over all units: {}", held.join(", "))?;
    }
    let really = match (recorded.restarts, recorded.restarts_only_said) {
        (Some(restarts), Some(said)) if said > 0 => {
            format!("{restarts} restarts sent and {said} only said")
        }
        (Some(restarts), _) => format!("{restarts} restarts"),
        (None, _) => "restarts are not recorded".to_owned(),
    };
    writeln!(
        out,
        "  as recorded: {really}; FAILED {} times, of which {} ended",
        recorded.failures, recorded.ended
    )
}

fn of_unit(unit: &UnitTold, out: &mut impl Write) -> Result<()> {
    let which = unit.task.map_or_else(|| "itself".to_owned(), |task| format!("task {task}"));
    let phase = unit.phase.map_or(String::new(), |phase| format!("; in the end {phase}"));
    writeln!(out, "  {} {which}{phase}", unit.connector)?;
    let mut lines = Vec::new();
    for failure in &unit.failures {
        let until = failure.until.map_or("to the end".to_owned(), |until| format!("until {until}"));
        let class = failure.failure_class.as_str();
        let line = format!("FAILED {until}, {class}: {}", failure.signature);
        lines.push((failure.at, 0, line));
    }
    lines.extend(unit.decisions.iter().map(|decision| (decision.at, 2, restart(decision))));
    for held in &unit.held {
        lines.push((held.from, 1, format!("held by {} until {}", held.by, held.until)));
    }
    for at in &unit.recorded_restarts {
        lines.push((*at, 3, "(recorded: it was restarted)".to_owned()));
    }
    lines.sort_by_key(|(at, order, _)| (*at, *order));
    for (at, _, line) in lines.iter().take(MOST_LINES) {
        writeln!(out, "    {at}  {line}")?;
    }
    match lines.len().checked_sub(MOST_LINES) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "    ... and {more} more lines; --output=json has them"),
    }
}

fn restart(decision: &DecisionTold) -> String {
    let which = match (decision.reason, decision.attempt) {
        (_, Some(attempt)) => format!("attempt {attempt} of {}", decision.attempts_most),
        (reason, None) => reason.to_owned(),
    };
    let released = if decision.reason == "release" { ", after a canary" } else { "" };
    let said = if decision.dry_run { ", only said" } else { "" };
    let outcome = decision.outcome.map_or(String::new(), |outcome| format!("; then {outcome}"));
    format!("would restart ({}), {which}{released}{said}{outcome}", decision.call)
}
