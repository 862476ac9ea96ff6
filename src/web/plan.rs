//! `/api/v1/plan`: every unit that is not healthy, what the watchdog would do, when, and why not yet.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::watchdog::policy::{BreakerState, UnitReport};
use crate::watchdog::view::WatchdogView;

use super::routes::{Answer, reply};

pub(super) fn plan(views: &[Arc<WatchdogView>]) -> Answer {
    let clusters: Vec<_> = views.iter().map(|view| of_cluster(view)).collect();
    let body = json!({ "clusters": clusters });
    reply(StatusCode::OK, "application/json", format!("{body:#}\n"))
}

fn of_cluster(view: &WatchdogView) -> Value {
    let breakers = view.memory.breakers.iter().map(|(signature, breaker)| {
        let (state, next) = match &breaker.state {
            BreakerState::Open { next, .. } => ("open", next),
            BreakerState::Releasing { next, .. } => ("releasing", next),
        };
        json!({
            "signature": signature, "state": state, "since": time(breaker.since),
            "canaries": breaker.canaries, "next": time(*next),
        })
    });
    json!({
        "cluster": view.cluster,
        "mode": view.mode.as_str(),
        "hold": view.report.hold.map(|hold| hold.as_str()),
        "breakers": breakers.collect::<Vec<_>>(),
        "units": view.report.units.iter().map(unit).collect::<Vec<_>>(),
    })
}

fn unit(unit: &UnitReport) -> Value {
    json!({
        "connector": unit.connector,
        "task": unit.task,
        "phase": unit.phase,
        "failure_class": unit.class,
        "signature": unit.signature,
        "attempts": unit.attempts,
        "next_attempt": unit.next.map(time),
        "held_by": unit.held_by().map(|why| why.as_str()),
    })
}

/// RFC 3339, as people and programs read it.
fn time(since_1970: Duration) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
}
