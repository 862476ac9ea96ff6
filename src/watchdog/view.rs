//! What the watchdog of one cluster found and did, for metrics, the plan and the page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{FailureClass, WatchdogMode};
use crate::observe::view::Histogram;

use super::policy::{Breaker, Call, Decision, Outcome, Report, Time, UnitId, UnitReport, Why};
use super::said::Said;

/// One cluster's watchdog at this moment.
#[derive(Clone, Debug, Default)]
pub struct WatchdogView {
    /// The value of the label `connect_cluster`.
    pub cluster: Arc<str>,
    /// Whether it acts.
    pub mode: WatchdogMode,
    /// When it looked last.
    pub looked: Time,
    /// What was found last, and why nothing more was done.
    pub report: Arc<Report>,
    /// Why nothing is done in the whole cluster, in words, where that is so.
    pub hold_because: Option<String>,
    /// What came of the last call for a unit, until the next is decided.
    pub calls: Arc<BTreeMap<UnitId, LastCall>>,
    /// Breakers that are not closed, by signature.
    pub breakers: Arc<BTreeMap<Arc<str>, Breaker>>,
    /// Whether restarts come to nothing, so that one at a time is made.
    pub cautious: bool,
    /// What is left of the cluster's budget.
    pub budget_left: f64,
    /// Connectors that are left to somebody else, and until when.
    pub stood_down: Arc<BTreeMap<Arc<str>, Time>>,
    /// What was counted.
    pub counts: Arc<Counts>,
    /// What the journal says.
    pub journal: JournalView,
    /// Why the kill switch is on, if it is.
    pub stopped_because: Option<String>,
}

impl WatchdogView {
    /// What came of the last call for this unit, until the next is decided.
    pub fn call(&self, unit: &UnitReport) -> Option<&LastCall> {
        self.calls.get(&(Arc::clone(&unit.connector), unit.task))
    }

    /// Whether everything that is told of units and of what holds them is as it was in `before`; that
    /// it looked again, counted or got back some of its budget is no news.
    pub fn tells_the_same(&self, before: &Self) -> bool {
        self.report == before.report
            && self.hold_because == before.hold_because
            && self.calls == before.calls
            && self.breakers == before.breakers
            && self.stood_down == before.stood_down
            && (self.mode, self.cautious) == (before.mode, before.cautious)
            && self.stopped_because == before.stopped_because
            && (self.journal.broken, self.journal.lost)
                == (before.journal.broken, before.journal.lost)
    }
}

/// A call that was made, or was not after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastCall {
    /// When that was known.
    pub at: Time,
    /// What came of it.
    pub said: Said,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
}

/// Which restarts are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The connector.
    pub connector: Arc<str>,
    /// What a call restarts: task, connector, or both.
    pub scope: Scope,
    /// Why they failed.
    pub class: FailureClass,
}

impl Kind {
    /// Of a restart, as it was decided.
    pub(super) fn of(decision: &Decision) -> Self {
        Self {
            connector: Arc::clone(&decision.connector),
            scope: decision.call.into(),
            class: decision.class,
        }
    }
}

/// What a call restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One task.
    Task,
    /// The connector's own instance.
    Connector,
    /// The connector's own instance and tasks.
    ConnectorAndTasks,
}

impl Scope {
    /// The word for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Connector => "connector",
            Self::ConnectorAndTasks => "connector_and_tasks",
        }
    }
}

impl From<Call> for Scope {
    fn from(call: Call) -> Self {
        match call {
            Call::Task(_) => Self::Task,
            Call::ConnectorOnly | Call::PlainConnector => Self::Connector,
            Call::ConnectorAndTasks => Self::ConnectorAndTasks,
        }
    }
}

/// What a watchdog counted since the process began.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Restarts, by what they were for.
    pub restarts: BTreeMap<Kind, Restarts>,
    /// Looks at which a FAILED unit was not restarted, by why; every reason is there.
    pub skipped: BTreeMap<&'static str, u64>,
    /// From first FAILED to verified, in seconds.
    pub recovery: Histogram,
    /// Breakers that opened.
    pub breakers_opened: u64,
}

/// Restarts of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restarts {
    /// POSTs that were sent.
    pub sent: u64,
    /// Those that dry-run only said.
    pub only_said: u64,
    /// What became of them, in the order of [`Restarts::OUTCOMES`].
    pub outcomes: [u64; Self::OUTCOMES.len()],
}

impl Restarts {
    /// Recovered, failed and unverified as later polls told; rejected when they were to be sent.
    pub const OUTCOMES: [&'static str; 4] = ["recovered", "failed", "unverified", "rejected"];
    /// The place of rejected.
    pub(super) const REJECTED: usize = 3;

    pub(super) const fn place(outcome: Outcome) -> usize {
        match outcome {
            Outcome::Recovered => 0,
            Outcome::Failed => 1,
            Outcome::Unverified => 2,
        }
    }
}

/// In whole seconds, from half a minute to a day.
const RECOVERY_BOUNDS: &[f64] =
    &[30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 43_200.0, 86_400.0];
/// Dry-run only says what it would do.
pub const DRY_RUN: &str = "dry_run";

impl Default for Counts {
    fn default() -> Self {
        let skips = Why::SKIPS.into_iter().map(Why::as_str).chain([DRY_RUN]);
        Self {
            restarts: BTreeMap::new(),
            skipped: skips.map(|why| (why, 0)).collect(),
            recovery: Histogram::new(RECOVERY_BOUNDS),
            breakers_opened: 0,
        }
    }
}

/// How the journal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalView {
    /// Reads and writes that failed.
    pub failures: u64,
    /// Whether the last read or write of it failed; never where none is wanted.
    pub broken: bool,
    /// Whether what was done before is not known, and nothing is done for a while.
    pub lost: bool,
    /// Whether that is since there never was one.
    pub is_first: bool,
}
