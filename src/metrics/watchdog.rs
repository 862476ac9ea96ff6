//! What the watchdog of one cluster finds and does.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::config::WatchdogMode;
use crate::watchdog::policy::{BreakerState, Hold};
use crate::watchdog::view::WatchdogView;

use super::family::Families;

/// One cluster's watchdog, ready to be written.
#[derive(Debug)]
pub(super) struct WatchdogCollector {
    pub(super) view: Arc<WatchdogView>,
}

const OUTCOMES: [&str; 3] = ["recovered", "failed", "rejected"];
const PHASES_HEALTHY: &str = "recovered";

impl Collector for WatchdogCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families { encoder };
        let view = &*self.view;
        let cluster = ("connect_cluster", &*view.cluster);
        families.gauge("connect_warden_mode", "1 for the watchdog's mode.", |f| {
            WatchdogMode::ALL.into_iter().try_for_each(|mode| {
                f.gauge([cluster, ("mode", mode.as_str())], u64::from(mode == view.mode))
            })
        })?;
        families.gauge(
            "connect_warden_hold",
            "1 while nothing is restarted in the whole cluster, for this reason.",
            |f| {
                Hold::ALL.into_iter().try_for_each(|hold| {
                    let on = view.report.hold == Some(hold);
                    f.gauge([cluster, ("reason", hold.as_str())], on.into())
                })
            },
        )?;
        families.write(
            "connect_warden_restart_attempts",
            "Restarts decided: sent in mode on, only said in dry-run.",
            MetricType::Counter,
            |f| {
                view.attempts.iter().try_for_each(|((connector, scope, class), count)| {
                    let labels = [
                        cluster,
                        ("connector", &**connector),
                        ("scope", scope),
                        ("failure_class", class.as_str()),
                    ];
                    f.counter(&labels, *count)
                })
            },
        )?;
        families.write(
            "connect_warden_restart_outcomes",
            "What became of restarts: recovered and failed as later polls told, rejected when they were sent.",
            MetricType::Counter,
            |f| {
                OUTCOMES.into_iter().try_for_each(|outcome| {
                    let count = view.outcomes.get(outcome).copied().unwrap_or_default();
                    f.counter(&[cluster, ("outcome", outcome)], count)
                })
            },
        )?;
        families.gauge(
            "connect_warden_unit_phase",
            "1 for the phase of a task, or with an empty task of the connector's own instance, that is not healthy.",
            |f| {
                let units = view.report.units.iter().filter(|unit| unit.phase != PHASES_HEALTHY);
                units.into_iter().try_for_each(|unit| {
                    let task = unit.task.map(|task| task.to_string()).unwrap_or_default();
                    let labels = [
                        cluster,
                        ("connector", &*unit.connector),
                        ("task", &task),
                        ("phase", unit.phase),
                    ];
                    f.gauge(labels, 1)
                })
            },
        )?;
        families.gauge(
            "connect_warden_next_attempt_timestamp_seconds",
            "When a unit that waits is due; a breaker, a budget or a hold may put it off.",
            |f| {
                view.report.units.iter().try_for_each(|unit| {
                    let Some(next) = unit.next else { return Ok(()) };
                    let task = unit.task.map(|task| task.to_string()).unwrap_or_default();
                    let labels =
                        [cluster, ("connector", &*unit.connector), ("task", task.as_str())];
                    f.encoder.encode_family(&labels)?.encode_gauge(&next.as_secs_f64())
                })
            },
        )?;
        families.gauge(
            "connect_warden_breakers",
            "Breakers that are not closed, by state.",
            |f| {
                let all = view.memory.breakers.values();
                let open = all.filter(|b| matches!(b.state, BreakerState::Open { .. })).count();
                let releasing = view.memory.breakers.len() - open;
                f.gauge([cluster, ("state", "open")], open as u64)?;
                f.gauge([cluster, ("state", "releasing")], releasing as u64)
            },
        )?;
        families.write(
            "connect_warden_recoveries",
            "Units that ran again and were verified.",
            MetricType::Counter,
            |f| f.counter(&[cluster], view.recoveries.0),
        )?;
        families.write(
            "connect_warden_recovery_seconds",
            "The sum of times from first FAILED to verified.",
            MetricType::Counter,
            |f| {
                f.encoder
                    .encode_family(&[cluster])?
                    .encode_counter::<[(&str, &str); 0], f64, u64>(&view.recoveries.1, None)
            },
        )?;
        families.write(
            "connect_warden_journal_failures",
            "Writes to the journal that failed; nothing is restarted without one.",
            MetricType::Counter,
            |f| f.counter(&[cluster], view.journal_failures),
        )
    }
}
