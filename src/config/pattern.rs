//! Patterns: always of a whole name. One that looks as if it were meant otherwise is warned of.

use regex::Regex;

/// Compiles a pattern of whole names, or says what is wrong with it.
pub(crate) fn compile(text: &str) -> Result<Regex, String> {
    // Alone first: `a)|(?:b` is none, and would be one that fits everything in the brackets.
    Regex::new(text).and_then(|_| Regex::new(&format!("^(?:{text})$"))).map_err(|error| {
        if text.starts_with('*') {
            return format!("{text:?} is not a regular expression; write .* for anything");
        }
        let error = error.to_string();
        let error = error.lines().last().unwrap_or_default();
        format!("{text:?} is not a regular expression: {error}")
    })
}

/// The pattern as it was written.
pub(crate) fn as_written(pattern: &Regex) -> &str {
    let text = pattern.as_str();
    text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text)
}

/// Whether every name matches.
pub(super) fn is_everything(pattern: &Regex) -> bool {
    matches!(as_written(pattern), ".*" | ".+" | "^.*$" | "^.+$")
}

/// The one name that matches, where the pattern is a name.
pub(super) fn exact(pattern: &Regex) -> Option<&str> {
    let text = as_written(pattern);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | ':' | '/' | '%');
    text.chars().all(plain).then_some(text)
}

/// What is odd about it: half an anchor, or a `*` as shells have it.
pub(crate) fn oddity(text: &str) -> Option<String> {
    let begins = text.starts_with('^');
    let ends = text.ends_with('$') && !text.ends_with("\\$");
    let bare = text.trim_start_matches('^').trim_end_matches('$');
    let is_open = if begins { bare.ends_with(".*") } else { bare.starts_with(".*") };
    if begins != ends && !is_open {
        let wider = if begins { format!("{bare}.*") } else { format!(".*{bare}") };
        let anchor = if begins { "begins with ^" } else { "ends with $" };
        return Some(format!(
            "{text:?} {anchor}, but a pattern is always of a whole name: it matches no more than \
             {bare:?} does; was {wider:?} meant?"
        ));
    }
    let mut before = None;
    let mut escaped = false;
    for c in text.chars() {
        let literal = |before: &char| before.is_alphanumeric() || matches!(before, '-' | '_' | ' ');
        if let Some(repeated) = before.filter(literal).filter(|_| c == '*') {
            return Some(format!(
                "{text:?} has a * that repeats the {repeated:?} before it; write .* for anything"
            ));
        }
        // After a backslash comes a class such as \w, or an escape: to repeat it is meant.
        before = if escaped { None } else { Some(c) };
        escaped = c == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_a_whole_name() {
        for (pattern, name, wanted) in [
            ("orders", "orders", true),
            ("orders", "orders-2", false),
            ("a|b", "ab", false),
            ("a|b", "b", true),
            ("^orders$", "orders", true),
            (".*-sink", "x-sink", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(name), wanted, "{pattern} {name}");
            assert_eq!(oddity(pattern), None);
        }
    }

    #[test]
    fn what_was_probably_not_meant_is_warned_of() {
        for (pattern, wanted) in [
            ("orders*", Some("has a * that repeats the 's' before it; write .* for anything")),
            ("orders-*", Some("has a * that repeats the '-' before it")),
            (
                "^foo",
                Some(
                    "begins with ^, but a pattern is always of a whole name: it matches no more than \"foo\" does; was \"foo.*\" meant?",
                ),
            ),
            ("foo$", Some("ends with $")),
            (r"a\d*", None),
            (r"a\-*", None),
            ("[a-z]*", None),
            ("(ab)*", None),
            ("a.*b", None),
            (r"cost\$", None),
            ("^foo.*", None),
            (".*foo$", None),
            ("^foo$", None),
        ] {
            assert!(compile(pattern).is_ok());
            let found = oddity(pattern);
            match wanted {
                Some(wanted) => assert!(found.is_some_and(|found| found.contains(wanted))),
                None => assert_eq!(found, None),
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(
            compile("*-sink").unwrap_err(),
            "\"*-sink\" is not a regular expression; write .* for anything"
        );
        assert!(compile("(").unwrap_err().starts_with("\"(\" is not a regular expression: "));
    }
}
