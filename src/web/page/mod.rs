//! The pages for people: complete without JavaScript, each view a URL that can be sent.
//!
//! | path | view |
//! |---|---|
//! | `/` | clusters, what is wrong now, a map, every connector; filters in the query |
//! | `/clusters/{cluster}/connectors/{name}` | one connector |
//! | `/connector?cluster=&name=` | the same, for names that no path can have, such as `..` |
//! | `/workers`, `/clusters/{cluster}/workers` | workers |
//! | `/watchdog` | what the watchdog does, did and will do |
//! | `/assets/{file}` | style sheet, script and icons, each with its hash in its name |
//!
//! In, what is known of all clusters ([`Known`](super::facts::Known)); out, HTML. A page is put
//! together on a thread of its own, one at a time, so that no number of readers keeps a poll or a
//! scrape waiting; what many ask for is kept until the next change.

mod act;
mod assets;
mod cache;
mod choice;
mod connector;
mod layout;
mod lost;
mod marks;
mod overview;
mod scene;
mod times;
mod viewer;
mod watchdog;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, LOCATION, VARY,
};
use hyper::{Request, StatusCode};

use crate::metrics::negotiate::accepts_gzip;

use super::access::Visitor;
use super::details::ConnectorDetails;
use super::routes::{Answer, App, header, reply, text};

pub(super) use act::act;
pub(super) use cache::Pages;
use scene::Scene;
use viewer::Viewer;

const HTML: &str = "text/html; charset=utf-8";

/// A page as it was put together.
struct Page {
    status: StatusCode,
    html: String,
    /// How often it changes, so whether it is worth keeping.
    kept: bool,
}

/// `path` is decoded.
pub(super) async fn answer<B>(
    app: &App,
    request: &Request<B>,
    path: &[&str],
    visitor: &Visitor,
) -> Answer {
    let viewer = Viewer::of(app, visitor, request.uri(), path == ["act"]);
    let gzip = accepts_gzip(&header(request, &ACCEPT_ENCODING));
    let query = request.uri().query().unwrap_or_default();
    match path {
        ["assets", file] => return assets::answer(file, gzip),
        ["clusters", cluster] => {
            let cluster = url::form_urlencoded::byte_serialize(cluster.as_bytes());
            let to = format!("/?cluster={}", cluster.collect::<String>());
            return moved(&app.paths.to(&to));
        }
        _ => {}
    }
    let generation = app.exporter.generation();
    let who = if viewer.is_administrator { "an administrator" } else { "" };
    let key = format!("{who} {} {}?{query}", viewer.name, request.uri().path());
    if let Some(body) = app.pages.ready(generation, &key, gzip) {
        return html(StatusCode::OK, body, gzip);
    }
    let details = details(app, path, query).await;
    let Ok(alone) = Arc::clone(&app.pages.turn).acquire_owned().await else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "ending\n");
    };
    // Who waited may find that the one before them asked for the same.
    if let Some(body) = app.pages.ready(generation, &key, gzip) {
        return html(StatusCode::OK, body, gzip);
    }
    let mut scene = Scene::of(app, viewer);
    scene.details = details;
    let path: Vec<String> = path.iter().map(|segment| (*segment).to_owned()).collect();
    let query = query.to_owned();
    let pages = Arc::clone(&app.pages);
    let put_together = tokio::task::spawn_blocking(move || {
        let _alone = alone;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let page = put_together(&scene, &path, &query);
        let (status, kept) = (page.status, page.kept);
        let body = cache::Body::of(page.html, gzip);
        if kept {
            pages.keep(generation, key, &body);
        }
        (status, body.bytes(gzip))
    });
    match put_together.await {
        Ok((status, body)) => html(status, body, gzip),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "cannot put the page together\n"),
    }
}

fn put_together(scene: &Scene, path: &[&str], query: &str) -> Page {
    match path {
        [""] => overview::page(scene, query),
        ["clusters", cluster, "connectors", name] => connector::page(scene, cluster, name),
        ["connector"] => {
            let (cluster, name) = named(query);
            connector::page(scene, &cluster, &name)
        }
        ["act"] => act::ask(scene, query),
        ["workers"] => workers::page(scene, query),
        ["clusters", cluster, "workers"] => workers::of_cluster(scene, cluster),
        ["watchdog"] => watchdog::page(scene),
        _ => lost::page(scene, path),
    }
}

/// Cluster and connector where no path can have the name.
fn named(query: &str) -> (String, String) {
    let of = |wanted: &str| {
        let mut all = url::form_urlencoded::parse(query.as_bytes());
        all.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    (of("cluster").unwrap_or_default(), of("name").unwrap_or_default())
}

/// A page does not wait longer for a cluster.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is fetched for the page of one connector that is known.
async fn details(app: &App, path: &[&str], query: &str) -> Option<Arc<ConnectorDetails>> {
    let (cluster, name) = match path {
        ["clusters", cluster, "connectors", name] => ((*cluster).to_owned(), (*name).to_owned()),
        ["connector"] => named(query),
        _ => return None,
    };
    let view = app.exporter.view(&cluster)?;
    let all = &view.snapshot.as_ref()?.connectors;
    all.binary_search_by(|connector| (*connector.name).cmp(&name)).ok()?;
    tokio::time::timeout(PATIENCE, app.details.of(&view, &name)).await.ok().flatten()
}

fn html(status: StatusCode, body: bytes::Bytes, gzip: bool) -> Answer {
    let mut answer = reply(status, HTML, body);
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Cookie, Authorization"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

fn moved(to: &str) -> Answer {
    let mut answer = text(StatusCode::FOUND, "moved\n");
    if let Ok(to) = HeaderValue::from_str(to) {
        answer.headers_mut().insert(LOCATION, to);
    }
    answer
}
