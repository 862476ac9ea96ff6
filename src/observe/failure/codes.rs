//! Numbers that a message names: SQLSTATE, HTTP status, a database's error code.

use std::sync::LazyLock;

use regex::Regex;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static SQLSTATE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bsql[ _]?state\W{0,4}([0-9A-Z]{5})\b"));
static HTTP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:\bhttp(?:/[0-9.]+)?(?: response| status| error)*(?: code)?",
        r#"|\bstatus(?:[ _]?code| line)?|\bresponse(?:[ _]?code)?|"status"|"code"|\bcode)"#,
        r"\W{1,4}(?:http/[0-9.]+ )?([1-5][0-9]{2})\b"
    ))
});
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\berror(?:[ _]?(?:code|number))?|\berrno|\bvendor ?code|\bsql ?code|\bcode|"error_code")\W{1,3}([0-9]{1,6})\b"#,
    )
});

/// The numbers in one cause.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Codes<'t> {
    pub(super) sqlstate: Option<&'t str>,
    pub(super) http: Option<&'t str>,
    pub(super) codes: Vec<u32>,
}

impl<'t> Codes<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let first = |pattern: &Regex| Some(pattern.captures(text)?.get(1)?.as_str());
        Self {
            sqlstate: first(&SQLSTATE),
            http: first(&HTTP),
            codes: CODE.captures_iter(text).filter_map(|c| c[1].parse().ok()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_where_they_are_called_what_they_are() {
        let sqlstate = |text| Codes::read(text).sqlstate;
        assert_eq!(sqlstate("ERRORCODE=-4499, SQLSTATE=08001"), Some("08001"));
        assert_eq!(sqlstate("SQL state [42P01]; error code [0]"), Some("42P01"));
        assert_eq!(sqlstate("no state"), None);
        let http = |text| Codes::read(text).http;
        assert_eq!(http("HTTP Response code: 503, x"), Some("503"));
        assert_eq!(http("Server returned HTTP response code: 401 for URL"), Some("401"));
        assert_eq!(
            http("method [POST], status line [HTTP/1.1 429 Too Many Requests]"),
            Some("429")
        );
        assert_eq!(http("Status Code: 403; Error Code: AccessDenied"), Some("403"));
        assert_eq!(http("read 503 records"), None);
        assert_eq!(Codes::read("Command failed with error 286 (X)").codes, [286]);
        assert_eq!(Codes::read("io.X: Subject not found; error code: 40401").codes, [40401]);
    }
}
