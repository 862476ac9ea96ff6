//! Whether what was decided and said is what may be.

use std::sync::Arc;

use connect_warden::config::{FailureClass, WatchdogMode};
use connect_warden::connect::model::State;
use connect_warden::watchdog::policy::{
    Because, BreakerChange, Call, Change, Decided, Decision, Event, Hold, Limits, Outcome, Reason,
    Why,
};

use crate::books::{Books, Breaker, Seen, Unit, instances, is_paused};
use crate::world::{Id, number, slot};

fn heals(class: FailureClass) -> bool {
    matches!(class, FailureClass::Transient | FailureClass::Unknown)
}

/// The longest that the wait after the n-th attempt can be.
fn back_off(limits: &Limits, attempts: u32) -> u64 {
    let doubled = limits.backoff_base.as_secs() << attempts.saturating_sub(1).min(20);
    doubled.min(limits.backoff_cap.as_secs())
}

impl Books {
    pub(crate) fn events(&mut self, seen: &Seen<'_>, decided: &Decided) -> Result<(), String> {
        let exhausted = decided
            .events
            .iter()
            .any(|event| matches!(event, Event::Breaker(_, BreakerChange::Exhausted)));
        for order in seen.input.acknowledged {
            self.stood_down[number(&order.connector)] = None;
        }
        for event in &decided.events {
            match event {
                Event::Unit((connector, task), change) => {
                    let id = (number(connector), slot(*task));
                    self.unit_event(seen, id, *change, exhausted)
                        .map_err(|said| format!("{connector}/{task:?} {change:?}: {said}"))?;
                    let is_over = matches!(
                        change,
                        Change::Outcome(Reason::Canary, Outcome::Failed) | Change::Cleared(_)
                    );
                    for breaker in self.breakers.values_mut().filter(|_| is_over) {
                        breaker.out = breaker.out.filter(|out| *out != id);
                    }
                }
                Event::Breaker(signature, change) => {
                    self.breaker_event(seen, signature, *change)
                        .map_err(|said| format!("{signature} {change:?}: {said}"))?;
                }
                Event::Caution(caution) => self.caution = *caution,
            }
        }
        Ok(())
    }

