//! One fleet under one watchdog, from poll to poll; what cannot come to anything is skipped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_warden::config::{FailureClass, WatchdogMode};
use connect_warden::watchdog::journal::survives;
use connect_warden::watchdog::policy::{
    Acknowledged, Answer, Call, Decided, Decision, Hold, Input, Memory, Policy, Probed, Progress,
    Reason, Rule, Selector, Silence, Why, answered, decide,
};
use fastrand::Rng;
use regex::Regex;

use crate::books::{Books, Seen};
use crate::faults::Blow;
use crate::mutants::Mutant;
use crate::world::{Happens, World, name, number, slot};

const POLL: u64 = 15;
const ORIGIN: u64 = 1_700_000_000;

/// Where the watchdog's process dies.
#[derive(Clone, Copy, PartialEq)]
enum Crash {
    AtOnce,
    BeforeTheIntent,
    BeforeThePost,
    BeforeTheResult,
}

pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) polls: u64,
    pub(crate) decisions: u64,
    pub(crate) crashes: u64,
    /// What happened, if it is wanted.
    pub(crate) story: Option<Vec<String>>,
    policy: Policy,
    /// The same in dry-run, and what it remembers.
    shadow: Option<(Policy, Memory)>,
    memory: Memory,
    rng: Rng,
    books: Books,
    mutant: Mutant,
    /// How far the wall clock is off.
    offset: i64,
    crash: Option<Crash>,
    restore: bool,
    journal_lost: u64,
    silences: BTreeMap<usize, Regex>,
    progress: BTreeMap<Arc<str>, Progress>,
    probes: BTreeMap<Arc<str>, Probed>,
    new_workers: bool,
    /// Between polls while something is awaited; always less than what is no observation.
    pace: u64,
    mean: f64,
    end: u64,
}

/// A decision without its mode.
type Plain = (Arc<str>, Call, Vec<Option<u32>>, Reason);

impl Driver {
    pub(crate) fn new(seed: u64, mutant: Mutant) -> Self {
        let mut dice = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let policy = policy(&mut dice);
        let all_dry = Policy { mode: WatchdogMode::DryRun, ..policy.clone() };
        let is_alike = policy.rules.iter().all(|rule| rule.mode == WatchdogMode::On);
        let is_shadowed = is_alike && mutant == Mutant::None && dice.u32(0..6) == 0;
        // Quiet fleets and such as never come to rest.
        let mean = [4.0, 24.0, 72.0, 168.0][dice.usize(0..4)] * 3600.0;
        let days = dice.u64(4..40);
        let world = World::new(Rng::with_seed(dice.u64(..)));
        let of_some = |at: &usize| at.is_multiple_of(5);
        let told = if dice.u32(0..6) == 0 { world.snapshot.connectors.len() } else { 0 };
        let now = Progress { last: Duration::ZERO, stalled: false };
        Self {
            polls: 0,
            decisions: 0,
            crashes: 0,
            story: None,
            books: Books::new(&world, &policy),
            shadow: is_shadowed.then(|| (all_dry, Memory::default())),
            policy,
            memory: Memory::default(),
            rng: Rng::with_seed(dice.u64(..)),
            mutant,
            offset: 0,
            crash: None,
            restore: false,
            journal_lost: 0,
            silences: BTreeMap::new(),
            progress: (0..told).filter(of_some).map(|at| (name(at), now)).collect(),
            probes: BTreeMap::new(),
            new_workers: dice.u32(0..4) > 0,
            pace: [POLL, 30, 44][dice.usize(0..3)],
            mean,
            end: days * 86_400,
            world,
        }
    }

