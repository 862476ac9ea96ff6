//! The watchdog's lines in the log, a bounded number of them a look: an outage is one event, not
//! thousands; `/api/v1/plan` and the audit log have all of it.

use std::sync::Arc;

use super::executor::Carried;
use super::explain::{cleared_words, reason_words};
use super::policy::{
    Acknowledged, BreakerChange, Change, Decision, Hold, Outcome, Reason, UnitId, UnitReport,
};
use super::said::Said;

/// Lines of one look; the rest is counted.
const MAX_LINES: usize = 20;

#[derive(Debug)]
pub(super) struct Log {
    cluster: Arc<str>,
    lines: usize,
}

impl Log {
    pub(super) fn new(cluster: Arc<str>) -> Self {
        Self { cluster, lines: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.lines = 0;
    }

    pub(super) fn end(&self) {
        let more = self.lines.saturating_sub(MAX_LINES);
        if more > 0 {
            tracing::info!(
                cluster = &*self.cluster,
                more,
                "and more; /api/v1/plan and the audit log have them all"
            );
        }
    }

    fn has_room(&mut self) -> bool {
        self.lines += 1;
        self.lines <= MAX_LINES
    }

    pub(super) fn kill_switch(&self, because: Option<&str>) {
        let cluster = &*self.cluster;
        match because {
            Some(because) => tracing::warn!(cluster, because, "stopped: nothing is restarted"),
            None => tracing::info!(cluster, "no longer stopped"),
        }
    }

    pub(super) fn acknowledged(&self, order: &Acknowledged, by: &str, forgotten: usize) {
        let (cluster, connector, task) = (&*self.cluster, &*order.connector, order.task);
        if forgotten > 0 {
            tracing::info!(
                cluster,
                connector,
                task,
                by,
                units = forgotten,
                "acknowledged: what was tried is forgotten"
            );
        } else {
            tracing::warn!(
                cluster,
                connector,
                task,
                by,
                "acknowledged, but there is no such unit with a failure: is it the right name?"
            );
        }
    }

    pub(super) fn hold(&self, before: Option<Hold>, after: Option<(Hold, &str)>) {
        let cluster = &*self.cluster;
        match (before.map(Hold::as_str), after) {
            (_, Some((hold, because))) => {
                let hold = hold.as_str();
                tracing::info!(cluster, hold, because, "nothing is restarted for now");
            }
            (hold, None) => tracing::info!(cluster, hold, "restarts are possible again"),
        }
    }

    pub(super) fn caution(&self, on: bool) {
        let cluster = &*self.cluster;
        if on {
            tracing::warn!(cluster, "restarts come to nothing: one at a time from now on");
        } else {
            tracing::info!(cluster, "restarts help again");
        }
    }

    pub(super) fn breaker(&self, signature: &str, change: BreakerChange, units: usize) {
        let cluster = &*self.cluster;
        match change {
            BreakerChange::Opened => tracing::warn!(
                cluster,
                signature,
                units,
                "breaker opened: many fail of one cause, only a canary is restarted"
            ),
            BreakerChange::Proven => {
                tracing::info!(cluster, signature, units, "a canary runs: the others follow");
            }
            BreakerChange::Reopened => tracing::warn!(
                cluster,
                signature,
                units,
                "breaker opened again: those that followed the canary failed"
            ),
            BreakerChange::Closed => tracing::info!(cluster, signature, "breaker closed"),
            BreakerChange::Exhausted => tracing::warn!(
                cluster,
                signature,
                units,
                "no canary helped: its units go on each for itself"
            ),
        }
    }

    pub(super) fn decided(&mut self, decision: &Decision, unit: &UnitReport) {
        if !self.has_room() {
            return;
        }
        // Canaries and probes are no attempts of the unit's own.
        let counts = matches!(decision.reason, Reason::Attempt | Reason::Release);
        let said = if decision.dry_run { "would restart" } else { "restarting" };
        tracing::info!(
            cluster = &*self.cluster,
            connector = &*decision.connector,
            task = unit.task,
            units = decision.units.len(),
            call = decision.call.path(&decision.connector),
            because = reason_words(decision.reason),
            class = unit.class.as_str(),
            attempt = counts.then_some(unit.attempts),
            of = counts.then_some(unit.attempts_most),
            "{said}"
        );
    }

    pub(super) fn carried(&self, decision: &Decision, carried: &Carried) {
        let cluster = &*self.cluster;
        let connector = &*decision.connector;
        let task = decision.units.first().copied().flatten();
        let (units, status) = (decision.units.len(), carried.status);
        let (answer, words) = (carried.said.as_str(), carried.said.words());
        let because = Some(&*carried.because).filter(|_| carried.said != Said::Accepted);
        match carried.said {
            // As it should be.
            Said::Accepted | Said::NotFailed | Said::NotSent => {
                tracing::info!(cluster, connector, task, units, status, answer, because, "{words}");
            }
            Said::Rebalance
            | Said::Gone
            | Said::NoRights
            | Said::NoConnection
            | Said::Starting
            | Said::Unavailable
            | Said::Redirected
            | Said::Rejected
            | Said::TimedOut
            | Said::BrokenOff
            | Said::ServerError
            | Said::NotUnderstood
            | Said::Unsupported
            | Said::NotAddressable
            | Said::StatusNotRead => {
                tracing::warn!(cluster, connector, task, units, status, answer, because, "{words}");
            }
        }
    }

    pub(super) fn changed(
        &mut self,
        (connector, task): &UnitId,
        change: Change,
        unit: Option<&UnitReport>,
        acted: bool,
    ) {
        if matches!(change, Change::Believed) || !self.has_room() {
            return;
        }
        let (cluster, connector, task) = (&*self.cluster, &**connector, *task);
        let class = unit.map(|unit| unit.class.as_str());
        // Canaries and probes are no attempts of the unit's own.
        let counts = match change {
            Change::Outcome(reason, _) => matches!(reason, Reason::Attempt | Reason::Release),
            Change::Believed
            | Change::Parked
            | Change::GivenUp
            | Change::Stuck
            | Change::Flapping
            | Change::Foreign
            | Change::StoodDown
            | Change::Cleared(_) => true,
        };
        let attempts = unit.filter(|_| counts).map(|unit| unit.attempts);
        let mode = unit.map(|unit| unit.mode.as_str());
        match change {
            Change::Believed => {}
            Change::Outcome(_, outcome) if !acted => {
                let outcome = outcome.as_str();
                tracing::debug!(
                    cluster,
                    connector,
                    task,
                    outcome,
                    "what would be a restart's outcome"
                );
            }
            Change::Outcome(reason, Outcome::Recovered) => {
                let reason = reason.as_str();
                tracing::info!(
                    cluster,
                    connector,
                    task,
                    reason,
                    attempts,
                    "recovered: it runs, verified"
                );
            }
            Change::Outcome(reason, Outcome::Failed) => {
                tracing::warn!(
                    cluster,
                    connector,
                    task,
                    class,
                    reason = reason.as_str(),
                    attempts,
                    "the restart did not help"
                );
            }
            Change::Outcome(_, Outcome::Unverified) => tracing::warn!(
                cluster,
                connector,
                task,
                "it runs again, but its offsets stand still"
            ),
            Change::Parked => tracing::warn!(
                cluster,
                connector,
                task,
                class,
                mode,
                attempts,
                "parked: attempts are used up, it is tried now and then"
            ),
            Change::GivenUp => tracing::warn!(
                cluster,
                connector,
                task,
                class,
                mode,
                attempts,
                "given up: a person has to look at it"
            ),
            Change::Stuck => tracing::warn!(
                cluster,
                connector,
                task,
                "stuck: neither RUNNING nor FAILED since the restart, which is not repeated"
            ),
            Change::Flapping => {
                tracing::warn!(cluster, connector, task, "it is restarted again and again");
            }
            Change::Foreign => {
                tracing::info!(cluster, connector, task, "it runs again, by somebody else's doing");
            }
            Change::StoodDown => {
                tracing::warn!(cluster, connector, "left alone: somebody else restarts it");
            }
            Change::Cleared(because) => {
                let because = cleared_words(because);
                tracing::info!(cluster, connector, task, because, "forgotten: it begins afresh");
            }
        }
    }
}
