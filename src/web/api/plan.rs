//! `/api/v1/plan`: every unit that is not healthy, what the watchdog would do, when, and why not yet.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::watchdog::explain::{moment, sentence};
use crate::watchdog::policy::{BreakerState, UnitReport};
use crate::watchdog::said::Said;
use crate::watchdog::view::{LastCall, WatchdogView};

use super::super::routes::{Answer, reply};

pub(super) fn plan(views: &[Arc<WatchdogView>]) -> Answer {
    let clusters: Vec<_> = views.iter().map(|view| of_cluster(view)).collect();
    let body = json!({ "clusters": clusters });
    reply(StatusCode::OK, "application/json", format!("{body:#}\n"))
}

fn of_cluster(view: &WatchdogView) -> Value {
    let breakers = view.breakers.iter().map(|(signature, breaker)| {
        let (state, canary) = match &breaker.state {
            BreakerState::Open { canary, .. } => ("open", canary.as_ref()),
            BreakerState::Releasing { .. } => ("releasing", None),
        };
        json!({
            "signature": signature,
            "failure_class": breaker.class,
            "state": state,
            "since": moment(breaker.opened.unwrap_or(breaker.since)),
            "canaries": breaker.canaries,
            "canary_out": canary.map(|(connector, task)| json!({
                "connector": connector, "task": task,
            })),
            "dependency_reachable": breaker.reachable,
            "next": moment(breaker.next()),
        })
    });
    let stood_down = view.stood_down.iter();
    json!({
        "cluster": view.cluster,
        "mode": view.mode.as_str(),
        "looked": moment(view.looked),
        "hold": view.report.hold.map(|hold| hold.as_str()),
        "hold_because": view.hold_because,
        "cautious": view.cautious,
        "budget_remaining": (view.budget_left * 100.0).round() / 100.0,
        "breakers": breakers.collect::<Vec<_>>(),
        "stood_down": stood_down.map(|(connector, until)| json!({
            "connector": connector, "until": moment(*until),
        })).collect::<Vec<_>>(),
        "units": view.report.units.iter().map(|unit| {
            of_unit(unit, view.calls.get(&(Arc::clone(&unit.connector), unit.task)))
        }).collect::<Vec<_>>(),
    })
}

fn of_unit(unit: &UnitReport, call: Option<&LastCall>) -> Value {
    let mut says = sentence(unit);
    if let Some(call) = call.filter(|call| call.said != Said::Accepted) {
        says = format!("{says}; last, at {}: {}", moment(call.at), call.said.words());
    }
    json!({
        "connector": unit.connector,
        "task": unit.task,
        "phase": unit.phase,
        "failure_class": unit.class,
        "signature": unit.signature,
        "first_failed": moment(unit.first_failed),
        "attempts": unit.attempts,
        "attempts_most": unit.attempts_most,
        "connector_budget_left": (unit.connector_budget_left * 100.0).round() / 100.0,
        "last_restart": unit.last_restart.map(moment),
        "last_answer": call.map(|call| json!({
            "at": moment(call.at),
            "answer": call.said.as_str(),
            "http_status": call.status,
            "says": call.said.words(),
        })),
        "next_attempt": unit.next.map(moment),
        "why": unit.why.as_str(),
        "held_by": unit.held_by().map(|why| why.as_str()),
        "mode": unit.mode.as_str(),
        "rule": unit.rule,
        "says": says,
    })
}
