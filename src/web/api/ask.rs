//! A question that is only read for: what is known at its moment, and what is asked.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;

use crate::observe::snapshot::Connector;
use crate::watchdog::office::Office;
use crate::watchdog::policy::Time;

use super::super::details::ConnectorDetails;
use super::super::facts::Known;
use super::parameter::{Parameter, Query};
use super::problem::Problem;

/// What a handler may look at.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) known: Vec<Known>,
    pub(super) office: Arc<Office>,
    /// What stands in the path in place of `{...}`, decoded.
    pub(super) names: Vec<String>,
    /// What stands behind the `?`.
    pub(super) query: String,
    /// What was fetched, for who asks for one connector.
    pub(super) details: Option<Arc<ConnectorDetails>>,
}

impl Ask {
    pub(super) fn query(&self, table: &[&'static Parameter]) -> Result<Query, Problem> {
        Query::read(&self.query, table, &self.clusters())
    }

    pub(super) fn clusters(&self) -> Vec<Arc<str>> {
        self.known.iter().map(|known| Arc::clone(&known.view.cluster)).collect()
    }

    pub(super) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// The cluster that the path names, or a query.
    pub(super) fn cluster(&self, name: &str) -> Result<&Known, Problem> {
        cluster(&self.known, name)
    }

    /// Those that are wanted: the one in the path, the one in the query, or all.
    pub(super) fn wanted(&self, query: &Query) -> Result<Cow<'_, [Known]>, Problem> {
        match (self.names.first(), query.text("cluster")) {
            (Some(name), _) => Ok(Cow::Owned(vec![self.cluster(name)?.clone()])),
            (None, Some(name)) => Ok(Cow::Owned(vec![self.cluster(name)?.clone()])),
            (None, None) => Ok(Cow::Borrowed(&self.known)),
        }
    }
}

/// The cluster of this name, or what to say where there is none.
pub(in super::super) fn cluster<'k>(known: &'k [Known], name: &str) -> Result<&'k Known, Problem> {
    let all = || known.iter().map(|known| &*known.view.cluster);
    known
        .iter()
        .find(|known| &*known.view.cluster == name)
        .ok_or_else(|| Problem::unknown("cluster", name, all()).choices(all()))
}

/// The connector of this name, or what to say where there is none.
pub(in super::super) fn connector<'k>(
    known: &'k Known,
    name: &str,
) -> Result<&'k Connector, Problem> {
    let cluster = &known.view.cluster;
    if let Some(connector) = known.connector(name) {
        return Ok(connector);
    }
    if known.view.snapshot.is_none() {
        let trouble = known.view.poll.failure.as_ref().map_or("it was not polled yet", |f| &f.1);
        let said = format!("what is in cluster {cluster:?} is not known now: {trouble}");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, said));
    }
    let what = format!("connector in cluster {cluster:?} was in the last poll with the name");
    Err(Problem::unknown(&what, name, known.connectors().iter().map(|other| &*other.name)))
}

/// Since 1970.
pub(in super::super) fn now() -> Time {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}
