//! Keeps the last view of each cluster and what it renders to; puts expositions together, at most
//! once for each change, format and encoding.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::config::StateSeries;
use crate::observe::view::ClusterView;
use crate::watchdog::office::Office;
use crate::watchdog::view::WatchdogView;

use super::chunk::{Chunk, merge};
use super::cluster::{ClusterCollector, Part};
use super::exposition::{Exposition, Writer};
use super::negotiate::Format;
use super::office::OfficeCollector;
use super::process::ProcessCollector;
use super::watchdog::{OffCollector, WatchdogCollector};

/// What `/metrics` serves.
#[derive(Debug)]
pub struct Exporter {
    states: StateSeries,
    own: Registry,
    clusters: Mutex<Clusters>,
    /// Held while a body is put together, so that many scrapers cost as much as one.
    assembling: Mutex<()>,
}

#[derive(Debug, Default)]
struct Clusters {
    generation: u64,
    all: BTreeMap<Arc<str>, Rendered>,
    watchdogs: BTreeMap<Arc<str>, (Option<Arc<WatchdogView>>, Arc<Chunk>)>,
    bodies: BTreeMap<(Format, bool), Exposition>,
}

/// A view and its text.
#[derive(Clone, Debug)]
struct Rendered {
    view: Arc<ClusterView>,
    cluster: Arc<Chunk>,
    connectors: Arc<Chunk>,
}

impl Exporter {
    /// An exporter that knows no cluster yet.
    pub fn new(states: StateSeries, office: Arc<Office>) -> Self {
        let mut own = Registry::default();
        // A registry ends a help with a full stop of its own.
        let build = vec![("version", env!("CARGO_PKG_VERSION"))];
        own.register("connect_warden_build", "The version of this program", Info::new(build));
        own.register_collector(Box::new(ProcessCollector));
        own.register_collector(Box::new(OfficeCollector { office }));
        Self { states, own, clusters: Mutex::default(), assembling: Mutex::default() }
    }

    fn clusters(&self) -> MutexGuard<'_, Clusters> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders a cluster's view: work for a thread that may be kept busy.
    pub fn publish(&self, view: Arc<ClusterView>) {
        let before = self.clusters().all.get(&view.cluster).cloned();
        let render = |part, before: Option<&Chunk>| {
            let size = before.map_or(0, Chunk::len);
            Arc::new(self.render(&view, part, size + size / 8))
        };
        let rendered = Rendered {
            cluster: render(Part::Cluster, before.as_ref().map(|before| &*before.cluster)),
            connectors: match &before {
                Some(before) if view.tells_the_same_of_connectors(&before.view) => {
                    Arc::clone(&before.connectors)
                }
                _ => render(Part::Connectors, before.as_ref().map(|before| &*before.connectors)),
            },
            view: Arc::clone(&view),
        };
        let mut clusters = self.clusters();
        clusters.generation += 1;
        clusters.bodies.clear();
        clusters.all.insert(Arc::clone(&view.cluster), rendered);
    }

    /// Renders what a cluster's watchdog found and did.
    pub fn publish_watchdog(&self, view: Arc<WatchdogView>) {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(WatchdogCollector { view: Arc::clone(&view) }));
        let cluster = Arc::clone(&view.cluster);
        self.insert_watchdog(&registry, cluster, Some(view));
    }

    /// Says of a cluster that its watchdog is off, and nothing else.
    pub fn publish_watchdog_off(&self, cluster: Arc<str>) {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(OffCollector { cluster: Arc::clone(&cluster) }));
        self.insert_watchdog(&registry, cluster, None);
    }

    fn insert_watchdog(
        &self,
        registry: &Registry,
        cluster: Arc<str>,
        view: Option<Arc<WatchdogView>>,
    ) {
        let chunk = text(registry, &cluster, 0);
        let mut clusters = self.clusters();
        clusters.generation += 1;
        clusters.bodies.clear();
        clusters.watchdogs.insert(cluster, (view, Arc::new(chunk)));
    }

    /// What each cluster's watchdog found last; nothing of those that are off.
    pub fn watchdogs(&self) -> Vec<Arc<WatchdogView>> {
        self.clusters().watchdogs.values().filter_map(|(view, _)| view.clone()).collect()
    }

    fn render(&self, view: &Arc<ClusterView>, part: Part, size: usize) -> Chunk {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ClusterCollector {
            view: Arc::clone(view),
            states: self.states,
            part,
        }));
        text(&registry, &view.cluster, size)
    }

    /// The last view of each cluster.
    pub fn views(&self) -> Vec<Arc<ClusterView>> {
        self.clusters().all.values().map(|rendered| Arc::clone(&rendered.view)).collect()
    }

    /// The last view of one cluster.
    pub fn view(&self, cluster: &str) -> Option<Arc<ClusterView>> {
        self.clusters().all.get(cluster).map(|rendered| Arc::clone(&rendered.view))
    }

    /// The body, if it is there already.
    pub fn ready(&self, format: Format, gzip: bool) -> Option<Exposition> {
        self.clusters().bodies.get(&(format, gzip)).cloned()
    }

    /// The body: work for a thread that may be kept busy.
    pub fn body(&self, format: Format, gzip: bool) -> Exposition {
        let _alone = self.assembling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = self.ready(format, gzip) {
            return body;
        }
        let (generation, rendered, watchdogs) = {
            let clusters = self.clusters();
            let watchdogs = clusters.watchdogs.values().map(|(_, chunk)| Arc::clone(chunk));
            let rendered: Vec<_> = clusters.all.values().cloned().collect();
            (clusters.generation, rendered, watchdogs.collect::<Vec<_>>())
        };
        let plain = || {
            self.ready(format, false)
                .unwrap_or_else(|| self.put_together(format, &rendered, &watchdogs))
        };
        let body = if gzip { plain().compressed() } else { plain() };
        let mut clusters = self.clusters();
        if clusters.generation == generation {
            clusters.bodies.insert((format, gzip), body.clone());
        }
        body
    }

    fn put_together(
        &self,
        format: Format,
        rendered: &[Rendered],
        watchdogs: &[Arc<Chunk>],
    ) -> Exposition {
        let mut out = Writer::default();
        merge(&mut out, format, rendered.iter().map(|rendered| &*rendered.cluster));
        merge(&mut out, format, rendered.iter().map(|rendered| &*rendered.connectors));
        merge(&mut out, format, watchdogs.iter().map(|chunk| &**chunk));
        if let Ok(own) = Chunk::render(&self.own, 4096) {
            merge(&mut out, format, std::iter::once(&own));
        }
        if format == Format::OpenMetrics {
            out.write(b"# EOF\n");
        }
        out.finish()
    }
}

fn text(registry: &Registry, cluster: &str, size: usize) -> Chunk {
    Chunk::render(registry, size).unwrap_or_else(|error| {
        tracing::error!(cluster, %error, "cannot render the metrics");
        Chunk::default()
    })
}
