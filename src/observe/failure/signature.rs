//! What failures of one origin have in common: the root cause without what differs from one
//! connector to the next, and the host it is about.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// The longest that is kept of a message, in bytes.
const MAX_FRAGMENT: usize = 100;
/// The longest part of a message that is looked at, in bytes.
const MAX_TEXT: usize = 1 << 10;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// Secrets, URLs, quoted words, lists, paths, identifiers and numbers.
static VARIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i)(?:password|passwd|pwd|secret|token|apikey|api_key|credential)\w*["']?\s*[=:]\s*\S+"#,
        r#"|[a-z][a-z0-9+.-]*:(?:[a-z]+:)*//\S+|"[^"\n]*"|'[^'\n]*'|`[^`\n]*`"#,
        r"|\[[^\]\n]*\]?|\{[^}\n]*\}?|\([^)\n]*\)?|<[^>\n]*>?",
        r"|[^\s:,;]*[0-9_/\\@][^\s:,;]*|[^\s:,;]+[.-][^\s:,;]+",
    ))
});
/// The word that follows one of these is a name.
static NAMES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(topics?|table|view|index|group|partition|column|field|connector|task|slot|schema",
        r"|database|dataset|bucket|queue|collection|subject|user|role|relation|key|publication|stream",
        r"|warehouse|namespace|sequence|procedure|container|file):? +(\w+)"
    ))
});
static OF: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(for|of):? +(\w+)"));
/// Words that are no names, though they stand where one may.
const WORDS: [&str; 52] = [
    "is",
    "was",
    "are",
    "does",
    "do",
    "not",
    "has",
    "have",
    "had",
    "cannot",
    "can",
    "could",
    "with",
    "without",
    "for",
    "in",
    "on",
    "to",
    "of",
    "from",
    "the",
    "a",
    "an",
    "this",
    "that",
    "name",
    "names",
    "or",
    "and",
    "by",
    "at",
    "authorization",
    "found",
    "missing",
    "already",
    "value",
    "violates",
    "type",
    "path",
    "table",
    "topic",
    "topics",
    "group",
    "partition",
    "column",
    "database",
    "server",
    "host",
    "connect",
    "read",
    "write",
    "be",
];
/// Several unknowns are one.
static RUNS: LazyLock<Regex> = LazyLock::new(|| pattern(r"#(?:[\s,:;.#]*#)+"));

/// Such as `java.net.ConnectException: Connection refused @db.example:5432`. `text` is what tells
/// the failure, up to the end of its sentence.
pub(super) fn signature(exception: &str, text: &str, host: Option<&str>) -> String {
    let text = &text[..text.floor_char_boundary(MAX_TEXT)];
    // What tells the failure may be the class itself.
    let text = match text.split_once(':') {
        Some((class, message)) if !class.is_empty() && exception.ends_with(class) => message,
        _ if exception.ends_with(text) => "",
        _ => text,
    };
    let text = &*without_echo(text);
    let lower = text.to_ascii_lowercase();
    let without_host = host.and_then(|host| lower.find(host).map(|at| (at, host.len())));
    let text = match without_host {
        Some((at, length)) => format!("{}#{}", &text[..at], &text[at + length..]),
        None => text.to_owned(),
    };
    let text = VARIES.replace_all(&text, "#");
    let unnamed = |found: &regex::Captures<'_>| {
        let name = if WORDS.contains(&&*found[2].to_ascii_lowercase()) { &found[2] } else { "#" };
        format!("{} {name}", &found[1])
    };
    let text = NAMES.replace_all(&text, unnamed);
    let text = OF.replace_all(&text, unnamed);
    let end = ["\n", ". ", "; ", ", "].iter().filter_map(|end| text.find(end)).min();
    let text = RUNS.replace_all(&text[..end.unwrap_or(text.len())], "#").into_owned();
    let text = text[..text.floor_char_boundary(MAX_FRAGMENT)].trim().trim_end_matches(['.', ':']);
    let mut signature = match text {
        "" => exception.to_owned(),
        text => format!("{exception}: {text}"),
    };
    if let Some(host) = host {
        signature = format!("{signature} @{host}");
    }
    signature
}

/// Older JVMs say `Connection refused (Connection refused)`.
fn without_echo(text: &str) -> Cow<'_, str> {
    let echo = text.split_once(" (").and_then(|(said, rest)| {
        let (again, rest) = rest.split_once(')')?;
        (!again.is_empty() && said.ends_with(again)).then(|| format!("{said}{rest}"))
    });
    echo.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_left_out_and_the_host_is_kept() {
        let of = |text: &str, host| signature("a.B", text, host);
        assert_eq!(
            of("Connection to db.example:5432 refused. Check it", Some("db.example:5432")),
            "a.B: Connection to # refused @db.example:5432"
        );
        assert_eq!(
            of("connector 'orders-7' failed at 12:30", None),
            "a.B: connector # failed at #"
        );
        assert_eq!(
            of(
                "jdbc:postgresql://u:s3cret@db:5432/x?password=s3cret failed, token: abc",
                Some("db:5432")
            ),
            "a.B: # failed @db:5432"
        );
        assert_eq!(of("password=hunter2 was refused", None), "a.B: # was refused");
        assert_eq!(
            of("table orders is missing fields (a, b)", None),
            "a.B: table # is missing fields #"
        );
        assert_eq!(
            of("Topic orders not present in metadata after 60000 ms.", None),
            of("Topic eu.invoices_2-x not present in metadata after 59998 ms.", None)
        );
        assert_eq!(of("", None), "a.B");
        for (old, new) in [
            ("Connection refused (Connection refused)", "Connection refused"),
            ("Read failed (no)", "Read failed #"),
            ("x ()", "x #"),
        ] {
            assert_eq!(of(old, None), format!("a.B: {new}"));
        }
        assert!(of(&"é ".repeat(1000), None).len() < 200);
    }
}
