//! `/api/v1/audit?cluster=&connector=&limit=`: the last lines of the audit log, newest first.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::watchdog::audit::{Audit, MAX_RECENT};

use super::super::routes::{Answer, reply};

const DEFAULT_LIMIT: usize = 100;
const PARAMETERS: [&str; 3] = ["cluster", "connector", "limit"];

/// `clusters` are those that are watched; `query` is what stands behind the `?`.
pub(super) fn audit(audit: &Audit, clusters: &[Arc<str>], query: Option<&str>) -> Answer {
    let wanted = match Wanted::read(clusters, query.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(problem) => {
            let body = format!("{problem:#}\n");
            return reply(StatusCode::BAD_REQUEST, "application/problem+json", body);
        }
    };
    let lines = audit.recent(wanted.cluster.as_deref(), wanted.connector.as_deref(), wanted.limit);
    let body = json!({ "lines": lines });
    reply(StatusCode::OK, "application/json", format!("{body:#}\n"))
}

#[derive(Debug, PartialEq, Eq)]
struct Wanted<'q> {
    cluster: Option<Cow<'q, str>>,
    connector: Option<Cow<'q, str>>,
    limit: usize,
}

impl<'q> Wanted<'q> {
    /// A connector need not be known: it may be gone, and the log is about what was.
    fn read(clusters: &[Arc<str>], query: &'q str) -> Result<Self, Value> {
        let mut wanted = Self { cluster: None, connector: None, limit: DEFAULT_LIMIT };
        let mut given = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if given.contains(&name) {
                return Err(problem(&format!("{name:?} is given twice"), json!(PARAMETERS)));
            }
            match &*name {
                "cluster" if clusters.iter().any(|cluster| **cluster == *value) => {
                    wanted.cluster = Some(value);
                }
                "cluster" => {
                    return Err(problem(&format!("no cluster {value:?}"), json!(clusters)));
                }
                "connector" => wanted.connector = Some(value),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_RECENT).contains(limit));
                    let choices = || json!([format!("1 to {MAX_RECENT}")]);
                    wanted.limit = limit.ok_or_else(|| {
                        problem(&format!("limit {value:?} is not a number in range"), choices())
                    })?;
                }
                _ => return Err(problem(&format!("no parameter {name:?}"), json!(PARAMETERS))),
            }
            given.push(name);
        }
        Ok(wanted)
    }
}

/// RFC 9457.
fn problem(detail: &str, choices: Value) -> Value {
    json!({
        "type": "about:blank",
        "title": "Bad Request",
        "status": StatusCode::BAD_REQUEST.as_u16(),
        "detail": detail,
        "choices": choices,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::header::CONTENT_TYPE;

    use super::*;
    use crate::watchdog::audit::{AuditEvent, AuditLine};

    fn log() -> Audit {
        let log = Audit::open(None);
        for n in 0..150 {
            let cluster = if n % 2 == 0 { "even" } else { "odd one" };
            log.append(&AuditLine {
                connector: Some(if n < 3 { "a/b" } else { "c" }.into()),
                ..AuditLine::new(Duration::from_secs(n), cluster.into(), AuditEvent::Failed)
            });
        }
        log
    }

    async fn asked(query: Option<&str>) -> (StatusCode, String, Value) {
        let clusters = ["even".into(), "odd one".into()];
        let answer = audit(&log(), &clusters, query);
        let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let (head, body) = answer.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        (head.status, kind, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn the_newest_come_first_and_only_what_was_asked_for() {
        for (query, count, first) in [
            (None, 100, "1970-01-01T00:02:29.000Z"),
            (Some(""), 100, "1970-01-01T00:02:29.000Z"),
            (Some("limit=1000"), 150, "1970-01-01T00:02:29.000Z"),
            (Some("cluster=even&limit=1"), 1, "1970-01-01T00:02:28.000Z"),
            (Some("connector=a%2Fb"), 3, "1970-01-01T00:00:02.000Z"),
            (Some("cluster=odd+one&connector=a/b"), 1, "1970-01-01T00:00:01.000Z"),
        ] {
            let (status, kind, body) = asked(query).await;
            assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/json"));
            let lines = body["lines"].as_array().unwrap();
            assert_eq!((lines.len(), &lines[0]["at"]), (count, &json!(first)), "{query:?}");
        }
        let (_, _, none) = asked(Some("connector=gone")).await;
        assert_eq!(none, json!({ "lines": [] }));
    }

    #[tokio::test]
    async fn a_bad_question_is_told_what_can_be_asked() {
        let limits = json!(["1 to 1000"]);
        for (query, detail, choices) in [
            ("limit=0", "limit \"0\" is not a number in range", &limits),
            ("limit=1001", "limit \"1001\" is not a number in range", &limits),
            ("limit=", "limit \"\" is not a number in range", &limits),
            ("limit=1&limit=2", "\"limit\" is given twice", &json!(PARAMETERS)),
            ("cluster=other", "no cluster \"other\"", &json!(["even", "odd one"])),
            ("since=1", "no parameter \"since\"", &json!(PARAMETERS)),
        ] {
            let (status, kind, body) = asked(Some(query)).await;
            assert_eq!(
                (status, kind.as_str()),
                (StatusCode::BAD_REQUEST, "application/problem+json")
            );
            assert_eq!((&body["detail"], &body["choices"]), (&json!(detail), choices));
            assert_eq!(body["status"], 400);
        }
    }
}
