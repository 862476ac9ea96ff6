//! What the watchdog of one cluster finds and does.

use std::collections::BTreeSet;
use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::config::WatchdogMode;
use crate::watchdog::policy::{BreakerState, Hold, UnitReport, Why};
use crate::watchdog::view::{DRY_RUN, Kind, Restarts, WatchdogView};

use super::family::{Families, Family};

/// One cluster's watchdog, ready to be written.
#[derive(Debug)]
pub(super) struct WatchdogCollector {
    pub(super) view: Arc<WatchdogView>,
}

const BREAKER_STATES: [&str; 4] = ["closed", "cautious", "open", "releasing"];
/// Of units that are not healthy, beside `recovered`, which is healthy and watched.
const HEALTHY: &str = "recovered";

impl Collector for WatchdogCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families { encoder };
        self.whole_cluster(families)?;
        self.restarts(families)?;
        self.units(families)?;
        self.breakers(families)?;
        self.journal(families)
    }
}

impl WatchdogCollector {
    fn cluster(&self) -> (&'static str, &str) {
        ("connect_cluster", &*self.view.cluster)
    }

    fn whole_cluster(&self, families: &mut Families<'_>) -> Result<(), Error> {
        mode(families, self.cluster(), self.view.mode)?;
        families.gauge(
            "connect_warden_hold",
            "1 while nothing is restarted in the whole cluster, for this reason.",
            |f| {
                Hold::ALL.into_iter().try_for_each(|hold| {
                    let on = self.view.report.hold == Some(hold);
                    f.gauge([self.cluster(), ("reason", hold.as_str())], on.into())
                })
            },
        )
    }

