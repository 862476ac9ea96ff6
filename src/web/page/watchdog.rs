//! The watchdog: whether it acts, what holds it, what it means to do and did.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use hyper::StatusCode;
use maud::{Markup, html};

use super::super::facts::{BreakerFacts, KillSwitchFacts, PlanFacts, PlannedUnit, SilenceFacts};
use super::Page;
use super::act;
use super::connector::history;
use super::layout::{Tab, whole};
use super::marks::{self, count, thousands};
use super::overview::{anchor, next_words};
use super::scene::Scene;
use super::times::{age, prose, when};

/// So many units of a cluster's plan are shown.
const UNITS: usize = 100;
/// So many lines of the audit log are shown.
const LINES: usize = 60;

/// The whole page.
pub(super) fn page(scene: &Scene) -> Page {
    let plans: Vec<_> = scene
        .known
        .iter()
        .filter_map(|known| known.watchdog.as_deref().map(PlanFacts::from))
        .collect();
    let orders = scene.office.kill_switch.orders().read();
    let kill_switch = KillSwitchFacts::of(&scene.office.kill_switch, &orders);
    let since_1970 = scene.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let silences = SilenceFacts::all(&orders, since_1970);
    let lines = scene.office.audit.recent(None, None, LINES);
    let main = html! {
        div.verdict {
            h1 { "Watchdog" }
            p.muted { (in_words(scene, &plans, &kill_switch)) }
        }
        (switch(scene, &kill_switch))
        @for plan in &plans { (of_cluster(scene, plan)) }
        (silenced(scene, &silences))
        section.panel aria-labelledby="history" {
            header {
                h2 #history { "What was done" }
                span.end { a href=(scene.paths.to("/api/v1/audit")) { "As JSON" } }
            }
            (history::table(scene, &lines, true))
        }
    };
    Page {
        status: StatusCode::OK,
        html: whole(scene, Tab::Watchdog, "Watchdog", &main),
        kept: false,
    }
}

fn in_words(scene: &Scene, plans: &[PlanFacts], kill_switch: &KillSwitchFacts) -> String {
    if kill_switch.on {
        return "Nothing is restarted: the kill switch is on.".to_owned();
    }
    if plans.is_empty() {
        return if scene.clusters.iter().all(|cluster| cluster.up.is_none()) {
            "It did not look yet.".to_owned()
        } else {
            "It is off (--watchdog.mode=off): nothing is decided, and nothing restarted.".to_owned()
        };
    }
    let units: usize = plans.iter().map(|plan| plan.units.len()).sum();
    let acts = if plans.iter().any(|plan| plan.mode == "on") {
        "It restarts what is stuck"
    } else {
        "It only says what it would restart (dry-run)"
    };
    format!("{acts}; it looks after {} now.", count(units, "unit", "units"))
}

fn switch(scene: &Scene, kill_switch: &KillSwitchFacts) -> Markup {
    html! {
        @if kill_switch.on {
            p.say.bad { b { "The kill switch is on. " }
                @if let Some(because) = &kill_switch.because { bdi { (prose(because, scene.now)) } } }
        }
        @if scene.viewer.is_administrator {
            div.actions {
                @if kill_switch.on { a.button href=(act::link(scene, "kill_switch_off", None, None)) { "Turn the kill switch off" } }
                @else { a.button href=(act::link(scene, "kill_switch_on", None, None)) { "Kill switch: stop every restart" } }
                a.button href=(act::link(scene, "silence", None, None)) { "Silence connectors" }
            }
        }
    }
}

fn of_cluster(scene: &Scene, plan: &PlanFacts) -> Markup {
    let id = anchor("plan", &[&plan.cluster]);
    html! {
        section.panel aria-labelledby=(id) {
            header {
                h2 id=(id) { bdi { (plan.cluster) } }
                span.end { "looked " (age(plan.looked, scene.now)) }
            }
            div.body {
                div.numbers {
                    div { small { "Mode" } b { (plan.mode) } }
                    div { small { "Budget left" } b { (plan.budget_remaining.floor()) } }
                    div { small { "Breakers open" } b { (plan.breakers.len()) } }
                    div { small { "Looked after" } b { (thousands(plan.units.len())) } }
                    div { small { "Parked" } b { (of_phase(plan, "parked")) } }
                    div { small { "Given up" } b { (of_phase(plan, "given_up")) } }
                    div { small { "One at a time" } b { @if plan.cautious { "yes" } @else { "no" } } }
                }
                @if let Some(because) = &plan.hold_because {
                    p.say { "Held: " bdi { (prose(because, scene.now)) } }
                }
            }
            @if !plan.breakers.is_empty() { (breakers(scene, &plan.breakers)) }
            @if !plan.stood_down.is_empty() {
                p.body { "Left to somebody else: "
                    @for (at, one) in plan.stood_down.iter().enumerate() {
                        @if at > 0 { ", " }
                        a href=(scene.paths.connector(&plan.cluster, &one.connector)) { bdi { (one.connector) } }
                        " until " (when(one.until, scene.now))
                    } "." }
            }
            (units(scene, plan))
        }
    }
}

