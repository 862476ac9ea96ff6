//! `rules:`: the first that fits a unit wins.

use std::collections::BTreeSet;

use crate::config::WatchdogMode;
use crate::watchdog::policy::Limits;

use super::matching::{self, MatchSettings};
use super::node::{Node, Problem, problem};
use super::section::Section;
use super::windows::{Named, Schedule, never_acts, schedule};
use super::{MODES, numbers};

/// One rule.
#[derive(Clone, Debug)]
pub struct RuleSettings {
    /// For logs, metrics and the plan; each once.
    pub name: String,
    /// Whom it is for.
    pub matching: MatchSettings,
    /// Whether it acts; `None`: as all.
    pub mode: Option<WatchdogMode>,
    /// Its numbers, with those of all where it has none of its own.
    pub limits: Limits,
    /// When it acts.
    pub schedule: Schedule,
}

/// What rules are read against.
pub(super) struct Around<'a> {
    pub(super) clusters: &'a [&'a str],
    pub(super) mode: WatchdogMode,
    pub(super) limits: &'a Limits,
    pub(super) schedule: &'a Schedule,
    pub(super) windows: &'a [Named],
}

/// Reads `rules:` and refuses those that can never win.
pub(super) fn read(
    nodes: &[Node],
    around: &Around<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<RuleSettings>, Problem> {
    let mut lines: Vec<u64> = Vec::new();
    let mut all: Vec<RuleSettings> = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let path = format!("watchdog.rules[{}]", number + 1);
        let section = Section::new(path, node.line, node)?;
        let (line, rule) = one(section, around, warnings)?;
        if let Some(first) = all.iter().position(|other| other.name == rule.name) {
            let taken = lines.get(first).copied().unwrap_or_default();
            let name = &rule.name;
            return problem(
                line,
                format!("watchdog.rules: the name {name:?} is taken, by line {taken}"),
            );
        }
        can_win(line, &rule, &all, &lines, around)?;
        if rule.matching.is_everything() && number + 1 < nodes.len() {
            return problem(
                line,
                format!(
                    "watchdog.rules[{}]: matches everything, so that no rule after it can win; \
                     give it a `match` or put it last",
                    rule.name
                ),
            );
        }
        lines.push(line);
        all.push(rule);
    }
    Ok(all)
}

fn one(
    mut section: Section<'_>,
    around: &Around<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<(u64, RuleSettings), Problem> {
    let name = section.needed("name", "nightly-batch")?;
    section.path = format!("watchdog.rules[{}]", name.text);
    let matching = matching::read(section.section("match")?, warnings)?;
    let mode = section.word("mode", &MODES)?;
    if let Some(mode) = mode.filter(|mode| *mode > around.mode) {
        let (own, all) = (mode.as_str(), around.mode.as_str());
        warnings.push(Problem {
            line: section.line_of(&["mode"]),
            text: format!(
                "{}.mode: {own} is more than watchdog.mode, {all}, and comes to {all}",
                section.path
            ),
        });
    }
    let mut limits = around.limits.clone();
    numbers::of_a_unit(&mut section, &mut limits, warnings)?;
    let own = schedule(&mut section, around.windows)?;
    if never_acts(&[around.schedule, &own], around.windows) {
        let line = section.line_of(&["hold_during", "act_during"]);
        return problem(
            line,
            format!("{}: its windows leave no time at which it acts", section.path),
        );
    }
    section.finish()?;
    Ok((name.line, RuleSettings { name: name.text, matching, mode, limits, schedule: own }))
}

/// Refuses a rule that matches no cluster, or nothing that earlier rules leave.
fn can_win(
    line: u64,
    rule: &RuleSettings,
    earlier: &[RuleSettings],
    lines: &[u64],
    around: &Around<'_>,
) -> Result<(), Problem> {
    let name = &rule.name;
    let of_clusters = |cluster: &&&str| rule.matching.fits_cluster(cluster);
    let clusters: Vec<&str> = around.clusters.iter().filter(of_clusters).copied().collect();
    if clusters.is_empty() {
        let known = around.clusters.join(", ");
        return problem(
            line,
            format!("watchdog.rules[{name}].match.clusters: matches no cluster, known are {known}"),
        );
    }
    let mut winners = BTreeSet::new();
    for cluster in clusters {
        for (kind, class) in rule.matching.kinds() {
            let covers =
                |other: &RuleSettings| other.matching.covers(&rule.matching, cluster, kind, class);
            match earlier.iter().position(covers) {
                Some(winner) => winners.insert(winner),
                None => return Ok(()),
            };
        }
    }
    let winners: Vec<String> = winners
        .into_iter()
        .filter_map(|at| Some(format!("{} (line {})", earlier.get(at)?.name, lines.get(at)?)))
        .collect();
    problem(
        line,
        format!(
            "watchdog.rules[{name}]: can never win: all that it matches is taken before by {}",
            winners.join(", ")
        ),
    )
}
