//! The rules of others, as published.

use std::time::Duration;

use super::fleet::Fleet;
use super::run::STEP;

/// Somebody who looks at the fleet now and then and restarts what has failed.
pub(super) trait Restarter {
    /// When it looks first.
    fn first(&self) -> Duration {
        STEP
    }
    /// How often it looks.
    fn interval(&self) -> Duration;
    /// Who is restarted now.
    fn look(&mut self, fleet: &mut Fleet<'_>) -> Vec<usize>;
}

/// What a peer remembers of one unit.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    restarts: u32,
    last: Option<Duration>,
    sightings: u32,
}

/// A rule that looks at one unit at a time.
#[derive(Debug)]
pub(super) struct Peer {
    rule: Rule,
    records: Vec<Record>,
}

/// Whose rule.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Strimzi's autoRestart: n * n + n minutes, at most 60.
    Strimzi,
    /// kafka-connect-healer: 20 s doubling to 10 min; any RUNNING resets.
    Healer,
    /// connector-guardian: at sightings 0, 1, 2, 4, 8 ... of runs 5 min apart, 7 at most.
    Guardian,
    /// Every 10 min.
    Fixed,
    /// Nobody.
    None,
}

impl Peer {
    pub(super) fn new(rule: Rule, units: usize) -> Self {
        Self { rule, records: vec![Record::default(); units] }
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Restarter for Peer {
    fn interval(&self) -> Duration {
        match self.rule {
            Rule::Strimzi => seconds(120),
            Rule::Guardian => seconds(300),
            Rule::Healer | Rule::Fixed | Rule::None => seconds(10),
        }
    }

    fn look(&mut self, fleet: &mut Fleet<'_>) -> Vec<usize> {
        if fleet.is_blind() {
            return Vec::new();
        }
        let (rule, now) = (self.rule, fleet.now);
        let units = fleet.units.iter().zip(&mut self.records).enumerate();
        let due = units.filter_map(|(at, (unit, record))| {
            let due =
                if unit.failed { record.failed(rule, now) } else { record.healthy(rule, now) };
            due.then_some(at)
        });
        due.collect()
    }
}

impl Record {
    fn since_last(&self, now: Duration) -> Option<Duration> {
        self.last.map(|last| now.saturating_sub(last))
    }

    /// Whether it is restarted.
    fn failed(&mut self, rule: Rule, now: Duration) -> bool {
        let since = self.since_last(now);
        let over = |wait: Duration| since.is_none_or(|since| since >= wait);
        let due = match rule {
            Rule::Strimzi => {
                since.is_none_or(|since| since.as_secs() / 60 >= strimzi(self.restarts))
            }
            Rule::Healer => self.restarts == 0 || over(healer(self.restarts)),
            Rule::Guardian => {
                let turn = self.sightings == 0 || self.sightings.is_power_of_two();
                self.sightings += 1;
                turn && self.restarts < 7
            }
            Rule::Fixed => over(seconds(600)),
            Rule::None => false,
        };
        if due {
            self.restarts += 1;
            self.last = Some(now);
        }
        due
    }

    fn healthy(&mut self, rule: Rule, now: Duration) -> bool {
        let since = self.since_last(now).unwrap_or_default();
        match rule {
            Rule::Strimzi if since.as_secs() / 60 > strimzi(self.restarts) => self.restarts = 0,
            Rule::Healer => self.restarts = 0,
            Rule::Guardian => *self = Self { last: self.last, ..Self::default() },
            Rule::Strimzi | Rule::Fixed | Rule::None => {}
        }
        false
    }
}

/// In minutes.
fn strimzi(restarts: u32) -> u64 {
    let n = u64::from(restarts);
    (n * n + n).min(60)
}

fn healer(restarts: u32) -> Duration {
    (seconds(20) * 2_u32.saturating_pow(restarts.saturating_sub(1).min(10))).min(seconds(600))
}
