//! The watchdog of one cluster: after each poll it decides, makes what it means to do durable, and
//! only then has it done.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use futures_util::future::pending;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::WatchdogSettings;
use crate::connect::ClusterClient;
use crate::connect::version::Version;
use crate::observe::view::ClusterView;

use super::clock::{Clock, since_1970};
use super::executor::{Carried, Executor, LAST_CALLS};
use super::keeper::Keeper;
use super::known::Known;
use super::office::{Heard, Office};
use super::policy::{Decision, Input, Memory, Policy, UnitId, answered, decide, report};
use super::probe::Reach;
use super::tell::Teller;
use super::view::WatchdogView;

/// Writing down what the last calls came to has so much longer than they.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What one cluster's watchdog needs.
#[derive(Debug)]
pub struct Engine {
    /// The cluster.
    pub client: Arc<ClusterClient>,
    /// The rules for it.
    pub policy: Policy,
    /// Windows and silences.
    pub settings: Arc<WatchdogSettings>,
    /// What all share.
    pub office: Arc<Office>,
}

impl Engine {
    /// Looks after each poll until it is told to stop; then what is under way is finished.
    pub async fn run(
        self,
        mut views: watch::Receiver<Arc<ClusterView>>,
        published: watch::Sender<Arc<WatchdogView>>,
        stop: CancellationToken,
    ) {
        let cluster = Arc::clone(&views.borrow().cluster);
        let mut state = State::new(self, cluster, stop.clone());
        let mut polls = 0;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                (decision, carried) = state.executor.ended() => state.ended(&decision, &carried),
                probed = next_probe(&mut state.probes) => state.known.probed(probed, state.clock.now()),
                changed = views.changed() => {
                    let view = Arc::clone(&views.borrow_and_update());
                    match changed {
                        Err(_) => break,
                        // Something else than a poll: a worker's sign of life, or a proof.
                        Ok(()) if view.poll.polls == polls => continue,
                        Ok(()) => {
                            polls = view.poll.polls;
                            let heard = tokio::select! {
                                biased;
                                () = stop.cancelled() => break,
                                heard = state.listen() => heard,
                            };
                            state.look(&view, heard).await;
                        }
                    }
                }
            }
            tokio::select! {
                biased;
                // It is tried once more then.
                () = stop.cancelled() => break,
                () = state.keep() => {}
            }
            published.send_replace(Arc::new(state.teller.view.clone()));
        }
        state.finish().await;
    }
}

/// The answer of the next probe that ends.
type Answered = (Arc<str>, bool);

async fn next_probe(probes: &mut JoinSet<Option<Answered>>) -> Answered {
    loop {
        match probes.join_next().await {
            Some(Ok(Some(answered))) => return answered,
            Some(Ok(None)) => {}
            Some(Err(error)) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            None => pending().await,
        }
    }
}

struct State {
    engine: Engine,
    cluster: Arc<str>,
    memory: Memory,
    clock: Clock,
    rng: Rng,
    keeper: Keeper,
    known: Known,
    executor: Executor,
    probes: JoinSet<Option<Answered>>,
    teller: Teller,
    stop: CancellationToken,
}

impl State {
    fn new(engine: Engine, cluster: Arc<str>, stop: CancellationToken) -> Self {
        let office = &engine.office;
        let clock = Clock::new();
        Self {
            cluster: Arc::clone(&cluster),
            memory: Memory::default(),
            rng: Rng::new(),
            keeper: Keeper::new(office.store.clone(), office.journal_lost_hold),
            known: Known::new(engine.settings.silences_of(&cluster), since_1970(SystemTime::now())),
            executor: Executor::new(
                Arc::clone(&engine.client),
                Arc::clone(&office.kill_switch),
                engine.policy.limits.in_flight,
                engine.settings.restart_timeout,
            ),
            probes: JoinSet::new(),
            teller: Teller::new(cluster, engine.policy.mode, Arc::clone(&office.audit)),
            clock,
            engine,
            stop,
        }
    }

    /// What people want, and the first time that it can be read what was remembered. Nothing is
    /// lost where this is left before it ends.
    async fn listen(&mut self) -> Heard {
        let now = self.clock.now();
        if let Some(memory) = self.keeper.load(&self.cluster, now).await {
            self.memory = memory.restored(now);
        }
        self.engine.office.kill_switch.heard().await
    }

