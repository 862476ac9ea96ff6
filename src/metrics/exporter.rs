//! Keeps the last view of each cluster and what it renders to; puts expositions together, at most
//! once for each change, format and encoding.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::config::StateSeries;
use crate::observe::view::ClusterView;

use super::chunk::{Chunk, merge};
use super::cluster::ClusterCollector;
use super::negotiate::Format;
use super::process::ProcessCollector;

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
    all: BTreeMap<Arc<str>, (Arc<ClusterView>, Arc<Chunk>)>,
    bodies: BTreeMap<(Format, bool), Bytes>,
}

impl Exporter {
    /// An exporter that knows no cluster yet.
    pub fn new(states: StateSeries) -> Self {
        let mut own = Registry::default();
        let build = vec![("version", env!("CARGO_PKG_VERSION"))];
        own.register("connect_warden_build", "The version of this program.", Info::new(build));
        own.register_collector(Box::new(ProcessCollector));
        Self { states, own, clusters: Mutex::default(), assembling: Mutex::default() }
    }

    fn clusters(&self) -> MutexGuard<'_, Clusters> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders a cluster's view: work for a thread that may be kept busy.
    pub fn publish(&self, view: Arc<ClusterView>) {
        let size = self.clusters().all.get(&view.cluster).map_or(0, |(_, chunk)| chunk.len());
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ClusterCollector {
            view: Arc::clone(&view),
            states: self.states,
        }));
        let chunk = match Chunk::render(&registry, size + size / 8) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::error!(cluster = &*view.cluster, %error, "cannot render the metrics");
                Chunk::default()
            }
        };
        let mut clusters = self.clusters();
        clusters.generation += 1;
        clusters.bodies.clear();
        clusters.all.insert(Arc::clone(&view.cluster), (view, Arc::new(chunk)));
    }

    /// The last view of each cluster.
    pub fn views(&self) -> Vec<Arc<ClusterView>> {
        self.clusters().all.values().map(|(view, _)| Arc::clone(view)).collect()
    }

    /// The last view of one cluster.
    pub fn view(&self, cluster: &str) -> Option<Arc<ClusterView>> {
        self.clusters().all.get(cluster).map(|(view, _)| Arc::clone(view))
    }

    /// The body, if it is there already.
    pub fn ready(&self, format: Format, gzip: bool) -> Option<Bytes> {
        self.clusters().bodies.get(&(format, gzip)).cloned()
    }

    /// The body: work for a thread that may be kept busy.
    pub fn body(&self, format: Format, gzip: bool) -> Bytes {
        let _alone = self.assembling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = self.ready(format, gzip) {
            return body;
        }
        let (generation, chunks) = {
            let clusters = self.clusters();
            let chunks: Vec<_> =
                clusters.all.values().map(|(_, chunk)| Arc::clone(chunk)).collect();
            (clusters.generation, chunks)
        };
        let body = match (gzip, self.ready(format, false)) {
            (true, Some(plain)) => compress(&plain),
            (true, None) => compress(self.assemble(format, &chunks).as_bytes()),
            (false, _) => self.assemble(format, &chunks).into(),
        };
        let mut clusters = self.clusters();
        if clusters.generation == generation {
            clusters.bodies.insert((format, gzip), body.clone());
        }
        body
    }

    fn assemble(&self, format: Format, chunks: &[Arc<Chunk>]) -> String {
        let size: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        let mut out = String::with_capacity(size + 4096);
        let chunks: Vec<&Chunk> = chunks.iter().map(|chunk| &**chunk).collect();
        merge(&mut out, format, &chunks);
        if let Ok(own) = Chunk::render(&self.own, 4096) {
            merge(&mut out, format, &[&own]);
        }
        if format == Format::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }
}

fn compress(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 16), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default().into()
}
