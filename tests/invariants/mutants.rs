//! Policies that break a rule.

use std::borrow::Cow;
use std::time::Duration;

use connect_warden::config::{FailureClass, WatchdogMode};
use connect_warden::connect::model::State;
use connect_warden::observe::snapshot::Task;
use connect_warden::watchdog::policy::{
    BreakerState, Call, Decided, Decision, Input, Limits, Memory, Phase, Policy, Reason, Unit,
    decide,
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
    IgnoresWindows,
    ActsWithoutItsJournal,
    RestartsWhatIsPaused,
    TriesCredentialsAgain,
    HurriesWithData,
    IgnoresTheProcessBudget,
    ActsInDryRun,
    TriesWhatNeverHelps,
    ReleasesTwice,
    DecidesAgain,
    LearnsFromAnInvalidPoll,
    IgnoresStandDowns,
}

impl Mutant {
    pub(crate) const ALL: [Self; 29] = [
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
        Self::IgnoresWindows,
        Self::ActsWithoutItsJournal,
        Self::RestartsWhatIsPaused,
        Self::TriesCredentialsAgain,
        Self::HurriesWithData,
        Self::IgnoresTheProcessBudget,
        Self::ActsInDryRun,
        Self::TriesWhatNeverHelps,
        Self::ReleasesTwice,
        Self::DecidesAgain,
        Self::LearnsFromAnInvalidPoll,
        Self::IgnoresStandDowns,
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
            Self::HasNoBudget => &["over a budget"],
            Self::SendsManyCanaries => &["canary"],
            Self::TakesTheNeighboursAlong => &["neighbour"],
            Self::RestartsWhatRuns => &["not FAILED"],
            Self::IgnoresSilences => &["in a silence"],
            Self::HasNoGrace => &["Believed: too soon"],
            Self::ReleasesAtOnce => &["slow start"],
            Self::StarvesABreaker => &["waits for ever"],
            Self::IgnoresWindows => &["in a window"],
            Self::ActsWithoutItsJournal => &["JournalLost"],
            Self::RestartsWhatIsPaused => &["an operator holds it"],
            Self::TriesCredentialsAgain => &["credentials tried again"],
            Self::HurriesWithData => &["DATA is given"],
            Self::IgnoresTheProcessBudget => &["the process's budget"],
            Self::ActsInDryRun => &["the rule's mode"],
            Self::TriesWhatNeverHelps => &["never restarted"],
            Self::ReleasesTwice => &["released twice"],
            Self::DecidesAgain => &["decided again"],
            Self::LearnsFromAnInvalidPoll => &["an invalid poll changed"],
            Self::IgnoresStandDowns => &["left to somebody else"],
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
        let (mut input, mut policy) = (*input, Cow::Borrowed(policy));
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
            Self::IgnoresWindows => input.shut = &[],
            Self::ActsWithoutItsJournal => input.journal_lost = false,
            Self::IgnoresTheProcessBudget => input.process_left = u32::MAX,
            Self::TriesCredentialsAgain => {
                limits(policy.to_mut(), |limits| limits.auth_spacing = Duration::ZERO);
            }
            Self::HurriesWithData => {
                limits(policy.to_mut(), |limits| limits.data_delay = Duration::ZERO);
            }
            Self::ActsInDryRun => {
                policy.to_mut().rules.iter_mut().for_each(|rule| rule.mode = WatchdogMode::On);
            }
            Self::TriesWhatNeverHelps => limits(policy.to_mut(), |limits| {
                (limits.attempts.offset_lost, limits.attempts.install) = (1, 1);
            }),
            Self::LearnsFromAnInvalidPoll => {
                if input.snapshot.is_none() {
                    units(&mut memory).for_each(|unit| unit.is_failed = false);
                }
            }
            Self::IgnoresStandDowns => {
                // It stands down soon, and does not keep to it.
                policy.to_mut().limits.foreign_restarts = 1;
                memory.connectors.values_mut().for_each(|of| of.stood_down_until = None);
            }
            Self::None
            | Self::RestartsWhatIsPaused
            | Self::ReleasesTwice
            | Self::DecidesAgain
            | Self::ForgetsAtACrash
            | Self::CountsTwice
            | Self::TakesTheNeighboursAlong
            | Self::RestartsWhatRuns => {}
        }
        let mut decided = decide(memory, &input, &policy, now, rng);
        for decision in &mut decided.decisions {
            if self == Self::DecidesAgain
                && let Some(of) = decided.memory.connectors.get_mut(&decision.connector)
            {
                for task in &decision.units {
                    if let Some(unit) = of.units.get_mut(task) {
                        unit.phase = Phase::BackingOff { next: now };
                    }
                }
            }
            if self == Self::TakesTheNeighboursAlong {
                decision.call = Call::ConnectorAndTasks;
            }
            let of = decided.memory.connectors.get_mut(&decision.connector);
            if let (Self::CountsTwice, Some(of)) = (self, of) {
                of.units.values_mut().for_each(|unit| unit.attempts += 1);
            }
        }
        let of = input.snapshot.into_iter().flat_map(|snapshot| &snapshot.connectors);
        let mut of = of.filter(|_| decided.report.hold.is_none());
        if self == Self::ReleasesTwice && decided.report.hold.is_none() {
            decided.decisions.extend(released_again(&decided.memory));
        }
        let wrong = if self == Self::RestartsWhatRuns {
            of.find(|connector| connector.instance.state == State::Running)
                .map(|connector| (connector, Call::ConnectorOnly, None))
        } else if self == Self::RestartsWhatIsPaused {
            let paused = of.filter(|c| matches!(c.instance.state, State::Paused | State::Stopped));
            let failed = paused.flat_map(|connector| {
                let failed = |task: &&Task| task.instance.state == State::Failed;
                connector.tasks.iter().find(failed).map(|task| (connector, task.id))
            });
            failed.map(|(connector, id)| (connector, Call::Task(id), Some(id))).next()
        } else {
            None
        };
        decided.decisions.extend(wrong.map(|(connector, call, unit)| Decision {
            connector: connector.name.clone(),
            call,
            units: vec![unit],
            reason: Reason::Attempt,
            dry_run: false,
            at: Duration::ZERO,
            class: FailureClass::Unknown,
        }));
        decided
    }
}

/// One that was released and failed again.
fn released_again(memory: &Memory) -> Option<Decision> {
    let units = memory
        .connectors
        .iter()
        .flat_map(|(name, of)| of.units.iter().map(move |(task, unit)| (name, *task, unit)));
    let mut failed = units.filter(|(_, _, unit)| {
        let breaker = memory.breakers.get(&unit.signature).map(|breaker| &breaker.state);
        matches!(breaker, Some(BreakerState::Releasing { since, .. }) if unit.restarts.back() > Some(since))
            && matches!(unit.phase, Phase::BackingOff { .. })
            && unit.is_failed
    });
    let (connector, task, unit) = failed.next()?;
    Some(Decision {
        connector: connector.clone(),
        call: task.map_or(Call::ConnectorOnly, Call::Task),
        units: vec![task],
        reason: Reason::Release,
        dry_run: unit.dry_run,
        at: Duration::ZERO,
        class: unit.class,
    })
}

fn limits(policy: &mut Policy, mut change: impl FnMut(&mut Limits)) {
    change(&mut policy.limits);
    policy.rules.iter_mut().for_each(|rule| change(&mut rule.limits));
}

fn units(memory: &mut Memory) -> impl Iterator<Item = &mut Unit> {
    memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut())
}
