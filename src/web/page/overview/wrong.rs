//! What is wrong now, the worst first: failures of one signature together, then what is not FAILED
//! and not right either.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};

use crate::connect::model::State;
use crate::observe::snapshot::Instance;

use super::super::super::facts::{ConnectorFacts, FailureFacts, Known, Severity, UnitFacts};
use super::super::choice::Choice;
use super::super::marks::{self, Mark, count, mark, thousands};
use super::super::scene::Scene;
use super::super::times::{age, distance, prose};
use super::{Listed, pager};

/// So many groups are on one page.
const GROUPS: usize = 50;
/// So many of a group are named at once, and so many more when it is unfolded.
const SHOWN: usize = 3;
const FOLDED: usize = 50;
/// So many that are odd are listed.
const ODD: usize = 20;

type Failed<'s> = (&'s Known, &'s Arc<str>, Option<u32>, &'s Instance, Severity);

/// Failures of one cluster and signature.
struct Group<'s> {
    severity: Severity,
    /// When the last of them failed.
    newest: u64,
    members: Vec<Failed<'s>>,
}

pub(super) fn section(scene: &Scene, choice: &Choice, listed: &Listed<'_>) -> Markup {
    let groups = groups(scene, choice);
    let total: usize = groups.iter().map(|group| group.members.len()).sum();
    let odd: Vec<_> = listed.all.iter().filter(|(_, of)| !oddities(of).is_empty()).collect();
    let page = choice.wrong.min(groups.len().div_ceil(GROUPS)).max(1);
    let shown = groups.iter().skip((page - 1) * GROUPS).take(GROUPS);
    html! {
        section.panel aria-labelledby="wrong" {
            header {
                h2 #wrong { "Wrong now" }
                @if total > 0 {
                    span.end {
                        (count(total, "failure", "failures")) " of "
                        (count(groups.len(), "cause", "causes"))
                    }
                }
            }
            @if total == 0 && odd.is_empty() {
                p.none {
                    @if choice.is_filter() { "Nothing is wrong with what fits the filter." }
                    @else if listed.of == 0 { "No connectors are known, so none can be wrong." }
                    @else { "Nothing. No connector and no task is failed." }
                }
            }
            @if total > 0 {
                ol.wrong { @for group in shown { (of_group(scene, group)) } }
                (pager(groups.len(), GROUPS, page, "wrong", |wrong| Choice { wrong, ..choice.clone() }))
            }
            @if !odd.is_empty() { (oddly(scene, &odd)) }
        }
    }
}

fn groups<'s>(scene: &'s Scene, choice: &Choice) -> Vec<Group<'s>> {
    let mut groups: BTreeMap<(&str, &str), Group<'s>> = BTreeMap::new();
    for known in &scene.known {
        let cluster = &*known.view.cluster;
        for connector in known.connectors() {
            if !choice.fits_connector(cluster, connector) {
                continue;
            }
            for (task, instance) in std::iter::once((None, &connector.instance))
                .chain(connector.tasks.iter().map(|task| (Some(task.id), &task.instance)))
            {
                let Some(failure) = &instance.failure else { continue };
                if !choice.fits_instance(instance) {
                    continue;
                }
                let severity = known.severity_of_failure(&connector.name, task);
                let since = known.record(&connector.name, task).map(|record| record.from());
                let since = since.map_or(0, |since| {
                    super::super::super::facts::Moment::from(since).unix_seconds()
                });
                let group = groups.entry((cluster, &failure.signature)).or_insert_with(|| Group {
                    severity,
                    newest: 0,
                    members: Vec::new(),
                });
                group.severity = group.severity.max(severity);
                group.newest = group.newest.max(since);
                group.members.push((known, &connector.name, task, instance, severity));
            }
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.members.sort_by_key(|(.., severity)| std::cmp::Reverse(*severity));
    }
    groups.sort_by_key(|group| {
        std::cmp::Reverse((group.severity, group.members.len().ilog2(), group.newest))
    });
    groups
}

