//! Each cluster in a row: whether it can be believed, its workers, how many are in which state.

use maud::{Markup, html};

use super::super::super::facts::{ClusterFacts, Severity, StateCount};
use super::super::choice::Choice;
use super::super::marks::{self, Mark, thousands};
use super::super::scene::Scene;
use super::super::times::{age, prose};

pub(super) fn section(scene: &Scene) -> Markup {
    html! {
        section.panel aria-labelledby="clusters" {
            header { h2 #clusters { "Clusters" } }
            @if scene.clusters.is_empty() {
                p.none { "No cluster was looked at yet. This page shows the first as soon as it was." }
            } @else {
                table.stack {
                    thead { tr {
                        th { "Cluster" } th { "What is told of it" } th { "Workers" }
                        th { "Connectors" } th { "Tasks" } th { "Watchdog" }
                    } }
                    tbody { @for cluster in &scene.clusters { (row(scene, cluster)) } }
                }
            }
        }
    }
}

fn row(scene: &Scene, cluster: &ClusterFacts) -> Markup {
    let workers = scene.paths.cluster(&cluster.name, "workers");
    html! {
        tr.noted[!cluster.trouble.is_empty()] {
            td data-l="Cluster" {
                span {
                    (marks::severity(cluster.severity)) " "
                    a href=(scene.paths.to(&only(cluster, None))) { bdi { (cluster.name) } }
                    span.vh { " (" (cluster.severity.as_str()) ")" }
                }
            }
            td data-l="Told" { (told(scene, cluster)) }
            td data-l="Workers" {
                span.nb {
                    a href=(workers) { (cluster.workers_up) " of " (cluster.workers) " up" }
                    @for version in &cluster.versions { " " small { (version) } }
                }
            }
            td data-l="Connectors" { (counts(scene, cluster, &cluster.connectors)) }
            td data-l="Tasks" { (counts(scene, cluster, &cluster.tasks)) }
            td data-l="Watchdog" {
                a href={ (scene.paths.to("/watchdog")) } { (mode(cluster.watchdog_mode)) }
            }
        }
        @if !cluster.trouble.is_empty() {
            tr.note { td colspan="6" { ul.members {
                @for trouble in &cluster.trouble {
                    li { (marks::severity(trouble.severity)) " "
                        bdi { (prose(&trouble.says, scene.now)) } }
                }
            } } }
        }
    }
}

const fn mode(word: &str) -> &str {
    match word.as_bytes() {
        b"on" => "on: restarts",
        b"dry-run" => "dry-run: only says",
        _ => word,
    }
}

/// Whether the states are those of now.
fn told(scene: &Scene, cluster: &ClusterFacts) -> Markup {
    let polled = cluster.last_poll_success.map(|at| age(at, scene.now));
    html! {
        span {
            @match (cluster.up, cluster.fresh) {
                (None, _) => { "not polled yet" }
                (Some(false), _) => { b { "cannot be read" } }
                (Some(true), Some(false)) => { b { "may be old: no worker is proven" } }
                (Some(true), Some(true)) => { "fresh" }
                (Some(true), None) => { "read; not proven yet" }
            }
            @if let Some(polled) = polled { ", read " (polled) }
        }
    }
}

/// What is not there is not counted; each leads to what it counts.
fn counts(scene: &Scene, cluster: &ClusterFacts, counts: &[StateCount]) -> Markup {
    let there = || counts.iter().filter(|count| count.count > 0);
    html! {
        span.chips {
            @for count in there() {
                a.chip.bad[is_bad(count)].warn[is_odd(count)]
                    href=(scene.paths.to(&only(cluster, Some(count)))) {
                    (thousands(count.count)) " " (count.state.as_str())
                }
            }
            @if there().next().is_none() {
                span.muted { @if counts.is_empty() { "not known" } @else { "none" } }
            }
        }
    }
}

fn is_bad(count: &StateCount) -> bool {
    Mark::of(count.state, Severity::Critical) == Mark::Critical
}

fn is_odd(count: &StateCount) -> bool {
    use crate::connect::model::State;
    matches!(count.state, State::Unassigned | State::Restarting | State::Unknown)
}

/// The overview of one cluster, or of what is in one state there.
fn only(cluster: &ClusterFacts, count: Option<&StateCount>) -> String {
    let choice = Choice {
        cluster: Some(cluster.name.to_string()),
        state: count.map(|count| count.state),
        ..Choice::default()
    };
    format!("/{}{}", choice.to_query(), if count.is_some() { "#connectors" } else { "" })
}
