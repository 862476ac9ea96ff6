//! What failures of one origin have in common: the root cause without what differs from one
//! connector to the next, and the host it is about.

use std::sync::LazyLock;

use regex::Regex;

/// The longest signature, in bytes.
const MAX_SIGNATURE: usize = 160;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// `host:port`, also in a URL after its credentials, or after "host" or "UnknownHostException:".
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:@|//|\b)((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?:[0-9]{2,5})\b",
        r"|(?:unknownhostexception: |\bhost )([a-z0-9][a-z0-9.-]*)"
    ))
});
/// Secrets, URLs, quoted words, identifiers and numbers.
static VARIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i)(?:password|passwd|pwd|secret|token|apikey|api_key|credential)\w*["']?\s*[=:]\s*\S+"#,
        r#"|[a-z][a-z0-9+.-]*://\S+|"[^"\n]*"|'[^'\n]*'|`[^`\n]*`"#,
        r"|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b0x[0-9a-f]+\b|\b[0-9a-f]{12,}\b|[0-9]+"
    ))
});

/// Such as `java.net.ConnectException: Connection refused @db.example:5432`.
pub(super) fn signature(cause: &str, causes: &[&str]) -> String {
    let line = cause.lines().next().unwrap_or_default();
    let line = &line[..line.floor_char_boundary(MAX_SIGNATURE * 2)];
    let host = causes.iter().rev().find_map(|cause| host(cause));
    let mut signature = VARIES.replace_all(line, "#").into_owned();
    signature.truncate(signature.floor_char_boundary(MAX_SIGNATURE));
    if let Some(host) = host {
        signature = format!("{signature} @{host}");
    }
    signature
}

/// The host that a message is about, with its port where that is said.
fn host(text: &str) -> Option<&str> {
    let all = HOST.captures_iter(text).filter_map(|found| found.get(1).or(found.get(2)));
    // `File.java:12` and `12:30` look like hosts with a port.
    let is_host = |name: &&str| {
        let name = name.split(':').next().unwrap_or_default();
        name.contains(|c: char| c.is_ascii_alphabetic()) && !name.ends_with(".java")
            || name.split('.').count() == 4
    };
    all.map(|found| found.as_str()).find(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_left_out_and_the_host_is_kept() {
        let of = |cause: &str| signature(cause, &[cause]);
        assert_eq!(
            of("org.postgresql.util.PSQLException: Connection to db.example:5432 refused."),
            "org.postgresql.util.PSQLException: Connection to db.example:# refused. @db.example:5432"
        );
        assert_eq!(
            of("a.B: connector 'orders-7' failed at 12:30"),
            "a.B: connector # failed at #:#"
        );
        assert_eq!(
            of("x: jdbc:postgresql://u:s3cret@db:5432/x?password=s3cret failed, token: abc"),
            "x: jdbc:# failed, # @db:5432"
        );
        assert_eq!(
            of("java.net.UnknownHostException: kafka.example"),
            "java.net.UnknownHostException: kafka.example @kafka.example"
        );
        assert!(of(&"é".repeat(1000)).len() <= MAX_SIGNATURE);
    }
}
