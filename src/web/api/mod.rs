//! `/api/v1`: what is known, as JSON.

mod audit;
mod plan;

use std::sync::Arc;

use hyper::{Request, StatusCode};

use super::routes::{Answer, App, text};

/// `path` is what comes after `/api/v1/`, decoded.
pub(super) fn answer<B>(app: &App, request: &Request<B>, path: &[&str]) -> Answer {
    match path {
        ["audit"] => {
            let views = app.exporter.views();
            let clusters: Vec<_> = views.iter().map(|view| Arc::clone(&view.cluster)).collect();
            audit::audit(&app.office.audit, &clusters, request.uri().query())
        }
        ["plan"] => plan::plan(&app.exporter.watchdogs()),
        _ => text(StatusCode::NOT_FOUND, "not here; / has the list of what is\n"),
    }
}
