//! Health of a cluster and of a worker, for probes and load balancers: 200 or 503, with reasons.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::connect::model::Health;
use crate::metrics::Exporter;
use crate::observe::view::{ClusterView, WorkerView};

use super::routes::{Answer, reply};

pub(super) fn cluster(exporter: &Exporter, name: &str) -> Answer {
    let Some(view) = exporter.view(name) else { return unknown_cluster(exporter, name) };
    let mut reasons = Vec::new();
    match (view.poll.up, &view.poll.failure) {
        (Some(true), _) => {}
        (None, _) => reasons.push("it was not polled yet".to_owned()),
        (Some(false), Some((_, message))) => reasons.push(message.clone()),
        (Some(false), None) => reasons.push("the last poll failed".to_owned()),
    }
    if let Some(because) = &view.not_fresh_because {
        reasons.push(format!("statuses are not fresh: {because}"));
    }
    verdict(&json!({ "cluster": name }), &reasons)
}

pub(super) fn worker(exporter: &Exporter, cluster: &str, id: &str) -> Answer {
    let Some(view) = exporter.view(cluster) else { return unknown_cluster(exporter, cluster) };
    let Some(worker) = view.workers.iter().find(|worker| &*worker.id == id) else {
        let known: Vec<_> = view.workers.iter().map(|worker| &*worker.id).collect();
        return not_found(&format!("no worker {id:?} in cluster {cluster:?}"), &known);
    };
    let reason = worker_reason(&view, worker);
    verdict(&json!({ "cluster": cluster, "worker": id }), reason.as_slice())
}

fn worker_reason(view: &ClusterView, worker: &WorkerView) -> Option<String> {
    match (worker.up, worker.health) {
        (None, _) => Some("it is not dialled, or was not yet".to_owned()),
        (Some(false), _) => Some("it does not answer".to_owned()),
        (Some(true), Some(health @ (Health::Starting | Health::Unhealthy))) => {
            let because = view.not_fresh_because.as_deref().unwrap_or_default();
            Some(format!("its health is {}; {because}", health.as_str()))
        }
        (Some(true), _) => None,
    }
}

fn unknown_cluster(exporter: &Exporter, name: &str) -> Answer {
    let views = exporter.views();
    let known: Vec<_> = views.iter().map(|view| &*view.cluster).collect();
    not_found(&format!("no cluster {name:?}"), &known)
}

fn not_found(what: &str, known: &[&str]) -> Answer {
    json_reply(StatusCode::NOT_FOUND, &json!({ "error": what, "known": known }))
}

fn verdict(of: &Value, reasons: &[String]) -> Answer {
    let mut body = of.clone();
    body["healthy"] = reasons.is_empty().into();
    body["reasons"] = reasons.into();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_reply(status, &body)
}

fn json_reply(status: StatusCode, body: &Value) -> Answer {
    reply(status, "application/json", format!("{body:#}\n"))
}