fn of_group(scene: &Scene, group: &Group<'_>) -> Markup {
    let facts = |member: &Failed<'_>| {
        let (known, connector, task, instance, _) = *member;
        FailureFacts::of(known, connector, task, instance)
    };
    let Some(first) = group.members.first().and_then(facts) else { return html! {} };
    if let [_] = group.members[..] {
        return card(scene, &first, true, &html! {});
    }
    let n = group.members.len();
    let connectors = {
        let mut names: Vec<_> = group.members.iter().map(|member| member.1).collect();
        names.dedup();
        names.sort();
        names.dedup();
        names.len()
    };
    let more = || group.members.iter().skip(SHOWN).take(FOLDED).filter_map(facts);
    let all = Choice {
        cluster: Some(first.cluster.to_string()),
        signature: Some(first.signature.to_string()),
        ..Choice::default()
    };
    html! {
        li id=(anchor("group", &[&first.cluster, &first.signature])) {
            div.top {
                h3 {
                    (mark(of(group.severity)))
                    span {
                        (count(n, "failure", "failures")) " of "
                        (count(connectors, "connector", "connectors")) ", one cause"
                    }
                }
                (marks::class(first.failure_class))
                (of_cluster(scene, &first))
                @if let Some(unit) = &first.watchdog { span.next { (next_words(unit, scene)) } }
            }
            dl.facts {
                dt { "Cause" } dd { (cause(&first)) }
                dt { "Who" } dd {
                    ul.members {
                        @for one in group.members.iter().take(SHOWN).filter_map(facts) {
                            (member(scene, &one))
                        }
                    }
                    @if n > SHOWN {
                        details id=(anchor("more", &[&first.cluster, &first.signature])) {
                            summary { (thousands((n - SHOWN).min(FOLDED))) " more" }
                            ul.members { @for one in more() { (member(scene, &one)) } }
                        }
                    }
                    @if n > SHOWN + FOLDED {
                        a href={ (scene.paths.to("/")) (all.to_query()) "#connectors" } {
                            "All connectors with this cause"
                        }
                    }
                }
                @if let Some(unit) = &first.watchdog {
                    dt { "Watchdog" } dd.says { (prose(&unit.says, scene.now)) }
                }
                dt { "To do" } dd { (first.advice) }
            }
        }
    }
}

/// One of a group, in a line.
fn member(scene: &Scene, one: &FailureFacts) -> Markup {
    html! {
        li {
            (mark(of(one.severity))) " " (unit_link(scene, one)) " "
            small { @if let Some(since) = one.since { "failed " (age(since, scene.now)) }
                @if let Some(unit) = &one.watchdog { ", " (next_words(unit, scene)) } }
        }
    }
}

/// A failure by itself, with its name where it is not told already, and more below.
pub(in crate::web::page) fn card(
    scene: &Scene,
    one: &FailureFacts,
    with_name: bool,
    more: &Markup,
) -> Markup {
    let task = one.task.map_or_else(|| "own".to_owned(), |task| task.to_string());
    html! {
        li id=(anchor("failure", &[&one.cluster, &one.connector, &task])) {
            div.top {
                h3 {
                    (mark(of(one.severity)))
                    @if with_name { (unit_link(scene, one)) }
                    @else { span { (unit_words(one.task)) } }
                }
                (marks::class(one.failure_class))
                @if let Some(since) = one.since { small { "failed " (age(since, scene.now)) } }
                @if with_name { (of_cluster(scene, one)) }
                @if let Some(unit) = &one.watchdog {
                    span.next.never[is_never(unit)] { (next_words(unit, scene)) }
                } @else {
                    span.next.never { "no watchdog looks after it" }
                }
            }
            dl.facts {
                dt { "Cause" } dd { (cause(one)) }
                @if let Some(unit) = &one.watchdog {
                    dt { "Watchdog" } dd.says { (prose(&unit.says, scene.now)) }
                }
                dt { "To do" } dd { (one.advice) }
            }
            (more)
        }
    }
}

const fn of(severity: Severity) -> Mark {
    Mark::of(State::Failed, severity)
}

fn cause(one: &FailureFacts) -> Markup {
    html! {
        @if one.cause.is_empty() { span.muted { "The worker tells no trace." } }
        @else { span.cause { bdi { (one.cause) } } }
    }
}

fn of_cluster(scene: &Scene, one: &FailureFacts) -> Markup {
    html! { @if scene.is_of_many() { small { "in " bdi { (one.cluster) } } } }
}

fn unit_words(task: Option<u32>) -> String {
    task.map_or_else(|| "The connector itself".to_owned(), |task| format!("Task {task}"))
}