fn of_phase(plan: &PlanFacts, phase: &str) -> String {
    thousands(plan.units.iter().filter(|unit| unit.unit.phase == phase).count())
}

fn breakers(scene: &Scene, all: &[BreakerFacts]) -> Markup {
    html! {
        table.stack {
            thead { tr { th { "Breaker" } th { "State" } th { "Since" } th { "Tried first" } th { "Next" } } }
            tbody {
                @for one in all {
                    tr {
                        td data-l="Breaker" { span { (marks::class(one.failure_class)) " " code { bdi { (one.signature) } } } }
                        td data-l="State" { span {
                            @match one.state { "open" => "open: one is tried, the others wait", _ => "releasing: one runs, the others follow" }
                            @match one.dependency_reachable {
                                Some(true) => "; its dependency answers", Some(false) => "; its dependency does not answer", None => "" }
                        } }
                        td.nb data-l="Since" { (age(one.since, scene.now)) }
                        td data-l="Tried first" { span { (one.canaries)
                            @if let Some(canary) = &one.canary_out { ", now " bdi { (canary.connector) } @if let Some(task) = canary.task { " task " (task) } } } }
                        td.nb data-l="Next" { (age(one.next, scene.now)) }
                    }
                }
            }
        }
    }
}

fn units(scene: &Scene, plan: &PlanFacts) -> Markup {
    let mut phases: BTreeMap<u8, Vec<&PlannedUnit>> = BTreeMap::new();
    for unit in &plan.units {
        phases.entry(rank(unit)).or_default().push(unit);
    }
    let sorted: Vec<_> = phases.into_values().flatten().collect();
    html! {
        @if sorted.is_empty() { p.none { "Nothing to look after: no unit is failed or recovering." } }
        @else {
            table.stack {
                thead { tr { th { "Unit" } th { "Next" } th { "Attempts" } th { "Why" } } }
                tbody { @for unit in sorted.iter().take(UNITS) { (row(scene, plan, unit)) } }
            }
            @if sorted.len() > UNITS {
                p.none { "and " (thousands(sorted.len() - UNITS)) " more; "
                    a href=(scene.paths.to("/api/v1/plan")) { "the plan as JSON" } " has them all" }
            }
        }
    }
}

/// Those that a person is wanted for come first.
fn rank(unit: &PlannedUnit) -> u8 {
    match unit.unit.phase {
        "given_up" => 0,
        "parked" => 1,
        "stable" | "recovered" => 3,
        _ => 2,
    }
}

fn row(scene: &Scene, plan: &PlanFacts, unit: &PlannedUnit) -> Markup {
    html! {
        tr {
            td data-l="Unit" { span {
                a href=(scene.paths.connector(&plan.cluster, &unit.name.connector)) { bdi { (unit.name.connector) } }
                @match unit.name.task { Some(task) => { " task " (task) } None => " itself" }
                " " (marks::class(unit.failure_class))
            } }
            td data-l="Next" { span { (next_words(&unit.unit, scene)) } }
            td.nb data-l="Attempts" { (unit.unit.attempts) " of " (unit.unit.attempts_most) }
            td data-l="Why" { span.says { (prose(&unit.unit.says, scene.now)) } }
        }
    }
}

fn silenced(scene: &Scene, silences: &[SilenceFacts]) -> Markup {
    html! {
        section.panel aria-labelledby="silences" {
            header { h2 #silences { "Silences" } span.end { (silences.len()) } }
            @if silences.is_empty() { p.none { "None. A silence leaves connectors alone until it ends." } }
            @else {
                table.stack {
                    thead { tr { th { "Connectors" } th { "Clusters" } th { "Until" } th { "By" } th { "Why" } @if scene.viewer.is_administrator { th { "End it" } } } }
                    tbody {
                        @for one in silences {
                            tr {
                                td data-l="Connectors" { code { bdi { (one.connector) } } }
                                td data-l="Clusters" { @match &one.cluster { Some(cluster) => { code { bdi { (cluster) } } } None => "all" } }
                                td data-l="Until" { span { (when(one.until, scene.now)) } }
                                td data-l="By" { bdi { (one.by) } }
                                td data-l="Why" { bdi { (one.reason) } }
                                @if scene.viewer.is_administrator {
                                    td { a href={ (act::link(scene, "unsilence", None, None)) "&id=" (one.id) } { "Take back" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
