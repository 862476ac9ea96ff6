//! Every number of the policy: its key, its range, and what cannot go together.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::watchdog::policy::Limits;

use super::node::{Problem, problem};
use super::section::{Section, time_of, written};

const LEAST: Duration = Duration::from_millis(10);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    seconds(count * 60)
}

const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

const fn days(count: u64) -> Duration {
    hours(count * 24)
}

/// None up to `most`.
const fn up_to(most: Duration) -> RangeInclusive<Duration> {
    Duration::ZERO..=most
}

/// Something, up to `most`.
const fn some_up_to(most: Duration) -> RangeInclusive<Duration> {
    LEAST..=most
}

/// What is about one unit: a rule may have its own.
pub(super) fn of_a_unit(
    section: &mut Section<'_>,
    limits: &mut Limits,
    warnings: &mut Vec<Problem>,
) -> Result<(), Problem> {
    section.count("sightings", 1..=100, &mut limits.sightings)?;
    section.time("grace", up_to(days(1)), &mut limits.grace)?;
    section.time("first_jitter", up_to(hours(1)), &mut limits.first_jitter)?;
    section.time("backoff_base", some_up_to(days(1)), &mut limits.backoff_base)?;
    section.time("backoff_cap", some_up_to(days(7)), &mut limits.backoff_cap)?;
    section.time("auth_spacing", up_to(days(7)), &mut limits.auth_spacing)?;
    section.time("data_delay", up_to(days(1)), &mut limits.data_delay)?;
    section.time("refused_wait", some_up_to(hours(1)), &mut limits.refused_wait)?;
    section.time("stale_status", up_to(hours(1)), &mut limits.stale_status)?;
    section.time("verify", some_up_to(days(1)), &mut limits.verify)?;
    section.time("verify_most", some_up_to(days(7)), &mut limits.verify_most)?;
    section.time("stuck", some_up_to(days(1)), &mut limits.stuck)?;
    section.time("stable", some_up_to(days(7)), &mut limits.stable)?;
    ordered(section, ("backoff_cap", limits.backoff_cap), ("backoff_base", limits.backoff_base))?;
    ordered(section, ("verify_most", limits.verify_most), ("verify", limits.verify))?;
    ordered(section, ("stable", limits.stable), ("verify", limits.verify))?;

    let mut attempts = section.section("attempts")?;
    let of = &mut limits.attempts;
    attempts.count("TRANSIENT", 0..=100, &mut of.transient)?;
    attempts.count("UNKNOWN", 0..=100, &mut of.unknown)?;
    attempts.count("RESOURCE", 0..=100, &mut of.resource)?;
    attempts.count("AUTH", 0..=100, &mut of.auth)?;
    attempts.count("DATA", 0..=100, &mut of.data)?;
    let usual = of.offset_lost;
    attempts.count("OFFSET_LOST", 0..=100, &mut of.offset_lost)?;
    if attempts.has("OFFSET_LOST") && of.offset_lost > 0 && of.offset_lost != usual {
        warnings.push(Problem {
            line: attempts.line_of(&["OFFSET_LOST"]),
            text: format!(
                "{}.OFFSET_LOST: a restart without its position may hide a gap in the data",
                attempts.path
            ),
        });
    }
    attempts.count("INSTALL", 0..=100, &mut of.install)?;
    attempts.finish()?;

    let mut flapping = section.section("flapping")?;
    flapping.count("restarts", 2..=1000, &mut limits.flapping)?;
    flapping.time("window", seconds(1)..=days(7), &mut limits.flapping_window)?;
    flapping.time("spacing", some_up_to(days(7)), &mut limits.flapping_spacing)?;
    ordered(&flapping, ("window", limits.flapping_window), ("spacing", limits.flapping_spacing))?;
    flapping.finish()?;

    let mut parked = section.section("parked")?;
    parked.time("often", seconds(1)..=days(30), &mut limits.probe_often)?;
    parked.time("often_until", seconds(1)..=days(365), &mut limits.probe_often_until)?;
    parked.time("seldom", seconds(1)..=days(30), &mut limits.probe_seldom)?;
    parked.time("until", seconds(1)..=days(365), &mut limits.probe_until)?;
    ordered(&parked, ("seldom", limits.probe_seldom), ("often", limits.probe_often))?;
    ordered(&parked, ("often_until", limits.probe_often_until), ("often", limits.probe_often))?;
    ordered(&parked, ("until", limits.probe_until), ("often_until", limits.probe_often_until))?;
    parked.finish()
}

