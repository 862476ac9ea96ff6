//! Every connector that fits, a page at a time, in the order that is wanted.

use maud::{Markup, html};

use super::super::super::facts::ConnectorFacts;
use super::super::choice::{Choice, Sort};
use super::super::marks::{Mark, mark, state, thousands};
use super::super::scene::Scene;
use super::super::times::age;
use super::{Listed, ROWS, absolute, last_change, pager};

/// So many tasks are drawn of one connector.
const MOST_TASKS: usize = 24;

pub(super) fn section(scene: &Scene, choice: &Choice, listed: &Listed<'_>) -> Markup {
    let total = listed.all.len();
    let page = choice.page.min(total.div_ceil(ROWS)).max(1);
    let sorted = listed.sorted(choice);
    let rows = sorted.iter().skip((page - 1) * ROWS).take(ROWS);
    let many = scene.is_of_many();
    html! {
        section.panel aria-labelledby="connectors" {
            header {
                h2 #connectors { "Connectors" }
                span.end { (thousands(total)) @if total != listed.of { " of " (thousands(listed.of)) } }
            }
            @if total == 0 {
                p.none {
                    @if listed.of == 0 { "No connectors are known." }
                    @else { "No connector fits. " a href=(scene.paths.to("/")) { "Clear the filter" } }
                }
            } @else {
                table.stack {
                    thead { tr {
                        (head(choice, "Connector", Sort::Name))
                        @if many { (head(choice, "Cluster", Sort::Cluster)) }
                        (head(choice, "State", Sort::State))
                        (head(choice, "Tasks", Sort::Tasks))
                        th { "Type" }
                        th { "Class" }
                        (head(choice, "Worker", Sort::Worker))
                        (head(choice, "Last change", Sort::Since))
                    } }
                    tbody { @for (_, connector) in rows { (row(scene, connector, many)) } }
                }
                p.pager {
                    "Sorted by " b { (choice.sort.as_str()) } @if choice.is_reversed { ", reversed" }
                    @if choice.sort != Sort::Worst || choice.is_reversed {
                        a href={ (absolute(&sorted_by(choice, Sort::Worst, false))) "#connectors" } { "Worst first" }
                    }
                }
                (pager(total, ROWS, page, "connectors", |page| Choice { page, ..choice.clone() }))
            }
        }
    }
}

fn sorted_by(choice: &Choice, sort: Sort, is_reversed: bool) -> Choice {
    Choice { sort, is_reversed, page: 1, ..choice.clone() }
}

fn head(choice: &Choice, text: &str, sort: Sort) -> Markup {
    let is_it = choice.sort == sort;
    let there = sorted_by(choice, sort, is_it && !choice.is_reversed);
    let order = if choice.is_reversed { "descending" } else { "ascending" };
    html! {
        th aria-sort=[is_it.then_some(order)] {
            a href={ (absolute(&there)) "#connectors" } {
                (text)
                @if is_it { span aria-hidden="true" { @if choice.is_reversed { " ↑" } @else { " ↓" } } }
            }
        }
    }
}

fn row(scene: &Scene, connector: &ConnectorFacts, many: bool) -> Markup {
    html! {
        tr {
            td data-l="Connector" {
                a href=(scene.paths.connector(&connector.cluster, &connector.name)) {
                    bdi { (connector.name) }
                }
            }
            @if many { td data-l="Cluster" { bdi { (connector.cluster) } } }
            td data-l="State" { (state(connector.state, own_severity(connector))) }
            td data-l="Tasks" { (tasks(connector)) }
            td.wide data-l="Type" { (connector.kind.as_str()) }
            td.wide data-l="Class" {
                span title=(connector.class) { bdi { (short(&connector.class)) } }
                @if !connector.version.is_empty() { " " small { (connector.version) } }
            }
            td.wide data-l="Worker" { bdi { (connector.worker_id) } }
            td data-l="Last change" {
                @if let Some(since) = last_change(connector) { span.nb { (age(since, scene.now)) } }
            }
        }
    }
}

fn own_severity(connector: &ConnectorFacts) -> super::super::super::facts::Severity {
    match Mark::of_connector(connector) {
        Mark::Odd => connector.severity,
        _ if connector.state == crate::connect::model::State::Failed => connector.severity,
        _ => super::super::super::facts::Severity::Fine,
    }
}

/// `3 of 4 running`, and the marks.
fn tasks(connector: &ConnectorFacts) -> Markup {
    let all = &connector.tasks;
    let running = all.iter().filter(|task| Mark::of_task(task) == Mark::Well).count();
    html! {
        span {
            span.cells.map-marks aria-hidden="true" {
                @for task in all.iter().take(MOST_TASKS) { (mark(Mark::of_task(task))) }
            }
            " "
            @if all.is_empty() { "none" }
            @else if running == all.len() { (running) }
            @else { span.nb { (running) " of " (all.len()) " well" } }
        }
    }
}

/// A Java class without its package.
fn short(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}
