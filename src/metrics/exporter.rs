//! Keeps the last view of each cluster and what it renders to; puts expositions together, at most
//! once for each change, format and encoding.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::sync::broadcast;

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

/// Who listens may be so many changes behind; then it is told that it missed some.
const CHANGES: usize = 1024;

/// What is told of a cluster is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// Grows with each change of this cluster, also over a restart of this process.
    pub generation: u64,
}

/// What `/metrics` serves.
#[derive(Debug)]
pub struct Exporter {
    states: StateSeries,
    own: Registry,
    clusters: Mutex<Clusters>,
    /// Held while a body is put together, so that many scrapers cost as much as one.
    assembling: Mutex<()>,
    changes: broadcast::Sender<Change>,
}

/// A view, where the watchdog is not off, and its text.
type RenderedWatchdog = (Option<Arc<WatchdogView>>, Arc<Chunk>);

#[derive(Debug, Default)]
struct Clusters {
    generation: u64,
    all: BTreeMap<Arc<str>, Rendered>,
    watchdogs: BTreeMap<Arc<str>, RenderedWatchdog>,
    bodies: BTreeMap<(Format, bool), Exposition>,
    told: BTreeMap<Arc<str>, u64>,
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
        Self {
            states,
            own,
            clusters: Mutex::default(),
            assembling: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
        }
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
        let is_news = before.is_none_or(|before| !view.tells_the_same(&before.view));
        let mut clusters = self.clusters();
        clusters.generation += 1;
        clusters.bodies.clear();
        clusters.all.insert(Arc::clone(&view.cluster), rendered);
        if is_news {
            self.tell(&mut clusters, &view.cluster);
        }
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
        let now = view.clone();
        let before = clusters.watchdogs.insert(Arc::clone(&cluster), (view, Arc::new(chunk)));
        let same = match (before.map(|(before, _)| before), now) {
            (Some(Some(before)), Some(now)) => now.tells_the_same(&before),
            (Some(None), None) => true,
            (Some(_) | None, _) => false,
        };
        if !same {
            self.tell(&mut clusters, &cluster);
        }
    }

    fn tell(&self, clusters: &mut Clusters, cluster: &Arc<str>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or_default();
        let told = clusters.told.entry(Arc::clone(cluster)).or_default();
        *told = now.max(*told + 1);
        // An error is that nobody listens.
        let _ = self.changes.send(Change { cluster: Arc::clone(cluster), generation: *told });
    }

    /// Says that something was changed that is told of a cluster, though no view shows it yet.
    pub fn touch(&self, cluster: &Arc<str>) {
        let mut clusters = self.clusters();
        clusters.generation += 1;
        self.tell(&mut clusters, cluster);
    }

    /// The changes from now on, and where each cluster is now.
    pub fn changes(&self) -> (BTreeMap<Arc<str>, u64>, broadcast::Receiver<Change>) {
        let clusters = self.clusters();
        (clusters.told.clone(), self.changes.subscribe())
    }

    /// Which generation of each cluster is told now.
    pub fn generations(&self) -> BTreeMap<Arc<str>, u64> {
        self.clusters().told.clone()
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

    /// Changes whenever a view does.
    pub fn generation(&self) -> u64 {
        self.clusters().generation
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

#[cfg(test)]
mod tests {
    use crate::observe::view::PollReport;
    use crate::watchdog::audit::Audit;
    use crate::watchdog::office::{KillSwitch, ProcessBudget, Reach};
    use crate::watchdog::orders::Orders;
    use crate::watchdog::policy::Report;

    use super::*;

    fn exporter() -> Exporter {
        let office = Office {
            store: None,
            journal_lost_hold: std::time::Duration::ZERO,
            kill_switch: Arc::new(KillSwitch::new(None, Arc::new(Orders::at("/nowhere/orders")))),
            budget: ProcessBudget::new((1, 1)),
            reach: Reach::of([]),
            prober: None,
            audit: Arc::new(Audit::open(None)),
        };
        Exporter::new(StateSeries::Full, Arc::new(office))
    }

    fn view(polls: u64, up: bool) -> Arc<ClusterView> {
        Arc::new(ClusterView {
            cluster: "c".into(),
            poll: PollReport { up: Some(up), polls, ..PollReport::default() },
            snapshot: None,
            history: HISTORY.with(Arc::clone),
            workers: Arc::default(),
            progress: Arc::default(),
            fresh: None,
            not_fresh_because: None,
            kafka_cluster_id: None,
        })
    }

    thread_local! {
        static HISTORY: Arc<crate::observe::history::History> = Arc::default();
    }

    #[test]
    fn a_poll_that_finds_nothing_new_is_no_news() {
        let exporter = exporter();
        let (told, mut changes) = exporter.changes();
        assert!(told.is_empty());
        let mut news = |publish: &dyn Fn()| {
            publish();
            std::iter::from_fn(|| changes.try_recv().ok()).count()
        };
        let looked = |looked, report: &Report| WatchdogView {
            cluster: "c".into(),
            looked: std::time::Duration::from_secs(looked),
            report: Arc::new(report.clone()),
            ..WatchdogView::default()
        };
        assert_eq!(news(&|| exporter.publish(view(1, true))), 1);
        assert_eq!(news(&|| exporter.publish(view(2, true))), 0);
        assert_eq!(news(&|| exporter.publish(view(3, false))), 1);
        let (before, held) = (
            Report::default(),
            Report { hold: Some(crate::watchdog::policy::Hold::Doubt), units: Vec::new() },
        );
        assert_eq!(news(&|| exporter.publish_watchdog(Arc::new(looked(1, &before)))), 1);
        assert_eq!(news(&|| exporter.publish_watchdog(Arc::new(looked(2, &before)))), 0);
        let first = exporter.generations()["c"];
        assert_eq!(news(&|| exporter.publish_watchdog(Arc::new(looked(3, &held)))), 1);
        assert_eq!(news(&|| exporter.touch(&"c".into())), 1);
        assert!(exporter.generations()["c"] >= first + 2);
    }
}
