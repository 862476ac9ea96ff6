//! The filter: a form that makes a URL.

use maud::{Markup, html};

use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};

use super::super::choice::{CLASSES, Choice, STATES, Sort, TYPES};
use super::super::marks::thousands;
use super::super::scene::Scene;
use super::Listed;

pub(super) fn section(scene: &Scene, choice: &Choice, listed: &Listed<'_>) -> Markup {
    let clusters = scene.known.iter().map(|known| (&*known.view.cluster, &*known.view.cluster));
    let workers = scene.known.iter().flat_map(|known| known.view.workers.iter());
    let workers = workers.map(|worker| (&*worker.id, &*worker.id));
    let states = STATES.into_iter().map(|state| (state.as_str(), state.as_str()));
    let classes = CLASSES.into_iter().map(|class| (class.as_str(), class.as_str()));
    let types = TYPES.into_iter().map(|kind| (kind.as_str(), kind.as_str()));
    html! {
        search {
            form.filter method="get" action=(scene.paths.to("/")) {
                label.grow { "Name"
                    input #q name="q" type="search" value=[choice.name.as_deref()]
                        autocomplete="off" spellcheck="false" aria-keyshortcuts="/"
                        placeholder="part of a connector's name";
                }
                @if scene.is_of_many() {
                    (select("cluster", "Cluster", choice.cluster.as_deref(), clusters))
                }
                (select("state", "State", choice.state.map(State::as_str), states))
                (select("class", "Failure class", choice.class.map(FailureClass::as_str), classes))
                (select("type", "Type", choice.kind.map(ConnectorType::as_str), types))
                (select("worker", "Worker", choice.worker.as_deref(), workers))
                @if choice.sort != Sort::Worst || choice.is_reversed {
                    input type="hidden" name="sort" value={
                        @if choice.is_reversed { "-" } (choice.sort.as_str())
                    };
                }
                @if let Some(signature) = &choice.signature {
                    input type="hidden" name="signature" value=(signature);
                }
                button type="submit" { "Filter" }
                @if choice.is_filter() { a.button href=(scene.paths.to("/")) { "Clear" } }
            }
            @if choice.is_filter() {
                p.muted #matches role="status" {
                    (thousands(listed.all.len())) " of " (thousands(listed.of)) " connectors fit."
                    @if let Some(signature) = &choice.signature {
                        " Only failures of this signature: " code { bdi { (signature) } }
                    }
                }
            }
        }
    }
}

fn select<'o>(
    name: &str,
    label: &str,
    chosen: Option<&str>,
    all: impl Iterator<Item = (&'o str, &'o str)>,
) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                option value="" { "any" }
                @for (value, text) in all {
                    option value=(value) selected[chosen == Some(value)] { (text) }
                }
            }
        }
    }
}
