use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::access::Access;
use super::super::routes::{App, Clients};
use crate::config::{AccessSettings, StateSeries, WebSettings};
use crate::metrics::Exporter;
use crate::watchdog::audit::Audit;
use crate::watchdog::office::{KillSwitch, Office, ProcessBudget, Reach};
use crate::watchdog::orders::Orders;

/// One without a cluster.
pub(super) fn app(max_connections: usize) -> App {
    let orders = Arc::new(Orders::at("/nowhere/orders"));
    let office = Arc::new(Office {
        store: None,
        journal_lost_hold: std::time::Duration::ZERO,
        kill_switch: Arc::new(KillSwitch::new(None, Arc::clone(&orders))),
        budget: ProcessBudget::new((1, 1)),
        reach: Reach::of([]),
        prober: None,
        audit: Arc::new(Audit::open(None)),
    });
    let exporter = Arc::new(Exporter::new(StateSeries::Full, Arc::clone(&office)));
    let settings = WebSettings {
        listen: Vec::new(),
        telemetry_path: "/metrics".to_owned(),
        external_path: "/".to_owned(),
        route_prefix: "/".to_owned(),
        external_origin: None,
        max_connections,
        access: AccessSettings::default(),
    };
    let (access, _) = Access::load(&settings.access, Vec::new()).unwrap();
    let stop = CancellationToken::new();
    App::new(exporter, office, Clients::new(), Arc::new(access), &settings, stop)
}
