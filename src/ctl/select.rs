//! From what was typed to connectors: names, patterns, tasks.

use regex::Regex;

use crate::config::did_you_mean;

use super::failure::Failure;

/// Connectors that were meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Their names, each once.
    pub(super) names: Vec<String>,
    /// Whether a pattern found some of them: whoever typed it may not know which.
    pub(super) by_pattern: bool,
}

/// Those of `listed` that are meant. A name that is listed is that connector, also with a `*` in it.
pub(super) fn choose(listed: &[String], typed: &[String], regex: bool) -> Result<Chosen, Failure> {
    let mut chosen = Chosen { names: Vec::new(), by_pattern: false };
    for text in typed {
        let found: Vec<&String> = if !regex && listed.contains(text) {
            vec![text]
        } else if let Some(pattern) = pattern(text, regex)? {
            chosen.by_pattern = true;
            listed.iter().filter(|name| pattern.is_match(name)).collect()
        } else {
            return Err(unknown(listed, text));
        };
        if found.is_empty() {
            return Err(Failure::failed(format!("no connector matches {text:?}")));
        }
        for name in found {
            if !chosen.names.contains(name) {
                chosen.names.push(name.clone());
            }
        }
    }
    Ok(chosen)
}

/// The only one that is meant.
pub(super) fn one(listed: &[String], typed: &str) -> Result<String, Failure> {
    if listed.iter().any(|name| name == typed) {
        return Ok(typed.to_owned());
    }
    Err(unknown(listed, typed))
}

/// `CONNECTOR/TASK`; names may hold slashes and end like a task.
pub(super) fn task(listed: &[String], typed: &str) -> Option<(String, u32)> {
    if listed.iter().any(|name| name == typed) {
        return None;
    }
    let (name, task) = typed.rsplit_once('/')?;
    let task = task.parse().ok()?;
    listed.iter().any(|listed| listed == name).then(|| (name.to_owned(), task))
}

fn unknown(listed: &[String], typed: &str) -> Failure {
    let near = did_you_mean(typed, listed.iter().map(String::as_str));
    let near = if near.is_empty() { "; `ctl get connectors` lists them".to_owned() } else { near };
    Failure::failed(format!("there is no connector {typed:?}{near}"))
}

fn pattern(text: &str, regex: bool) -> Result<Option<Regex>, Failure> {
    let of = if regex {
        text.to_owned()
    } else if text.contains(['*', '?']) {
        text.chars()
            .map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                _ => regex::escape(c.encode_utf8(&mut [0; 4])),
            })
            .collect()
    } else {
        return Ok(None);
    };
    let compiled = Regex::new(&format!("^(?s:{of})$"));
    compiled.map(Some).map_err(|error| {
        let error = error.to_string();
        let why = error.lines().last().unwrap_or_default();
        Failure::usage(format!("{text:?} is not a regular expression: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_win_over_patterns() {
        let listed = names(&["a", "ab", "a*", "x.y", "é"]);
        let found = |typed: &[&str], regex| {
            choose(&listed, &names(typed), regex)
                .map(|c| (c.names, c.by_pattern))
                .map_err(|f| (f.code, f.text))
        };
        assert_eq!(found(&["a*"], false), Ok((names(&["a*"]), false)));
        assert_eq!(found(&["a?", "ab"], false), Ok((names(&["ab", "a*"]), true)));
        assert_eq!(found(&["*"], false).unwrap().0.len(), 5);
        assert_eq!(found(&["x.?"], false), Ok((names(&["x.y"]), true)));
        assert_eq!(found(&["?"], false), Ok((names(&["a", "é"]), true)));
        assert_eq!(found(&["a."], true), Ok((names(&["ab", "a*"]), true)));
        assert_eq!(found(&["x?"], false), Err((1, "no connector matches \"x?\"".to_owned())));
        assert_eq!(found(&["("], true).unwrap_err().0, 64);
        assert!(found(&["abc"], false).unwrap_err().1.contains("did you mean `ab`?"));
    }

    #[test]
    fn a_task_is_told_from_a_name_with_a_slash() {
        let listed = names(&["a", "x/1"]);
        assert_eq!(task(&listed, "a/0"), Some(("a".to_owned(), 0)));
        assert_eq!(task(&listed, "x/1"), None);
        assert_eq!(task(&listed, "x/1/2"), Some(("x/1".to_owned(), 2)));
        assert_eq!((task(&listed, "b/0"), task(&listed, "a/b")), (None, None));
    }
}
