//! `/api/v1`: what is known, as JSON.

mod audit;
mod live;
mod plan;
mod problem;

use std::sync::Arc;

use hyper::{Request, StatusCode};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::routes::{Answer, App, Clients, text};

/// What the answers need beside what is known.
#[derive(Debug)]
pub(super) struct Api {
    /// Places for live streams.
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Api {
    /// A few connections are left to others by those that stay open.
    pub(super) fn new(_clients: Clients, max_connections: usize, stop: CancellationToken) -> Self {
        let streams = max_connections.saturating_sub((max_connections / 40).max(1));
        Self { streams: Arc::new(Semaphore::new(streams)), stop }
    }
}

/// `path` is what comes after `/api/v1/`, decoded.
pub(super) async fn answer<B>(app: &App, request: &Request<B>, path: &[&str]) -> Answer {
    match path {
        ["live"] => live::live(app, request),
        ["audit"] => {
            let views = app.exporter.views();
            let clusters: Vec<_> = views.iter().map(|view| Arc::clone(&view.cluster)).collect();
            audit::audit(&app.office.audit, &clusters, request.uri().query())
        }
        ["plan"] => plan::plan(&app.exporter.watchdogs()),
        _ => text(StatusCode::NOT_FOUND, "not here; / has the list of what is\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{StateSeries, WebSettings};
    use crate::metrics::Exporter;
    use crate::watchdog::audit::Audit;
    use crate::watchdog::office::{KillSwitch, Office, ProcessBudget, Reach};
    use crate::watchdog::orders::Orders;

    /// One without a cluster.
    pub(super) fn app(max_connections: usize) -> App {
        let orders = Arc::new(Orders::none());
        let office = Arc::new(Office {
            store: None,
            journal_lost_hold: std::time::Duration::ZERO,
            kill_switch: Arc::new(KillSwitch::new(None, Arc::clone(&orders))),
            budget: ProcessBudget::new((1, 1)),
            reach: Reach::of([]),
            prober: None,
            audit: Arc::new(Audit::open(None)),
            orders,
        });
        let exporter = Arc::new(Exporter::new(StateSeries::Full, Arc::clone(&office)));
        let settings = WebSettings {
            listen: Vec::new(),
            telemetry_path: "/metrics".to_owned(),
            max_connections,
        };
        App::new(exporter, office, Clients::new(), &settings, CancellationToken::new())
    }
}
