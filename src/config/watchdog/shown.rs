//! The numbers of the policy as they are written, for whoever asks what a configuration comes to.

use std::fmt::Display;
use std::time::Duration;

use crate::watchdog::policy::{Attempts, Limits};

use super::section::written;

/// `key value` for each number that is not as in `usual`.
pub(crate) fn differing(limits: &Limits, usual: &Limits) -> Vec<String> {
    let pairs = all(limits).into_iter().zip(all(usual));
    pairs
        .filter(|((_, own), (_, usual))| own != usual)
        .map(|((key, own), _)| format!("{key} {own}"))
        .collect()
}

/// Every key with its value.
fn all(limits: &Limits) -> Vec<(&'static str, String)> {
    // Taken apart without `..`, so that a new number cannot be forgotten here.
    let Limits {
        sightings,
        grace,
        rebalance_hold,
        rebalance_most,
        first_jitter,
        backoff_base,
        backoff_cap,
        attempts: Attempts { transient, unknown, resource, auth, data, offset_lost, install },
        auth_spacing,
        data_delay,
        refused_wait,
        stale_status,
        verify,
        stuck,
        verify_most,
        longest_gap,
        stable,
        flapping,
        flapping_window,
        flapping_spacing,
        probe_often,
        probe_often_until,
        probe_seldom,
        probe_until,
        connector_budget,
        cluster_budget,
        process_budget,
        in_flight,
        foreign_restarts,
        foreign_window,
        stand_down,
        ineffective_of,
        ineffective_part,
        refused_in_a_row,
        storm_units,
        storm_part,
        storm_window,
        signature_connectors,
        canary_waits,
        canary_old,
        canary_old_wait,
        canary_watch,
        release_first,
        release_factor,
        release_step,
        release_failing,
        probe_interval,
        probe_distrust,
    } = limits;
    let waits: Vec<String> = canary_waits.iter().copied().map(time).collect();
    vec![
        ("sightings", text(sightings)),
        ("grace", time(*grace)),
        ("rebalance_hold", time(*rebalance_hold)),
        ("rebalance_most", time(*rebalance_most)),
        ("longest_gap", time(*longest_gap)),
        ("first_jitter", time(*first_jitter)),
        ("backoff_base", time(*backoff_base)),
        ("backoff_cap", time(*backoff_cap)),
        ("auth_spacing", time(*auth_spacing)),
        ("data_delay", time(*data_delay)),
        ("refused_wait", time(*refused_wait)),
        ("attempts.TRANSIENT", text(transient)),
        ("attempts.UNKNOWN", text(unknown)),
        ("attempts.RESOURCE", text(resource)),
        ("attempts.AUTH", text(auth)),
        ("attempts.DATA", text(data)),
        ("attempts.OFFSET_LOST", text(offset_lost)),
        ("attempts.INSTALL", text(install)),
        ("verify", time(*verify)),
        ("verify_most", time(*verify_most)),
        ("stale_status", time(*stale_status)),
        ("stuck", time(*stuck)),
        ("stable", time(*stable)),
        ("flapping.restarts", text(flapping)),
        ("flapping.window", time(*flapping_window)),
        ("flapping.spacing", time(*flapping_spacing)),
        ("parked.often", time(*probe_often)),
        ("parked.often_until", time(*probe_often_until)),
        ("parked.seldom", time(*probe_seldom)),
        ("parked.until", time(*probe_until)),
        ("budgets.connector.at_once", text(connector_budget.0)),
        ("budgets.connector.an_hour", text(connector_budget.1)),
        ("budgets.cluster.at_once", text(cluster_budget.0)),
        ("budgets.cluster.a_minute", text(cluster_budget.1)),
        ("budgets.process.at_once", text(process_budget.0)),
        ("budgets.process.a_minute", text(process_budget.1)),
        ("budgets.in_flight", text(in_flight)),
        ("foreign.restarts", text(foreign_restarts)),
        ("foreign.window", time(*foreign_window)),
        ("foreign.stand_down", time(*stand_down)),
        ("breaker.storm_units", text(storm_units)),
        ("breaker.storm_part", text(storm_part)),
        ("breaker.storm_window", time(*storm_window)),
        ("breaker.signature_connectors", text(signature_connectors)),
        ("breaker.ineffective_of", text(ineffective_of)),
        ("breaker.ineffective_part", text(ineffective_part)),
        ("breaker.refused_in_a_row", text(refused_in_a_row)),
        ("canary.waits", format!("[{}]", waits.join(", "))),
        ("canary.old", time(*canary_old)),
        ("canary.old_wait", time(*canary_old_wait)),
        ("canary.watch", time(*canary_watch)),
        ("release.first", text(release_first)),
        ("release.factor", text(release_factor)),
        ("release.step", time(*release_step)),
        ("release.failing", text(release_failing)),
        ("probe.interval", time(*probe_interval)),
        ("probe.distrust", time(*probe_distrust)),
    ]
}

fn text(value: impl Display) -> String {
    value.to_string()
}

fn time(value: Duration) -> String {
    written(value)
}

/// The keys, as they are written under `watchdog:`.
#[cfg(test)]
pub(super) fn keys() -> Vec<&'static str> {
    all(&Limits::default()).into_iter().map(|(key, _)| key).collect()
}
