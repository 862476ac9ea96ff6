//! The last lines of the audit log.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::watchdog::audit::{AuditLine, MAX_RECENT};

use super::ask::Ask;
use super::filter::CLUSTER;
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

const USUAL: u64 = 100;

static CONNECTOR: Parameter = Parameter {
    name: "connector",
    says: "Only of the connector of this name; it may be gone by now.",
    kind: Kind::Text,
};
static LIMIT: Parameter = Parameter {
    name: "limit",
    says: "How many lines at most; 100 where nothing is said.",
    kind: Kind::Limit(MAX_RECENT as u64),
};
pub(super) static AUDIT: [&Parameter; 3] = [&CLUSTER, &CONNECTOR, &LIMIT];

/// What was seen, decided, done and ordered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Audited {
    /// The newest first.
    pub lines: Vec<Arc<AuditLine>>,
}

pub(super) fn audit(ask: &Ask) -> Result<Audited, Problem> {
    let query = ask.query(&AUDIT)?;
    let limit = usize::try_from(query.number(LIMIT.name).unwrap_or(USUAL)).unwrap_or(MAX_RECENT);
    let (cluster, connector) = (query.text(CLUSTER.name), query.text(CONNECTOR.name));
    Ok(Audited { lines: ask.office.audit.recent(cluster, connector, limit) })
}
