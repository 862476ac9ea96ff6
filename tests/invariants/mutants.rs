//! Policies that break a rule.

use std::time::Duration;

use connect_warden::connect::model::State;
use connect_warden::watchdog::policy::{
    BreakerState, Call, Decided, Decision, Input, Memory, Phase, Policy, Reason, Unit, decide,
};
use fastrand::Rng;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mutant {
    None,
    NoBackOff,
    ForgetsAtACrash,
    IgnoresTheKillSwitch,
    BelievesWhatIsNotFresh,
    IgnoresRebalances,
    CountsTwice,
    ForgetsTooSoon,
    TriesWhatIsGivenUp,
    HasNoBudget,
    SendsManyCanaries,
    TakesTheNeighboursAlong,
    RestartsWhatRuns,
    IgnoresSilences,
    HasNoGrace,
    ReleasesAtOnce,
    StarvesABreaker,
    HoldsForEver,
}

impl Mutant {
    pub(crate) const ALL: [Self; 17] = [
        Self::NoBackOff,
        Self::ForgetsAtACrash,
        Self::IgnoresTheKillSwitch,
        Self::BelievesWhatIsNotFresh,
        Self::IgnoresRebalances,
        Self::CountsTwice,
        Self::ForgetsTooSoon,
        Self::TriesWhatIsGivenUp,
        Self::HasNoBudget,
        Self::SendsManyCanaries,
        Self::TakesTheNeighboursAlong,
        Self::RestartsWhatRuns,
        Self::IgnoresSilences,
        Self::HasNoGrace,
        Self::ReleasesAtOnce,
        Self::StarvesABreaker,
        Self::HoldsForEver,
    ];

    /// What the checker may say of it.
    pub(crate) const fn marks(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::NoBackOff => &["sooner than back-off"],
            Self::ForgetsAtACrash | Self::CountsTwice => &["attempts"],
            Self::IgnoresTheKillSwitch
            | Self::BelievesWhatIsNotFresh
            | Self::IgnoresRebalances
            | Self::HoldsForEver => &["hold"],
            Self::ForgetsTooSoon => &["attempts", "forgotten"],
            Self::TriesWhatIsGivenUp => &["given up"],
            Self::HasNoBudget => &["budget"],
            Self::SendsManyCanaries => &["canary"],
            Self::TakesTheNeighboursAlong => &["neighbour"],
            Self::RestartsWhatRuns => &["not FAILED"],
            Self::IgnoresSilences => &["silence"],
            Self::HasNoGrace => &["Believed: too soon"],
            Self::ReleasesAtOnce => &["slow start"],
            Self::StarvesABreaker => &["waits for ever"],
        }
    }

    pub(crate) fn restored(self, memory: Memory, now: Duration) -> Memory {
        let mut memory = memory.restored(now);
        if self == Self::ForgetsAtACrash {
            units(&mut memory).for_each(|unit| unit.attempts = 0);
        }
        memory
    }

    pub(crate) fn decide(
        self,
        mut memory: Memory,
        input: &Input<'_>,
        policy: &Policy,
        now: Duration,
        rng: &mut Rng,
    ) -> Decided {
        let (mut input, mut policy) = (*input, std::borrow::Cow::Borrowed(policy));
        match self {
            Self::IgnoresTheKillSwitch => input.stopped = false,
            Self::BelievesWhatIsNotFresh => input.fresh = true,
            Self::IgnoresRebalances => input.rebalancing = false,
            Self::HoldsForEver => policy.to_mut().limits.rebalance_most = Duration::MAX,
            Self::IgnoresSilences => input.silences = &[],
            Self::HasNoGrace => policy.to_mut().limits.grace = Duration::ZERO,
            Self::ReleasesAtOnce => policy.to_mut().limits.release_first = 1000,
            Self::HasNoBudget => {
                memory.budget = None;
                memory.connectors.values_mut().for_each(|of| of.budget = None);
            }
            Self::NoBackOff => units(&mut memory).for_each(|unit| {
                if let Phase::BackingOff { next } = &mut unit.phase {
                    *next = (*next).min(now);
                }
            }),
            Self::TriesWhatIsGivenUp => units(&mut memory).for_each(|unit| {
                if unit.phase == Phase::GivenUp {
                    (unit.attempts, unit.parked_since) = (0, None);
                    unit.phase = Phase::BackingOff { next: now };
                }
            }),
            Self::ForgetsTooSoon => units(&mut memory).for_each(|unit| {
                if let Phase::Recovered { since } = &mut unit.phase {
                    (*since, unit.last_wait) =
                        (since.saturating_sub(Duration::from_secs(840)), Duration::ZERO);
                }
            }),
            Self::SendsManyCanaries => memory.breakers.values_mut().for_each(|breaker| {
                if let BreakerState::Open { next, canary } = &mut breaker.state {
                    (*next, *canary) = (now, None);
                }
            }),
            Self::StarvesABreaker => memory.breakers.values_mut().for_each(|breaker| {
                if let BreakerState::Open { next, canary: None } = &mut breaker.state {
                    *next = now + Duration::from_secs(60);
                }
            }),
            Self::None
            | Self::ForgetsAtACrash
            | Self::CountsTwice
            | Self::TakesTheNeighboursAlong
            | Self::RestartsWhatRuns => {}
        }
        let mut decided = decide(memory, &input, &policy, now, rng);
        for decision in &mut decided.decisions {
            if self == Self::TakesTheNeighboursAlong {
                decision.call = Call::ConnectorAndTasks;
            }
            let of = decided.memory.connectors.get_mut(&decision.connector);
            if let (Self::CountsTwice, Some(of)) = (self, of) {
                of.units.values_mut().for_each(|unit| unit.attempts += 1);
            }
        }
        let runs = input.snapshot.and_then(|snapshot| {
            snapshot.connectors.iter().find(|c| c.instance.state == State::Running)
        });
        if let (Self::RestartsWhatRuns, Some(connector)) = (self, runs)
            && decided.report.hold.is_none()
        {
            decided.decisions.push(Decision {
                connector: connector.name.clone(),
                call: Call::ConnectorOnly,
                units: vec![None],
                reason: Reason::Attempt,
                dry_run: false,
            });
        }
        decided
    }
}

fn units(memory: &mut Memory) -> impl Iterator<Item = &mut Unit> {
    memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut())
}
