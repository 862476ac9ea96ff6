//! One connector: what is wrong and why, what happened over the last hours, its tasks, what the
//! watchdog did, how it is configured.

mod details;
pub(super) mod history;
mod timeline;
mod trace;

use hyper::StatusCode;
use maud::{Markup, html};

use crate::connect::model::State;

use super::super::facts::{ConnectorDetail, ConnectorFacts, Known, Severity, UnitDetail};
use super::act;
use super::layout::{Tab, whole};
use super::marks::{self, Mark, count, mark, state};
use super::overview::{anchor, card, next_words};
use super::scene::Scene;
use super::times::{age, prose, when};
use super::{Page, lost};

/// So many failures are told in full.
const MOST_FAILURES: usize = 20;
/// So many tasks are listed before the rest is folded.
const MOST_TASKS: usize = 100;

/// The whole page.
pub(super) fn page(scene: &Scene, cluster: &str, name: &str) -> Page {
    let Some(known) = scene.cluster(cluster) else { return lost::no_cluster(scene, cluster) };
    let Some(connector) = known.connector(name) else {
        return lost::no_connector(scene, cluster, name);
    };
    let detail = ConnectorDetail::of(known, connector);
    let main = html! {
        (head(scene, known, &detail))
        (actions(scene, &detail))
        (failures(scene, &detail))
        (timeline::section(scene, &detail))
        (tasks(scene, &detail))
        (watchdog(scene, &detail))
        (history::section(scene, cluster, Some(name)))
        (details::section(scene))
    };
    let html = whole(scene, Tab::Overview, name, &main);
    Page { status: StatusCode::OK, html, kept: false }
}

fn head(scene: &Scene, known: &Known, detail: &ConnectorDetail) -> Markup {
    let of = &detail.connector;
    html! {
        div.verdict {
            p.crumbs {
                a href=(scene.paths.to("/")) { "Overview" } " / "
                a href={ (scene.paths.to("/")) "?cluster=" (encoded(&of.cluster)) } { bdi { (of.cluster) } }
            }
            h1 #verdict { (mark(Mark::of_connector(of))) bdi { (of.name) } }
            p { (in_words(of, detail.failures.len())) }
            p.muted {
                (of.kind.as_str()) " · " bdi { (of.class) } " " (of.version) " · on "
                bdi { (of.worker_id) }
                @if let Some(since) = of.since { " · " (of.state.as_str()) " since " (when(since, scene.now)) }
            }
            @if known.view.fresh == Some(false) || known.view.poll.up == Some(false) {
                p.say.bad { "The cluster cannot be read or no worker is proven able to serve: all this may be old." }
            }
        }
    }
}

