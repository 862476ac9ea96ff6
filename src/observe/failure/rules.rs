//! The rules as an engine: every phrase is looked for in one pass over a cause.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::config::FailureRule;

use super::codes::Codes;

/// The rules that are compiled in.
const BUILT_IN: &str = include_str!("rules.yaml");

/// Rules that do not make sense.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A rule that fits nothing, or everything.
    #[error("failure rule {0:?}: {1}")]
    Rule(String, String),
}

/// Rules, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Rules {
    all: Vec<FailureRule>,
    /// The beginnings of the phrases, up to their first `*`.
    beginnings: AhoCorasick,
    phrases: Vec<Phrase>,
    /// The earliest rule for an error number.
    codes: HashMap<u32, usize>,
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
        let built_in: Vec<FailureRule> = serde_saphyr::from_str(BUILT_IN)
            .map_err(|error| RuleError::Rule("rules.yaml".to_owned(), error.to_string()))?;
        let all: Vec<_> = of_user.iter().cloned().chain(built_in).collect();
        let (mut beginnings, mut phrases, mut codes) = (Vec::new(), Vec::new(), HashMap::new());
        for (at, rule) in all.iter().enumerate() {
            let wrong = |what: &str| Err(RuleError::Rule(rule.name.clone(), what.to_owned()));
            if rule.any.is_empty()
                && rule.sqlstate.is_empty()
                && rule.http.is_empty()
                && rule.codes.is_empty()
            {
                return wrong("it fits nothing; give `any`, `sqlstate`, `http` or `codes`");
            }
            for phrase in &rule.any {
                let mut parts = phrase.split('*').map(str::trim).filter(|part| !part.is_empty());
                let Some(first) = parts.next() else {
                    return wrong("a phrase without a word fits everything");
                };
                beginnings.push(first.to_owned());
                phrases
                    .push(Phrase { rule: at, rest: parts.map(str::to_ascii_lowercase).collect() });
            }
            for code in &rule.codes {
                codes.entry(*code).or_insert(at);
            }
        }
        let beginnings = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&beginnings)
            .map_err(|error| RuleError::Rule("any".to_owned(), error.to_string()))?;
        Ok(Self { all, beginnings, phrases, codes })
    }

    /// The first rule that fits a cause.
    pub(super) fn first(&self, cause: &str) -> Option<&FailureRule> {
        let mut best = usize::MAX;
        for found in self.beginnings.find_overlapping_iter(cause) {
            let phrase = &self.phrases[found.pattern().as_usize()];
            if phrase.rule < best && phrase.goes_on(&cause[found.end()..]) {
                best = phrase.rule;
            }
        }
        let codes = Codes::read(cause);
        let by_number = codes.codes.iter().filter_map(|code| self.codes.get(code)).min();
        best = best.min(by_number.copied().unwrap_or(usize::MAX));
        let begins = |all: &[String], value: Option<&str>| {
            value.is_some_and(|value| all.iter().any(|beginning| value.starts_with(&**beginning)))
        };
        let by_word = self.all.iter().take(best).position(|rule| {
            begins(&rule.sqlstate, codes.sqlstate) || begins(&rule.http, codes.http)
        });
        self.all.get(by_word.unwrap_or(best))
    }
}

impl Phrase {
    /// Whether the other parts follow, in order, in the same line.
    fn goes_on(&self, after: &str) -> bool {
        if self.rest.is_empty() {
            return true;
        }
        let line = after.lines().next().unwrap_or_default().to_ascii_lowercase();
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
