//! The rules as an engine: every phrase is looked for in one pass over a cause.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::config::{FailureRule, Strength, System};

use super::codes::{Codes, GRPC_NAMES, Systems};

/// The rules that are compiled in, in the order in which they are tried.
const BUILT_IN: [(&str, &str); 9] = [
    ("1-offset-lost.yaml", include_str!("rules/1-offset-lost.yaml")),
    ("2-limits.yaml", include_str!("rules/2-limits.yaml")),
    ("3-auth.yaml", include_str!("rules/3-auth.yaml")),
    ("4-install.yaml", include_str!("rules/4-install.yaml")),
    ("5-reach.yaml", include_str!("rules/5-reach.yaml")),
    ("6-configuration.yaml", include_str!("rules/6-configuration.yaml")),
    ("7-data.yaml", include_str!("rules/7-data.yaml")),
    ("8-transient.yaml", include_str!("rules/8-transient.yaml")),
    ("9-names.yaml", include_str!("rules/9-names.yaml")),
];

/// How far apart the parts of a phrase may stand, in bytes.
const MAX_GAP: usize = 400;

/// Rules that do not make sense.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A rule that fits nothing, or everything.
    #[error("{0}{1}")]
    Rule(String, String),
}

/// A rule, and how much its word weighs.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) strength: Strength,
    rule: FailureRule,
}

impl std::ops::Deref for Rule {
    type Target = FailureRule;

    fn deref(&self) -> &FailureRule {
        &self.rule
    }
}

impl Rule {
    fn or(usual: Strength, rule: FailureRule) -> Self {
        Self { strength: rule.strength.unwrap_or(usual), rule }
    }
}

/// A rule that fits a cause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'r> {
    pub(super) rule: &'r Rule,
    /// Where its phrase begins in the cause; none where a number told it.
    pub(super) at: Option<usize>,
}

/// The first rule that fits a cause, of each weight.
#[derive(Debug, Default)]
pub(super) struct Fits<'r> {
    pub(super) user: Option<Match<'r>>,
    pub(super) strong: Option<Match<'r>>,
    pub(super) weak: Option<Match<'r>>,
}

/// Rules, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Rules {
    all: Vec<Rule>,
    /// The beginnings of the phrases, up to their first `*`.
    beginnings: AhoCorasick,
    phrases: Vec<Phrase>,
    /// The rules for an error number, and whose it must be.
    codes: HashMap<u32, Vec<(usize, Option<System>)>>,
}

#[derive(Debug)]
struct Phrase {
    rule: usize,
    /// What follows the first `*`, in lower case.
    rest: Vec<String>,
}

