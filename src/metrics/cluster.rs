//! The families of one cluster, written by prometheus-client from its view.

use std::fmt::{Error, Write as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder};
use prometheus_client::metrics::MetricType;

use crate::config::StateSeries;
use crate::connect::model::{Health, State};
use crate::observe::history::Record;
use crate::observe::snapshot::{Connector, Instance, Task};
use crate::observe::view::{ClusterView, Durations};

/// One cluster, ready to be written.
#[derive(Debug)]
pub(super) struct ClusterCollector {
    pub(super) view: Arc<ClusterView>,
    pub(super) states: StateSeries,
}

/// Writes the samples of one family.
struct Family<'e> {
    encoder: MetricEncoder<'e>,
}

impl Family<'_> {
    fn gauge<const N: usize>(
        &mut self,
        labels: [(&str, &str); N],
        value: u64,
    ) -> Result<(), Error> {
        self.encoder.encode_family(&labels)?.encode_gauge(&value)
    }

    fn seconds<const N: usize>(
        &mut self,
        labels: [(&str, &str); N],
        at: SystemTime,
    ) -> Result<(), Error> {
        let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.encoder.encode_family(&labels)?.encode_gauge(&seconds)
    }

    fn counter(&mut self, labels: &impl EncodeLabelSet, value: u64) -> Result<(), Error> {
        self.encoder
            .encode_family(labels)?
            .encode_counter::<[(&str, &str); 0], u64, u64>(&value, None)
    }

    fn info<const N: usize>(&mut self, labels: [(&str, &str); N]) -> Result<(), Error> {
        self.encoder.encode_info(&labels)
    }
}

struct Families<'e> {
    encoder: DescriptorEncoder<'e>,
}

impl Families<'_> {
    fn write(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        samples: impl FnOnce(&mut Family<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let encoder = self.encoder.encode_descriptor(name, help, None, kind)?;
        samples(&mut Family { encoder })
    }

    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        samples: impl FnOnce(&mut Family<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.write(name, help, MetricType::Gauge, samples)
    }
}

impl Collector for ClusterCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut families = Families { encoder };
        self.reach(&mut families)?;
        self.workers(&mut families)?;
        self.counts(&mut families)?;
        self.connectors(&mut families)?;
        self.states(&mut families)?;
        self.changes(&mut families)?;
        self.failures(&mut families)?;
        self.polls(&mut families)
    }
}

impl ClusterCollector {
    fn cluster(&self) -> &str {
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

    fn all(&self) -> &[Connector] {
        self.view.snapshot.as_ref().map_or(&[], |snapshot| &snapshot.connectors)
    }

    fn tasks(&self) -> impl Iterator<Item = (&Connector, &Task)> {
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

    fn states(&self, families: &mut Families<'_>) -> Result<(), Error> {
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
        )?;
        families.gauge(
            "kafka_connect_task_orphaned",
            "1: the worker that the task is assigned to does not answer.",
            |f| {
                for (connector, task) in self.tasks() {
                    if self.view.is_dead(&task.instance.worker_id) {
                        let number = TaskNumber::new(task.id)?;
                        let labels = [
                            ("connect_cluster", cluster),
                            ("connector", &*connector.name),
                            ("task", number.as_str()),
                            ("worker_id", &task.instance.worker_id),
                        ];
                        f.gauge(labels, 1)?;
                    }
                }
                Ok(())
            },
        )
    }

    fn changes(&self, families: &mut Families<'_>) -> Result<(), Error> {
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

    fn failures(&self, families: &mut Families<'_>) -> Result<(), Error> {
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
            |f| {
                let bounds = Durations::BOUNDS.into_iter().chain([f64::INFINITY]);
                let buckets: Vec<_> = bounds.zip(poll.durations.buckets).collect();
                f.encoder
                    .encode_family(&[("connect_cluster", cluster)])?
                    .encode_histogram::<[(&str, &str); 0]>(
                        poll.durations.sum,
                        poll.durations.buckets.iter().sum(),
                        &buckets,
                        None,
                    )
            },
        )
    }
}

fn failure(instance: &Instance) -> Option<(&str, &str)> {
    instance.failure.as_ref().map(|failure| (failure.class, &*failure.exception))
}

fn task_labels<'a>(
    cluster: &'a str,
    connector: &'a Connector,
    number: &'a TaskNumber,
) -> [(&'static str, &'a str); 3] {
    [("connect_cluster", cluster), ("connector", &*connector.name), ("task", number.as_str())]
}

/// A task's number as text, written once for all the series of the task.
struct TaskNumber(String);

impl TaskNumber {
    fn new(id: u32) -> Result<Self, Error> {
        let mut text = String::with_capacity(10);
        write!(text, "{id}")?;
        Ok(Self(text))
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}
