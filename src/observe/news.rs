//! What changed between two polls, for the log: what failed and why, what runs again.

use crate::connect::model::State;

use super::history::{History, Record};
use super::snapshot::{Instance, Snapshot};

/// Lines of one kind after one poll; the rest is counted. An outage is one event, not thousands.
const MAX_LINES: usize = 10;

/// One connector's or task's way into FAILED or out of it.
#[derive(Debug, PartialEq, Eq)]
struct News<'s> {
    connector: &'s str,
    task: Option<u32>,
    from: Option<State>,
    instance: &'s Instance,
}

/// Logs the differences, a bounded number of them.
pub(super) fn tell(cluster: &str, before: &History, snapshot: &Snapshot) {
    let (failed, recovered): (Vec<_>, Vec<_>) =
        news(before, snapshot).partition(|news| news.instance.state == State::Failed);
    for News { connector, task, from, instance } in failed.iter().take(MAX_LINES) {
        let failure = instance.failure.as_deref();
        tracing::warn!(
            cluster,
            connector,
            task,
            worker = &*instance.worker_id,
            before = from.map_or("not known", State::as_str),
            class = failure.map(|failure| failure.class.as_str()),
            exception = failure.map(|failure| &*failure.exception),
            "failed"
        );
    }
    for News { connector, task, instance, .. } in recovered.iter().take(MAX_LINES) {
        let now = instance.state.as_str();
        tracing::info!(
            cluster,
            connector,
            task,
            worker = &*instance.worker_id,
            now,
            "no longer failed"
        );
    }
    let more = |all: &[News<'_>]| all.len().saturating_sub(MAX_LINES);
    if more(&failed) > 0 || more(&recovered) > 0 {
        let (failed, recovered) = (more(&failed), more(&recovered));
        tracing::warn!(cluster, failed, recovered, "and more; /metrics has them all");
    }
}

fn news<'s>(before: &'s History, snapshot: &'s Snapshot) -> impl Iterator<Item = News<'s>> {
    snapshot.connectors.iter().flat_map(move |connector| {
        let known = before.connectors.get(&connector.name);
        let own = std::iter::once((None, known.map(|known| &known.connector), &connector.instance));
        let tasks = connector.tasks.iter().map(move |task| {
            let record = known.and_then(|known| known.tasks.get(&task.id));
            (Some(task.id), record, &task.instance)
        });
        own.chain(tasks).filter_map(|(task, record, instance)| {
            let from = record.map(|record: &Record| record.state);
            let is_news = (instance.state == State::Failed) != (from == Some(State::Failed));
            is_news.then_some(News { connector: &connector.name, task, from, instance })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::failure::Classifier;
    use super::super::listing::{self, Listing, Selection};
    use super::*;

    fn snapshot(state: &str, task: &str) -> Snapshot {
        let body = format!(
            r#"{{"a":{{"status":{{"connector":{{"state":"{state}"}},"tasks":[{{"id":0,"state":"{task}"}}]}}}}}}"#
        );
        match listing::read(body.as_bytes(), &Selection::default(), &Classifier::default()).unwrap()
        {
            Listing::Expanded(snapshot) => snapshot,
            Listing::Names(_) => panic!("an object is no array"),
        }
    }

    #[test]
    fn into_failed_and_out_of_it_are_news_and_nothing_else_is() {
        let states = |before: &str, now: &str| {
            let history = History::default().after(&snapshot("RUNNING", before), SystemTime::now());
            let now = snapshot("RUNNING", now);
            let told: Vec<_> = news(&history, &now).map(|n| (n.task, n.instance.state)).collect();
            told
        };
        assert_eq!(states("RUNNING", "FAILED"), [(Some(0), State::Failed)]);
        assert_eq!(states("FAILED", "RUNNING"), [(Some(0), State::Running)]);
        for (before, now) in [("FAILED", "FAILED"), ("RUNNING", "PAUSED"), ("RUNNING", "RUNNING")] {
            assert_eq!(states(before, now), []);
        }
        let first = snapshot("RUNNING", "FAILED");
        assert_eq!(news(&History::default(), &first).count(), 1, "failed when first seen");
    }
}
