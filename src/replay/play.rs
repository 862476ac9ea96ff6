//! Shows the policy what was recorded, poll by poll, and notes what it decides.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::simulate::settings::Tried;
use crate::watchdog::policy::{Input, Memory, Policy, Time, decide};

use super::fleet::Fleet;
use super::recording::{Recording, Window};
use super::script::Script;
use super::told::ClusterTold;

/// How it is played.
#[derive(Debug)]
pub(super) struct Player {
    tried: Tried,
    interval: Duration,
    seed: u64,
    /// Units that nothing is recorded of.
    healthy: usize,
}

impl Player {
    /// `healthy`: how many units there were, where the record does not tell.
    pub(super) fn new(tried: &Tried, seed: u64, healthy: usize) -> Self {
        Self { tried: tried.clone(), interval: tried.interval, seed, healthy }
    }

    pub(super) fn play(&self, cluster: &Arc<str>, recording: &Recording) -> ClusterTold {
        let recorded: BTreeSet<_> = recording.changes.iter().map(|change| &change.id).collect();
        let healthy = self.healthy.saturating_sub(recorded.len());
        let mut policy = self.tried.policy_of(cluster);
        // Whoever restarted what was recorded would not have had to.
        policy.limits.foreign_restarts = usize::MAX;
        let mut scene = Scene {
            player: self,
            cluster,
            policy,
            recording,
            fleet: Fleet::with_healthy(healthy),
            memory: Memory::default(),
            rng: Rng::with_seed(self.seed),
            unsettled_until: recording.from,
            script: Script::default(),
        };
        scene.run();
        scene.script.told(cluster, recording, recorded.len(), &scene.memory)
    }
}

struct Scene<'p> {
    player: &'p Player,
    cluster: &'p str,
    policy: Policy,
    recording: &'p Recording,
    fleet: Fleet,
    memory: Memory,
    rng: Rng,
    /// Until when a poll may find what no change announces.
    unsettled_until: Time,
    script: Script,
}

fn is_in(windows: &[Window], now: Time) -> bool {
    windows.iter().any(|(from, until)| (*from..*until).contains(&now))
}

impl Scene<'_> {
    fn run(&mut self) {
        let mut changes = self.recording.changes.iter().peekable();
        let mut now = self.recording.from;
        while now <= self.recording.until {
            while let Some(change) = changes.next_if(|change| change.at <= now) {
                self.fleet.change(change);
                self.script.recorded(change);
            }
            self.look(now);
            now += self.player.interval;
            if self.is_quiet(now) {
                // Nothing happens until the next change; polls stay as far apart as they are.
                let next = changes.peek().map_or(self.recording.until, |change| change.at);
                let polls = next.saturating_sub(now).as_nanos() / self.player.interval.as_nanos();
                now += self.player.interval * u32::try_from(polls).unwrap_or(u32::MAX);
            }
        }
    }

    /// Whether nothing is remembered that time alone could move on.
    fn is_quiet(&self, now: Time) -> bool {
        self.memory.connectors.is_empty()
            && self.memory.breakers.is_empty()
            && now > self.unsettled_until
    }

    fn look(&mut self, now: Time) {
        let rebalancing = is_in(&self.recording.rebalances, now);
        if rebalancing || self.fleet.has_unassigned() {
            self.unsettled_until = now + self.policy.limits.rebalance_hold;
        }
        let answered = !is_in(&self.recording.unanswered, now);
        let fresh = !is_in(&self.recording.not_fresh, now);
        if !answered || !fresh {
            // What happened meanwhile is found by the first poll that can be believed.
            self.unsettled_until = self.unsettled_until.max(now + self.player.interval);
        }
        let (silences, shut) = self.player.tried.held_at(self.cluster, now);
        let input = Input {
            fresh,
            rebalancing,
            silences: &silences,
            shut: &shut,
            ..Input::of(answered.then_some(&self.fleet.snapshot))
        };
        let memory = std::mem::take(&mut self.memory);
        let mut decided = decide(memory, &input, &self.policy, now, &mut self.rng);
        self.memory = std::mem::take(&mut decided.memory);
        self.script.looked(&decided, now);
    }
}
