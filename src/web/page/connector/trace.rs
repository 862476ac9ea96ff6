//! A stack trace: the root cause stands out, the rest is folded away.

use maud::{Markup, html};

use super::super::super::facts::FailureDetail;
use super::super::marks::count;
use super::super::overview::anchor;

/// So much of a cause is looked for in a trace's lines.
const COMPARED: usize = 60;

/// The trace behind a line to unfold it.
pub(super) fn folded(one: &FailureDetail) -> Markup {
    let task = one.failure.task.map_or_else(String::new, |task| task.to_string());
    let lines: Vec<_> = one.trace.lines().collect();
    let root = root(&lines, &one.failure.cause);
    html! {
        @if lines.is_empty() {
            p.muted { "The worker tells no trace." }
        } @else {
            details id=(anchor("trace", &[&one.failure.connector, &task])) {
                summary { "The trace, " (count(lines.len(), "line", "lines")) }
                pre.trace tabindex="0" aria-label="Stack trace" {
                    @for (at, line) in lines.iter().enumerate() {
                        @if root == Some(at) { mark { (line) } }
                        @else if is_frame(line) { span.at { (line) } }
                        @else { span.by { (line) } }
                        "\n"
                    }
                }
            }
        }
        p.muted {
            "Signature " code { bdi { (one.failure.signature) } }
            @if !one.class_rule.is_empty() { ", told by the rule " code { (one.class_rule) } }
        }
    }
}

fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("at ") || line.starts_with("...")
}

/// The line with the cause that decided: the last that has its beginning.
fn root(lines: &[&str], cause: &str) -> Option<usize> {
    let cause = &cause[..cause.floor_char_boundary(COMPARED)];
    if cause.is_empty() {
        return None;
    }
    let one_line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    // A long cause goes on in the next line.
    let has_it = |line: &&str| {
        let line = one_line(line);
        line.contains(cause)
            || line.len() > 10 && !is_frame(&line) && {
                let message = line.trim_start_matches("Caused by: ");
                cause.starts_with(message)
            }
    };
    lines.iter().rposition(has_it)
}

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn the_root_cause_is_found() {
        let trace =
            "a.B: x\n\tat y\nCaused by: c.D: connection refused: host 1\n\tat z\n\t... 3 more";
        let lines: Vec<_> = trace.lines().collect();
        assert_eq!(root(&lines, "c.D: connection refused: host 1"), Some(2));
        assert_eq!(root(&lines, "other"), None);
        assert_eq!(root(&lines, ""), None);
        let lines = ["e.F: first line:", "\tat y", "Caused by: g.H: starts here", "and goes on"];
        assert_eq!(root(&lines, "g.H: starts here and goes on"), Some(2));
    }
}
