//! Tells what was found, decided and done: counts it, keeps it for the audit log, and logs it so that
//! a person can follow: one line when something is decided, one with what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::WatchdogMode;
use crate::observe::view::ClusterView;

use super::audit::{Audit, AuditEvent, AuditLine};
use super::executor::Carried;
use super::holding::{hold_because, is_first_wait};
use super::log;
use super::look::{Look, key};
use super::policy::{
    Acknowledged, Answer, Because, BreakerChange, Change, Decided, Decision, Event, Hold, Memory,
    Outcome, Policy, Report, Time, UnitId, Why,
};
use super::view::{Counts, DRY_RUN, JournalView, Kind, LastCall, Restarts, Scope, WatchdogView};

/// Tells of one cluster.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) view: WatchdogView,
    counts: Counts,
    audit: Arc<Audit>,
    lines: Vec<AuditLine>,
    /// How units were restarted last, and what holds them.
    scopes: BTreeMap<UnitId, Scope>,
    held: BTreeMap<UnitId, Why>,
    /// What holds the whole cluster, as it was told last.
    hold: Option<Hold>,
    calls: BTreeMap<UnitId, LastCall>,
    log: log::Log,
}

impl Teller {
    pub(super) fn new(cluster: Arc<str>, mode: WatchdogMode, audit: Arc<Audit>) -> Self {
        Self {
            log: log::Log::new(Arc::clone(&cluster)),
            view: WatchdogView { cluster, mode, ..WatchdogView::default() },
            counts: Counts::default(),
            audit,
            lines: Vec::new(),
            scopes: BTreeMap::new(),
            held: BTreeMap::new(),
            hold: None,
            calls: BTreeMap::new(),
        }
    }

    /// The kill switch, as it was looked at.
    pub(super) fn stopped(&mut self, because: Option<String>, now: Time) {
        if self.view.stopped_because.is_some() != because.is_some() {
            self.log.kill_switch(because.as_deref());
            let event = match &because {
                Some(_) => AuditEvent::KillSwitchOn,
                None => AuditEvent::KillSwitchOff,
            };
            let why = because.clone().map(Into::into);
            self.lines.push(AuditLine { why, ..self.of_cluster(event, now) });
        }
        self.view.stopped_because = because;
    }

