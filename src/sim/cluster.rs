//! Starts a simulated cluster and steers it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connect::version::Version;

use super::fault::Fault;
use super::model::Model;
use super::routes::{self, Reply};
use super::server::serve;

/// What kind of cluster.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// The version whose ways it has, 0.11 to 4.3.
    pub version: String,
    /// How many workers.
    pub workers: usize,
    /// The only value of `Authorization` that is let in; `None`: everybody is.
    pub authorization: Option<String>,
    /// How long what a lost worker had stays unassigned.
    pub rebalance_delay: Duration,
    /// How long a call that needs the herder hangs while Kafka is frozen; a real one: 10 s for
    /// `/health`, 90 s for the others.
    pub herder_timeout: Duration,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            version: "4.3.0".to_owned(),
            workers: 3,
            authorization: None,
            rebalance_delay: Duration::from_secs(5),
            herder_timeout: Duration::from_secs(10),
        }
    }
}

/// A running cluster; its sockets close when it is dropped.
#[derive(Debug)]
pub struct SimCluster {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    workers: Mutex<Vec<CancellationToken>>,
}

/// What the sockets share.
#[derive(Debug)]
pub(super) struct Shared {
    model: Mutex<Model>,
    faults: Mutex<BTreeMap<usize, Fault>>,
    authorization: Option<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn lets_in(&self, authorization: Option<&[u8]>) -> bool {
        self.authorization.as_ref().is_none_or(|only| authorization == Some(only.as_bytes()))
    }

    pub(super) fn fault(&self, worker: usize) -> Option<Fault> {
        lock(&self.faults).get(&worker).cloned()
    }

    pub(super) async fn answer(
        &self,
        worker: usize,
        line: String,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Reply {
        let stuck = {
            let mut model = lock(&self.model);
            model.saw(line);
            model.settle();
            let stuck = model.frozen && routes::needs_herder(&model, method, path);
            stuck.then_some(model.herder_timeout)
        };
        if let Some(timeout) = stuck {
            tokio::time::sleep(timeout).await;
            return routes::herder_timed_out();
        }
        routes::answer(&mut lock(&self.model), worker, method, path, query, body)
    }
}

impl SimCluster {
    /// Binds a free loopback port for each worker.
    pub async fn start(config: SimConfig) -> std::io::Result<Self> {
        let version = Version::parse(&config.version)
            .ok_or_else(|| std::io::Error::other(format!("no version: {}", config.version)))?;
        let mut listeners = Vec::new();
        for _ in 0..config.workers {
            listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        }
        let addresses =
            listeners.iter().map(TcpListener::local_addr).collect::<std::io::Result<Vec<_>>>()?;
        let ids = addresses.iter().map(SocketAddr::to_string).collect();
        let mut model = Model::new(&config.version, version, ids);
        model.rebalance_delay = config.rebalance_delay;
        model.herder_timeout = config.herder_timeout;
        let cluster = Self {
            shared: Arc::new(Shared {
                model: Mutex::new(model),
                faults: Mutex::default(),
                authorization: config.authorization,
            }),
            addresses,
            workers: Mutex::new(vec![CancellationToken::new(); config.workers]),
        };
        for (worker, listener) in listeners.into_iter().enumerate() {
            cluster.listen(worker, listener);
        }
        Ok(cluster)
    }

    fn listen(&self, worker: usize, listener: TcpListener) {
        let stop = CancellationToken::new();
        lock(&self.workers)[worker] = stop.clone();
        tokio::spawn(serve(listener, Arc::clone(&self.shared), worker, stop));
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.shared.model)
    }

    /// The workers' base URLs.
    pub fn urls(&self) -> Vec<String> {
        self.addresses.iter().map(|address| format!("http://{address}")).collect()
    }

    /// What a worker calls itself.
    pub fn worker_id(&self, worker: usize) -> String {
        self.addresses[worker].to_string()
    }

    /// Creates a connector with `tasks.max` running tasks.
    pub fn create(&self, name: &str, config: &[(&str, &str)]) {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.model().put(name, config.collect());
    }

    /// Creates `connectors` with `tasks` each, named from `prefix`.
    pub fn create_many(&self, prefix: &str, connectors: usize, tasks: usize) {
        let tasks = tasks.to_string();
        for number in 0..connectors {
            let config = [("connector.class", "org.example.SinkConnector"), ("tasks.max", &tasks)];
            self.create(&format!("{prefix}{number:05}"), &config);
        }
    }