/// What is about a connector, a cluster or a breaker: the same for all rules.
pub(super) fn of_all(
    section: &mut Section<'_>,
    limits: &mut Limits,
    poll_interval: Duration,
) -> Result<(), Problem> {
    section.time("rebalance_hold", up_to(hours(1)), &mut limits.rebalance_hold)?;
    section.time("rebalance_most", up_to(days(1)), &mut limits.rebalance_most)?;
    ordered(
        section,
        ("rebalance_most", limits.rebalance_most),
        ("rebalance_hold", limits.rebalance_hold),
    )?;
    limits.longest_gap = poll_interval * 3;
    section.time("longest_gap", some_up_to(days(1)), &mut limits.longest_gap)?;
    if limits.longest_gap < poll_interval {
        let (gap, interval) = (written(limits.longest_gap), written(poll_interval));
        return section.wrong("longest_gap", format!("{gap} is under poll.interval, {interval}"));
    }

    let mut budgets = section.section("budgets")?;
    pair(&mut budgets, "connector", "an_hour", &mut limits.connector_budget)?;
    pair(&mut budgets, "cluster", "a_minute", &mut limits.cluster_budget)?;
    pair(&mut budgets, "process", "a_minute", &mut limits.process_budget)?;
    budgets.count("in_flight", 1..=100, &mut limits.in_flight)?;
    budgets.finish()?;

    let mut foreign = section.section("foreign")?;
    foreign.count("restarts", 1..=1000, &mut limits.foreign_restarts)?;
    foreign.time("window", seconds(1)..=days(7), &mut limits.foreign_window)?;
    foreign.time("stand_down", seconds(1)..=days(30), &mut limits.stand_down)?;
    foreign.finish()?;

    breaker(section.section("breaker")?, limits)?;
    canary(section.section("canary")?, limits)?;

    let mut release = section.section("release")?;
    release.count("first", 1..=10_000, &mut limits.release_first)?;
    release.count("factor", 1..=100, &mut limits.release_factor)?;
    release.time("step", seconds(1)..=hours(1), &mut limits.release_step)?;
    release.part("failing", 0.01..=1.0, &mut limits.release_failing)?;
    release.finish()
}

fn breaker(mut breaker: Section<'_>, limits: &mut Limits) -> Result<(), Problem> {
    breaker.count("storm_units", 1..=100_000, &mut limits.storm_units)?;
    breaker.part("storm_part", 0.0..=1.0, &mut limits.storm_part)?;
    breaker.time("storm_window", seconds(1)..=days(1), &mut limits.storm_window)?;
    breaker.count("signature_connectors", 1..=10_000, &mut limits.signature_connectors)?;
    breaker.count("ineffective_of", 2..=1000, &mut limits.ineffective_of)?;
    breaker.part("ineffective_part", 0.01..=1.0, &mut limits.ineffective_part)?;
    breaker.count("refused_in_a_row", 1..=100, &mut limits.refused_in_a_row)?;
    breaker.finish()
}

fn canary(mut canary: Section<'_>, limits: &mut Limits) -> Result<(), Problem> {
    let waits = canary.list("waits")?;
    if !waits.is_empty() || canary.has("waits") {
        let path = format!("{}.waits", canary.path);
        let read = |node| time_of(&path, node, &(seconds(1)..=days(1)));
        let all: Vec<Duration> = waits.iter().map(read).collect::<Result<_, _>>()?;
        match <[Duration; 4]>::try_from(all.as_slice()) {
            Ok(four) if four.is_sorted_by(|one, next| one < next) => limits.canary_waits = four,
            _ => {
                let all: Vec<_> = all.iter().map(|wait| written(*wait)).collect();
                let problem = format!(
                    "[{}] is not four durations, each longer than the one before",
                    all.join(", ")
                );
                return canary.wrong("waits", problem);
            }
        }
    }
    canary.time("old", seconds(1)..=days(30), &mut limits.canary_old)?;
    canary.time("old_wait", seconds(1)..=days(1), &mut limits.canary_old_wait)?;
    let [.., last] = limits.canary_waits;
    if limits.canary_old_wait < last {
        let whose = |key| if canary.has(key) { "" } else { " (the default)" };
        let (of_wait, of_last) = (whose("old_wait"), whose("waits"));
        let (wait, last) = (written(limits.canary_old_wait), written(last));
        return problem(
            canary.line_of(&["old_wait", "waits"]),
            format!(
                "{}.old_wait: {wait}{of_wait} is under the last of waits, {last}{of_last}",
                canary.path
            ),
        );
    }
    canary.time("watch", some_up_to(hours(1)), &mut limits.canary_watch)?;
    canary.finish()
}

fn pair(
    budgets: &mut Section<'_>,
    key: &'static str,
    rate: &'static str,
    into: &mut (u32, u32),
) -> Result<(), Problem> {
    let mut budget = budgets.section(key)?;
    budget.count("at_once", 1..=10_000, &mut into.0)?;
    budget.count(rate, 1..=10_000, &mut into.1)?;
    budget.finish()
}

/// The first may not be less than the second.
fn ordered(
    section: &Section<'_>,
    (more, longer): (&str, Duration),
    (less, shorter): (&str, Duration),
) -> Result<(), Problem> {
    if longer >= shorter {
        return Ok(());
    }
    let path = &section.path;
    let (longer, shorter) = (written(longer), written(shorter));
    let line = section.line_of(&[more, less]);
    // Who did not write a number must not look for it in the file.
    let else_it_is =
        if path.contains(".rules[") { " (as outside of rules)" } else { " (the default)" };
    let whose = |key| if section.has(key) { "" } else { else_it_is };
    let (of_more, of_less) = (whose(more), whose(less));
    problem(
        line,
        format!("{path}.{more}: {longer}{of_more} is under {path}.{less}, {shorter}{of_less}"),
    )
}
