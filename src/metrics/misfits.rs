//! What the states alone do not show: tasks whose worker is gone, that no configuration has, or that
//! were never started. Only what is so has a series.

use std::fmt::Error;

use crate::connect::model::State;
use crate::observe::snapshot::{Connector, Task};

use super::cluster::ClusterCollector;
use super::family::Families;
use super::states::{TaskNumber, task_labels};

impl ClusterCollector {
    pub(super) fn misfits(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        families.gauge(
            "kafka_connect_task_orphaned",
            "1: the worker that the task is assigned to does not answer.",
            |f| {
                for (connector, task) in self.tasks() {
                    if self.view.is_dead(&task.instance.worker_id) {
                        let number = TaskNumber::new(task.id)?;
                        let [c, n, t] = task_labels(cluster, connector, &number);
                        f.gauge([c, n, t, ("worker_id", &task.instance.worker_id)], 1)?;
                    }
                }
                Ok(())
            },
        )?;
        families.gauge(
            "kafka_connect_task_zombie",
            "1: the task has a status and the connector's configuration has no such task; a restart of it is answered with 404.",
            |f| {
                for (connector, task) in self.tasks().filter(|(c, t)| is_zombie(c, t)) {
                    let number = TaskNumber::new(task.id)?;
                    f.gauge(task_labels(cluster, connector, &number), 1)?;
                }
                Ok(())
            },
        )?;
        let mut of_connectors = |name: &str, help: &str, count: fn(&Connector) -> u64| {
            families.gauge(name, help, |f| {
                for connector in self.all() {
                    let count = count(connector);
                    if count > 0 {
                        let labels =
                            [("connect_cluster", cluster), ("connector", &*connector.name)];
                        f.gauge(labels, count)?;
                    }
                }
                Ok(())
            })
        };
        of_connectors(
            "kafka_connect_connector_tasks_missing",
            "Tasks that the connector's configuration came to and that have no status: never started.",
            missing,
        )?;
        of_connectors(
            "kafka_connect_connector_without_tasks",
            "1: the connector is RUNNING and has no task at all. It has nothing to do, or it fails to make or to hand on its tasks' configurations, which only the worker's log tells.",
            |connector| u64::from(is_without_tasks(connector)),
        )
    }
}

fn is_zombie(connector: &Connector, task: &Task) -> bool {
    connector.tasks_expected.is_some_and(|expected| task.id >= expected)
}

/// A stopped connector has none on purpose.
fn missing(connector: &Connector) -> u64 {
    let expected = connector.tasks_expected.unwrap_or_default();
    let started = connector.tasks.iter().filter(|task| !is_zombie(connector, task)).count();
    u64::from(expected).saturating_sub(started as u64)
}

fn is_without_tasks(connector: &Connector) -> bool {
    connector.instance.state == State::Running
        && connector.tasks_expected.unwrap_or_default() == 0
        && connector.tasks.is_empty()
}
