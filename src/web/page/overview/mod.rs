//! The overview: the verdict, clusters, what is wrong now, a map and a table of all connectors.

mod clusters;
mod form;
mod map;
mod table;
mod wrong;

use hyper::StatusCode;
use maud::{Markup, html};

use super::super::facts::{ConnectorFacts, Known, Severity};
use super::choice::{Choice, Sort};
use super::layout::{Tab, whole};
use super::marks::{count, severity, thousands};
use super::scene::Scene;
use super::{Page, lost};

pub(super) use wrong::{anchor, card, next_words};

/// So many rows are on one page of the table, and in one block of the map.
const ROWS: usize = 100;

/// The whole page for a query.
pub(super) fn page(scene: &Scene, query: &str) -> Page {
    let choice = match Choice::read(query, &scene.known) {
        Ok(choice) => choice,
        Err(refused) => return lost::refused(scene, &refused),
    };
    let listed = Listed::of(scene, &choice);
    let main = html! {
        (verdict(scene))
        (clusters::section(scene))
        (form::section(scene, &choice, &listed))
        (wrong::section(scene, &choice, &listed))
        (map::section(scene, &choice, &listed))
        (table::section(scene, &choice, &listed))
    };
    Page { status: StatusCode::OK, html: whole(scene, Tab::Overview, "", &main), kept: true }
}

/// The connectors that fit, each with its cluster, sorted by cluster and name.
struct Listed<'s> {
    all: Vec<(&'s Known, ConnectorFacts)>,
    /// How many there are with those that do not fit.
    of: usize,
}

impl<'s> Listed<'s> {
    fn of(scene: &'s Scene, choice: &Choice) -> Self {
        let every = scene
            .known
            .iter()
            .flat_map(|known| known.connectors().iter().map(move |connector| (known, connector)));
        let all: Vec<_> = every
            .filter(|(known, connector)| choice.fits(&known.view.cluster, connector))
            .map(|(known, connector)| (known, ConnectorFacts::of(known, connector)))
            .collect();
        Self { all, of: scene.known.iter().map(|known| known.connectors().len()).sum() }
    }

    /// In the order that is wanted.
    fn sorted(&self, choice: &Choice) -> Vec<&(&'s Known, ConnectorFacts)> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by(|(_, a), (_, b)| {
            let by_name = || (&a.name, &a.cluster).cmp(&(&b.name, &b.cluster));
            let order = match choice.sort {
                Sort::Worst => b.severity.cmp(&a.severity),
                Sort::Name => std::cmp::Ordering::Equal,
                Sort::Cluster => a.cluster.cmp(&b.cluster),
                Sort::State => a.state.cmp(&b.state),
                Sort::Tasks => b.tasks.len().cmp(&a.tasks.len()),
                Sort::Worker => a.worker_id.cmp(&b.worker_id),
                Sort::Since => last_change(b).cmp(&last_change(a)),
            };
            let order = order.then_with(by_name);
            if choice.is_reversed { order.reverse() } else { order }
        });
        all
    }
}

/// When anything of it changed last.
fn last_change(connector: &ConnectorFacts) -> Option<super::super::facts::Moment> {
    connector.tasks.iter().map(|task| task.since).max().flatten().max(connector.since)
}

/// What the person on call has to know first, in one line.
fn verdict(scene: &Scene) -> Markup {
    let (people, failures) = scene.failures();
    let on_it = failures - people;
    let blind: Vec<_> = scene
        .clusters
        .iter()
        .filter(|cluster| cluster.up == Some(false) || cluster.fresh == Some(false))
        .map(|cluster| &*cluster.name)
        .collect();
    let is_waiting = scene.clusters.iter().all(|cluster| cluster.up.is_none());
    let mut parts = Vec::new();
    if people > 0 {
        let verb = if people == 1 { "needs" } else { "need" };
        parts.push(format!("{} {verb} a person", count(people, "failure", "failures")));
    }
    if on_it > 0 {
        let what = count(on_it, "failure", "failures");
        let more = if people > 0 { format!("{} more", thousands(on_it)) } else { what };
        parts.push(format!("the watchdog is on {more}"));
    }
    if parts.is_empty() && blind.is_empty() {
        parts.push(match scene.severity() {
            _ if is_waiting => "Waiting for the first poll".to_owned(),
            Severity::Fine => "All is well".to_owned(),
            Severity::Warning => "Nothing is failed; something is not right".to_owned(),
            Severity::Critical => {
                "Nothing is failed, and a worker or cluster is in trouble".to_owned()
            }
        });
    }
    let sentence = sentence(&parts);
    let connectors: usize = scene.known.iter().map(|known| known.connectors().len()).sum();
    let tasks = scene.known.iter().flat_map(|known| known.connectors());
    let tasks: usize = tasks.map(|connector| connector.tasks.len()).sum();
    let workers: usize = scene.clusters.iter().map(|cluster| cluster.workers_up).sum();
    html! {
        div.verdict {
            h1 #verdict {
                (severity(scene.severity()))
                span {
                    @if !blind.is_empty() {
                        "What is told of " @for (at, name) in blind.iter().enumerate() {
                            @if at > 0 { ", " } bdi { (name) }
                        } " may be old" @if sentence.is_empty() { "" } @else { "; " }
                    }
                    @if blind.is_empty() { (capital(&sentence)) } @else { (sentence) }
                }
            }
            p.muted {
                (count(connectors, "connector", "connectors")) ", "
                (count(tasks, "task", "tasks")) ", "
                (count(workers, "worker", "workers")) " up, "
                (count(scene.known.len(), "cluster", "clusters"))
            }
        }
    }
}

fn sentence(parts: &[String]) -> String {
    parts.join("; ")
}

/// With its first letter in upper case.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Links to the other pages of a list; nothing where there is only one.
fn pager(
    total: usize,
    rows: usize,
    page: usize,
    anchor: &str,
    to: impl Fn(usize) -> Choice,
) -> Markup {
    let pages = total.div_ceil(rows).max(1);
    let page = page.min(pages);
    let href = |page: usize| format!("{}#{anchor}", absolute(&to(page)));
    let first = (page - 1) * rows + 1;
    let last = (page * rows).min(total);
    html! {
        @if pages > 1 {
            nav.pager aria-label={ "Pages of " (anchor) } {
                span { (thousands(first)) " to " (thousands(last)) " of " (thousands(total)) }
                @if page > 1 {
                    a href=(href(1)) { "First" }
                    a href=(href(page - 1)) rel="prev" { "Previous" }
                }
                span { "Page " (page) " of " (thousands(pages)) }
                @if page < pages {
                    a href=(href(page + 1)) rel="next" { "Next" }
                    a href=(href(pages)) { "Last" }
                }
            }
        }
    }
}

/// A query, also where it is empty: a link to an anchor alone would keep the present one.
fn absolute(choice: &Choice) -> String {
    let query = choice.to_query();
    if query.is_empty() { "?".to_owned() } else { query }
}