fn unit_link(scene: &Scene, one: &FailureFacts) -> Markup {
    html! {
        span {
            a href=(scene.paths.connector(&one.cluster, &one.connector)) { bdi { (one.connector) } }
            @match one.task { Some(task) => { " task " (task) } None => " itself" }
        }
    }
}

fn is_never(unit: &UnitFacts) -> bool {
    unit.next_attempt.is_none() && matches!(unit.why, "given_up" | "stuck" | "rule" | "foreign")
}

/// When it is tried next, in as few words as can be.
pub(in crate::web::page) fn next_words(unit: &UnitFacts, scene: &Scene) -> Markup {
    let would = if unit.mode == "on" { "next try" } else { "next try (only said)" };
    html! {
        @match (unit.why, unit.next_attempt) {
            ("given_up", _) => "not tried again",
            ("rule", _) => "left alone by a rule",
            ("foreign", _) => "left to somebody else",
            ("silence", _) => "silenced",
            ("window", _) => "left alone: maintenance",
            ("stuck", _) => "stuck since its restart",
            ("verify", _) => "restarted; being watched",
            ("stable", _) => "runs again; being watched",
            ("grace", _) => "tried soon",
            ("budget", _) => "waits for the budget",
            ("probe", _) => "tried when its dependency answers",
            (_, Some(next)) if next.age(scene.now) > Duration::ZERO => {
                @if matches!(unit.why, "back_off" | "breaker" | "parked") { "due now" }
                @else { "due, and held back" }
            }
            (_, Some(next)) => {
                (would) " " time.due datetime=(next) title=(next) { (distance(next, scene.now)) }
            }
            _ => "held back for now",
        }
    }
}

/// What is not right with a connector that is not FAILED, in words.
fn oddities(connector: &ConnectorFacts) -> Vec<String> {
    let mut all = Vec::new();
    if connector.state == State::Running {
        match connector.tasks_expected {
            Some(expected) if connector.tasks.len() < expected as usize => all.push(format!(
                "{} of its {expected} tasks are not there",
                expected as usize - connector.tasks.len()
            )),
            _ if connector.tasks.is_empty() => all.push("it runs and has no tasks".to_owned()),
            _ => {}
        }
    }
    let is_odd = |state| matches!(state, State::Unassigned | State::Restarting | State::Unknown);
    if is_odd(connector.state) {
        all.push(format!("it is {}", connector.state.as_str()));
    }
    for state in [State::Unassigned, State::Restarting, State::Unknown] {
        match connector.tasks.iter().filter(|task| task.state == state).count() {
            0 => {}
            n => all.push(format!("{} {}", count(n, "task is", "tasks are"), state.as_str())),
        }
    }
    let orphans =
        connector.tasks.iter().filter(|task| task.orphaned && task.state == State::Running);
    match orphans.count() {
        0 => {}
        n => all
            .push(format!("{} on a worker that does not answer", count(n, "task is", "tasks are"))),
    }
    if connector.stalled == Some(true) {
        all.push("it runs and its offsets stand still".to_owned());
    }
    all
}

fn oddly(scene: &Scene, odd: &[&(&Known, ConnectorFacts)]) -> Markup {
    html! {
        ol.wrong {
            li #odd {
                div.top {
                    h3 { (mark(Mark::Odd)) span {
                        (count(odd.len(), "connector is", "connectors are")) " not failed, and not right" } }
                }
                ul.members {
                    @for (_, connector) in odd.iter().take(ODD) {
                        li {
                            a href=(scene.paths.connector(&connector.cluster, &connector.name)) {
                                bdi { (connector.name) }
                            }
                            " " small {
                                @if scene.is_of_many() { "in " bdi { (connector.cluster) } ": " }
                                (oddities(connector).join("; "))
                                @if let Some(since) = super::last_change(connector) {
                                    " (" (age(since, scene.now)) ")"
                                }
                            }
                        }
                    }
                    @if odd.len() > ODD {
                        li.muted { "and " (thousands(odd.len() - ODD)) " more; the map and the table have them" }
                    }
                }
            }
        }
    }
}

/// The same for the same names: to link to, and to find again when the page changes.
pub(in crate::web::page) fn anchor(what: &str, names: &[&str]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for name in names {
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
    }
    format!("{what}-{:08x}", hasher.finalize())
}
