//! `/api/v1`: what is known as JSON, a stream of what changes, and what an administrator sends.
//!
//! [`resources`] has every path; [`document`] tells them as OpenAPI. Lists come in pages, each
//! answer has an `ETag`, and what is wrong is told as `application/problem+json`.

pub(super) mod ask;
mod audit;
mod body;
mod clusters;
mod connectors;
mod document;
mod failures;
mod filter;
mod live;
mod paging;
mod parameter;
pub(super) mod problem;
mod reply;
mod resources;
mod watchdog;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::near;

use super::access::Visitor;
use super::routes::{Answer, App};
use super::session;
use ask::Ask;
use parameter::Query;
use problem::Problem;
use reply::Wish;
use resources::{Endpoint, RESOURCES, Read, Resource};

/// So many answers are put together at once: polls and scrapes have room beside them.
const AT_ONCE: usize = 2;

/// What the answers need beside what is known.
#[derive(Debug)]
pub(super) struct Api {
    /// Places for who has an answer put together; held by whoever works: one who hangs up does not
    /// free it.
    places: Arc<Semaphore>,
    /// Places for live streams.
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Api {
    /// A few connections are left to others by those that stay open.
    pub(super) fn new(max_connections: usize, stop: CancellationToken) -> Self {
        let streams = max_connections.saturating_sub((max_connections / 40).max(1));
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { places, streams: Arc::new(Semaphore::new(streams)), stop }
    }
}

/// Answers who reads; `path` is what comes after `/api/v1/`, decoded.
pub(super) async fn answer(
    app: &App,
    request: &Request<Bytes>,
    visitor: &Visitor,
    path: &[&str],
) -> Answer {
    let (endpoint, names) = match find(request, path) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    if !matches!(endpoint, Endpoint::Read(_))
        && let Err(problem) = Query::read(request.uri().query().unwrap_or_default(), &[], &[])
    {
        return problem.answer();
    }
    match endpoint {
        Endpoint::Read(what) => read(app, request, what, names).await,
        Endpoint::Live => live::live(app, request),
        Endpoint::Session => session::session(app.access(), visitor),
        Endpoint::Write(_) => not_here(),
    }
}

/// Does what somebody sends who may; `by` is their name, for the audit log.
pub(super) async fn change(app: &App, request: &Request<Bytes>, path: &[&str], by: &str) -> Answer {
    match find(request, path) {
        Ok((Endpoint::Write(what), names)) => {
            write::write(&app.actions, by, what, &names, request).await
        }
        Ok((Endpoint::Read(_) | Endpoint::Live | Endpoint::Session, _)) => not_here(),
        Err(answer) => answer,
    }
}

/// Whoever calls this has mixed up who reads and who writes.
fn not_here() -> Answer {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path has other methods").answer()
}

fn find<B>(request: &Request<B>, path: &[&str]) -> Result<(Endpoint, Vec<String>), Answer> {
    let Some((resource, names)) = Resource::find(path) else {
        let wanted = format!("/{}", path.join("/"));
        let all: Vec<_> = RESOURCES.iter().map(|resource| resource.path).collect();
        let near = near(&wanted, all, 3).into_iter().map(|path| format!("/api/v1{path}")).collect();
        let said = "there is nothing at this path; /api/v1/openapi.json has the list of what is";
        return Err(Problem { near, ..Problem::new(StatusCode::NOT_FOUND, said) }.answer());
    };
    match resource.endpoint(request.method().as_str()) {
        Some(endpoint) => Ok((endpoint, names)),
        None => Err(Problem::method(&resource.allowed())),
    }
}

async fn read<B>(app: &App, request: &Request<B>, what: Read, names: Vec<String>) -> Answer {
    let mut ask = Ask {
        known: app.known(),
        office: Arc::clone(&app.office),
        names,
        query: request.uri().query().unwrap_or_default().to_owned(),
        details: None,
    };
    if what == Read::Connector {
        match fetched(app, &ask).await {
            Ok(details) => ask.details = details,
            Err(problem) => return problem.answer(),
        }
    }
    let wish = Wish::of(request.headers());
    let place = Arc::clone(&app.api.places).acquire_owned().await;
    let answer = tokio::task::spawn_blocking(move || {
        let _place = place;
        told(&ask, what, &wish)
    })
    .await;
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "answering panicked");
        let said = "this answer could not be put together";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, said).answer()
    })
}

/// What is to be fetched first, where something is.
async fn fetched(
    app: &App,
    ask: &Ask,
) -> Result<Option<Arc<super::details::ConnectorDetails>>, Problem> {
    let is_wanted = connectors::wants_details(ask)?;
    let known = ask.cluster(ask.name(0))?;
    let connector = ask::connector(known, ask.name(1))?;
    if !is_wanted {
        return Ok(None);
    }
    Ok(app.details.of(&known.view, &connector.name).await)
}

/// Work for a thread that may be kept busy.
fn told(ask: &Ask, what: Read, wish: &Wish) -> Answer {
    fn say(wish: &Wish, told: Result<impl Serialize, Problem>) -> Answer {
        match told {
            Ok(told) => wish.answer(&told),
            Err(problem) => problem.answer(),
        }
    }
    match what {
        Read::Clusters => say(wish, clusters::clusters(ask)),
        Read::Cluster => say(wish, clusters::cluster(ask)),
        Read::Connectors | Read::ConnectorsOfCluster => say(wish, connectors::connectors(ask)),
        Read::Connector => say(wish, connectors::connector(ask)),
        Read::Tasks => say(wish, connectors::tasks(ask)),
        Read::Failures => say(wish, failures::failures(ask)),
        Read::Workers => say(wish, clusters::workers(ask)),
        Read::History => say(wish, watchdog::history(ask)),
        Read::Plan => say(wish, watchdog::plan(ask)),
        Read::Audit => say(wish, audit::audit(ask)),
        Read::Silences => say(wish, watchdog::silences(ask)),
        Read::KillSwitch => say(wish, watchdog::kill_switch(ask)),
        Read::Document => match ask.query(&[]) {
            Ok(_) => wish.send(document::json()),
            Err(problem) => problem.answer(),
        },
    }
}

#[cfg(test)]
mod tests;
