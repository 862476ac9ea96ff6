//! Runs a scenario under a policy and counts.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::fleet::Fleet;
use super::peers::{Peer, Restarter, Rule};
use super::scenario::Scenario;
use super::settings::Tried;
use super::warden::Warden;

/// The step of the published model: the others look at multiples of it, so that nothing between two
/// steps can be seen by them.
pub(super) const STEP: Duration = Duration::from_secs(10);

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyName {
    /// This program's
    Warden,
    /// Strimzi's autoRestart
    Strimzi,
    /// kafka-connect-healer
    Healer,
    /// connector-guardian
    Guardian,
    /// A restart every 10 minutes
    Fixed,
    /// Nothing is restarted
    None,
}

/// A number over all runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counted {
    /// The mean.
    pub mean: f64,
    /// The most.
    pub max: f64,
}

/// What a scenario under a policy came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Result {
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: PolicyName,
    /// How many runs.
    pub runs: u64,
    /// Restarts in a run.
    pub restarts: Counted,
    /// Those of them whose unit's cause was still there.
    pub wasted_restarts: Counted,
    /// From the return of the last cause until everything ran and stayed so; null where no cause
    /// returns, or a run never got there.
    pub all_up_minutes: Option<Counted>,
    /// The most restarts within one minute.
    pub peak_per_minute: Counted,
}

#[derive(Debug, Default)]
struct Run {
    restarts: u32,
    wasted: u32,
    all_up: Option<Duration>,
    per_minute: BTreeMap<u64, u32>,
}

/// Runs it so often, with seeds from `seed` on; `tried` is what this program's policy is set to.
pub fn simulate(
    scenario: &Scenario,
    policy: PolicyName,
    tried: &Tried,
    seed: u64,
    runs: u64,
) -> Result {
    let all: Vec<Run> =
        (0..runs).map(|run| one(scenario, policy, tried, seed.wrapping_add(run))).collect();
    let counted = |of: &dyn Fn(&Run) -> f64| {
        let values = all.iter().map(of);
        #[expect(clippy::cast_precision_loss, reason = "a count of runs fits")]
        let mean = values.clone().sum::<f64>() / runs.max(1) as f64;
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        Counted { mean: rounded(mean), max: rounded(values.fold(0.0, f64::max)) }
    };
    let up = all.iter().all(|run| run.all_up.is_some()) && runs > 0;
    Result {
        scenario: scenario.name.clone(),
        policy,
        runs,
        restarts: counted(&|run| run.restarts.into()),
        wasted_restarts: counted(&|run| run.wasted.into()),
        all_up_minutes: up
            .then(|| counted(&|run| run.all_up.unwrap_or_default().as_secs_f64() / 60.0)),
        peak_per_minute: counted(&|run| run.per_minute.values().copied().max().unwrap_or(0).into()),
    }
}

fn one(scenario: &Scenario, policy: PolicyName, tried: &Tried, seed: u64) -> Run {
    let mut fleet = Fleet::new(scenario, seed);
    let peer = |rule| Box::new(Peer::new(rule, fleet.units.len())) as Box<dyn Restarter>;
    let mut restarter = match policy {
        PolicyName::Warden => Box::new(Warden::new(&fleet, tried, seed)),
        PolicyName::Strimzi => peer(Rule::Strimzi),
        PolicyName::Healer => peer(Rule::Healer),
        PolicyName::Guardian => peer(Rule::Guardian),
        PolicyName::Fixed => peer(Rule::Fixed),
        PolicyName::None => peer(Rule::None),
    };
    let mut run = Run::default();
    let mut look_at = restarter.first();
    let mut back = fleet.all_back_at();
    while look_at < scenario.duration {
        // It may be that nothing is left to be restarted.
        if let Some(at) = back.take_if(|at| *at <= look_at) {
            fleet.advance(at);
            run.all_up = fleet.all_up().then_some(Duration::ZERO);
        }
        fleet.advance(look_at);
        for unit in restarter.look(&mut fleet) {
            run.restarts += 1;
            run.wasted += u32::from(!fleet.start(unit));
            *run.per_minute.entry(look_at.as_secs() / 60).or_default() += 1;
        }
        if run.all_up.is_none()
            && let Some(back) = fleet.all_back_at().filter(|back| look_at >= *back)
            && fleet.all_up()
        {
            run.all_up = Some(look_at - back);
        }
        look_at += restarter.interval();
    }
    run
}
