//! Histories as Prometheus, an audit log and a journal would have recorded them.

use serde_json::{Value, json};

/// When they begin: 2026-11-24T06:00:00Z.
pub const BEGAN: u64 = 1_795_500_000;

/// One series: from when until when, in minutes, it has samples of this value.
pub fn series(metric: &str, labels: &Value, step: u64, spans: &[(u64, u64, u8)]) -> Value {
    let mut metric = json!({"__name__": metric, "connect_cluster": "orders"});
    metric.as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
    let values: Vec<Value> = spans
        .iter()
        .flat_map(|(from, until, value)| {
            let times = (from * 60..until * 60).step_by(usize::try_from(step).unwrap());
            times.map(move |at| json!([BEGAN + at, value.to_string()]))
        })
        .collect();
    json!({"metric": metric, "values": values})
}

/// An answer of Prometheus.
pub fn answer(series: &[Value]) -> String {
    let data = json!({"resultType": "matrix", "result": series});
    json!({"status": "success", "data": data}).to_string()
}

/// A task that is RUNNING, then FAILED for a while, in the form that has every state or only the
/// current one.
pub fn task(name: &str, step: u64, failed: (u64, u64), end: u64, full: bool) -> Vec<Value> {
    let labels =
        |state: &str| json!({"connector": name, "task": "0", "worker_id": "w:1", "state": state});
    let (from, until) = failed;
    let zero = |spans: &[(u64, u64, u8)]| -> Vec<_> {
        spans.iter().filter(|(.., value)| full || *value == 1).copied().collect()
    };
    let state = |word, spans: &[(u64, u64, u8)]| {
        series("kafka_connect_task_state", &labels(word), step, &zero(spans))
    };
    let mut all = vec![
        state("running", &[(0, from, 1), (from, until, 0), (until, end, 1)]),
        state("failed", &[(0, from, 0), (from, until, 1), (until, end, 0)]),
    ];
    if full {
        all.push(state("paused", &[(0, end, 0)]));
    }
    all
}

/// A failure and its class.
pub fn failure(name: &str, class: &str, step: u64, span: (u64, u64)) -> Value {
    let labels = json!({"connector": name, "task": "0", "failure_class": class, "exception": "java.net.ConnectException"});
    series("kafka_connect_task_failure", &labels, step, &[(span.0, span.1, 1)])
}

/// A line of an audit log of 2026-11-24.
pub fn audit(at: &str, event: &str, more: &str) -> String {
    format!(
        "{{\"at\":\"2026-11-24T{at}Z\",\"cluster\":\"orders\",\"connector\":\"a\",\"task\":0,\"event\":\"{event}\"{more}}}\n"
    )
}

/// A line of a journal.
pub fn line(at: u64, records: &Value) -> String {
    let said = format!("{} {records}", (BEGAN + at) * 1000);
    format!("{:08x} {said}\n", crc32fast::hash(said.as_bytes()))
}

/// A line of a journal about one unit.
pub fn unit(at: u64, is_failed: bool, restarts: &[u64], phase: &Value) -> String {
    let time = |at: u64| json!({"secs": BEGAN + at, "nanos": 0});
    let restarts: Vec<_> = restarts.iter().map(|at| time(*at)).collect();
    let unit = json!({
        "class": "RESOURCE", "signature": "heap", "is_failed": is_failed,
        "first_failed": time(60), "failed_at": time(60), "attempts": restarts.len(),
        "parked_since": null, "last_wait": {"secs": 0, "nanos": 0}, "restarts": restarts,
        "phase": phase,
    });
    line(at, &json!([{"unit": {"cluster": "orders", "id": ["a", 3], "unit": unit}}]))
}
