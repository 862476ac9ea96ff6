//! A trace as its causes: what each says, without the frames.
//!
//! Traces come as Java prints them, and as they were passed on: in one line, with `\n` written
//! out, or behind a log's prefix. All are read alike.

use std::sync::LazyLock;

use regex::Regex;

/// Of a trace with more causes than both, the first and the last are looked at: the root cause is
/// among the last, and what the connector makes of it among the first.
const FIRST_CAUSES: usize = 8;
const LAST_CAUSES: usize = 56;
/// A longer message is looked at in two parts, its head and its tail, of half of this each: a
/// statement with all its values may stand between them. In bytes.
const MAX_MESSAGE: usize = 16 << 10;

/// The causes, outermost first, and the side shows: what is `Suppressed:`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chain<'t> {
    pub(super) causes: Vec<&'t str>,
    pub(super) suppressed: Vec<&'t str>,
}

/// How far back a line's beginning is looked for, in bytes: a trace may have no lines.
const MAX_INDENT: usize = 256;

const CAUSED_BY: &str = "Caused by: ";
const SUPPRESSED: &str = "Suppressed: ";
/// How the driver of PostgreSQL quotes a statement.
const STATEMENT: &str = "Batch entry ";
const STATEMENT_END: &str = "was aborted";

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static MARK: LazyLock<Regex> = LazyLock::new(|| pattern("Caused by: |Suppressed: "));
/// The first frame, or what stands for more of them.
static FRAMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:\s|\\[nrt])+(?:at (?:[\w.$@-]+/)*[\w.$-]+\.[\w<>$-]+\(",
        r"|\.\.\. [0-9]+ (?:more|common))"
    ))
});

impl<'t> Chain<'t> {
    /// In time linear in the trace's length.
    pub(super) fn read(trace: &'t str) -> Self {
        let mut starts = vec![(0, true)];
        let mut aside = false;
        for mark in MARK.find_iter(trace) {
            let before = &trace[..mark.start()];
            let Some(indent) = indent(before) else { continue };
            let suppressed = mark.as_str() == SUPPRESSED;
            // Java indents what belongs to a suppressed one.
            aside = suppressed || aside && indent > 0;
            starts.push((mark.start(), !aside));
        }
        let (mut causes, mut suppressed) = (Vec::new(), Vec::new());
        let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([trace.len()]);
        for ((start, main), end) in starts.iter().zip(ends) {
            let all = if *main { &mut causes } else { &mut suppressed };
            all.push(&trace[*start..end]);
        }
        Self { causes: messages(&causes), suppressed: messages(&suppressed) }
    }
}

/// How far what follows is indented, where it can begin a cause; a message may name one, too.
fn indent(before: &str) -> Option<usize> {
    let near = before.ceil_char_boundary(before.len().saturating_sub(MAX_INDENT));
    let line = before[near..].rsplit('\n').next().unwrap_or_default();
    let text = line.trim_end();
    if text.is_empty() {
        return Some(line.len());
    }
    let follows =
        line.len() > text.len() || [r"\n", r"\t", r"\r"].iter().any(|e| text.ends_with(e));
    follows.then_some(0)
}

fn messages<'t>(all: &[&'t str]) -> Vec<&'t str> {
    let skipped = FIRST_CAUSES..all.len().saturating_sub(LAST_CAUSES).max(FIRST_CAUSES);
    let kept = all.iter().enumerate().filter(|(at, _)| !skipped.contains(at));
    kept.flat_map(|(_, cause)| message(cause)).collect()
}

/// What a cause says before its first frame; without the statement that failed, whose values may
/// say anything.
fn message(cause: &str) -> impl Iterator<Item = &str> {
    let text = cause.strip_prefix(CAUSED_BY).or(cause.strip_prefix(SUPPRESSED)).unwrap_or(cause);
    let text = &text[..FRAMES.find(text).map_or(text.len(), |frame| frame.start())];
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\\');
    let statement = text.find(STATEMENT).and_then(|start| {
        let end = start + text[start..].find(STATEMENT_END)?;
        Some((start, end))
    });
    let parts = match statement {
        Some((start, end)) => [Some(&text[..start]), Some(&text[end..])],
        None => [Some(text), None],
    };
    parts.into_iter().flatten().flat_map(|part| {
        if part.len() <= MAX_MESSAGE {
            return [Some(part), None].into_iter().flatten();
        }
        let tail = part.ceil_char_boundary(part.len() - MAX_MESSAGE / 2);
        let head = part.floor_char_boundary(MAX_MESSAGE / 2);
        [Some(&part[..head]), Some(&part[tail..])].into_iter().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_read_without_frames() {
        let chain = Chain::read(
            "a.B: one\nof two lines\n\tat x.Y(Z.java:1)\n\tSuppressed: s.T: side\n\t\tat q.r(S.java:1)\n\tCaused by: not.Ours: n\nCaused by: c.D: deep\n\t... 3 more\n",
        );
        assert_eq!(chain.causes, ["a.B: one\nof two lines", "c.D: deep"]);
        assert_eq!(chain.suppressed, ["s.T: side", "not.Ours: n"]);
        assert_eq!(Chain::read("").causes, [""]);
        let many = Chain::read(&"Caused by: x\n".repeat(10_000)).causes.len();
        assert_eq!(many, FIRST_CAUSES + LAST_CAUSES);
    }

    #[test]
    fn a_trace_in_one_line_is_read_alike() {
        let causes = ["a.B: one", "c.D: deep at noon"];
        for trace in [
            "a.B: one at x.Y.z(Z.java:1) at java.base/x.Y.<init>(Z.java:2) Caused by: c.D: deep at noon ... 3 more",
            r"a.B: one\n\tat x.Y.z(Z.java:1)\nCaused by: c.D: deep at noon\n\t... 3 more",
            "a.B: one\nworker | \tat x.Y.z(Z.java:1)\nworker | Caused by: c.D: deep at noon\nworker | \tat x.Y.z(Z.java:1)",
        ] {
            let chain = Chain::read(trace);
            let read: Vec<_> =
                chain.causes.iter().map(|c| c.trim_end_matches("\nworker |")).collect();
            assert_eq!(read, causes, "{trace}");
        }
        let named = Chain::read("a.B: it was (Caused by: nobody)");
        assert_eq!(named.causes.len(), 1, "a word in a message");
    }

    #[test]
    fn a_statement_is_no_part_of_what_is_said() {
        let trace =
            "a.B: Batch entry 0 INSERT INTO t VALUES ('Connection refused') was aborted: ERROR: x";
        assert_eq!(Chain::read(trace).causes, ["a.B: ", "was aborted: ERROR: x"]);
    }

    #[test]
    fn of_a_long_message_both_ends_are_read() {
        let trace = format!(
            "a.B: INSERT {}\nERROR: duplicate key\n\tat x.Y.z(Z.java:1)",
            "é".repeat(99_999)
        );
        let causes = Chain::read(&trace).causes;
        assert!(causes.len() == 2 && causes[0].starts_with("a.B: INSERT"));
        assert!(causes[1].ends_with("duplicate key"));
    }
}
