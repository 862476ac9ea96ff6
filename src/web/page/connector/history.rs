//! What the watchdog, and people, did: the last lines of the audit log.

use std::sync::Arc;

use maud::{Markup, html};

use crate::watchdog::audit::{AuditEvent, AuditLine};

use super::super::super::facts::Moment;
use super::super::scene::Scene;
use super::super::times::{age, at, prose};

/// So many lines are told of one connector, and of a cluster.
const LINES: usize = 40;

/// Of one connector, or of all of a cluster.
pub(in crate::web::page) fn section(
    scene: &Scene,
    cluster: &str,
    connector: Option<&str>,
) -> Markup {
    let lines = scene.office.audit.recent(Some(cluster), connector, LINES);
    html! {
        section.panel aria-labelledby="history" {
            header {
                h2 #history { "What was done" }
                span.end {
                    a href={ (scene.paths.to("/api/v1/audit?cluster=")) (super::encoded(cluster))
                        @if let Some(connector) = connector { "&connector=" (super::encoded(connector)) } } {
                        "As JSON"
                    }
                }
            }
            (table(scene, &lines, connector.is_none()))
        }
    }
}

/// Lines of the audit log, the newest first.
pub(in crate::web::page) fn table(
    scene: &Scene,
    lines: &[Arc<AuditLine>],
    with_name: bool,
) -> Markup {
    html! {
        @if lines.is_empty() {
            p.none { "Nothing was decided or done since this process began." }
        } @else {
            table.stack {
                thead { tr {
                    th { "When" } @if with_name { th { "Where" } } @else { th { "Task" } }
                    th { "What" } th { "More" }
                } }
                tbody { @for line in lines { (row(scene, line, with_name)) } }
            }
        }
    }
}

fn row(scene: &Scene, line: &AuditLine, with_name: bool) -> Markup {
    let at = Moment::from(line.at);
    html! {
        tr {
            td.nb data-l="When" { (age(at, scene.now)) }
            td data-l=[Some(if with_name { "Where" } else { "Task" })] {
                span {
                    @if with_name {
                        @if let Some(connector) = &line.connector {
                            a href=(scene.paths.connector(&line.cluster, connector)) { bdi { (connector) } }
                        } @else { bdi { (line.cluster) } }
                        " "
                    }
                    @match (line.task, &line.connector) {
                        (Some(task), _) => { "task " (task) }
                        (None, Some(_)) => "itself",
                        (None, None) => "",
                    }
                }
            }
            td data-l="What" { span { (what(line)) } }
            td data-l="More" { span { (more(scene, line)) } }
        }
    }
}

/// The event in words.
fn what(line: &AuditLine) -> Markup {
    let words = match (line.event, line.outcome.as_deref()) {
        (AuditEvent::Failed, _) => "seen failed",
        (AuditEvent::Decided, _) => "to be restarted",
        (AuditEvent::Sent, _) => "restart sent",
        (AuditEvent::Outcome, Some("recovered")) => "runs again",
        (AuditEvent::Outcome, Some("failed")) => "failed again",
        (AuditEvent::Outcome, Some("rejected")) => "restart rejected",
        (AuditEvent::Outcome, _) => "came to",
        (AuditEvent::Held, _) => "held back",
        (AuditEvent::Released, _) => "not held any more",
        (AuditEvent::Parked, _) => "parked",
        (AuditEvent::GivenUp, _) => "given up",
        (AuditEvent::Cleared, _) => "forgotten: it is well, gone, or changed",
        (AuditEvent::Acknowledged, _) => "acknowledged by a person: tried afresh",
        (AuditEvent::Stuck, _) => "stuck since its restart",
        (AuditEvent::Flapping, _) => "flapping: restarted too often",
        (AuditEvent::Foreign, _) => "runs again, by somebody else's restart",
        (AuditEvent::StoodDown, _) => "left to somebody else",
        (AuditEvent::BreakerOpened, _) => "many fail of one cause: one is tried first",
        (AuditEvent::BreakerProven, _) => "the one that was tried runs: others follow",
        (AuditEvent::BreakerReopened, _) => "those that followed failed again",
        (AuditEvent::BreakerClosed, _) => "all that failed of one cause were tried",
        (AuditEvent::BreakerExhausted, _) => "none that was tried first runs: each goes for itself",
        (AuditEvent::CautionBegan, _) => "restarts come to nothing: one at a time",
        (AuditEvent::CautionEnded, _) => "restarts help again",
        (AuditEvent::HoldBegan, _) => "nothing is restarted in this cluster",
        (AuditEvent::HoldEnded, _) => "restarts may go on in this cluster",
        (AuditEvent::Silenced, _) => "silenced",
        (AuditEvent::KillSwitchOn, _) => "kill switch on",
        (AuditEvent::KillSwitchOff, _) => "kill switch off",
        (AuditEvent::Ordered, _) => "ordered by a person",
        (AuditEvent::Probe, _) => "dependency asked",
    };
    html! {
        b { (words) }
        @if words == "came to" { @if let Some(outcome) = &line.outcome { " " (outcome) } }
        @if line.dry_run == Some(true) { " " span.chip { "only said" } }
    }
}

fn more(scene: &Scene, line: &AuditLine) -> Markup {
    let attempt = line.attempt.filter(|n| *n > 0).map(|n| match line.attempts_most {
        Some(most) if most > 0 => format!("attempt {n} of {most}"),
        Some(_) | None => format!("attempt {n}"),
    });
    html! {
        @if let Some(class) = line.failure_class { (super::marks::class(class)) " " }
        @if let Some(attempt) = attempt { (attempt) " " }
        @if let Some(call) = &line.call { code { bdi { (call) } } " " }
        @if let Some(status) = line.http_status { "answered " (status) " " }
        @if let Some(answer) = &line.answer { (answer) " " }
        @if let Some(why) = line.why.as_ref().filter(|why| line.answer.as_ref() != Some(*why)) { "(" (prose(&in_words(why), scene.now)) ") " }
        @if let Some(by) = &line.by { "by " bdi { (by) } " " }
        @if let Some(next) = line.next_attempt { "next at " (at(Moment::from(next), scene.now)) }
    }
}

/// A word such as `back_off` as people write it; a sentence stays as it is.
fn in_words(why: &str) -> String {
    if why.contains(' ') { why.to_owned() } else { why.replace('_', " ") }
}
