//! From a request to its answer: one `match` on the path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio_util::sync::CancellationToken;

use crate::config::WebSettings;
use crate::connect::ClusterClient;
use crate::metrics::negotiate::accepts_gzip;
use crate::metrics::{Exporter, Format};
use crate::watchdog::office::Office;

use super::access::{Access, Refusal, Role, Visitor};
use super::actions::Actions;
use super::api::Api;
use super::content::Content;
use super::details::Details;
use super::facts::Known;
use super::page::Pages;
use super::paths::Paths;
use super::{api, health, page, session};

/// An answer.
pub(super) type Answer = Response<Content>;

/// How each cluster is spoken to, by name.
pub type Clients = BTreeMap<Arc<str>, Arc<ClusterClient>>;

/// What the answers are made from.
#[derive(Debug)]
pub struct App {
    pub(super) exporter: Arc<Exporter>,
    pub(super) office: Arc<Office>,
    pub(super) api: Api,
    pub(super) details: Arc<Details>,
    pub(super) actions: Actions,
    clusters: usize,
    pub(super) telemetry_path: String,
    pub(super) paths: Arc<Paths>,
    pub(super) pages: Arc<Pages>,
    access: Arc<Access>,
    ready: AtomicBool,
}

impl App {
    /// An application for these clusters; what it began ends with `stop`.
    pub fn new(
        exporter: Arc<Exporter>,
        office: Arc<Office>,
        clients: Clients,
        access: Arc<Access>,
        settings: &WebSettings,
        stop: CancellationToken,
    ) -> Self {
        let clusters = clients.len();
        let details = Arc::new(Details::new(&clients));
        let actions =
            Actions::new(Arc::clone(&exporter), Arc::clone(&office), clients, Arc::clone(&details));
        Self {
            exporter,
            office,
            clusters,
            api: Api::new(settings.max_connections, stop),
            details,
            actions,
            telemetry_path: settings.telemetry_path.clone(),
            paths: Arc::new(Paths::new(&settings.external_path, &settings.route_prefix)),
            pages: Arc::default(),
            access,
            ready: AtomicBool::new(false),
        }
    }

    /// Who may ask.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    pub(super) fn telemetry_path(&self) -> &str {
        &self.telemetry_path
    }

    /// Answers one request of somebody who may ask it.
    pub async fn answer(&self, request: &Request<Bytes>, visitor: &Visitor) -> Answer {
        let segments = segments(request);
        let path: Vec<_> = segments.iter().map(AsRef::as_ref).collect();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = match path[..] {
            _ if reads => self.route(request, visitor, &path).await,
            ["api", "v1", ref rest @ ..] if visitor.role == Role::Administrator => {
                api::change(self, request, rest, &visitor.name).await
            }
            ["act"] if visitor.role == Role::Administrator && *request.method() == Method::POST => {
                page::act(self, request, &visitor.name).await
            }
            _ => Refusal::method("GET, HEAD").answer(request.uri().path()),
        };
        self.dress(answer)
    }

    /// Adds the headers that every answer has.
    pub(super) fn dress(&self, mut answer: Answer) -> Answer {
        let headers = answer.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
        );
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        answer
    }

    async fn route(&self, request: &Request<Bytes>, visitor: &Visitor, path: &[&str]) -> Answer {
        if request.uri().path() == self.telemetry_path {
            return self.metrics(request).await;
        }
        match *path {
            ["-", "healthy"] => text(StatusCode::OK, "healthy\n"),
            ["-", "ready"] if self.is_ready() => text(StatusCode::OK, "ready\n"),
            ["-", "ready"] => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: not every cluster had its first poll\n",
            ),
            ["api", "v1", ref rest @ ..] => api::answer(self, request, visitor, rest).await,
            ["login"] => session::login(request.uri().query(), &self.paths.to("/")),
            ["health", cluster] => health::cluster(&self.exporter, cluster),
            ["health", cluster, "worker", id] => health::worker(&self.exporter, cluster, id),
            ref rest => page::answer(self, request, rest, visitor).await,
        }
    }

    /// Who comes without the route prefix to the root is shown the way.
    pub(super) fn outside(&self, path: &str) -> Answer {
        let is_near = path == "/" || self.paths.within(&format!("{path}/")).is_some();
        if !is_near {
            return text(
                StatusCode::NOT_FOUND,
                "not here; every path begins with the route prefix\n",
            );
        }
        let mut answer = text(StatusCode::FOUND, "moved\n");
        if let Ok(to) = HeaderValue::from_str(&self.paths.to("/")) {
            answer.headers_mut().insert(LOCATION, to);
        }
        answer
    }

    /// Every cluster as it is known now, by name.
    pub(super) fn known(&self) -> Vec<Known> {
        known(&self.exporter)
    }

    /// True once every cluster was polled, and true from then on.
    fn is_ready(&self) -> bool {
        if self.ready.load(Ordering::Relaxed) {
            return true;
        }
        let views = self.exporter.views();
        let ready = views.len() == self.clusters && views.iter().all(|v| v.poll.up.is_some());
        self.ready.fetch_or(ready, Ordering::Relaxed);
        ready
    }

    async fn metrics<B>(&self, request: &Request<B>) -> Answer {
        let format = Format::for_accept(&header(request, &ACCEPT));
        let gzip = accepts_gzip(&header(request, &ACCEPT_ENCODING));
        let body = match self.exporter.ready(format, gzip) {
            Some(body) => body,
            None => {
                let exporter = Arc::clone(&self.exporter);
                match tokio::task::spawn_blocking(move || exporter.body(format, gzip)).await {
                    Ok(body) => body,
                    Err(_) => {
                        return text(StatusCode::INTERNAL_SERVER_ERROR, "cannot render\n");
                    }
                }
            }
        };
        let mut answer = reply(StatusCode::OK, format.content_type(), body);
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }
}

/// Every cluster as it is known now, by name.
pub(super) fn known(exporter: &Exporter) -> Vec<Known> {
    let mut watchdogs: BTreeMap<_, _> = exporter
        .watchdogs()
        .into_iter()
        .map(|watchdog| (Arc::clone(&watchdog.cluster), watchdog))
        .collect();
    let views = exporter.views().into_iter();
    views.map(|view| Known { watchdog: watchdogs.remove(&view.cluster), view }).collect()
}

/// The parts of a path, decoded.
fn segments<B>(request: &Request<B>) -> Vec<Cow<'_, str>> {
    let path = request.uri().path().trim_start_matches('/').split('/');
    path.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
}

/// A header's values in one line.
pub(super) fn header<B>(request: &Request<B>, name: &HeaderName) -> String {
    let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Content>,
) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(super) fn text(status: StatusCode, body: &'static str) -> Answer {
    reply(status, "text/plain; charset=utf-8", body)
}