    fn now(&self) -> u64 {
        (ORIGIN + self.world.t).saturating_add_signed(self.offset)
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("{} {}", self.world.t, what()));
        }
    }

    pub(crate) fn run(&mut self) -> Result<(), String> {
        self.world.later(100, Happens::Fault);
        let mut next = POLL;
        while self.world.t < self.end {
            for _ in 0..self.world.advance(next) {
                if let Blow::Crash = self.world.fault() {
                    self.crash = Some(match self.world.dice.u32(0..6) {
                        0 => Crash::AtOnce,
                        1 | 2 => Crash::BeforeTheIntent,
                        3 => Crash::BeforeThePost,
                        _ => Crash::BeforeTheResult,
                    });
                }
                let after = -self.mean * self.world.dice.f64().max(1e-9).ln();
                self.world.later(1 + after as u64, Happens::Fault);
            }
            let t = self.world.t;
            if t < self.world.until.lost {
                next = self.world.until.lost;
                continue;
            }
            let wanted =
                self.step().map_err(|said| format!("{said} (day {}, second {t})", t / 86_400))?;
            let jitter = self.world.dice.u64(0..POLL);
            let event = self.world.next_event().map_or(u64::MAX, |at| at + jitter);
            next = wanted.min(event).max(t + POLL);
        }
        Ok(())
    }

    /// One poll; gives when the next one is worth while.
    fn step(&mut self) -> Result<u64, String> {
        self.polls += 1;
        let now = self.now();
        let at = Duration::from_secs(now);
        if std::mem::take(&mut self.restore) {
            let memory = std::mem::take(&mut self.memory);
            self.memory = self.mutant.restored(memory, at);
            if let Some((_, memory)) = &mut self.shadow {
                *memory = std::mem::take(memory).restored(at);
            }
            self.books.restarted(&self.policy.limits, now);
        }
        let t = self.world.t;
        let (silences, silenced) = self.silences(now);
        let orders = std::mem::take(&mut self.world.orders);
        let acknowledged: Vec<_> = orders
            .iter()
            .map(|(connector, task)| Acknowledged { connector: name(*connector), task: *task })
            .collect();
        let until = &self.world.until;
        let shut = vec![t < until.shut; self.policy.rules.len() + 1];
        for progress in self.progress.values_mut() {
            progress.last = at;
        }
        let input = Input {
            under_way: &BTreeMap::new(),
            room: usize::MAX,
            workers_that_do: None,
            snapshot: Some(&self.world.snapshot).filter(|_| t >= until.invalid && t >= until.doubt),
            fresh: t >= until.not_fresh,
            rebalancing: t < until.rebalance,
            journal_lost: t < self.journal_lost,
            restarts_with_tasks: self.new_workers,
            doubt: t < until.doubt,
            stopped: t < until.stopped,
            process_left: if t < until.poor { 0 } else { 3 },
            shut: &shut,
            silences: &silences,
            acknowledged: &acknowledged,
            progress: &self.progress,
            probes: &self.probes,
        };
        let seen = Seen { input: &input, policy: &self.policy, silenced: &silenced, now };
        let before = (self.crash == Some(Crash::BeforeTheIntent)).then(|| {
            let other = self.shadow.as_ref().map(|(_, memory)| memory.clone());
            (self.memory.clone(), other.unwrap_or_default(), self.books.clone())
        });
        let unchanged = (input.snapshot.is_none() && !input.doubt && orders.is_empty())
            .then(|| self.memory.clone());
        let dice = self.rng.clone();
        let memory = std::mem::take(&mut self.memory);
        let mut decided = self.mutant.decide(memory, &input, &self.policy, at, &mut self.rng);
        let memory = std::mem::take(&mut decided.memory);
        if unchanged.is_some_and(|before| before != memory) {
            return Err("an invalid poll changed the memory".into());
        }
        if let Some(story) = &mut self.story
            && (!decided.events.is_empty() || !decided.decisions.is_empty() || !orders.is_empty())
        {
            let hold = decided.report.hold;
            let (events, decisions) = (&decided.events, &decided.decisions);
            story.push(format!("{t} at {now}, {hold:?}: {orders:?} {events:?} {decisions:?}"));
        }
        self.books.observe(&seen, &decided)?;
        if matches!(self.mutant, Mutant::None | Mutant::DecidesAgain)
            && (!decided.decisions.is_empty() || self.polls.is_multiple_of(64))
        {
            let again = (self.mutant, &self.policy);
            decides_once(again, &memory, &input, at, &self.rng, &decided)?;
        }
        if let Some((policy, remembered)) = &mut self.shadow {
            let other = decide(std::mem::take(remembered), &input, policy, at, &mut dice.clone());
            is_the_same(&decided, &other)?;
            *remembered = other.memory;
        }
        self.memory = memory;
        for target in &decided.probes {
            let probed = Probed { at, reachable: self.world.reachable };
            self.probes.insert(Arc::clone(target), probed);
        }
        self.decisions += decided.decisions.len() as u64;
        let next = self.next(&decided, now);
        let has_decisions = !decided.decisions.is_empty();
        let dies = self.crash.filter(|crash| *crash == Crash::AtOnce || has_decisions);
        if let (Some(Crash::BeforeTheIntent), Some((memory, other, books))) = (dies, before) {
            (self.memory, self.books) = (memory, books);
            if let Some((_, memory)) = &mut self.shadow {
                *memory = other;
            }
            return Ok(self.dies(None));
        }
        match dies {
            Some(Crash::BeforeThePost) => return Ok(self.dies(None)),
            Some(Crash::BeforeTheResult) => {
                let sent = decided.decisions.into_iter().next();
                return Ok(self.dies(sent.filter(|decision| !decision.dry_run)));
            }
            Some(Crash::AtOnce | Crash::BeforeTheIntent) | None => {}
        }
        for decision in &decided.decisions {
            if !decision.dry_run {
                self.send(decision, now);
            }
        }
        if dies.is_some() {
            return Ok(self.dies(None));
        }
        Ok(next)
    }

    fn silences(&mut self, now: u64) -> (Vec<Arc<Silence>>, Vec<usize>) {
        let (t, offset) = (self.world.t, self.offset);
        self.world.silenced.retain(|_, (_, until)| t < *until);
        let wall = |t: u64| Duration::from_secs((ORIGIN + t).saturating_add_signed(offset));
        let at = Duration::from_secs(now);
        let (mut silences, mut silenced) = (Vec::new(), Vec::new());
        for (connector, (from, until)) in &self.world.silenced {
            let pattern = self
                .silences
                .entry(*connector)
                .or_insert_with(|| Regex::new(&format!("^(?:{})$", name(*connector))).unwrap());
            let selector = Selector { connectors: vec![pattern.clone()], ..Selector::default() };
            let silence = Silence { selector, from: wall(*from), until: wall(*until) };
            if silence.is_in_force(at) {
                silences.push(Arc::new(silence));
                silenced.push(*connector);
            }
        }
        (silences, silenced)
    }

    fn send(&mut self, decision: &Decision, now: u64) {
        let connector = number(&decision.connector);
        let conflict = self.world.t < self.world.until.rebalance && self.world.dice.bool();
        let answer = match self.world.dice.u32(0..100) {
            _ if conflict => Answer::Conflict,
            0..=3 => Answer::NotKnown,
            4..=9 => Answer::Refused,
            10 | 11 => Answer::Conflict,
            12 | 13 => Answer::NotSent,
            14..=16 => Answer::NotFailed,
            17 => Answer::Gone,
            // One name is in no path.
            _ if connector == 0 && self.world.dice.u32(0..4) == 0 => Answer::Impossible,
            _ => Answer::Accepted,
        };
        if answer == Answer::Accepted || (answer == Answer::NotKnown && self.world.dice.bool()) {
            self.world.carry_out(connector, decision.call);
        } else if answer == Answer::NotFailed {
            self.world.run((connector, slot(decision.units[0])));
        }
        let at = Duration::from_secs(now);
        answered(&mut self.memory, decision, answer, &self.policy.limits, at);
        if let Some((policy, memory)) = &mut self.shadow {
            answered(memory, decision, answer, &policy.limits, at);
        }
        self.tell(|| format!("{} {answer:?}", decision.connector));
        self.books.answered(decision, answer, &self.policy.limits, now);
    }

    /// The process dies, perhaps just after a call went out; gives when there is another.
    fn dies(&mut self, sent: Option<Decision>) -> u64 {
        self.crash = None;
        self.crashes += 1;
        if let Some(Decision { connector, call, .. }) = &sent {
            self.world.carry_out(number(connector), *call);
        }
        let dice = &mut self.world.dice;
        let away = if dice.u32(0..3) == 0 { dice.u64(60..5 * 3600) } else { 20 };
        if dice.bool() {
            self.offset += dice.i64(-5 * 3600..5 * 3600);
        }
        let is_lost = dice.u32(0..16) == 0;
        self.restore = true;
        self.memory = survives(&self.memory).unwrap();
        if let Some((_, memory)) = &mut self.shadow {
            *memory = survives(memory).unwrap();
        }
        if is_lost {
            self.memory = Memory::default();
            if let Some((_, memory)) = &mut self.shadow {
                *memory = Memory::default();
            }
            self.journal_lost = self.world.t + away + 120;
            self.books.lost(&self.world, &self.policy);
        }
        let (offset, lost) = (self.offset, is_lost);
        self.tell(|| format!("dies for {away} s, clock {offset}, lost {lost}, sent {sent:?}"));
        self.world.until.lost = self.world.t + away;
        self.world.t + away
    }

    /// When something may come of another poll.
    fn next(&self, decided: &Decided, now: u64) -> u64 {
        let t = self.world.t;
        let waits = decided.report.units.iter().map(|unit| {
            let due = unit.next.map_or(0, |next| next.as_secs().saturating_sub(now) + 1);
            match unit.why {
                Why::Grace | Why::Hold(Hold::Rebalance) => POLL,
                Why::Verify | Why::Turn => self.pace,
                Why::Stuck => 60,
                Why::Stable => 44,
                Why::BackOff | Why::Parked => due.max(POLL),
                Why::Breaker | Why::Probe if due > POLL => due,
                Why::Breaker | Why::Probe => 2 * POLL,
                Why::Budget => 60,
                Why::Hold(_) => 900,
                Why::Foreign => 1800,
                Why::Rule | Why::Window | Why::Silence | Why::GivenUp | Why::NotFailed => 86_400,
            }
        });
        t + waits.min().unwrap_or(86_400)
    }
}

