//! The state machine: connectors, tasks, workers and who is assigned to whom.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::connect::version::Version;

/// A connector's or a task's status.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) state: String,
    pub(super) worker: usize,
    pub(super) trace: Option<String>,
    /// Fails again at each start.
    pub(super) broken: bool,
}

/// One connector.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) config: BTreeMap<String, String>,
    pub(super) own: Instance,
    pub(super) tasks: Vec<Instance>,
    /// Configured, and never started.
    pub(super) without_status: bool,
    /// How far it got.
    pub(super) offset: u64,
    /// No worker can load its class: before 3.4 that fails each answer with its status in it
    /// (KAFKA-13989).
    pub(super) poisoned: bool,
    /// How many tasks the configuration topic has, where that is not how many have a status.
    pub(super) tasks_configured: Option<usize>,
}

impl Connector {
    pub(super) fn kind(&self) -> &'static str {
        let class = self.config.get("connector.class").map_or("", String::as_str);
        if class.contains("Sink") { "sink" } else { "source" }
    }
}

/// The cluster behind the sockets.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) version: Version,
    pub(super) version_text: String,
    pub(super) alive: Vec<bool>,
    pub(super) ids: Vec<String>,
    pub(super) connectors: BTreeMap<String, Connector>,
    pub(super) frozen: bool,
    pub(super) herder_timeout: Duration,
    pub(super) rebalance_delay: Duration,
    pub(super) loggers: BTreeMap<String, String>,
    pub(super) log: Vec<String>,
    pub(super) requests: u64,
    pub(super) expanded: Option<Bytes>,
    reassign_at: Option<Instant>,
    next_worker: usize,
}

/// Requests that are remembered.
const LOG: usize = 10_000;

impl Model {
    pub(super) fn new(version_text: &str, version: Version, ids: Vec<String>) -> Self {
        Self {
            version,
            version_text: version_text.to_owned(),
            alive: vec![true; ids.len()],
            ids,
            connectors: BTreeMap::new(),
            frozen: false,
            herder_timeout: Duration::from_secs(10),
            rebalance_delay: Duration::from_secs(5),
            loggers: BTreeMap::from([("root".to_owned(), "INFO".to_owned())]),
            log: Vec::new(),
            requests: 0,
            expanded: None,
            reassign_at: None,
            next_worker: 0,
        }
    }

    pub(super) fn saw(&mut self, request: String) {
        self.requests += 1;
        if self.log.len() < LOG {
            self.log.push(request);
        }
    }

    /// Something changes: what was prepared is no longer right.
    pub(super) fn changed(&mut self) {
        self.expanded = None;
    }

    fn place(&mut self) -> usize {
        let workers = self.alive.len();
        for _ in 0..workers {
            self.next_worker = (self.next_worker + 1) % workers;
            if self.alive[self.next_worker] {
                break;
            }
        }
        self.next_worker
    }

    fn instance(&mut self) -> Instance {
        let worker = self.place();
        Instance { state: "RUNNING".to_owned(), worker, trace: None, broken: false }
    }

    /// Creates or reconfigures.
    pub(super) fn put(&mut self, name: &str, mut config: BTreeMap<String, String>) {
        config.insert("name".to_owned(), name.to_owned());
        let count = config.get("tasks.max").and_then(|max| max.parse().ok()).unwrap_or(1);
        let own = match self.connectors.get(name) {
            Some(connector) => connector.own.clone(),
            None => self.instance(),
        };
        let tasks = (0..count).map(|_| self.instance()).collect();
        self.connectors.insert(
            name.to_owned(),
            Connector {
                config,
                own,
                tasks,
                without_status: false,
                offset: 0,
                poisoned: false,
                tasks_configured: None,
            },
        );
        self.changed();
    }

    pub(super) fn lose(&mut self, worker: usize, graceful: bool) {
        self.alive[worker] = false;
        self.reassign_at = Some(Instant::now() + self.rebalance_delay);
        if graceful {
            for instance in self.instances() {
                if instance.worker == worker && instance.state == "RUNNING" {
                    "UNASSIGNED".clone_into(&mut instance.state);
                }
            }
        }
        self.changed();
    }

    pub(super) fn join(&mut self, worker: usize) {
        self.alive[worker] = true;
        self.reassign_at = Some(Instant::now());
    }

    fn instances(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.connectors
            .values_mut()
            .flat_map(|connector| std::iter::once(&mut connector.own).chain(&mut connector.tasks))
    }

    /// The rebalance, when its delay is over: what was on lost workers is started elsewhere.
    pub(super) fn settle(&mut self) {
        if self.frozen || self.reassign_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        self.reassign_at = None;
        let alive: Vec<usize> = (0..self.alive.len()).filter(|w| self.alive[*w]).collect();
        if alive.is_empty() {
            return;
        }
        let lost: Vec<bool> = self.alive.iter().map(|alive| !alive).collect();
        for (at, instance) in
            self.instances().filter(|i| lost[i.worker] || i.state == "UNASSIGNED").enumerate()
        {
            instance.worker = alive[at % alive.len()];
            start(instance);
        }
        self.changed();
    }
}

/// A start: what is broken fails again, what is paused stays so.
pub(super) fn start(instance: &mut Instance) {
    match instance.state.as_str() {
        "PAUSED" | "STOPPED" => {}
        _ if instance.broken => "FAILED".clone_into(&mut instance.state),
        _ => {
            "RUNNING".clone_into(&mut instance.state);
            instance.trace = None;
        }
    }
}