/// `Its own instance runs; 2 of 3 tasks are failed.`
fn in_words(of: &ConnectorFacts, failures: usize) -> String {
    let n = of.tasks.len();
    let failed = of.tasks.iter().filter(|task| task.state == State::Failed).count();
    let well = of.tasks.iter().filter(|task| Mark::of_task(task) == Mark::Well).count();
    match (failures, failed) {
        (0, _) if n == 0 => format!("It is {} and has no tasks.", of.state.as_str()),
        (0, _) if well == n => format!(
            "It is {}, and so {} its {}.",
            of.state.as_str(),
            if n == 1 { "is" } else { "are" },
            if n == 1 { "task".to_owned() } else { format!("{n} tasks") }
        ),
        (0, _) => format!(
            "It is {}; {well} of its {} run as they should.",
            of.state.as_str(),
            count(n, "task", "tasks")
        ),
        (_, 0) => {
            format!("Its own instance is failed; none of its {} is.", count(n, "task", "tasks"))
        }
        (_, failed) => {
            let verb = if failed == 1 { "is" } else { "are" };
            let own = if of.state == State::Failed { "It is failed itself, and " } else { "" };
            format!("{own}{failed} of its {} {verb} failed.", count(n, "task", "tasks"))
        }
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What an administrator can do; each asks before it does anything.
fn actions(scene: &Scene, detail: &ConnectorDetail) -> Markup {
    let of = &detail.connector;
    let link = |what: &str| act::link(scene, what, Some((&of.cluster, &of.name)), None);
    let is_halted = matches!(of.state, State::Paused | State::Stopped);
    html! {
        @if scene.viewer.is_administrator {
            div.actions role="group" aria-label="Actions" {
                @if !detail.failures.is_empty() {
                    a.button.go href=(link("restart_failed")) { "Restart what is failed" }
                    a.button href=(link("acknowledge")) { "Have it tried afresh" }
                }
                a.button href=(link("restart")) { "Restart the connector" }
                a.button href=(link("restart_all")) { "Restart it and all tasks" }
                @if is_halted { a.button href=(link("resume")) { "Resume" } }
                @else { a.button href=(link("pause")) { "Pause" } }
                @if of.state != State::Stopped { a.button href=(link("stop")) { "Stop" } }
                a.button href=(act::link(scene, "silence", Some((&of.cluster, &regex::escape(&of.name))), None)) { "Silence" }
            }
        }
    }
}

fn failures(scene: &Scene, detail: &ConnectorDetail) -> Markup {
    let n = detail.failures.len();
    let mut all: Vec<_> = detail.failures.iter().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.failure.severity));
    html! {
        @if n > 0 {
            section.panel aria-labelledby="wrong" {
                header { h2 #wrong { "Wrong now" } span.end { (count(n, "failure", "failures")) } }
                ol.wrong {
                    @for one in all.iter().take(MOST_FAILURES) {
                        (card(scene, &one.failure, false, &trace::folded(one)))
                    }
                    @if n > MOST_FAILURES {
                        li.muted { "and " (n - MOST_FAILURES) " more; the tasks are listed below" }
                    }
                }
            }
        }
    }
}

fn tasks(scene: &Scene, detail: &ConnectorDetail) -> Markup {
    let of = &detail.connector;
    let n = of.tasks.len();
    html! {
        section.panel aria-labelledby="tasks" {
            header {
                h2 #tasks { "Tasks" }
                span.end {
                    (n)
                    @if let Some(expected) = of.tasks_expected { " of " (expected) " configured" }
                    @if let Some(most) = of.tasks_max { ", tasks.max " (most) }
                }
            }
            @if n == 0 { p.none { "None." } }
            @else {
                table.stack {
                    thead { tr { th { "Task" } th { "State" } th { "Worker" } th { "Since" } th { "Why" }
                        @if scene.viewer.is_administrator { th { "Do" } } } }
                    tbody {
                        tr {
                            td data-l="Task" { "the connector itself" }
                            td data-l="State" { (state(of.state, if of.state == State::Failed { of.severity } else { Severity::Fine })) }
                            td data-l="Worker" { bdi { (of.worker_id) } }
                            td data-l="Since" { @if let Some(since) = of.since { (age(since, scene.now)) } }
                            td data-l="Why" { (why(detail, None)) }
                            @if scene.viewer.is_administrator { td {} }
                        }
                        @for task in of.tasks.iter().take(MOST_TASKS) {
                            tr {
                                td data-l="Task" { (task.id) }
                                td data-l="State" { (state(task.state, task.severity)) }
                                td data-l="Worker" {
                                    span {
                                        bdi { (task.worker_id) }
                                        @if task.orphaned { " " span.chip.warn { "does not answer" } }
                                    }
                                }
                                td data-l="Since" { @if let Some(since) = task.since { (age(since, scene.now)) } }
                                td data-l="Why" { (why(detail, Some(task.id))) }
                                @if scene.viewer.is_administrator { td data-l="Do" {
                                    a href=(act::link(scene, "restart", Some((&of.cluster, &of.name)), Some(task.id))) {
                                        "Restart" span.vh { " task " (task.id) }
                                    }
                                } }
                            }
                        }
                    }
                }
                @if n > MOST_TASKS { p.none { "and " (n - MOST_TASKS) " more" } }
            }
        }
    }
}

fn why(detail: &ConnectorDetail, task: Option<u32>) -> Markup {
    let found = detail.failures.iter().find(|one| one.failure.task == task);
    html! {
        @if let Some(one) = found {
            span { (marks::class(one.failure.failure_class)) " " code { (short(&one.failure.exception)) } }
        }
    }
}

/// A Java class without its package.
fn short(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

fn watchdog(scene: &Scene, detail: &ConnectorDetail) -> Markup {
    let well = |of: &&UnitDetail| !detail.failures.iter().any(|one| one.failure.task == of.task);
    let others: Vec<_> = detail.watchdog.iter().filter(well).collect();
    html! {
        @if !others.is_empty() {
            section.panel aria-labelledby="plan" {
                header { h2 #plan { "What the watchdog looks after here" } }
                ol.wrong {
                    @for of in others {
                        li id=(anchor("unit", &[&of.task.map_or_else(String::new, |task| task.to_string())])) {
                            div.top {
                                h3 { @match of.task { Some(task) => { "Task " (task) } None => "The connector itself" } }
                                span.next { (next_words(&of.unit, scene)) }
                            }
                            p.says { (prose(&of.unit.says, scene.now)) }
                        }
                    }
                }
            }
        }
    }
}