fn decides_once(
    (mutant, policy): (Mutant, &Policy),
    memory: &Memory,
    input: &Input<'_>,
    at: Duration,
    rng: &Rng,
    decided: &Decided,
) -> Result<(), String> {
    let paid = decided.decisions.iter().filter(|d| d.reason != Reason::Release).count() as u32;
    let process_left = input.process_left.saturating_sub(paid);
    let again = Input { process_left, acknowledged: &[], ..*input };
    let again = mutant.decide(memory.clone(), &again, policy, at, &mut rng.clone());
    match again.decisions.first() {
        Some(decision) => Err(format!("decided again without change or time: {decision:?}")),
        None => Ok(()),
    }
}

fn is_the_same(on: &Decided, dry: &Decided) -> Result<(), String> {
    let plain = |decided: &Decided| -> Vec<Plain> {
        let each = decided.decisions.iter();
        each.map(|d| (Arc::clone(&d.connector), d.call, d.units.clone(), d.reason)).collect()
    };
    if plain(on) != plain(dry) || on.events != dry.events {
        return Err(format!("dry-run decides otherwise: {:?}, {:?}", on.decisions, dry.decisions));
    }
    Ok(())
}

fn policy(dice: &mut Rng) -> Policy {
    let mut policy = Policy::default();
    let limits = &mut policy.limits;
    if dice.u32(0..4) == 0 {
        let seconds = Duration::from_secs;
        limits.grace = seconds(dice.u64(0..120));
        limits.backoff_base = seconds(dice.u64(30..300));
        limits.backoff_cap = limits.backoff_base * dice.u32(1..40);
        limits.attempts.transient = dice.u32(1..9);
        limits.attempts.unknown = dice.u32(1..9);
        limits.stable = seconds(dice.u64(300..3600));
        limits.connector_budget = (dice.u32(1..6), dice.u32(2..12));
        limits.cluster_budget = (dice.u32(1..12), dice.u32(1..12));
        limits.release_first = dice.u32(1..30);
        limits.release_factor = dice.u32(1..5);
        limits.signature_connectors = dice.usize(2..6);
        limits.rebalance_hold = seconds(dice.u64(15..200));
    }
    if dice.bool() {
        policy.probe_targets = vec!["db:5432".into()];
    }
    let modes = [WatchdogMode::Off, WatchdogMode::DryRun, WatchdogMode::On, WatchdogMode::On];
    for at in 0..dice.u32(0..6).saturating_sub(2) {
        let mut selector = Selector::default();
        if dice.bool() {
            let digit = dice.u32(0..10);
            selector.connectors = vec![Regex::new(&format!("^(?:c.{digit})$")).unwrap()];
        } else {
            let classes = [FailureClass::Transient, FailureClass::Unknown, FailureClass::Data];
            selector.failure_classes = vec![classes[dice.usize(0..3)]];
        }
        let mut limits = policy.limits.clone();
        limits.attempts.transient = dice.u32(1..9);
        let mode = modes[dice.usize(0..4)];
        policy.rules.push(Rule { name: format!("rule {at}").into(), selector, mode, limits });
    }
    policy
}
