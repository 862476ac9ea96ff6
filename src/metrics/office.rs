//! What the watchdogs of all clusters share.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::watchdog::office::Office;
use crate::watchdog::probe::{Reach, TargetCounts};

use super::family::Families;

/// Reads it when it is rendered.
#[derive(Debug)]
pub(super) struct OfficeCollector {
    pub(super) office: Arc<Office>,
}

impl Collector for OfficeCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families { encoder };
        let stopped = self.office.kill_switch.was_on();
        families.gauge(
            "connect_warden_kill_switch",
            "1 while the kill switch is on and nothing is restarted.",
            |f| f.gauge([], stopped.into()),
        )?;
        families.write(
            "connect_warden_audit_failures",
            "Lines that could not be written to the audit log.",
            MetricType::Counter,
            |f| f.only_counter(self.office.audit.audit_failures()),
        )?;
        let Some(prober) = &self.office.prober else { return Ok(()) };
        let counts = prober.counts().targets;
        families.write(
            "connect_warden_probes",
            "Probes of dependencies, by what they found.",
            MetricType::Counter,
            |f| {
                counts.iter().try_for_each(|of: &TargetCounts| {
                    Reach::ALL.into_iter().zip(of.results).try_for_each(|(reach, count)| {
                        let labels = [("target", &*of.target), ("result", reach.as_str())];
                        f.counter(&labels, count)
                    })
                })
            },
        )?;
        families.gauge(
            "connect_warden_probe_reachable",
            "1 if the last probe of a dependency reached it.",
            |f| {
                counts.iter().try_for_each(|of| {
                    let Some((reach, _)) = of.last else { return Ok(()) };
                    f.gauge([("target", &*of.target)], (reach == Reach::Reachable).into())
                })
            },
        )
    }
}