    async fn look(&mut self, view: &ClusterView, Heard { stopped, given }: Heard) {
        let now = self.clock.now();
        let office = Arc::clone(&self.engine.office);
        let up = view.poll.up == Some(true);
        office.reach.tell(&self.cluster, up);
        let wall = SystemTime::now();
        self.known.see(view, &given, since_1970(wall));
        let shut = self.engine.settings.shut(&self.cluster, wall);
        let reserved = office.budget.reserve(now);
        let not_ended = self.executor.not_ended();
        let input = Input {
            snapshot: view.snapshot.as_deref().filter(|_| up),
            fresh: view.fresh == Some(true),
            rebalancing: self.known.rebalancing,
            journal_lost: self.keeper.holds(now),
            restarts_with_tasks: restarts_with_tasks(view),
            doubt: office.reach.is_doubtful(),
            stopped: stopped.is_some(),
            process_left: reserved,
            shut: &shut,
            silences: &self.known.silences,
            not_ended: &not_ended,
            acknowledged: &self.known.acknowledged,
            progress: &self.known.progress,
            probes: &self.known.probes,
        };
        let memory = std::mem::take(&mut self.memory);
        let decided = decide(memory, &input, &self.engine.policy, now, &mut self.rng);
        let sent = decided.decisions.iter().filter(|decision| !decision.dry_run).count();
        office.budget.give_back(reserved, u32::try_from(sent).unwrap_or(u32::MAX), now);
        self.teller.journal(self.keeper.view(now));
        self.teller.stopped(stopped, now);
        let orders = self.known.acknowledged.iter().zip(&self.known.acknowledged_by);
        self.teller.acknowledged(orders, &decided.events, now);
        self.teller.looked(&decided, view, &self.engine.policy, now);
        self.memory = decided.memory;
        if decided.report.hold.is_some() {
            for decision in self.executor.cancel_waiting() {
                self.ended(&decision, &Carried::not_sent("nothing is restarted by now"));
            }
        }
        self.send(decided.decisions).await;
        self.probe(decided.probes);
    }

    /// What is meant is on the disk before it is sent.
    async fn send(&mut self, decisions: Vec<Decision>) {
        let (only_said, meant): (Vec<_>, Vec<_>) =
            decisions.into_iter().partition(|decision| decision.dry_run);
        drop(only_said);
        if meant.is_empty() {
            return;
        }
        let not_durable = tokio::select! {
            durable = self.keeper.write(&self.cluster, &self.memory, self.clock.now()) => {
                (!durable).then_some("the journal cannot be written")
            }
            // Perhaps it is on the disk in a moment: then it counts although it was not sent.
            () = self.stop.cancelled() => Some("this process ends"),
        };
        for decision in meant {
            match not_durable {
                None => self.executor.push(decision),
                Some(because) => self.ended(&decision, &Carried::not_sent(because)),
            }
        }
    }

    fn ended(&mut self, decision: &Decision, carried: &Carried) {
        let now = self.clock.now();
        self.teller.carried(decision, carried, &self.memory, now);
        let ids: Vec<UnitId> =
            decision.units.iter().map(|task| (Arc::clone(&decision.connector), *task)).collect();
        let (answer, limits) = (carried.said.answer(), &self.engine.policy.limits);
        let events = answered(&mut self.memory, &ids, answer, limits, now);
        // The next look may be minutes away.
        let hold = self.teller.view.report.hold;
        let report = report(&self.memory, hold, &self.engine.policy, now);
        self.teller.answered(report, &events, now);
    }

    fn probe(&mut self, targets: Vec<Arc<str>>) {
        let Some(prober) = &self.engine.office.prober else { return };
        for target in targets {
            let prober = Arc::clone(prober);
            let cluster = Arc::clone(&self.cluster);
            self.probes.spawn(async move {
                let probed = prober.probe(&target).await.ok()?;
                tracing::debug!(
                    cluster = &*cluster,
                    target = &*target,
                    said = probed.said,
                    "probed"
                );
                Some((target, probed.reach == Reach::Reachable))
            });
        }
    }

    /// What was learned is on the disk too.
    async fn keep(&mut self) {
        self.keeper.write(&self.cluster, &self.memory, self.clock.now()).await;
        self.teller.journal(self.keeper.view(self.clock.now()));
        self.teller.remembers(&self.memory, &self.engine.policy, self.clock.now());
        self.teller.flush().await;
    }

    /// What waits is not sent; what is under way is waited for, but not for ever.
    async fn finish(&mut self) {
        for decision in self.executor.cancel_waiting() {
            self.ended(&decision, &Carried::not_sent("this process ends"));
        }
        let end = Instant::now() + LAST_CALLS;
        while !self.executor.is_idle() {
            let Ok((decision, carried)) = timeout_at(end, self.executor.ended()).await else {
                tracing::warn!(
                    cluster = &*self.cluster,
                    "a restart was still under way when the process ended; it counts as an attempt"
                );
                break;
            };
            self.ended(&decision, &carried);
        }
        // A disk may hang, and so may whoever reads the audit log.
        let (end, now) = (end + LAST_WORDS, self.clock.now());
        let (written, flushed) = tokio::join!(
            timeout_at(end, self.keeper.write(&self.cluster, &self.memory, now)),
            timeout_at(end, self.teller.flush()),
        );
        if written.is_err() || flushed.is_err() {
            tracing::warn!(
                cluster = &*self.cluster,
                journal = written.is_ok(),
                audit = flushed.is_ok(),
                "not all that was done last was written when the process ended: a disk, or the \
                 reader of the audit log, does not answer; restarts that were sent count all the same"
            );
        }
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