    fn unit_event(
        &mut self,
        seen: &Seen<'_>,
        id: Id,
        change: Change,
        exhausted: bool,
    ) -> Result<(), String> {
        let now = seen.now;
        let instance = seen.instance(id);
        let state = instance.map(|instance| instance.state);
        let failure = instance.and_then(|instance| instance.failure.as_ref());
        let unit = &mut self.units[id.0][id.1];
        let class = failure.map(|failure| failure.class).or(unit.class);
        let class = class.unwrap_or(FailureClass::Unknown);
        let (limits, mode) = seen.rule(id.0, class);
        let most = limits.attempts.of(class);
        let before = unit.clone();
        let for_long = |since: Option<u64>, least: u64| {
            since.is_some_and(|since| now.saturating_sub(since) >= least)
        };
        let lately = |at: &&u64| now.saturating_sub(**at) <= limits.flapping_window.as_secs();
        let flaps = unit.restarts.iter().filter(lately).count() >= limits.flapping;
        let right = match change {
            Change::Believed => {
                unit.believed = true;
                unit.failed.is_some_and(|(since, count)| {
                    count >= 2 && now.saturating_sub(since) >= limits.grace.as_secs()
                })
            }
            Change::Outcome(_, outcome) => {
                let (since, moved) = unit.out.take().ok_or("there was no restart")?;
                let other = unit.class != Some(class);
                match outcome {
                    Outcome::Recovered => for_long(unit.health, limits.verify.as_secs()),
                    Outcome::Failed => {
                        let old = now.saturating_sub(since) >= limits.stale_status.as_secs();
                        state == Some(State::Failed) && (moved || old || other)
                    }
                    Outcome::Unverified => false,
                }
            }
            Change::Parked => {
                unit.used_up = Some(now);
                heals(class) && (unit.attempts >= most || flaps || exhausted)
            }
            Change::GivenUp => {
                let spent = unit.attempts >= most || flaps || exhausted || unit.used_up.is_some();
                let old = for_long(unit.used_up, limits.probe_until.as_secs()) || exhausted;
                unit.used_up.get_or_insert(now);
                let before = std::mem::replace(&mut unit.given_up, true);
                before || most == 0 || if heals(class) { old } else { spent }
            }
            Change::Stuck => {
                unit.health.is_none()
                    && for_long(unit.out.map(|(at, _)| at), limits.stuck.as_secs())
            }
            Change::Flapping => {
                unit.attempts = unit.attempts.min(most.saturating_sub(1));
                flaps && seen.input.progress.keys().any(|name| number(name) == id.0)
            }
            Change::Foreign => {
                let slow = limits.verify_most.as_secs();
                state == Some(State::Running)
                    && unit.last.is_none_or(|at| now.saturating_sub(at) > slow)
            }
            Change::StoodDown => {
                self.stood_down[id.0] = Some(now + limits.stand_down.as_secs());
                true
            }
            Change::Cleared(because) => {
                let known = self.configs[id.0];
                let right = may_clear(seen, id, unit, because, known, class, mode);
                *unit = Unit::default();
                unit.failed = before.failed;
                unit.health = before.health;
                unit.data = before.data;
                unit.reported = before.reported;
                if matches!(because, Because::OtherFailure | Because::StableHealth) {
                    (unit.restarts, unit.last) = (before.restarts.clone(), before.last);
                }
                if because == Because::OtherFailure {
                    (unit.classes, unit.really_sent) = (before.classes, before.really_sent);
                }
                right
            }
        };
        if right {
            Ok(())
        } else {
            Err(format!("too soon or without a reason; attempts forgotten? {before:?}"))
        }
    }

    fn breaker_event(
        &mut self,
        seen: &Seen<'_>,
        signature: &Arc<str>,
        change: BreakerChange,
    ) -> Result<(), String> {
        let (now, limits) = (seen.now, &seen.policy.limits);
        if change == BreakerChange::Opened {
            let breaker = Breaker { begun: now, last: now, ..Breaker::default() };
            let before = self.breakers.insert(Arc::clone(signature), breaker);
            return before.map_or(Ok(()), |_| Err("it is open already".into()));
        }
        let breaker = self.breakers.get_mut(signature).ok_or("it is not open")?;
        match change {
            BreakerChange::Proven => {
                let id = breaker.out.take().ok_or("there was no canary")?;
                let runs = self.units[id.0][id.1].health.is_some_and(|since| {
                    now.saturating_sub(since) >= limits.canary_watch.as_secs() / 2
                });
                let watched = now.saturating_sub(breaker.last) >= limits.canary_watch.as_secs();
                (breaker.proven, breaker.released) = (Some(now), 0);
                if !(runs && watched) {
                    return Err("a canary proves nothing yet".into());
                }
            }
            BreakerChange::Reopened => (breaker.proven, breaker.last) = (None, now),
            BreakerChange::Closed | BreakerChange::Exhausted => {
                self.breakers.remove(signature);
            }
            BreakerChange::Opened => {}
        }
        Ok(())
    }

    pub(crate) fn decisions(&mut self, seen: &Seen<'_>, decided: &Decided) -> Result<(), String> {
        let mut paid = 0;
        for decision in &decided.decisions {
            self.decision(seen, decision).map_err(|said| format!("{decision:?}: {said}"))?;
            paid += u32::from(decision.reason != Reason::Release);
        }
        if paid > seen.input.process_left {
            return Err("over the process's budget".into());
        }
        Ok(())
    }