    /// The connector is as one that was configured and never started.
    pub fn forget_status(&self, name: &str) {
        let mut model = self.model();
        model.changed();
        if let Some(connector) = model.connectors.get_mut(name) {
            connector.without_status = true;
        }
    }

    /// The configuration topic has this many tasks for the connector; the statuses stay: too many
    /// are zombie entries, too few were never started.
    pub fn configure_tasks(&self, name: &str, tasks: usize) {
        let mut model = self.model();
        model.changed();
        if let Some(connector) = model.connectors.get_mut(name) {
            connector.tasks_configured = Some(tasks);
        }
    }

    /// The connector's class is gone from every worker.
    pub fn poison(&self, name: &str) {
        let mut model = self.model();
        model.changed();
        if let Some(connector) = model.connectors.get_mut(name) {
            connector.poisoned = true;
        }
    }

    /// The connector gets on.
    pub fn advance(&self, name: &str, records: u64) {
        if let Some(connector) = self.model().connectors.get_mut(name) {
            connector.offset += records;
        }
    }

    /// Deletes a connector.
    pub fn delete(&self, name: &str) {
        let mut model = self.model();
        model.connectors.remove(name);
        model.changed();
    }

    /// A task, or the connector's own instance, gets into any state, also one that no version has.
    pub fn set_state(&self, name: &str, task: Option<usize>, state: &str, trace: Option<&str>) {
        let mut model = self.model();
        model.changed();
        let Some(connector) = model.connectors.get_mut(name) else { return };
        let instance = match task {
            None => Some(&mut connector.own),
            Some(task) => connector.tasks.get_mut(task),
        };
        if let Some(instance) = instance {
            state.clone_into(&mut instance.state);
            instance.trace = trace.map(str::to_owned);
        }
    }

    /// A task fails; if `broken`, it does so again at each start.
    pub fn fail_task(&self, name: &str, task: usize, trace: &str, broken: bool) {
        self.set_state(name, Some(task), "FAILED", Some(trace));
        if let Some(connector) = self.model().connectors.get_mut(name)
            && let Some(task) = connector.tasks.get_mut(task)
        {
            task.broken = broken;
        }
    }

    /// What made a task fail at each start is gone; it stays FAILED until somebody restarts it.
    pub fn mend_task(&self, name: &str, task: usize) {
        if let Some(connector) = self.model().connectors.get_mut(name)
            && let Some(task) = connector.tasks.get_mut(task)
        {
            task.broken = false;
        }
    }

    /// The state of a task.
    pub fn task_state(&self, name: &str, task: usize) -> Option<String> {
        let model = self.model();
        Some(model.connectors.get(name)?.tasks.get(task)?.state.clone())
    }

    /// SIGKILL: the port is closed; what the worker had stays as it was until the rebalance.
    pub fn kill_worker(&self, worker: usize) {
        lock(&self.workers)[worker].cancel();
        self.model().lose(worker, false);
    }

    /// SIGTERM: what it had is UNASSIGNED until the rebalance.
    pub fn stop_worker(&self, worker: usize) {
        lock(&self.workers)[worker].cancel();
        self.model().lose(worker, true);
    }

    /// The worker comes back on its port.
    pub async fn start_worker(&self, worker: usize) -> std::io::Result<()> {
        let listener = TcpListener::bind(self.addresses[worker]).await?;
        self.listen(worker, listener);
        self.model().join(worker);
        Ok(())
    }

    /// Kafka stops answering behind the workers, or goes on.
    pub fn freeze_kafka(&self, frozen: bool) {
        self.model().frozen = frozen;
    }

    /// Something is wrong with a worker's answers from its next connection on; `None` heals it.
    pub fn fault(&self, worker: usize, fault: Option<Fault>) {
        let mut faults = lock(&self.shared.faults);
        match fault {
            Some(fault) => faults.insert(worker, fault),
            None => faults.remove(&worker),
        };
    }

    /// What was asked since the last call of this, such as `GET /connectors`.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.model().log)
    }
}

impl Drop for SimCluster {
    fn drop(&mut self) {
        for worker in lock(&self.workers).iter() {
            worker.cancel();
        }
    }
}
