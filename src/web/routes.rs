//! From a request to its answer: one `match` on the path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use crate::metrics::negotiate::accepts_gzip;
use crate::metrics::{Exporter, Exposition, Format};
use crate::watchdog::office::Office;

use super::access::{Access, Refusal, Visitor};
use super::{audit, health, page, plan, session};

/// An answer.
pub(super) type Answer = Response<Exposition>;

/// What the answers are made from.
#[derive(Debug)]
pub struct App {
    exporter: Arc<Exporter>,
    office: Arc<Office>,
    clusters: usize,
    telemetry_path: String,
    access: Arc<Access>,
    ready: AtomicBool,
}

impl App {
    /// An application for this many clusters.
    pub fn new(
        exporter: Arc<Exporter>,
        office: Arc<Office>,
        clusters: usize,
        telemetry_path: String,
        access: Arc<Access>,
    ) -> Self {
        Self { exporter, office, clusters, telemetry_path, access, ready: AtomicBool::new(false) }
    }

    /// Who may ask.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    pub(super) fn telemetry_path(&self) -> &str {
        &self.telemetry_path
    }

    /// Answers one request of somebody who may ask it.
    pub async fn answer<B>(&self, request: &Request<B>, visitor: &Visitor) -> Answer {
        let answer = if matches!(*request.method(), Method::GET | Method::HEAD) {
            self.route(request, visitor).await
        } else {
            Refusal::method("GET, HEAD").answer(request.uri().path())
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
                "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
            ),
        );
        answer
    }

    async fn route<B>(&self, request: &Request<B>, visitor: &Visitor) -> Answer {
        let path = request.uri().path();
        if path == self.telemetry_path {
            return self.metrics(request).await;
        }
        let segments: Vec<_> = path
            .trim_start_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
            .collect();
        match segments.iter().map(AsRef::as_ref).collect::<Vec<&str>>()[..] {
            [""] => {
                let html = page::overview(&self.exporter.views(), &self.telemetry_path);
                reply(StatusCode::OK, "text/html; charset=utf-8", html)
            }
            ["-", "healthy"] => text(StatusCode::OK, "healthy\n"),
            ["-", "ready"] if self.is_ready() => text(StatusCode::OK, "ready\n"),
            ["-", "ready"] => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: not every cluster had its first poll\n",
            ),
            ["api", "v1", "audit"] => {
                let views = self.exporter.views();
                let clusters: Vec<_> = views.iter().map(|view| Arc::clone(&view.cluster)).collect();
                audit::audit(&self.office.audit, &clusters, request.uri().query())
            }
            ["api", "v1", "plan"] => plan::plan(&self.exporter.watchdogs()),
            ["api", "v1", "session"] => session::session(&self.access, visitor),
            ["login"] => session::login(request.uri().query()),
            ["health", cluster] => health::cluster(&self.exporter, cluster),
            ["health", cluster, "worker", id] => health::worker(&self.exporter, cluster, id),
            _ => text(StatusCode::NOT_FOUND, "not here; / has the list of what is\n"),
        }
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

/// A header's values in one line.
fn header<B>(request: &Request<B>, name: &HeaderName) -> String {
    let values = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}

pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Exposition>,
) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    reply(status, "text/plain; charset=utf-8", body)
}