    /// Whom persons wanted to be tried afresh, and whether anything was known of them.
    pub(super) fn acknowledged<'o>(
        &mut self,
        orders: impl Iterator<Item = (&'o Acknowledged, &'o String)>,
        events: &[Event],
        now: Time,
    ) {
        for (order, by) in orders {
            let of_it = |event: &Event| {
                matches!(event, Event::Unit((connector, task), Change::Cleared(Because::Acknowledged))
                    if *connector == order.connector && (order.task.is_none() || *task == order.task))
            };
            let forgotten = events.iter().filter(|event| of_it(event)).count();
            self.log.acknowledged(order, by, forgotten);
            let why = if forgotten > 0 { "forgotten" } else { "nothing_known" };
            self.lines.push(AuditLine {
                connector: Some(Arc::clone(&order.connector)),
                task: order.task,
                by: Some(by.clone().into()),
                why: Some(why.into()),
                ..self.of_cluster(AuditEvent::Acknowledged, now)
            });
        }
    }

    /// What one look came to.
    pub(super) fn looked(
        &mut self,
        decided: &Decided,
        view: &ClusterView,
        policy: &Policy,
        now: Time,
    ) {
        self.log.begin();
        let look = Look { report: &decided.report, snapshot: view.snapshot.as_deref(), now };
        self.hold_changed(&look, view);
        self.first_seen(&look);
        for event in &decided.events {
            self.happened(event, &look);
        }
        for decision in &decided.decisions {
            self.decided(decision, &look, &decided.memory, policy);
        }
        self.count_skips(&look);
        self.held_changed(&look);
        self.log.end();
        self.forget_the_gone(&look);
        self.view.looked = now;
        self.view.report = Arc::new(decided.report.clone());
    }

    /// That the first proof is waited for is how every process begins, and no trouble.
    fn hold_changed(&mut self, look: &Look<'_>, view: &ClusterView) {
        let hold = look.report.hold;
        self.view.hold_because = hold.map(|hold| hold_because(hold, view, &self.view));
        let (before, after) = (self.hold, hold.filter(|hold| !is_first_wait(*hold, view)));
        if before == after {
            return;
        }
        self.hold = after;
        self.log.hold(before, after.zip(self.view.hold_because.as_deref()));
        if let Some(hold) = before {
            let line = self.of_cluster(AuditEvent::HoldEnded, look.now);
            self.lines.push(AuditLine { why: Some(hold.as_str().into()), ..line });
        }
        if let Some(hold) = after {
            let line = self.of_cluster(AuditEvent::HoldBegan, look.now);
            self.lines.push(AuditLine { why: Some(hold.as_str().into()), ..line });
        }
    }

    /// Series that may be needed begin at 0.
    fn first_seen(&mut self, look: &Look<'_>) {
        let before = Arc::clone(&self.view.report);
        for unit in &look.report.units {
            let known = before.units.binary_search_by(|b| key(b).cmp(&key(unit))).is_ok();
            if known {
                continue;
            }
            let scope = if unit.task.is_some() { Scope::Task } else { Scope::Connector };
            let kind = Kind { connector: Arc::clone(&unit.connector), scope, class: unit.class };
            self.counts.restarts.entry(kind).or_default();
            if unit.phase == "observing" {
                let line = look.line(&self.view.cluster, unit, AuditEvent::Failed);
                self.lines.push(line);
            }
        }
    }

    fn happened(&mut self, event: &Event, look: &Look<'_>) {
        match event {
            Event::Unit(id, change) => self.changed(id, *change, look),
            Event::Breaker(signature, change) => {
                self.counts.breakers_opened += u64::from(*change == BreakerChange::Opened);
                self.log.breaker(signature, *change, look.waiting(signature));
                let event = match change {
                    BreakerChange::Opened => AuditEvent::BreakerOpened,
                    BreakerChange::Proven => AuditEvent::BreakerProven,
                    BreakerChange::Reopened => AuditEvent::BreakerReopened,
                    BreakerChange::Closed => AuditEvent::BreakerClosed,
                    BreakerChange::Exhausted => AuditEvent::BreakerExhausted,
                };
                let line = self.of_cluster(event, look.now);
                self.lines.push(AuditLine { signature: Some(Arc::clone(signature)), ..line });
            }
            Event::Caution(on) => {
                self.log.caution(*on);
                let event = if *on { AuditEvent::CautionBegan } else { AuditEvent::CautionEnded };
                self.lines.push(self.of_cluster(event, look.now));
            }
        }
    }

    fn changed(&mut self, id: &UnitId, change: Change, look: &Look<'_>) {
        let unit = look.unit(id);
        let acted = unit.is_some_and(|unit| unit.mode == WatchdogMode::On);
        if let Change::Outcome(_, outcome) = change
            && acted
        {
            self.count_outcome(id, outcome, look);
        }
        self.log.changed(id, change, unit, acted);
        let event = match change {
            Change::Believed => return,
            Change::Outcome(..) if !acted => return,
            Change::Outcome(..) => AuditEvent::Outcome,
            Change::Parked => AuditEvent::Parked,
            Change::GivenUp => AuditEvent::GivenUp,
            Change::Stuck => AuditEvent::Stuck,
            Change::Flapping => AuditEvent::Flapping,
            Change::Foreign => AuditEvent::Foreign,
            Change::StoodDown => AuditEvent::StoodDown,
            Change::Cleared(_) => AuditEvent::Cleared,
        };
        let mut line = match unit {
            Some(unit) => look.line(&self.view.cluster, unit, event),
            None => AuditLine {
                connector: Some(Arc::clone(&id.0)),
                task: id.1,
                ..self.of_cluster(event, look.now)
            },
        };
        match change {
            Change::Outcome(reason, outcome) => {
                line.outcome = Some(outcome.as_str().into());
                line.reason = Some(reason.as_str().into());
            }
            Change::Cleared(because) => line.why = Some(because.as_str().into()),
            Change::Believed
            | Change::Parked
            | Change::GivenUp
            | Change::Stuck
            | Change::Flapping
            | Change::Foreign
            | Change::StoodDown => {}
        }
        self.lines.push(line);
    }

    fn count_outcome(&mut self, id: &UnitId, outcome: Outcome, look: &Look<'_>) {
        let Some(unit) = look.unit(id) else { return };
        let own = if id.1.is_some() { Scope::Task } else { Scope::Connector };
        let scope = self.scopes.get(id).copied().unwrap_or(own);
        let kind = Kind { connector: Arc::clone(&id.0), scope, class: unit.class };
        self.counts.restarts.entry(kind).or_default().outcomes[Restarts::place(outcome)] += 1;
        if outcome == Outcome::Recovered {
            let took = look.now.saturating_sub(unit.first_failed);
            self.counts.recovery.observe(took.as_secs_f64());
        }
    }

    fn decided(&mut self, decision: &Decision, look: &Look<'_>, memory: &Memory, policy: &Policy) {
        let scope = Scope::from(decision.call);
        let call = decision.call.path(&decision.connector);
        let budget = memory.connector_budget_left(&decision.connector, &policy.limits, look.now);
        for task in &decision.units {
            let id = (Arc::clone(&decision.connector), *task);
            let Some(unit) = look.unit(&id) else { continue };
            if decision.dry_run {
                *self.counts.skipped.entry(DRY_RUN).or_default() += 1;
            }
            let line = look.line(&self.view.cluster, unit, AuditEvent::Decided);
            self.lines.push(AuditLine {
                reason: Some(decision.reason.as_str().into()),
                dry_run: Some(decision.dry_run),
                call: Some(call.clone().into()),
                connector_budget_left: Some(budget),
                ..line
            });
            self.calls.remove(&id);
            self.scopes.insert(id, scope);
        }
        let first = decision.units.first().copied().unwrap_or_default();
        let Some(unit) = look.unit(&(Arc::clone(&decision.connector), first)) else { return };
        let kind = Kind { connector: Arc::clone(&unit.connector), scope, class: unit.class };
        let counted = self.counts.restarts.entry(kind).or_default();
        counted.only_said += u64::from(decision.dry_run);
        self.log.decided(decision, unit);
    }

    /// What came of sending it.
    pub(super) fn carried(
        &mut self,
        decision: &Decision,
        carried: &Carried,
        memory: &Memory,
        now: Time,
    ) {
        self.log.carried(decision, carried);
        let units = memory.connectors.get(&decision.connector).map(|connector| &connector.units);
        let first = decision.units.first().and_then(|task| units?.get(task));
        if let Some(unit) = first {
            let kind = Kind {
                connector: Arc::clone(&decision.connector),
                scope: decision.call.into(),
                class: unit.class,
            };
            let counted = self.counts.restarts.entry(kind).or_default();
            counted.sent += u64::from(carried.sent);
            let rejected =
                matches!(carried.said.answer(), Answer::Refused | Answer::Conflict | Answer::Gone);
            counted.outcomes[Restarts::REJECTED] += u64::from(rejected);
        }
        let call = LastCall { at: now, said: carried.said, status: carried.status };
        for task in &decision.units {
            self.calls.insert((Arc::clone(&decision.connector), *task), call);
            self.lines.push(AuditLine {
                connector: Some(Arc::clone(&decision.connector)),
                task: *task,
                reason: Some(decision.reason.as_str().into()),
                call: Some(decision.call.path(&decision.connector).into()),
                http_status: carried.status,
                answer: Some(carried.said.as_str().into()),
                why: Some(carried.because.clone().into()),
                ..self.of_cluster(AuditEvent::Sent, now)
            });
        }
    }

    fn count_skips(&mut self, look: &Look<'_>) {
        for unit in &look.report.units {
            if let Some(count) = self.counts.skipped.get_mut(unit.why.as_str()) {
                *count += 1;
            }
        }
    }

    /// What holds a unit is written once, until it is something else.
    fn held_changed(&mut self, look: &Look<'_>) {
        let mut held = BTreeMap::new();
        for unit in &look.report.units {
            let id = (Arc::clone(&unit.connector), unit.task);
            let before = self.held.remove(&id);
            let now = unit.held_by().filter(|why| !matches!(why, Why::Hold(_)));
            if before != now {
                let (event, why) = match (before, now) {
                    (_, Some(why)) => (AuditEvent::Held, why),
                    (Some(why), None) => (AuditEvent::Released, why),
                    (None, None) => continue,
                };
                let line = look.line(&self.view.cluster, unit, event);
                self.lines.push(AuditLine { why: Some(why.as_str().into()), ..line });
            }
            held.extend(now.map(|why| (id, why)));
        }
        self.held = held;
    }

    /// Counters of connectors that no longer are do not stay for ever.
    fn forget_the_gone(&mut self, look: &Look<'_>) {
        let Some(snapshot) = look.snapshot else { return };
        let is_there = |name: &Arc<str>| {
            snapshot.connectors.binary_search_by(|connector| connector.name.cmp(name)).is_ok()
                || snapshot.unread.binary_search(name).is_ok()
        };
        self.counts.restarts.retain(|kind, _| is_there(&kind.connector));
        self.scopes.retain(|id, _| look.unit(id).is_some());
        self.calls.retain(|id, _| look.unit(id).is_some());
    }

    pub(super) fn journal(&mut self, journal: JournalView) {
        self.view.journal = journal;
    }

    /// What an answer made of the report of the last look.
    pub(super) fn answered(&mut self, report: Report, events: &[Event], now: Time) {
        self.log.begin();
        let look = Look { report: &report, snapshot: None, now };
        for event in events {
            self.happened(event, &look);
        }
        self.log.end();
        self.view.report = Arc::new(report);
    }

    /// The parts of the view that are the memory's.
    pub(super) fn remembers(&mut self, memory: &Memory, policy: &Policy, now: Time) {
        if *self.view.breakers != memory.breakers {
            self.view.breakers = Arc::new(memory.breakers.clone());
        }
        self.view.cautious = memory.is_cautious();
        self.view.budget_left = memory.budget_left(&policy.limits, now);
        let stood_down: BTreeMap<_, _> = memory.stood_down().collect();
        if *self.view.stood_down != stood_down {
            self.view.stood_down = Arc::new(stood_down);
        }
        self.view.counts = Arc::new(self.counts.clone());
        self.view.calls = Arc::new(self.calls.clone());
    }

    /// What is not yet in the audit log is put there, away from the threads that must not wait.
    pub(super) async fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let (audit, lines) = (Arc::clone(&self.audit), std::mem::take(&mut self.lines));
        let written = tokio::task::spawn_blocking(move || {
            lines.iter().for_each(|line| audit.append(line));
        });
        if written.await.is_err() {
            tracing::error!("writing the audit log panicked");
        }
    }

    fn of_cluster(&self, event: AuditEvent, now: Time) -> AuditLine {
        AuditLine {
            mode: Some(self.view.mode.as_str().into()),
            ..AuditLine::new(now, Arc::clone(&self.view.cluster), event)
        }
    }
}
