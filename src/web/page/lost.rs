//! What is not there, and what was asked for in a way that makes no sense.

use hyper::StatusCode;
use maud::{Markup, html};

use super::Page;
use super::choice::Refused;
use super::layout::{Tab, whole};
use super::scene::Scene;

/// So many near names are told.
const NEAR: usize = 8;

/// For a path that leads nowhere.
pub(super) fn page(scene: &Scene, path: &[&str]) -> Page {
    match path {
        ["clusters", cluster, ..] if scene.cluster(cluster).is_none() => no_cluster(scene, cluster),
        ["clusters", cluster, "connectors", name] => no_connector(scene, cluster, name),
        _ => {
            let asked = format!("/{}", path.join("/"));
            not_found(
                scene,
                "There is no such page",
                &html! {
                    p { code { bdi { (asked) } } " leads nowhere. Everything can be reached from "
                        a href=(scene.paths.to("/")) { "the overview" } "." }
                },
            )
        }
    }
}

/// For a cluster that is not watched.
pub(super) fn no_cluster(scene: &Scene, cluster: &str) -> Page {
    let names = scene.known.iter().map(|known| &*known.view.cluster);
    let links =
        near(cluster, names).into_iter().map(|name| (name, scene.paths.cluster(name, "workers")));
    not_found(
        scene,
        "There is no such cluster",
        &html! {
            p { "No cluster is called " b { bdi { (cluster) } } ". Those that are watched:" }
            (list(links))
        },
    )
}

/// For a connector that a cluster does not have.
pub(super) fn no_connector(scene: &Scene, cluster: &str, name: &str) -> Page {
    let Some(known) = scene.cluster(cluster) else { return no_cluster(scene, cluster) };
    let names = known.connectors().iter().map(|connector| &*connector.name);
    let links: Vec<_> = near(name, names)
        .into_iter()
        .map(|near| (near, scene.paths.connector(cluster, near)))
        .collect();
    let snapshot = known.view.snapshot.as_ref();
    let listed = |all: &[std::sync::Arc<str>]| all.iter().any(|listed| **listed == *name);
    let why = match snapshot {
        None => "Nothing is known of this cluster's connectors at the moment.",
        Some(snapshot) if listed(&snapshot.without_status) => {
            "It is configured and has no status yet: no worker started it so far."
        }
        Some(snapshot) if listed(&snapshot.unread) => {
            "It is there, and its status could not be read at the last poll."
        }
        Some(_) => "It may have been deleted, or its name be another.",
    };
    let elsewhere = scene.known.iter().filter(|known| known.connector(name).is_some());
    let elsewhere: Vec<_> = elsewhere
        .map(|known| (&*known.view.cluster, scene.paths.connector(&known.view.cluster, name)))
        .collect();
    not_found(
        scene,
        "There is no such connector",
        &html! {
            p { "The cluster " b { bdi { (cluster) } } " has no connector " b { bdi { (name) } } " now. " (why) }
            @if !elsewhere.is_empty() {
                p { "Other clusters have one of this name:" }
                (list(elsewhere.into_iter()))
            }
            @if !links.is_empty() {
                p { "Names that are near:" }
                (list(links.into_iter()))
            }
            p { a href=(scene.paths.to("/")) { "Search in the overview" } }
        },
    )
}

/// For a query that makes no sense.
pub(super) fn refused(scene: &Scene, refused: &Refused) -> Page {
    let main = html! {
        div.verdict { h1 { "This cannot be shown" } }
        div.say.bad {
            p { bdi { (refused.says) } }
            @if !refused.choices.is_empty() {
                p { "There are: " @for (at, choice) in refused.choices.iter().enumerate() {
                    @if at > 0 { ", " } code { bdi { (choice) } }
                } "." }
            }
        }
        p { a href=(scene.paths.to("/")) { "The overview without filters" } }
    };
    let html = whole(scene, Tab::Other, "Bad filter", &main);
    Page { status: StatusCode::BAD_REQUEST, html, kept: false }
}

fn not_found(scene: &Scene, title: &str, main: &Markup) -> Page {
    let main = html! { div.verdict { h1 { (title) } } (main) };
    Page {
        status: StatusCode::NOT_FOUND,
        html: whole(scene, Tab::Other, title, &main),
        kept: false,
    }
}

fn list<'n>(links: impl Iterator<Item = (&'n str, String)>) -> Markup {
    html! { ul.plain { @for (name, href) in links { li { a href=(href) { bdi { (name) } } } } } }
}

/// The names that are most like `name`, the nearest first.
fn near<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let name = name.to_lowercase();
    let likeness = |other: &str| {
        let other = other.to_lowercase();
        let part = !name.is_empty() && (other.contains(&name) || name.contains(&other));
        let near = strsim::jaro_winkler(&name, &other);
        if part { near.max(0.9) } else { near }
    };
    let mut all: Vec<_> = all.map(|other| (likeness(other), other)).collect();
    all.retain(|(likeness, _)| *likeness > 0.6);
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(NEAR).map(|(_, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn the_nearest_names_come_first() {
        let all = ["orders-sink", "orders-cdc", "invoices", "sink-of-orders"];
        assert_eq!(near("order-sink", all.into_iter())[0], "orders-sink");
        assert_eq!(near("CDC", all.into_iter()), ["orders-cdc"]);
        assert!(near("zzz", all.into_iter()).is_empty());
    }
}
