//! A case: series, minute by minute, and when an alert fires on them. It is written once and tested
//! in every way in which connect-warden may be run.
//!
//! The samples of a series are `VALUE*MINUTES`, one after the other; the last goes on to the end.
//! `gone` is a series that vanished, `+2` a counter that grows by two a minute, and a series of
//! states has words for values. A series that names its instance is of that replica alone.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

const END: usize = 240;

const CONNECTOR_STATES: &[&str] =
    &["running", "failed", "paused", "unassigned", "restarting", "stopped", "unknown"];
const TASK_STATES: &[&str] =
    &["running", "failed", "paused", "unassigned", "restarting", "unknown"];
const HEALTH: &[&str] = &["healthy", "starting", "unhealthy", "unsupported", "unreachable"];

type Series = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub alert: String,
    /// What is special, where the alert has several cases.
    #[serde(default)]
    pub when: String,
    pub series: Series,
    /// Metrics that the healthy cluster beside it does not have, either.
    #[serde(default)]
    without: Vec<String>,
    /// The first and the last minute; none: it does not fire.
    #[serde(default)]
    pub fires: Option<[usize; 2]>,
    /// The labels of each of the alerts beside job and severity.
    #[serde(default)]
    labels: Vec<BTreeMap<String, String>>,
    /// The annotations in the third minute.
    #[serde(default)]
    pub says: Option<Says>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    summary: String,
    description: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Variant {
    full: bool,
    replicas: &'static [&'static str],
}

impl Variant {
    pub const ALL: [Self; 4] = [
        Self { full: true, replicas: &["a"] },
        Self { full: true, replicas: &["a", "b"] },
        Self { full: false, replicas: &["a"] },
        Self { full: false, replicas: &["a", "b"] },
    ];
}