impl Rules {
    /// The user's rules first, then those that are compiled in.
    pub(super) fn new(of_user: &[FailureRule]) -> Result<Self, RuleError> {
        let mut all: Vec<Rule> =
            of_user.iter().map(|rule| Rule::or(Strength::First, rule.clone())).collect();
        for (file, text) in BUILT_IN {
            let rules: Vec<FailureRule> = serde_saphyr::from_str(text)
                .map_err(|error| RuleError::Rule(file.to_owned(), format!(": {error}")))?;
            all.extend(rules.into_iter().map(|rule| Rule::or(Strength::Plain, rule)));
        }
        let (mut beginnings, mut phrases) = (Vec::new(), Vec::new());
        let mut codes: HashMap<u32, Vec<_>> = HashMap::new();
        for (at, rule) in all.iter().enumerate() {
            let wrong = |what: &str| Err(RuleError::Rule(rule.place.clone(), what.to_owned()));
            let numbers = rule.codes.all();
            let words = [&rule.any, &rule.sqlstate, &rule.http, &rule.grpc];
            if numbers.is_empty() && words.iter().all(|words| words.is_empty()) {
                return wrong(
                    ": it fits nothing; give `any`, `sqlstate`, `http`, `grpc` or `codes`",
                );
            }
            if let Some(status) = rule.grpc.iter().find(|name| !GRPC_NAMES.contains(&&***name)) {
                let known = GRPC_NAMES.join(", ");
                return wrong(&format!(".grpc: no status is {status:?}, known are {known}"));
            }
            for phrase in &rule.any {
                let mut parts = phrase.split('*').map(str::trim).filter(|part| !part.is_empty());
                let Some(first) = parts.next() else {
                    return wrong(&format!(
                        ".any: {phrase:?} fits everything; give words, such as 'warehouse * loading'"
                    ));
                };
                beginnings.push(first.to_owned());
                phrases
                    .push(Phrase { rule: at, rest: parts.map(str::to_ascii_lowercase).collect() });
            }
            for (code, system) in numbers {
                codes.entry(code).or_default().push((at, system));
            }
        }
        let beginnings = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&beginnings)
            .map_err(|error| RuleError::Rule("any".to_owned(), format!(": {error}")))?;
        Ok(Self { all, beginnings, phrases, codes })
    }

    /// The first rules that fit a cause.
    pub(super) fn fits(&self, cause: &str, systems: Systems) -> Fits<'_> {
        let mut best = Best::default();
        for found in self.beginnings.find_overlapping_iter(cause) {
            let phrase = &self.phrases[found.pattern().as_usize()];
            let slot = best.slot(self.all[phrase.rule].strength);
            if slot.is_none_or(|(rule, _)| phrase.rule < rule)
                && phrase.goes_on(&cause[found.end()..])
            {
                *slot = Some((phrase.rule, Some(found.start())));
            }
        }
        let codes = Codes::read(cause);
        for code in &codes.codes {
            for (rule, system) in self.codes.get(code).into_iter().flatten() {
                if system.is_none_or(|system| systems.may_be(system, *code)) {
                    best.offer(self.all[*rule].strength, *rule);
                }
            }
        }
        if codes.sqlstate.is_some() || codes.http.is_some() || codes.grpc.is_some() {
            for (at, rule) in self.all.iter().enumerate() {
                let begins = |all: &[String], value: Option<&str>| {
                    value.is_some_and(|value| all.iter().any(|begin| value.starts_with(&**begin)))
                };
                if begins(&rule.sqlstate, codes.sqlstate)
                    || begins(&rule.http, codes.http)
                    || codes.grpc.is_some_and(|name| rule.grpc.iter().any(|of| of == name))
                {
                    best.offer(rule.strength, at);
                }
            }
        }
        let told = |found: Option<(usize, Option<usize>)>| {
            found.map(|(rule, at)| Match { rule: &self.all[rule], at })
        };
        Fits { user: told(best.user), strong: told(best.strong), weak: told(best.weak) }
    }
}

/// The earliest rule of each weight, and where.
#[derive(Default)]
struct Best {
    user: Option<(usize, Option<usize>)>,
    strong: Option<(usize, Option<usize>)>,
    weak: Option<(usize, Option<usize>)>,
}

impl Best {
    const fn slot(&mut self, strength: Strength) -> &mut Option<(usize, Option<usize>)> {
        match strength {
            Strength::First => &mut self.user,
            Strength::Firm | Strength::Plain => &mut self.strong,
            Strength::Weak => &mut self.weak,
        }
    }

    fn offer(&mut self, strength: Strength, rule: usize) {
        let slot = self.slot(strength);
        if slot.is_none_or(|(other, _)| rule < other) {
            *slot = Some((rule, None));
        }
    }
}

impl Phrase {
    /// Whether the other parts follow, in order, in the same line.
    fn goes_on(&self, after: &str) -> bool {
        if self.rest.is_empty() {
            return true;
        }
        let near = &after[..after.floor_char_boundary(MAX_GAP)];
        let line = near.lines().next().unwrap_or_default().to_ascii_lowercase();
        let mut left = &line[..];
        self.rest.iter().all(|part| match left.find(&**part) {
            Some(at) => {
                left = &left[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_phrase_can_win() {
        let rules = Rules::new(&[]).unwrap();
        let mut never = Vec::new();
        for rule in &rules.all {
            let others = rules.all.iter().filter(|other| other.name == rule.name).count();
            assert_eq!(others, 1, "{} is one rule", rule.name);
            assert!(rule.advice.len() > 40, "{} says what to look at", rule.name);
            for phrase in &rule.any {
                let cause = phrase.replace('*', " x ");
                let fits = rules.fits(&cause, Systems::default());
                let told = match rule.strength {
                    Strength::First => fits.user,
                    Strength::Firm | Strength::Plain => fits.strong,
                    Strength::Weak => fits.weak,
                };
                let told = told.map(|told| &*told.rule.name).unwrap_or_default();
                if told != rule.name {
                    never.push(format!("{}: {phrase:?} is told by {told:?}", rule.name));
                }
            }
        }
        assert!(never.is_empty(), "{}", never.join("\n"));
    }
}
