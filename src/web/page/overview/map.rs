//! The map: every connector and task as a small mark, by name, so that a place means the same thing
//! tomorrow. Few connectors are rows with their names, more are tiles, and very many are dots in
//! blocks of as many as the table has on one page.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::connect::model::State;

use super::super::super::facts::{ConnectorFacts, Known};
use super::super::choice::{Choice, Sort};
use super::super::marks::{Mark, count, mark, thousands};
use super::super::scene::Scene;
use super::{Listed, ROWS, absolute};

const MOST_ROWS: usize = 60;
const MOST_TILES: usize = 400;
/// So many tasks are drawn of one connector.
const MOST_TASKS: usize = 40;

pub(super) fn section(scene: &Scene, choice: &Choice, listed: &Listed<'_>) -> Markup {
    let clusters = listed.all.chunk_by(|(a, _), (b, _)| std::ptr::eq(*a, *b));
    let total = listed.all.len();
    html! {
        @if total > 0 {
            section.panel aria-labelledby="map" {
                header {
                    h2 #map { "Map" }
                    span.end { "by name" @if total > MOST_TILES { ", a mark for each connector; a block is a page of the table" } }
                }
                div.map {
                    @for of in clusters {
                        @if let [(known, _), ..] = of {
                            div {
                                @if scene.is_of_many() { h3 { bdi { (known.view.cluster) } } }
                                @if total <= MOST_ROWS { (rows(scene, of)) }
                                @else if total <= MOST_TILES { (tiles(scene, of)) }
                                @else { (blocks(choice, &known.view.cluster, of)) }
                            }
                        }
                    }
                    p.legend {
                        @for (of, words) in Mark::LEGEND { span { (mark(of)) (words) } }
                    }
                }
            }
        }
    }
}

type OfOne<'s> = (&'s Known, ConnectorFacts);

fn rows(scene: &Scene, all: &[OfOne<'_>]) -> Markup {
    html! {
        div.rows {
            @for (_, connector) in all {
                a href=(link(scene, connector)) title=(says(connector)) {
                    (mark(Mark::of_connector(connector)))
                    bdi { (connector.name) }
                    span { (tasks(connector, MOST_TASKS)) }
                    span.vh { (says_without_name(connector)) }
                }
            }
        }
    }
}

fn tiles(scene: &Scene, all: &[OfOne<'_>]) -> Markup {
    html! {
        div.tiles {
            @for (_, connector) in all {
                @let says = says(connector);
                @let n = connector.tasks.len();
                a.one[n <= 1].few[(2..=4).contains(&n)] href=(link(scene, connector)) title=(says) aria-label=(says) {
                    @if n <= 1 || n > 9 { i class=(Mark::of_connector(connector).class()) {} }
                    @else { (tasks(connector, 9)) }
                }
            }
        }
    }
}

fn blocks(choice: &Choice, cluster: &str, all: &[OfOne<'_>]) -> Markup {
    html! {
        div.blocks {
            @for (at, block) in all.chunks(ROWS).enumerate() {
                @if let ([(_, first), ..], [.., (_, last)]) = (block, block) {
                    @let there = Choice {
                        cluster: Some(cluster.to_owned()), sort: Sort::Name, is_reversed: false,
                        page: at + 1, wrong: 1, ..choice.clone()
                    };
                    a href={ (absolute(&there)) "#connectors" } aria-label=(of_block(block, first, last)) {
                        @for (_, connector) in block {
                            @let mark = Mark::of_connector(connector);
                            @if mark == Mark::Well { i.r title=(connector.name) {} }
                            @else { i class=(mark.class()) title=(says(connector)) {} }
                        }
                    }
                }
            }
        }
    }
}

fn of_block(block: &[OfOne<'_>], first: &ConnectorFacts, last: &ConnectorFacts) -> String {
    let mut text = format!("{} to {}: ", first.name, last.name);
    for (at, (of, words)) in Mark::LEGEND.iter().enumerate() {
        let n = block.iter().filter(|(_, connector)| Mark::of_connector(connector) == *of).count();
        if n > 0 {
            let _ = write!(text, "{n} {words}");
            text.push_str(if at + 1 < Mark::LEGEND.len() { "; " } else { "" });
        }
    }
    text
}

fn tasks(connector: &ConnectorFacts, most: usize) -> Markup {
    let n = connector.tasks.len();
    html! {
        @for task in connector.tasks.iter().take(most) { i class=(Mark::of_task(task).class()) {} }
        @if n > most { small { "+" (thousands(n - most)) } }
    }
}

fn link(scene: &Scene, connector: &ConnectorFacts) -> String {
    scene.paths.connector(&connector.cluster, &connector.name)
}

fn says(connector: &ConnectorFacts) -> String {
    format!("{}: {}", connector.name, says_without_name(connector))
}

/// `running; 1 of 3 tasks failed`.
fn says_without_name(connector: &ConnectorFacts) -> String {
    let n = connector.tasks.len();
    let in_state = |state| connector.tasks.iter().filter(|task| task.state == state).count();
    let mut text = format!("{}; ", connector.state.as_str());
    let others: Vec<_> = State::OF_TASKS
        .into_iter()
        .filter(|state| *state != connector.state)
        .map(|state| (state, in_state(state)))
        .filter(|(_, n)| *n > 0)
        .collect();
    if others.is_empty() {
        text.push_str(&count(n, "task", "tasks"));
    }
    for (at, (state, m)) in others.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{m} of {} {}", count(n, "task", "tasks"), state.as_str());
    }
    text
}