pub fn read(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn read_series(path: &Path) -> Series {
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Case {
    /// The last minute that is looked at.
    fn end(&self) -> usize {
        let changes = |samples: &String| {
            let counts = samples.split_whitespace().filter_map(|piece| piece.split_once('*'));
            counts.filter_map(|(_, count)| count.parse::<usize>().ok()).sum::<usize>()
        };
        self.series.values().map(changes).max().unwrap_or_default() + QUIET
    }

    /// As promtool has it. Prometheus 2 counts the sample at the beginning of a range, too, so that
    /// what looks back may come or go a minute or two aside: not `exact`.
    pub fn test(&self, variant: Variant, healthy: &Series, exact: bool) -> Value {
        let alert = crate::files::alerts().into_iter().find(|alert| alert.alert == self.alert);
        let alert = alert.unwrap_or_else(|| panic!("there is no alert {}", self.alert));
        let mut series = written(&self.series, variant);
        let is_wanted =
            |name: &str| !self.without.iter().any(|without| metric(name) == without.as_str());
        let beside = healthy.iter().filter(|(name, _)| is_wanted(name));
        series.extend(written(&beside.map(|(n, v)| (n.clone(), v.clone())).collect(), variant));

        let query = format!("ALERTS{{alertname=\"{}\",alertstate=\"firing\"}}", self.alert);
        let firing: Vec<_> = self
            .labels
            .iter()
            .map(|more| {
                let mut labels = format!(
                    "ALERTS{{alertname=\"{}\",alertstate=\"firing\",severity=\"{}\"",
                    self.alert, alert.labels["severity"]
                );
                for (name, value) in with_job(more) {
                    labels += &format!(",{name}=\"{value}\"");
                }
                json!({"labels": labels + "}", "value": 1})
            })
            .collect();
        let at = |minute: usize, samples: &[Value]| json!({"expr": query, "eval_time": format!("{minute}m"), "exp_samples": samples});
        let (mut queries, mut said) = (Vec::new(), Vec::new());
        match self.fires {
            Some([first, last]) => {
                assert!(!firing.is_empty(), "{}: labels are missing", self.alert);
                let aside = if exact { 0 } else { 2 };
                queries.extend([at(first - 1 - aside, &[]), at(first + aside, &firing)]);
                queries.extend([at(last - aside, &firing), at(last + 1 + aside, &[])]);
                if let (Some(says), [only]) = (&self.says, &self.labels[..]) {
                    let mut labels = with_job(only);
                    labels.insert("severity".to_owned(), alert.labels["severity"].clone());
                    said.push(json!({
                        "eval_time": format!("{}m", first + 2),
                        "alertname": self.alert,
                        "exp_alerts": [{
                            "exp_labels": labels,
                            "exp_annotations": {
                                "summary": says.summary,
                                "description": says.description,
                                "runbook_url": alert.annotations["runbook_url"],
                            },
                        }],
                    }));
                }
            }
            None => queries.extend((0..=self.end()).step_by(2).map(|minute| at(minute, &[]))),
        }
        json!({
            "name": format!("{} {} {variant:?}", self.alert, self.when),
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": queries,
            "alert_rule_test": said,
        })
    }
}

/// Where nothing changes any more and nothing fires: long enough for what waits 15 minutes.
const QUIET: usize = 25;

/// Every series has a job; only what is said of none has not.
fn with_job(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    let job = labels.entry("job".to_owned()).or_insert_with(|| "connect-warden".to_owned());
    if job.is_empty() {
        labels.remove("job");
    }
    labels
}

/// Where all is well no alert is, not even one that waits.
pub fn nothing_fires(variant: Variant, healthy: &Series) -> Value {
    let at = |minute: usize| json!({"expr": "ALERTS", "eval_time": format!("{minute}m"), "exp_samples": []});
    json!({
        "name": format!("nothing {variant:?}"),
        "interval": "1m",
        "input_series": written(healthy, variant),
        "promql_expr_test": (0..=60).step_by(5).map(at).collect::<Vec<_>>(),
    })
}

fn metric(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

fn written(series: &Series, variant: Variant) -> Vec<Value> {
    let mut all = Vec::new();
    for (series, samples) in series {
        let name = metric(series);
        let labels = series[name.len()..].trim_matches(['{', '}']);
        let samples = minutes(samples);
        let own: &[&str] = if labels.contains("instance=") { &[""] } else { variant.replicas };
        for replica in own {
            let comma = if labels.is_empty() { "" } else { "," };
            let mut labels = format!("job=\"connect-warden\"{comma}{labels}");
            if !replica.is_empty() {
                labels += &format!(",instance=\"{replica}\",pod=\"pod-{replica}\"");
            }
            let states = match name {
                "kafka_connect_connector_state" => CONNECTOR_STATES,
                "kafka_connect_task_state" => TASK_STATES,
                "kafka_connect_worker_health" => HEALTH,
                _ => {
                    all.push(one(name, &labels, &samples));
                    continue;
                }
            };
            for state in states {
                let of_state = samples.iter().map(|word| {
                    assert!(word == "gone" || states.contains(&&**word), "{word} is no state");
                    match (word == state, variant.full || word == state) {
                        _ if word == "gone" => "gone",
                        (true, _) => "1",
                        (false, true) => "0",
                        (false, false) => "gone",
                    }
                    .to_owned()
                });
                let labels = format!("{labels},state=\"{state}\"");
                all.push(one(name, &labels, &of_state.collect::<Vec<_>>()));
            }
        }
    }
    all
}

/// `0*10 +1*5 gone` as one sample a minute.
fn minutes(text: &str) -> Vec<String> {
    let mut samples: Vec<String> = Vec::new();
    let mut value = 0.0;
    let pieces: Vec<_> = text.split_whitespace().collect();
    for (at, piece) in pieces.iter().enumerate() {
        let (what, count) = piece.split_once('*').unwrap_or((piece, ""));
        let count = if at + 1 == pieces.len() {
            END + 1 - samples.len()
        } else {
            count.parse().unwrap_or_else(|_| panic!("{text:?}: how many minutes is {piece:?}?"))
        };
        for _ in 0..count {
            let sample = if let Some(step) = what.strip_prefix('+') {
                value += step.parse::<f64>().unwrap();
                value.to_string()
            } else {
                value = what.parse().unwrap_or(value);
                what.to_owned()
            };
            samples.push(sample);
        }
    }
    samples
}

/// A series that vanishes is marked as stale, as by a scrape that does not find it any more.
fn one(name: &str, labels: &str, samples: &[String]) -> Value {
    let mut was_there = false;
    let values: Vec<_> = samples
        .iter()
        .map(|sample| {
            let is_there = sample != "gone";
            let written = if is_there {
                sample
            } else if was_there {
                "stale"
            } else {
                "_"
            };
            was_there = is_there;
            written
        })
        .collect();
    json!({"series": format!("{name}{{{labels}}}"), "values": values.join(" ")})
}