    fn restarts(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let counts = &self.view.counts;
        let by_kind = |f: &mut Family<'_>, of: &dyn Fn(&Restarts) -> u64| {
            counts
                .restarts
                .iter()
                .try_for_each(|(kind, restarts)| f.counter(&self.labels(kind), of(restarts)))
        };
        families.write(
            "connect_warden_restart_attempts",
            "Restarts that were sent.",
            MetricType::Counter,
            |f| by_kind(f, &|restarts| restarts.sent),
        )?;
        families.write(
            "connect_warden_restarts_would_be_sent",
            "Restarts that dry-run only said.",
            MetricType::Counter,
            |f| by_kind(f, &|restarts| restarts.only_said),
        )?;
        families.write(
            "connect_warden_restart_outcomes",
            "What became of restarts: recovered, failed and unverified as later polls told, rejected when they were sent.",
            MetricType::Counter,
            |f| {
                counts.restarts.iter().try_for_each(|(kind, restarts)| {
                    let [cluster, connector, scope, class] = self.labels(kind);
                    Restarts::OUTCOMES.iter().zip(restarts.outcomes).try_for_each(
                        |(outcome, count)| {
                            let outcome = ("outcome", *outcome);
                            f.counter(&[cluster, connector, scope, class, outcome], count)
                        },
                    )
                })
            },
        )?;
        families.write(
            "connect_warden_restarts_skipped",
            "Looks at which a FAILED unit was not restarted, by why.",
            MetricType::Counter,
            |f| {
                counts.skipped.iter().try_for_each(|(why, count)| {
                    f.counter(&[self.cluster(), ("reason", why)], *count)
                })
            },
        )?;
        families.write(
            "connect_warden_recovery_seconds",
            "From first FAILED to verified, of what the watchdog restarted.",
            MetricType::Histogram,
            |f| f.histogram(&[self.cluster()], &counts.recovery),
        )
    }

    fn labels<'k>(&'k self, kind: &'k Kind) -> [(&'static str, &'k str); 4] {
        [
            self.cluster(),
            ("connector", &*kind.connector),
            ("scope", kind.scope.as_str()),
            ("failure_class", kind.class.as_str()),
        ]
    }

    fn units(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let units = || self.view.report.units.iter();
        let task = |unit: &UnitReport| unit.task.map(|task| task.to_string()).unwrap_or_default();
        families.gauge(
            "connect_warden_unit_phase",
            "1 for the phase of a task, or with an empty task of the connector's own instance, that is not healthy.",
            |f| {
                units().filter(|unit| unit.phase != HEALTHY).try_for_each(|unit| {
                    let connector = ("connector", &*unit.connector);
                    let (task, phase) = (task(unit), ("phase", unit.phase));
                    f.gauge([self.cluster(), connector, ("task", &task), phase], 1)
                })
            },
        )?;
        families.gauge(
            "connect_warden_unit_held",
            "1 while a unit that is not healthy is kept from restarts: by a hold, a rule or a limit, or since dry-run only says them.",
            |f| {
                for unit in units().filter(|unit| unit.phase != HEALTHY) {
                    let task = task(unit);
                    let held = unit.held_by().map(Why::as_str);
                    let said = (unit.mode == WatchdogMode::DryRun).then_some(DRY_RUN);
                    for reason in held.into_iter().chain(said) {
                        let connector = ("connector", &*unit.connector);
                        f.gauge(
                            [self.cluster(), connector, ("task", &*task), ("reason", reason)],
                            1,
                        )?;
                    }
                }
                Ok(())
            },
        )?;
        families.gauge(
            "connect_warden_next_attempt_timestamp_seconds",
            "When a unit that waits is due; a budget or a hold may put it off.",
            |f| {
                units().try_for_each(|unit| {
                    let Some(next) = unit.next else { return Ok(()) };
                    let task = task(unit);
                    let labels =
                        [self.cluster(), ("connector", &*unit.connector), ("task", &*task)];
                    f.encoder.encode_family(&labels)?.encode_gauge(&next.as_secs_f64())
                })
            },
        )?;
        families.gauge(
            "connect_warden_stood_down",
            "1 for a connector that is left alone since somebody else restarts it.",
            |f| {
                self.view.stood_down.keys().try_for_each(|connector| {
                    f.gauge([self.cluster(), ("connector", connector)], 1)
                })
            },
        )
    }

    fn breakers(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let breakers = &self.view.breakers;
        let states: BTreeSet<_> = breakers.values().map(|breaker| word(&breaker.state)).collect();
        let cautious = self.view.cautious;
        families.gauge(
            "connect_warden_breaker_state",
            "1 for the states that breakers of the cluster are in; cautious: restarts come to nothing, and one at a time is made.",
            |f| {
                BREAKER_STATES.into_iter().try_for_each(|state| {
                    let on = match state {
                        "closed" => states.is_empty() && !cautious,
                        "cautious" => cautious,
                        _ => states.contains(state),
                    };
                    f.gauge([self.cluster(), ("state", state)], on.into())
                })
            },
        )?;
        families.gauge(
            "connect_warden_breakers",
            "Breakers that are not closed, by state.",
            |f| {
                ["open", "releasing"].into_iter().try_for_each(|state| {
                    let in_state = breakers.values().filter(|b| word(&b.state) == state);
                    f.gauge([self.cluster(), ("state", state)], in_state.count() as u64)
                })
            },
        )?;
        families.write(
            "connect_warden_breakers_opened",
            "Breakers that opened.",
            MetricType::Counter,
            |f| f.counter(&[self.cluster()], self.view.counts.breakers_opened),
        )?;
        families.gauge(
            "connect_warden_budget_remaining",
            "Restarts that the cluster's budget still has.",
            |f| {
                let labels = [self.cluster()];
                f.encoder.encode_family(&labels)?.encode_gauge(&self.view.budget_left)
            },
        )
    }

    fn journal(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let journal = self.view.journal;
        families.write(
            "connect_warden_journal_failures",
            "Reads and writes of the journal that failed; nothing is restarted without one.",
            MetricType::Counter,
            |f| f.counter(&[self.cluster()], journal.failures),
        )?;
        families.gauge(
            "connect_warden_journal_lost",
            "1 while nothing is restarted since what was done before is not known.",
            |f| f.gauge([self.cluster()], (journal.lost || journal.broken).into()),
        )
    }
}

/// A cluster whose watchdog is off: there is nothing to say but that.
#[derive(Debug)]
pub(super) struct OffCollector {
    pub(super) cluster: Arc<str>,
}

impl Collector for OffCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families { encoder };
        mode(families, ("connect_cluster", &*self.cluster), WatchdogMode::Off)
    }
}

fn mode(
    families: &mut Families<'_>,
    cluster: (&'static str, &str),
    current: WatchdogMode,
) -> Result<(), Error> {
    families.gauge("connect_warden_mode", "1 for the watchdog's mode.", |f| {
        WatchdogMode::ALL.into_iter().try_for_each(|mode| {
            f.gauge([cluster, ("mode", mode.as_str())], u64::from(mode == current))
        })
    })
}

const fn word(state: &BreakerState) -> &'static str {
    match state {
        BreakerState::Open { .. } => "open",
        BreakerState::Releasing { .. } => "releasing",
    }
}
