//! From a request to its answer: one `match` on the path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use crate::metrics::negotiate::accepts_gzip;
use tokio_util::sync::CancellationToken;

use crate::config::WebSettings;
use crate::connect::ClusterClient;
use crate::metrics::{Exporter, Format};
use crate::watchdog::office::Office;

use super::api::Api;
use super::content::Content;
use super::facts::Known;
use super::{api, health, page};

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
    clusters: usize,
    pub(super) telemetry_path: String,
    ready: AtomicBool,
}

impl App {
    /// An application for these clusters; what it began ends with `stop`.
    pub fn new(
        exporter: Arc<Exporter>,
        office: Arc<Office>,
        clients: Clients,
        settings: &WebSettings,
        stop: CancellationToken,
    ) -> Self {
        Self {
            exporter,
            office,
            clusters: clients.len(),
            api: Api::new(clients, settings.max_connections, stop),
            telemetry_path: settings.telemetry_path.clone(),
            ready: AtomicBool::new(false),
        }
    }

    /// Answers one request; its body is never read.
    pub async fn answer<B>(&self, request: &Request<B>) -> Answer {
        let mut answer = if matches!(*request.method(), Method::GET | Method::HEAD) {
            self.route(request).await
        } else {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        };
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

    async fn route<B>(&self, request: &Request<B>) -> Answer {
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
            ["-", "healthy"] => text(StatusCode::OK, "healthy\n"),
            ["-", "ready"] if self.is_ready() => text(StatusCode::OK, "ready\n"),
            ["-", "ready"] => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: not every cluster had its first poll\n",
            ),
            ["api", "v1", ref rest @ ..] => api::answer(self, request, rest).await,
            ["health", cluster] => health::cluster(&self.exporter, cluster),
            ["health", cluster, "worker", id] => health::worker(&self.exporter, cluster, id),
            ref rest => page::answer(self, request, rest),
        }
    }

    /// Every cluster as it is known now, by name.
    pub(super) fn known(&self) -> Vec<Known> {
        let watchdogs = self.exporter.watchdogs();
        let of = |cluster: &str| watchdogs.iter().find(|watchdog| &*watchdog.cluster == cluster);
        let views = self.exporter.views();
        views
            .into_iter()
            .map(|view| Known { watchdog: of(&view.cluster).map(Arc::clone), view })
            .collect()
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
