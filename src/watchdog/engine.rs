//! The watchdog of one cluster: after each poll it decides, makes what it means to do durable, and
//! only then does it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::WatchdogMode;
use crate::connect::ClusterClient;
use crate::connect::version::Version;
use crate::observe::view::ClusterView;

use super::executor::{Carried, carry_out};
use super::journal::Journal;
use super::policy::{
    Answer, Call, Change, Decision, Event, Input, Memory, Outcome, Policy, UnitId, answered, decide,
};
use super::view::WatchdogView;

/// What one cluster's watchdog needs.
#[derive(Debug)]
pub struct Engine {
    /// The cluster.
    pub client: Arc<ClusterClient>,
    /// Where what is done is made durable; `None` where nothing is done.
    pub journal: Option<Arc<Mutex<Journal>>>,
    /// Nothing is done for so long at first: what was done before is not known.
    pub journal_lost_for: Duration,
    /// Whether it acts.
    pub mode: WatchdogMode,
    /// While this file is there nothing is restarted.
    pub stop_file: Option<PathBuf>,
    /// The rules.
    pub policy: Policy,
}

struct State {
    engine: Engine,
    memory: Memory,
    view: WatchdogView,
    clock: Clock,
    workers_up: Vec<Arc<str>>,
    rng: Rng,
}

/// Wall-clock time that never goes back while the process lives.
#[derive(Clone, Copy)]
struct Clock {
    wall: Duration,
    started: Instant,
}

impl Clock {
    fn now(self) -> Duration {
        self.wall + self.started.elapsed()
    }
}

impl Engine {
    /// Looks after each poll until the views end.
    pub async fn run(
        self,
        mut views: watch::Receiver<Arc<ClusterView>>,
        published: watch::Sender<Arc<WatchdogView>>,
    ) {
        let cluster = Arc::clone(&views.borrow().cluster);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let memory = self.journal.as_ref().map(|journal| lock(journal).memory(&cluster));
        let mut state = State {
            view: WatchdogView { cluster, mode: self.mode, ..WatchdogView::default() },
            memory: memory.unwrap_or_default(),
            clock: Clock { wall, started: Instant::now() },
            workers_up: Vec::new(),
            rng: Rng::new(),
            engine: self,
        };
        let mut polls = 0;
        loop {
            let view = Arc::clone(&views.borrow_and_update());
            if view.poll.polls != polls {
                polls = view.poll.polls;
                state.look(&view).await;
                published.send_replace(Arc::new(state.view.clone()));
            }
            if views.changed().await.is_err() {
                return;
            }
        }
    }
}

