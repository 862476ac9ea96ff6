//! Workers: whether they answer and can serve, their versions, what is on them.

use hyper::StatusCode;
use maud::{Markup, html};
use url::form_urlencoded;

use crate::connect::model::Health;

use super::super::facts::{Known, Severity, WorkerFacts};
use super::choice::Choice;
use super::layout::{Tab, whole};
use super::marks::{count, severity, thousands};
use super::scene::Scene;
use super::{Page, lost};

/// Of every cluster, or of the one in the query.
pub(super) fn page(scene: &Scene, query: &str) -> Page {
    let mut wanted = form_urlencoded::parse(query.as_bytes());
    if let Some((_, cluster)) = wanted.find(|(name, _)| name == "cluster") {
        return of_cluster(scene, &cluster);
    }
    let main = html! {
        div.verdict { h1 { "Workers" } p.muted { (summary(scene.known.iter())) } }
        @for known in &scene.known { (section(scene, known)) }
        @if scene.known.is_empty() { p { "No cluster was looked at yet." } }
    };
    found(scene, "Workers", &main)
}

/// Of one cluster.
pub(super) fn of_cluster(scene: &Scene, cluster: &str) -> Page {
    let Some(known) = scene.cluster(cluster) else { return lost::no_cluster(scene, cluster) };
    let main = html! {
        div.verdict {
            p.crumbs { a href=(scene.paths.to("/workers")) { "Workers" } }
            h1 { bdi { (cluster) } }
            p.muted { (summary(std::iter::once(known))) }
        }
        (section(scene, known))
    };
    found(scene, &format!("Workers of {cluster}"), &main)
}

fn found(scene: &Scene, title: &str, main: &Markup) -> Page {
    Page { status: StatusCode::OK, html: whole(scene, Tab::Workers, title, main), kept: true }
}

fn summary<'k>(all: impl Iterator<Item = &'k Known> + Clone) -> String {
    let workers = || all.clone().flat_map(|known| known.view.workers.iter());
    let up = workers().filter(|worker| worker.up == Some(true)).count();
    format!("{up} of {} up", count(workers().count(), "worker", "workers"))
}

fn section(scene: &Scene, known: &Known) -> Markup {
    let cluster = &known.view.cluster;
    let workers = WorkerFacts::all(known);
    let skewed = workers.iter().any(|worker| worker.version_skew);
    let id = super::overview::anchor("workers", &[cluster]);
    html! {
        section.panel aria-labelledby=(id) {
            header {
                h2 id=(id) { bdi { (cluster) } }
                @if let Some(kafka) = &known.view.kafka_cluster_id {
                    span.end { "Kafka cluster " code { (kafka) } }
                }
            }
            @if skewed {
                p.body { (severity(Severity::Warning))
                    " The workers have different versions. While that lasts, a connector may behave differently after each rebalance." }
            }
            @if let Some(because) = known.view.not_fresh_because.as_ref().filter(|_| known.view.fresh == Some(false)) {
                p.body { (severity(Severity::Critical)) " No worker is proven able to serve: " (because) }
            }
            @if workers.is_empty() { p.none { "No worker is known." } }
            @else {
                table.stack {
                    thead { tr {
                        th { "Worker" } th { "Answers" } th { "Health" } th { "Version" }
                        th.n { "Connectors" } th.n { "Tasks" } th.n { "Failed" } th { "Left behind" }
                    } }
                    tbody { @for worker in &workers { (row(scene, worker)) } }
                }
            }
        }
    }
}

fn row(scene: &Scene, worker: &WorkerFacts) -> Markup {
    let of_it = Choice {
        cluster: Some(worker.cluster.to_string()),
        worker: Some(worker.id.to_string()),
        ..Choice::default()
    };
    html! {
        tr {
            td data-l="Worker" {
                span {
                    (severity(worker.severity)) " "
                    a href={ (scene.paths.to("/")) (of_it.to_query()) "#connectors" } { bdi { (worker.id) } }
                }
            }
            td data-l="Answers" {
                @match worker.up {
                    Some(true) => "yes",
                    Some(false) => { b { "no" } }
                    None => { span.muted { "not asked: its address is not among the URLs, and dial_workers does not name it" } }
                }
            }
            td data-l="Health" { (health(worker.health)) }
            td data-l="Version" {
                span {
                    @match &worker.version { Some(version) => (version), None => { span.muted { "not known" } } }
                    @if let Some(commit) = &worker.commit { " " small { (commit.get(..10).unwrap_or(commit)) } }
                    @if worker.version_skew { " " span.chip.warn { "differs" } }
                }
            }
            td.n data-l="Connectors" { (thousands(worker.connectors)) }
            td.n data-l="Tasks" { (thousands(worker.tasks)) }
            td.n data-l="Failed" { (thousands(worker.tasks_failed)) }
            td data-l="Left behind" { (orphans(worker)) }
        }
    }
}

/// What a worker that is gone is still said to run.
fn orphans(worker: &WorkerFacts) -> Markup {
    let left = worker.connectors + worker.tasks;
    html! {
        @if worker.up == Some(false) && left > 0 {
            span.chip.warn { (count(worker.tasks, "task", "tasks")) ", " (count(worker.connectors, "connector", "connectors")) }
        } @else { span.muted { "none" } }
    }
}

fn health(of: Option<Health>) -> Markup {
    let words = match of {
        Some(Health::Healthy) => "healthy",
        Some(Health::Starting) => "starting",
        Some(Health::Unhealthy) => "unhealthy: its herder does not answer",
        Some(Health::Unsupported) => "has no health check (before 3.9); proven by another call",
        Some(Health::Unreachable) => "unreachable",
        None => "not known",
    };
    html! { span { (words) } }
}
