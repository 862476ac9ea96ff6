//! What a message names by number or by a fixed word: SQLSTATE, HTTP status, gRPC status, and the
//! error numbers of a system, which mean something only beside the system's name.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::System;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static SQLSTATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\bsql[ _-]?state\W{0,4}([0-9A-Z]{5})\b|\(error: ([0-9A-Z]{5})\)")
});
static HTTP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b([45][0-9]{2}) (?:bad request|unauthorized|forbidden|not found|method not|proxy auth",
        r"|request time|conflict|gone|precondition|payload too|request entity|unsupported media",
        r"|unprocessable|too many requests|internal server|bad gateway|service|gateway)",
        r"|\bhttp(?:/[0-9.]+)?(?:[ _-]?(?:response|status|error|return|result))*(?:[ _-]?code)?",
        r"(?: was| is)?\W{1,4}([1-5][0-9]{2})\b",
        r#"|\bstatus(?:[ _-]?(?:code|line))?"?(?: was| is| of)?\W{1,4}(?:http/[0-9.]+ )?([1-5][0-9]{2})\b"#,
        r"|\b(?:response|returned|responded)(?:[ _-](?:code|status|with|a|an|http|error))*\W{1,4}([1-5][0-9]{2})\b",
        r#"|\bcode["']?\s*[:=]\s*"?([1-5][0-9]{2})\b"#,
    ))
});
static GRPC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:RuntimeException: |StatusException: |ApiException: |(?i:status|code)\W{1,5}|Code\.)",
        // As in `GRPC_NAMES`.
        r"(CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS",
        r"|PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE",
        r"|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED)\b"
    ))
});
/// What a gRPC status may be called.
pub(super) const GRPC_NAMES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:\berror(?:[ _-]?(?:code|number))?|\berrno|\bvendor ?code|\bsql ?code|\bcode|"error_code")["']?\W{1,3}([0-9]{1,6})\b"#,
    )
});

static SYSTEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        "(?i)(mysql|mariadb|shyiko)|(sqlserver|jtds|mssql)|(mongo)|(db2)|(clickhouse|DB::Exception)",
        "|(snowflake|SF_KAFKA)|(schemaregistry|schema-registry|schema registry|avro)"
    ))
});

/// How much of either end of a trace is looked at for its systems, in bytes.
const MAX_LOOK: usize = 128 << 10;

/// The systems that a trace is about, as far as it says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Systems(u8);

impl Systems {
    /// Both ends of a long trace are looked at, frames and all.
    pub(super) fn read(trace: &str) -> Self {
        let head = trace.floor_char_boundary(MAX_LOOK);
        let tail = trace.ceil_char_boundary(trace.len().saturating_sub(MAX_LOOK)).max(head);
        let marks =
            SYSTEM.captures_iter(&trace[..head]).chain(SYSTEM.captures_iter(&trace[tail..]));
        Self(marks.fold(0, |found, mark| {
            let which = (1..=7).find(|group| mark.get(*group).is_some()).unwrap_or(1);
            found | 1 << (which - 1)
        }))
    }

    /// Whether a number may be this system's: where a trace names none, a long one may be
    /// anybody's.
    pub(super) fn may_be(self, system: System, code: u32) -> bool {
        self.0 == 0 && code >= 1000 || self.0 & (1 << system as u8) != 0
    }
}

/// The numbers in one cause.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Codes<'t> {
    pub(super) sqlstate: Option<&'t str>,
    pub(super) http: Option<&'t str>,
    pub(super) grpc: Option<&'t str>,
    pub(super) codes: Vec<u32>,
}

impl<'t> Codes<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let all = |pattern: &'static Regex| {
            pattern
                .captures_iter(text)
                .filter_map(|found| Some(found.iter().skip(1).flatten().next()?.as_str()))
        };
        Self {
            // HY000 and its kind say nothing.
            sqlstate: all(&SQLSTATE).find(|state| !["HY000", "00000", "99999"].contains(state)),
            http: all(&HTTP).next(),
            grpc: all(&GRPC).next(),
            codes: all(&CODE).filter_map(|code| code.parse().ok()).collect(),
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
        assert_eq!(sqlstate("heartbeat action query (Error: 57P01)"), Some("57P01"));
        assert_eq!(sqlstate("Error code: 1236; SQLSTATE: HY000."), None);
        assert_eq!(Codes::read("Command failed with error 286 (X)").codes, [286]);
        assert_eq!(Codes::read("io.X: Subject not found; error code: 40401").codes, [40401]);
        assert_eq!(Codes::read("DB2 SQL Error: SQLCODE=-911, SQLSTATE=40001").codes, [911]);
    }

    #[test]
    fn an_http_status_is_told_in_the_ways_of_many_clients() {
        for (text, status) in [
            ("HTTP Response code: 503, x", "503"),
            ("Server returned HTTP response code: 401 for URL", "401"),
            ("method [POST], status line [HTTP/1.1 429 Too Many Requests]", "429"),
            ("(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)", "403"),
            ("HttpResponseException: 401 Unauthorized\nGET https://x", "401"),
            ("{\n \"code\" : 403,\n \"errors\"", "403"),
            ("Unauthorized; error code: 401", "401"),
            ("Response{protocol=h2, code=502, message=}", "502"),
            ("request returned 504", "504"),
            ("{\"error\":{},\"status\":429}", "429"),
        ] {
            assert_eq!(Codes::read(text).http, Some(status), "{text}");
        }
        assert_eq!(Codes::read("read 503 records").http, None);
    }

    #[test]
    fn a_grpc_status_is_a_word_where_one_stands() {
        let grpc = |text| Codes::read(text).grpc;
        assert_eq!(
            grpc("io.grpc.StatusRuntimeException: UNAVAILABLE: io exception"),
            Some("UNAVAILABLE")
        );
        assert_eq!(grpc(r#""status": "PERMISSION_DENIED""#), Some("PERMISSION_DENIED"));
        assert_eq!(grpc("the table is UNAVAILABLE"), None);
        for name in GRPC_NAMES {
            let text = format!("io.grpc.StatusException: {name}");
            assert_eq!(Codes::read(&text).grpc, Some(name));
        }
    }

    #[test]
    fn systems_are_told_by_their_names() {
        let systems = Systems::read("com.mysql.cj.X: error code 1205");
        assert!(systems.may_be(System::Mysql, 7) && !systems.may_be(System::Db2, 1205));
        assert!(Systems::read("error code 1205").may_be(System::Db2, 1205));
    }
}
