//! What is FAILED.

use std::sync::Arc;

use super::super::facts::{FailureFacts, Moment};
use super::ask::Ask;
use super::filter::{
    CLASS, CLUSTER, CONTAINS, NAME, PHASE, SEVERITY, TYPE, WORKER, contains, wants_connector,
    wants_instance,
};
use super::paging::{CURSOR, Item, Key, LIMIT, Page, page};
use super::parameter::{Kind, Parameter};
use super::problem::Problem;

/// The worst first.
const USUAL: (&str, bool) = ("severity", true);

static SORT: Parameter = Parameter {
    name: "sort",
    says: "By what; `-severity`, the worst first, where nothing is said.",
    kind: Kind::Sort(&["severity", "since", "connector", "class", "next_attempt"]),
};
pub(super) static FAILURES: [&Parameter; 11] =
    [&CLUSTER, &NAME, &CONTAINS, &TYPE, &CLASS, &WORKER, &SEVERITY, &PHASE, &SORT, &LIMIT, &CURSOR];

pub(super) fn failures(ask: &Ask) -> Result<Page<FailureFacts>, Problem> {
    let query = ask.query(&FAILURES)?;
    let (by, _) = query.sort().unwrap_or(USUAL);
    let mut items = Vec::new();
    for known in &*ask.wanted(&query)? {
        for (name, task, instance) in known.failed() {
            let wanted = known.connector(name).is_some_and(|of| wants_connector(&query, of))
                && wants_instance(&query, known, name, task, instance);
            let Some(facts) = wanted
                .then(|| FailureFacts::of(known, name, task, instance))
                .flatten()
                .filter(|facts| {
                    query.wants(SEVERITY.name, facts.severity.as_str())
                        && contains(&query, &[name, &facts.exception, &facts.cause])
                })
            else {
                continue;
            };
            let next = facts.watchdog.as_ref().and_then(|unit| unit.next_attempt);
            items.push(Item {
                key: match by {
                    "since" => Key::Number(facts.since.map_or(0, Moment::unix_seconds)),
                    "connector" => Key::Text(Arc::clone(name)),
                    "class" => Key::Text(facts.failure_class.as_str().into()),
                    // What is not tried again comes behind what is.
                    "next_attempt" => Key::Number(next.map_or(u64::MAX, Moment::unix_seconds)),
                    _ => Key::Number(facts.severity as u64),
                },
                identity: (Arc::clone(&facts.cluster), Arc::clone(name), task),
                value: facts,
            });
        }
    }
    page(items, &query, USUAL)
}