    fn decision(&mut self, seen: &Seen<'_>, decision: &Decision) -> Result<(), String> {
        let (now, limits) = (seen.now, &seen.policy.limits);
        let at = number(&decision.connector);
        let connector = seen.at(at).ok_or("it was not read")?;
        if is_paused(connector) {
            return Err("an operator holds it".into());
        }
        if seen.silenced.contains(&at) {
            return Err("in a silence".into());
        }
        if seen.input.shut.contains(&true) {
            return Err("in a window".into());
        }
        if self.stood_down[at].is_some_and(|until| now < until) {
            return Err("it is left to somebody else".into());
        }
        for task in &decision.units {
            self.unit_decision(seen, decision, (at, slot(*task)))?;
        }
        let failed = instances(connector).filter(|(_, i)| i.state == State::Failed).count();
        let is_right = match decision.call {
            Call::Task(task) => decision.units == [Some(task)],
            Call::ConnectorOnly | Call::PlainConnector => decision.units == [None],
            Call::ConnectorAndTasks => failed == decision.units.len(),
        };
        let knows = seen.input.restarts_with_tasks;
        let old = matches!(decision.call, Call::Task(_) | Call::PlainConnector);
        if !is_right || !(knows || old) || (knows && decision.call == Call::PlainConnector) {
            return Err("the wrong call: it starts a neighbour".into());
        }
        if decision.reason != Reason::Release
            && !(self.connectors[at].take(limits.connector_budget, 3600.0, now)
                && self.cluster.take(limits.cluster_budget, 60.0, now))
        {
            return Err("over a budget".into());
        }
        Ok(())
    }

    fn unit_decision(
        &mut self,
        seen: &Seen<'_>,
        decision: &Decision,
        id: Id,
    ) -> Result<(), String> {
        let now = seen.now;
        let instance = seen.instance(id).ok_or("it is not there")?;
        let failure = instance.failure.as_ref().filter(|_| instance.state == State::Failed);
        let failure = failure.ok_or("it is not FAILED")?;
        let (class, signature) = (failure.class, &failure.signature);
        let (limits, mode) = seen.rule(id.0, class);
        let most = limits.attempts.of(class);
        let ago = |at: u64| now.saturating_sub(at);
        let unit = &self.units[id.0][id.1];
        let refused = unit.refused.is_some_and(|at| ago(at) < limits.refused_wait.as_secs());
        let breaker = self.breakers.get(signature);
        if mode == WatchdogMode::Off || decision.dry_run != (mode != WatchdogMode::On) {
            return Err("the rule's mode is another".into());
        }
        if most == 0 {
            return Err("a class that is never restarted".into());
        }
        if unit.given_up {
            return Err("it is given up".into());
        }
        if !unit.believed {
            return Err("it is not believed yet".into());
        }
        if unit.out.is_some() || refused && decision.reason != Reason::Release {
            return Err("sooner than back-off allows: it was restarted just now".into());
        }
        let since_last = unit.last.filter(|_| !unit.is_excused).map_or(u64::MAX, ago);
        match decision.reason {
            Reason::Attempt => {
                if unit.used_up.is_some() || unit.attempts >= most {
                    return Err("more attempts than its class has".into());
                }
                if unit.attempts > 0 && since_last < back_off(limits, unit.attempts) / 2 {
                    return Err("sooner than back-off allows".into());
                }
            }
            Reason::Probe => {
                if unit.used_up.is_none() || since_last < limits.probe_often.as_secs() {
                    return Err("sooner than back-off allows for a parked unit".into());
                }
            }
            Reason::Canary => {
                may_be_canary(self, seen, breaker.ok_or("a canary of no breaker")?, class)?;
            }
            Reason::Release => {
                let proven = breaker.and_then(|b| b.proven).ok_or("nothing was proven")?;
                if unit.last.is_some_and(|at| at > proven) {
                    return Err("released twice: the slow start has one for each".into());
                }
            }
        }
        let frees = decision.reason == Reason::Release;
        if class == FailureClass::Auth
            && !frees
            && self
                .auth
                .get(signature)
                .is_some_and(|(at, _)| ago(*at) < limits.auth_spacing.as_secs())
        {
            return Err("credentials tried again too soon: an account may lock".into());
        }
        if class == FailureClass::Data
            && unit.data.is_none_or(|at| ago(at) < limits.data_delay.as_secs())
        {
            return Err("DATA is given five minutes".into());
        }
        self.restarted_now(seen, decision, id, class, signature)
    }

