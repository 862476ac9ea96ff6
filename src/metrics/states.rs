//! What connectors and tasks are in, since when, and why: the families that are most of an
//! exposition.

use std::fmt::{Error, Write as _};
use std::time::UNIX_EPOCH;

use prometheus_client::metrics::MetricType;

use crate::config::StateSeries;
use crate::connect::model::State;
use crate::observe::history::Record;
use crate::observe::snapshot::{Connector, Instance};

use super::cluster::ClusterCollector;
use super::family::{Families, Family};

impl ClusterCollector {
    /// 1 for the current state; 0 for the others where they are wanted.
    fn shown(
        &self,
        states: &'static [State],
        current: State,
    ) -> impl Iterator<Item = (State, u64)> {
        let full = self.states == StateSeries::Full;
        let shown = states.iter().filter(move |state| full || **state == current);
        shown.map(move |state| (*state, u64::from(*state == current)))
    }

    pub(super) fn states(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        families.gauge(
            "kafka_connect_connector_state",
            "State of the connector's own instance: 1 for the current state.",
            |f| {
                for connector in self.all() {
                    let own = &connector.instance;
                    for (state, value) in self.shown(&State::OF_CONNECTORS, own.state) {
                        let labels = [
                            ("connect_cluster", cluster),
                            ("connector", &*connector.name),
                            ("worker_id", &own.worker_id),
                            ("state", state.as_str()),
                        ];
                        f.gauge(labels, value)?;
                    }
                }
                Ok(())
            },
        )?;
        families.gauge(
            "kafka_connect_task_state",
            "State of the task: 1 for the current state.",
            |f| {
                for (connector, task) in self.tasks() {
                    let number = TaskNumber::new(task.id)?;
                    for (state, value) in self.shown(&State::OF_TASKS, task.instance.state) {
                        let labels = [
                            ("connect_cluster", cluster),
                            ("connector", &*connector.name),
                            ("task", number.as_str()),
                            ("worker_id", &task.instance.worker_id),
                            ("state", state.as_str()),
                        ];
                        f.gauge(labels, value)?;
                    }
                }
                Ok(())
            },
        )
    }

    pub(super) fn changes(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        let records = &self.view.history.connectors;
        let own = || self.all().iter().filter_map(|c| Some((c, &records.get(&c.name)?.connector)));
        let tasks = || {
            self.tasks().filter_map(|(c, t)| Some((c, t, records.get(&c.name)?.tasks.get(&t.id)?)))
        };
        let since = |f: &mut Family<'_>, labels: &[(&str, &str)], record: &Record| {
            record.since.map_or(Ok(()), |at| {
                let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                f.encoder.encode_family(&labels)?.encode_gauge(&seconds)
            })
        };
        families.gauge(
            "kafka_connect_connector_last_state_change_timestamp_seconds",
            "When the connector's own instance was seen to change its state.",
            |f| {
                own().try_for_each(|(connector, record)| {
                    let labels = [("connect_cluster", cluster), ("connector", &*connector.name)];
                    since(f, &labels, record)
                })
            },
        )?;
        families.gauge(
            "kafka_connect_task_last_state_change_timestamp_seconds",
            "When the task was seen to change its state.",
            |f| {
                tasks().try_for_each(|(connector, task, record)| {
                    let number = TaskNumber::new(task.id)?;
                    since(f, &task_labels(cluster, connector, &number), record)
                })
            },
        )?;
        families.write(
            "kafka_connect_connector_state_changes",
            "Changes of state of the connector's own instance since it was first seen.",
            MetricType::Counter,
            |f| {
                own().try_for_each(|(connector, record)| {
                    let labels = [("connect_cluster", cluster), ("connector", &*connector.name)];
                    f.counter(&labels, record.changes)
                })
            },
        )?;
        families.write(
            "kafka_connect_task_state_changes",
            "Changes of state of the task since it was first seen.",
            MetricType::Counter,
            |f| {
                tasks().try_for_each(|(connector, task, record)| {
                    let number = TaskNumber::new(task.id)?;
                    f.counter(&task_labels(cluster, connector, &number), record.changes)
                })
            },
        )
    }

    pub(super) fn failures(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        families.gauge(
            "kafka_connect_connector_failure",
            "1 while the connector's own instance is FAILED, with the class of the failure and the root cause's exception.",
            |f| {
                for connector in self.all() {
                    let Some((class, exception)) = failure(&connector.instance) else { continue };
                    let labels = [
                        ("connect_cluster", cluster),
                        ("connector", &*connector.name),
                        ("failure_class", class),
                        ("exception", exception),
                    ];
                    f.gauge(labels, 1)?;
                }
                Ok(())
            },
        )?;
        families.gauge(
            "kafka_connect_task_failure",
            "1 while the task is FAILED, with the class of the failure and the root cause's exception.",
            |f| {
                for (connector, task) in self.tasks() {
                    let Some((class, exception)) = failure(&task.instance) else { continue };
                    let number = TaskNumber::new(task.id)?;
                    let [c, n, t] = task_labels(cluster, connector, &number);
                    f.gauge([c, n, t, ("failure_class", class), ("exception", exception)], 1)?;
                }
                Ok(())
            },
        )
    }
}

fn failure(instance: &Instance) -> Option<(&str, &str)> {
    instance.failure.as_ref().map(|failure| (failure.class.as_str(), &*failure.exception))
}

pub(super) fn task_labels<'a>(
    cluster: &'a str,
    connector: &'a Connector,
    number: &'a TaskNumber,
) -> [(&'static str, &'a str); 3] {
    [("connect_cluster", cluster), ("connector", &*connector.name), ("task", number.as_str())]
}

/// A task's number as text, written once for all the series of the task.
pub(super) struct TaskNumber(String);

impl TaskNumber {
    pub(super) fn new(id: u32) -> Result<Self, Error> {
        let mut text = String::with_capacity(10);
        write!(text, "{id}")?;
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
