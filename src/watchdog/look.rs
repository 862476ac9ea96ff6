//! One look, as it is told of.

use std::sync::Arc;

use crate::observe::snapshot::{Failure, Snapshot};

use super::audit::{AuditEvent, AuditLine, trace_hash};
use super::policy::{Report, Time, UnitId, UnitReport};

pub(super) fn key(unit: &UnitReport) -> (&str, Option<u32>) {
    (&unit.connector, unit.task)
}

/// One look that is told of.
pub(super) struct Look<'l> {
    pub(super) report: &'l Report,
    pub(super) snapshot: Option<&'l Snapshot>,
    pub(super) now: Time,
}

impl<'l> Look<'l> {
    pub(super) fn unit(&self, id: &UnitId) -> Option<&'l UnitReport> {
        let units = &self.report.units;
        let at = units.binary_search_by(|unit| key(unit).cmp(&(&*id.0, id.1))).ok()?;
        units.get(at)
    }

    fn failure(&self, unit: &UnitReport) -> Option<&'l Failure> {
        let connectors = &self.snapshot?.connectors;
        let at = connectors.binary_search_by(|c| c.name.cmp(&unit.connector)).ok()?;
        let connector = connectors.get(at)?;
        let instance = match unit.task {
            None => &connector.instance,
            Some(id) => &connector.tasks.iter().find(|task| task.id == id)?.instance,
        };
        instance.failure.as_deref()
    }

    pub(super) fn waiting(&self, signature: &str) -> usize {
        let units = self.report.units.iter();
        units.filter(|unit| *unit.signature == *signature && unit.next.is_some()).count()
    }

    pub(super) fn line(
        &self,
        cluster: &Arc<str>,
        unit: &UnitReport,
        event: AuditEvent,
    ) -> AuditLine {
        let failure = self.failure(unit);
        AuditLine {
            connector: Some(Arc::clone(&unit.connector)),
            task: unit.task,
            failure_class: Some(unit.class),
            signature: Some(Arc::clone(&unit.signature)),
            exception: failure.map(|failure| Arc::clone(&failure.exception)),
            trace_hash: failure.map(|failure| trace_hash(&failure.trace).into()),
            attempt: Some(unit.attempts),
            attempts_most: Some(unit.attempts_most),
            mode: Some(unit.mode.as_str().into()),
            rule: unit.rule.as_ref().map(|rule| rule.to_string().into()),
            next_attempt: unit.next,
            ..AuditLine::new(self.now, Arc::clone(cluster), event)
        }
    }
}
