//! The families of one cluster, written by prometheus-client from its view.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::config::StateSeries;
use crate::connect::model::{Health, State};
use crate::observe::snapshot::{Connector, Task};
use crate::observe::view::ClusterView;

use super::family::{Families, Family};

/// One cluster, ready to be written.
#[derive(Debug)]
pub(super) struct ClusterCollector {
    pub(super) view: Arc<ClusterView>,
    pub(super) states: StateSeries,
    pub(super) part: Part,
}

/// What of a cluster is written: the two change at different paces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// How it is reached, its workers, the polls: something changes with every poll.
    Cluster,
    /// Its connectors and tasks: nearly all of the exposition, and mostly as it was before.
    Connectors,
}

impl Collector for ClusterCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let families = &mut Families { encoder };
        match self.part {
            Part::Cluster => {
                self.reach(families)?;
                self.workers(families)?;
                self.progress(families)?;
                self.polls(families)
            }
            Part::Connectors => {
                self.counts(families)?;
                self.connectors(families)?;
                self.states(families)?;
                self.misfits(families)?;
                self.changes(families)?;
                self.failures(families)
            }
        }
    }
}

impl ClusterCollector {
    pub(super) fn cluster(&self) -> &str {
        &self.view.cluster
    }

    fn reach(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        families.gauge(
            "kafka_connect_up",
            "1 if the last poll of the cluster gave a valid snapshot.",
            |f| match self.view.poll.up {
                Some(up) => f.gauge([("connect_cluster", cluster)], up.into()),
                None => Ok(()),
            },
        )?;
        families.write(
            "kafka_connect_cluster",
            "The Kafka cluster behind the Connect cluster.",
            MetricType::Info,
            |f| match &self.view.kafka_cluster_id {
                Some(id) => f.info([("connect_cluster", cluster), ("kafka_cluster_id", id)]),
                None => Ok(()),
            },
        )?;
        families.gauge(
            "kafka_connect_status_fresh",
            "1 if a worker that answers is proven able to serve; 0: Kafka is gone behind Connect, or no worker answers, and the states are what was true before.",
            |f| match self.view.fresh {
                Some(fresh) => f.gauge([("connect_cluster", cluster)], fresh.into()),
                None => Ok(()),
            },
        )?;
        families.gauge(
            "kafka_connect_last_poll_success_timestamp_seconds",
            "When the last valid snapshot was taken.",
            |f| match self.view.poll.last_success {
                Some(at) => f.seconds([("connect_cluster", cluster)], at),
                None => Ok(()),
            },
        )
    }

    fn workers(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        let workers = &self.view.workers;
        families.gauge("kafka_connect_worker_up", "1 if the worker answers.", |f| {
            workers.iter().try_for_each(|worker| match worker.up {
                Some(up) => {
                    f.gauge([("connect_cluster", cluster), ("worker_id", &worker.id)], up.into())
                }
                None => Ok(()),
            })
        })?;
        families.write(
            "kafka_connect_worker",
            "Version and commit of a worker that answered.",
            MetricType::Info,
            |f| {
                workers.iter().try_for_each(|worker| match &worker.version {
                    Some(version) if worker.up == Some(true) => f.info([
                        ("connect_cluster", cluster),
                        ("worker_id", &worker.id),
                        ("version", version),
                        ("commit", worker.commit.as_deref().unwrap_or_default()),
                    ]),
                    Some(_) | None => Ok(()),
                })
            },
        )?;
        families.gauge(
            "kafka_connect_worker_health",
            "What the worker says of its health (/health, 3.9 and later): 1 for the current state.",
            |f| {
                for worker in workers.iter() {
                    let Some(health) = worker.health else { continue };
                    for state in Health::ALL {
                        let on = state == health;
                        if on || self.states == StateSeries::Full {
                            let labels = [
                                ("connect_cluster", cluster),
                                ("worker_id", &*worker.id),
                                ("state", state.as_str()),
                            ];
                            f.gauge(labels, on.into())?;
                        }
                    }
                }
                Ok(())
            },
        )
    }