fn lock(journal: &Mutex<Journal>) -> std::sync::MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    async fn look(&mut self, view: &ClusterView) {
        let now = self.clock.now();
        let up = view.workers.iter().filter(|worker| worker.up == Some(true));
        let up: Vec<_> = up.map(|worker| Arc::clone(&worker.id)).collect();
        let others = !self.workers_up.is_empty() && up != self.workers_up;
        self.workers_up = up;
        let input = Input {
            snapshot: view.snapshot.as_deref().filter(|_| view.poll.up == Some(true)),
            fresh: view.fresh == Some(true),
            rebalancing: others,
            journal_lost: self.clock.started.elapsed() < self.engine.journal_lost_for,
            restarts_with_tasks: restarts_with_tasks(view),
            ..Input::of(None)
        };
        let memory = std::mem::take(&mut self.memory);
        let decided = decide(memory, &input, &self.engine.policy, now, &mut self.rng);
        self.memory = decided.memory;
        for event in &decided.events {
            if let Event::Unit((connector, task), Change::Outcome(_, outcome)) = event {
                self.tell_outcome(connector, *task, *outcome, now);
            }
        }
        for decision in &decided.decisions {
            self.tell_decision(decision);
        }
        if self.engine.mode == WatchdogMode::On && !self.make_durable().await {
            // Without a durable intent nothing is sent.
            for decision in &decided.decisions {
                self.take_back(decision, Answer::Refused, now);
            }
        } else if self.engine.mode == WatchdogMode::On {
            for decision in &decided.decisions {
                self.act(decision).await;
            }
            if !decided.decisions.is_empty() {
                self.make_durable().await;
            }
        }
        self.view.report = decided.report;
        self.view.memory = self.memory.clone();
    }

    async fn act(&mut self, decision: &Decision) {
        let carried = match &self.engine.stop_file {
            Some(file) if file.exists() => Carried::stopped(file),
            Some(_) | None => carry_out(&self.engine.client, decision).await,
        };
        let cluster = &*self.view.cluster;
        let connector = &*decision.connector;
        let answer = carried.answer.as_str();
        match carried.answer {
            Answer::Accepted => tracing::info!(cluster, connector, answer, "restart sent"),
            Answer::NotKnown
            | Answer::Refused
            | Answer::Conflict
            | Answer::NotSent
            | Answer::NotFailed
            | Answer::Gone => {
                tracing::warn!(
                    cluster,
                    connector,
                    answer,
                    said = carried.said,
                    "restart not done, or not known"
                );
                *self.view.outcomes.entry("rejected").or_default() += 1;
            }
        }
        self.take_back(decision, carried.answer, self.clock.now());
    }

    fn take_back(&mut self, decision: &Decision, answer: Answer, now: Duration) {
        let ids: Vec<UnitId> =
            decision.units.iter().map(|task| (Arc::clone(&decision.connector), *task)).collect();
        answered(&mut self.memory, &ids, answer, &self.engine.policy.limits, now);
    }

    /// Whether the disk has what is remembered.
    async fn make_durable(&mut self) -> bool {
        let Some(journal) = self.engine.journal.clone() else { return false };
        let (cluster, memory) = (Arc::clone(&self.view.cluster), self.memory.clone());
        let written =
            tokio::task::spawn_blocking(move || lock(&journal).write(&cluster, &memory)).await;
        match written {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                self.view.journal_failures += 1;
                tracing::error!(cluster = &*self.view.cluster, %error, "the journal cannot be written: nothing is restarted");
                false
            }
            Err(_) => false,
        }
    }

    fn tell_decision(&mut self, decision: &Decision) {
        let id = decision.units.first().copied().flatten();
        let unit = self
            .memory
            .connectors
            .get(&decision.connector)
            .and_then(|c| c.units.get(&decision.units.first().copied().unwrap_or_default()));
        let Some(unit) = unit else { return };
        let scope = scope(decision.call);
        *self
            .view
            .attempts
            .entry((Arc::clone(&decision.connector), scope, unit.class))
            .or_default() += 1;
        let said =
            if self.engine.mode == WatchdogMode::On { "restarting" } else { "would restart" };
        tracing::info!(
            cluster = &*self.view.cluster,
            connector = &*decision.connector,
            task = id,
            scope,
            units = decision.units.len(),
            reason = ?decision.reason,
            class = unit.class.as_str(),
            attempt = unit.attempts,
            "{said}"
        );
    }

    fn tell_outcome(
        &mut self,
        connector: &str,
        task: Option<u32>,
        outcome: Outcome,
        now: Duration,
    ) {
        let word = outcome.as_str();
        *self.view.outcomes.entry(word).or_default() += 1;
        let unit = self.memory.connectors.get(connector).and_then(|c| c.units.get(&task));
        if let (Outcome::Recovered, Some(unit)) = (outcome, unit) {
            self.view.recoveries.0 += 1;
            self.view.recoveries.1 += now.saturating_sub(unit.first_failed).as_secs_f64();
        }
        let acted = self.engine.mode == WatchdogMode::On;
        tracing::info!(
            cluster = &*self.view.cluster,
            connector,
            task,
            outcome = word,
            acted,
            "restart verified"
        );
    }
}

const fn scope(call: Call) -> &'static str {
    match call {
        Call::Task(_) => "task",
        Call::ConnectorAndTasks => "connector_and_tasks",
        Call::ConnectorOnly | Call::PlainConnector => "connector",
    }
}

/// Whether every worker that answers may be sent KIP-745's form.
fn restarts_with_tasks(view: &ClusterView) -> bool {
    let mut up = view.workers.iter().filter(|worker| worker.up == Some(true)).peekable();
    up.peek().is_some()
        && up.all(|worker| {
            let version = worker.version.as_deref().and_then(Version::parse);
            version.is_some_and(Version::restarts_with_tasks)
        })
}