    fn restarted_now(
        &mut self,
        seen: &Seen<'_>,
        decision: &Decision,
        id: Id,
        class: FailureClass,
        signature: &Arc<str>,
    ) -> Result<(), String> {
        let (now, limits) = (seen.now, &seen.policy.limits);
        if class == FailureClass::Auth {
            self.auth.insert(Arc::clone(signature), (now, id));
        }
        let unit = &mut self.units[id.0][id.1];
        let costs = matches!(decision.reason, Reason::Attempt | Reason::Release);
        unit.attempts += u32::from(costs && unit.used_up.is_none());
        unit.last_but_one = unit.last.replace(now);
        (unit.out, unit.is_excused) = (Some((now, false)), false);
        unit.really_sent_before = unit.really_sent;
        unit.really_sent |= !decision.dry_run;
        if decision.reason != Reason::Canary {
            unit.restarts.push(now);
        }
        let Some(breaker) = self.breakers.get_mut(signature) else { return Ok(()) };
        match decision.reason {
            Reason::Canary => {
                breaker.canaries += 1;
                (breaker.out, breaker.last, breaker.is_excused) = (Some(id), now, false);
            }
            Reason::Release => {
                breaker.released += 1;
                let steps = now.saturating_sub(breaker.proven.unwrap_or(now))
                    / limits.release_step.as_secs();
                let grown = |most: u32, _| {
                    let least = most.saturating_add(limits.release_first);
                    most.saturating_mul(limits.release_factor).max(least)
                };
                let most = (0..steps.min(1000)).fold(limits.release_first, grown);
                if breaker.released > most {
                    return Err("faster than the slow start".into());
                }
            }
            Reason::Attempt | Reason::Probe => {}
        }
        // Whoever waits for that breaker has not waited in vain.
        for (connector, units) in self.units.iter_mut().enumerate() {
            for (slot, unit) in units.iter_mut().enumerate().filter(|(_, unit)| unit.waits > 0) {
                let other = seen.instance((connector, slot)).and_then(|i| i.failure.as_ref());
                if other.is_none_or(|other| other.signature == *signature) {
                    unit.waits = 0;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn report(&mut self, seen: &Seen<'_>, decided: &Decided) -> Result<(), String> {
        let now = seen.now;
        // Nobody waits in vain while there are no polls; three hours may lie between two of them.
        let passed = now.saturating_sub(self.polled_at).min(4 * 3600);
        for said in &decided.report.units {
            let id = (number(&said.connector), slot(said.task));
            let unit = &mut self.units[id.0][id.1];
            unit.reported = self.stamp;
            let name = || format!("{}/{:?}", said.connector, said.task);
            if said.attempts != unit.attempts {
                let (said, known) = (said.attempts, unit.attempts);
                return Err(format!("{}: {said} attempts are said, {known} were made", name()));
            }
            if unit.given_up && !matches!(said.phase, "given_up" | "recovered") {
                return Err(format!("{}: given up, and now {}", name(), said.phase));
            }
            let due = said.next.is_some_and(|next| next.as_secs_f64() <= now as f64);
            let waits = matches!(said.why, Why::BackOff | Why::Parked);
            if decided.report.hold.is_none() && waits && due {
                return Err(format!("{}: due, not held, and not restarted", name()));
            }
            let waits = matches!(said.why, Why::Breaker | Why::Probe | Why::Budget);
            // One at a time takes its time in a large fleet.
            let passed = if self.caution { passed / 6 } else { passed };
            unit.waits = if waits && seen.input.process_left > 0 { unit.waits + passed } else { 0 };
            if unit.waits > 12 * 3600 {
                return Err(format!("{}: {:?} waits for ever", name(), said.why));
            }
            if said.phase == "observing" {
                unit.believed = false;
            }
            if matches!(said.why, Why::Hold(Hold::Rebalance))
                != (decided.report.hold == Some(Hold::Rebalance))
                && matches!(said.phase, "backing_off" | "parked" | "observing")
            {
                return Err(format!("{}: the hold is not said", name()));
            }
        }
        let connectors = seen.snapshot().into_iter().flat_map(|snapshot| &snapshot.connectors);
        for connector in connectors.filter(|connector| !is_paused(connector)) {
            let at = number(&connector.name);
            for (slot, instance) in instances(connector) {
                if instance.state == State::Failed && self.units[at][slot].reported != self.stamp {
                    return Err(format!("c{at:02}/{slot}: FAILED, and nothing is said of it"));
                }
            }
        }
        let forgotten = |unit: &Unit| unit.attempts > 0 && unit.reported != self.stamp;
        if self.units.iter().flatten().any(forgotten) {
            return Err("attempts forgotten".into());
        }
        Ok(())
    }
}

fn may_clear(
    seen: &Seen<'_>,
    id: Id,
    unit: &Unit,
    because: Because,
    config: Option<u64>,
    class: FailureClass,
    mode: WatchdogMode,
) -> bool {
    let limits = seen.rule(id.0, unit.class.unwrap_or(class)).0;
    let connector = seen.at(id.0);
    match because {
        Because::StableHealth => {
            let doubled = if unit.attempts >= 2 { back_off(limits, unit.attempts - 1) } else { 0 };
            unit.health.is_some_and(|since| {
                seen.now.saturating_sub(since) >= limits.stable.as_secs().max(doubled)
            })
        }
        Because::ConfigChanged => connector.is_some_and(|c| c.config != config),
        Because::Paused => {
            let held = seen.instance(id).map(|instance| instance.state);
            connector.is_some_and(is_paused) || matches!(held, Some(State::Paused | State::Stopped))
        }
        Because::Deleted => {
            let snapshot = seen.snapshot();
            let listed = |names: &[Arc<str>]| names.iter().any(|name| number(name) == id.0);
            seen.instance(id).is_none()
                && snapshot.is_some_and(|s| !listed(&s.unread) && !listed(&s.without_status))
        }
        Because::OtherFailure => unit.used_up.is_some() && unit.classes & (1 << class as u8) == 0,
        Because::Acknowledged => seen.input.acknowledged.iter().any(|order| {
            number(&order.connector) == id.0
                && order.task.is_none_or(|task| slot(Some(task)) == id.1)
        }),
        Because::ModeChanged => !unit.really_sent && mode == WatchdogMode::On,
    }
}

fn may_be_canary(
    books: &Books,
    seen: &Seen<'_>,
    breaker: &Breaker,
    class: FailureClass,
) -> Result<(), String> {
    let (now, limits) = (seen.now, &seen.policy.limits);
    let since = now.saturating_sub(breaker.last);
    if let Some(out) = breaker.out {
        let unit = &books.units[out.0][out.1];
        if unit.out.is_some() && since < limits.stuck.as_secs() {
            return Err("a second canary is out".into());
        }
    }
    let waits = limits.canary_waits[(breaker.canaries as usize).min(3)].as_secs();
    let is_parked = class == FailureClass::Unknown && breaker.canaries >= limits.attempts.unknown;
    let least = match () {
        // Its turn had come, and it was refused.
        () if breaker.is_excused => limits.refused_wait.as_secs(),
        // What a probe reaches again is tried at once.
        () if !seen.input.probes.is_empty() => 0,
        () if is_parked => limits.probe_often.as_secs(),
        () => waits,
    };
    if since < least {
        return Err(format!("a canary too soon: {since} s, and not {least}"));
    }
    Ok(())
}