    pub(super) fn all(&self) -> &[Connector] {
        self.view.snapshot.as_ref().map_or(&[], |snapshot| &snapshot.connectors)
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = (&Connector, &Task)> {
        self.all().iter().flat_map(|connector| connector.tasks.iter().map(move |t| (connector, t)))
    }

    fn counts(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        let known = self.view.snapshot.is_some();
        let count = |f: &mut Family<'_>, states: &[State], all: &mut dyn Iterator<Item = State>| {
            let mut counts = vec![0_u64; states.len()];
            for state in all {
                if let Some(at) = states.iter().position(|known| *known == state) {
                    counts[at] += 1;
                }
            }
            if !known {
                return Ok(());
            }
            states.iter().zip(counts).try_for_each(|(state, count)| {
                f.gauge([("connect_cluster", cluster), ("state", state.as_str())], count)
            })
        };
        families.gauge("kafka_connect_connectors", "Connectors by state.", |f| {
            let mut all = self.all().iter().map(|connector| connector.instance.state);
            count(f, &State::OF_CONNECTORS, &mut all)
        })?;
        families.gauge("kafka_connect_tasks", "Tasks by state.", |f| {
            count(f, &State::OF_TASKS, &mut self.tasks().map(|(_, task)| task.instance.state))
        })
    }

    fn connectors(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        families.write(
            "kafka_connect_connector",
            "Type, class and plugin version of a connector.",
            MetricType::Info,
            |f| {
                self.all().iter().try_for_each(|connector| {
                    f.info([
                        ("connect_cluster", cluster),
                        ("connector", &connector.name),
                        ("connector_type", connector.kind.as_str()),
                        ("connector_class", &connector.class),
                        ("version", &connector.version),
                    ])
                })
            },
        )?;
        let mut number = |name: &str, help: &str, of: fn(&Connector) -> Option<u32>| {
            families.gauge(name, help, |f| {
                self.all().iter().try_for_each(|connector| match of(connector) {
                    Some(number) => {
                        let labels =
                            [("connect_cluster", cluster), ("connector", &*connector.name)];
                        f.gauge(labels, number.into())
                    }
                    None => Ok(()),
                })
            })
        };
        number(
            "kafka_connect_connector_tasks_expected",
            "Tasks that the connector's configuration came to.",
            |connector| connector.tasks_expected,
        )?;
        number(
            "kafka_connect_connector_tasks_max",
            "tasks.max of the connector's configuration.",
            |connector| connector.tasks_max,
        )?;
        families.gauge(
            "kafka_connect_connector_without_status",
            "1: the connector is listed and has no status yet.",
            |f| {
                let names = self.view.snapshot.iter().flat_map(|s| &s.without_status);
                names.into_iter().try_for_each(|name| {
                    f.gauge([("connect_cluster", cluster), ("connector", name)], 1)
                })
            },
        )
    }

    fn progress(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        let progress = &self.view.progress;
        families.gauge(
            "kafka_connect_connector_last_progress_timestamp_seconds",
            "When the connector's offsets were seen to change, or were first read.",
            |f| {
                progress.iter().try_for_each(|(connector, progress)| {
                    f.seconds(
                        [("connect_cluster", cluster), ("connector", connector)],
                        progress.last,
                    )
                })
            },
        )?;
        families.gauge(
            "kafka_connect_connector_stalled",
            "1 if the connector is RUNNING and its offsets have not changed for progress.stalled_after.",
            |f| {
                progress.iter().try_for_each(|(connector, progress)| {
                    let labels = [("connect_cluster", cluster), ("connector", &**connector)];
                    f.gauge(labels, progress.stalled.into())
                })
            },
        )
    }

    fn polls(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let cluster = self.cluster();
        let poll = &self.view.poll;
        families.write(
            "connect_warden_polls",
            "Polls done, good and bad.",
            MetricType::Counter,
            |f| f.counter(&[("connect_cluster", cluster)], poll.polls),
        )?;
        families.write(
            "connect_warden_poll_failures",
            "Polls that gave no valid snapshot, by reason.",
            MetricType::Counter,
            |f| {
                poll.failures.iter().try_for_each(|(reason, count)| {
                    f.counter(&[("connect_cluster", cluster), ("reason", reason)], *count)
                })
            },
        )?;
        families.write(
            "connect_warden_polls_skipped",
            "Polls that were not begun since the one before was still under way.",
            MetricType::Counter,
            |f| f.counter(&[("connect_cluster", cluster)], poll.skipped),
        )?;
        families.write(
            "connect_warden_poll_duration_seconds",
            "How long polls took.",
            MetricType::Histogram,
            |f| f.histogram(&[("connect_cluster", cluster)], &poll.durations),
        )
    }
}
