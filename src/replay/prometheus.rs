//! The state series of Prometheus as a history. A series is 1 while a unit is in its state; both
//! forms of `--metrics.state-series` are read alike, since only what is 1 counts.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as WordError;

use crate::config::FailureClass;
use crate::connect::model::State;
use crate::watchdog::policy::Time;

use super::recording::{Cause, Done, Names, Record};
use super::series::{Sample, Series, read};
use super::spans::{OfCluster, Times};

/// Takes in answers that may be parts of one: a query a metric, or a query an hour.
#[derive(Debug, Default)]
pub(super) struct PrometheusReader {
    clusters: BTreeMap<Arc<str>, OfCluster>,
    names: Names,
    /// From one sample to the next, the least that was seen.
    step: Option<Duration>,
    other: usize,
    classes: bool,
}

impl PrometheusReader {
    pub(super) fn read(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        let (all, path) = read(file)?;
        for (number, series) in all.into_iter().enumerate() {
            self.series(&series).map_err(|problem| format!("{path}[{number}]{problem}"))?;
        }
        Ok(())
    }

    fn series(&mut self, series: &Series) -> Result<(), String> {
        let label = |name: &str| series.metric.get(name).map(String::as_str);
        let wanted = |name: &str| {
            label(name).ok_or_else(|| format!(".metric: has no label {name:?}, which is needed"))
        };
        let metric = label("__name__").unwrap_or_default();
        let of_task = match metric {
            "kafka_connect_task_state" | "kafka_connect_task_failure" => true,
            "kafka_connect_connector_state"
            | "kafka_connect_connector_failure"
            | "kafka_connect_up"
            | "kafka_connect_status_fresh"
            | "connect_warden_restart_attempts_total" => false,
            // A query such as `kafka_connect_task_state == 1` keeps its name, but sums lose it.
            _ => {
                self.other += 1;
                return Ok(());
            }
        };
        let cluster = self.names.get(label("connect_cluster").unwrap_or("default"));
        let times = self.times(series)?;
        let is = |value: f64| {
            let with = times.iter().zip(&series.values);
            with.filter(|(_, sample)| sample.value == value).map(|(at, _)| *at).collect()
        };
        match metric {
            "kafka_connect_up" => {
                self.clusters.entry(cluster).or_default().unanswered.push(is(0.0));
                return Ok(());
            }
            "kafka_connect_status_fresh" => {
                self.clusters.entry(cluster).or_default().not_fresh.push(is(0.0));
                return Ok(());
            }
            _ => {}
        }
        let connector = self.names.get(wanted("connector")?);
        if metric == "connect_warden_restart_attempts_total" {
            let done = increases(&connector, &times, &series.values);
            self.clusters.entry(cluster).or_default().done.get_or_insert_default().extend(done);
            return Ok(());
        }
        if let Some(at) = series.values.iter().position(|s| s.value != 0.0 && s.value != 1.0) {
            let value = series.values[at].value;
            return Err(format!(".values[{at}]: {value} is neither 0 nor 1"));
        }
        let task = if of_task {
            let task = wanted("task")?;
            let number = task
                .parse()
                .map_err(|_| format!(".metric.task: {task:?} is not the number of a task"))?;
            Some(number)
        } else {
            None
        };
        let unit_of = |names: &mut Names, text: Option<&str>| names.get(text.unwrap_or_default());
        if metric.ends_with("_state") {
            let state = State::from_word(wanted("state")?);
            let worker = unit_of(&mut self.names, label("worker_id"));
            let unit = self.clusters.entry(cluster).or_default();
            unit.units.entry((connector, task)).or_default().states.push((is(1.0), state, worker));
        } else {
            let word = wanted("failure_class")?;
            let class = FailureClass::deserialize(word.into_deserializer())
                .map_err(|error: WordError| format!(".metric.failure_class: {error}"))?;
            let exception = unit_of(&mut self.names, label("exception"));
            let cause = Cause { class, signature: Arc::clone(&exception), exception };
            let unit = self.clusters.entry(cluster).or_default();
            unit.units.entry((connector, task)).or_default().causes.push((is(1.0), cause));
            self.classes = true;
        }
        Ok(())
    }

    fn times(&mut self, series: &Series) -> Result<Times, String> {
        let mut times = Times::with_capacity(series.values.len());
        for (at, sample) in series.values.iter().enumerate() {
            let time = Duration::try_from_secs_f64(sample.at)
                .ok()
                .filter(|time| *time < Duration::from_secs(253_402_300_800))
                .ok_or_else(|| format!(".values[{at}]: {} is not a time", sample.at))?;
            if let Some(step) = times.last().map(|last| time.saturating_sub(*last)) {
                if step.is_zero() {
                    return Err(format!(".values[{at}]: is not later than the one before"));
                }
                self.step = Some(self.step.map_or(step, |least| least.min(step)));
            }
            times.push(time);
        }
        Ok(times)
    }

    pub(super) fn finish(self) -> Result<Record, String> {
        let has_states = |cluster: &OfCluster| {
            cluster.units.values().any(|unit| unit.states.iter().any(|(on, ..)| !on.is_empty()))
        };
        if !self.clusters.values().any(has_states) {
            return Err(format!(
                "there is no series of kafka_connect_task_state or kafka_connect_connector_state \
                 that is ever 1, and {} of other names",
                self.other
            ));
        }
        let step = self.step.unwrap_or(Duration::from_secs(15));
        let mut record = Record::default();
        if step > Duration::from_secs(60) {
            let step = humantime::format_duration(step);
            record.notes.push(format!(
                "there is a sample each {step}: what happened in between is not known; ask with a \
                 step of 15s"
            ));
        }
        if self.classes {
            record.notes.push(
                "failures have something in common where their exception is the same: Prometheus \
                 has no signatures"
                    .to_owned(),
            );
        } else {
            record.notes.push(
                "there is no series of kafka_connect_task_failure: every failure is taken for \
                 UNKNOWN, with nothing in common"
                    .to_owned(),
            );
        }
        for (name, cluster) in self.clusters {
            record.clusters.insert(name, cluster.recording(step));
        }
        Ok(record)
    }
}

/// Where a counter grows.
fn increases(connector: &Arc<str>, times: &[Time], samples: &[Sample]) -> Vec<Done> {
    let mut all = Vec::new();
    let pairs = samples.iter().zip(samples.iter().skip(1)).zip(times.iter().skip(1));
    for ((before, now), at) in pairs {
        // A process that starts anew counts from 0.
        let by = if now.value >= before.value { now.value - before.value } else { now.value };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few at most"
        )]
        let by = by.clamp(0.0, 100.0) as usize;
        let done = Done { at: *at, connector: Arc::clone(connector), unit: None, dry_run: false };
        all.extend(std::iter::repeat_n(done, by));
    }
    all
}
