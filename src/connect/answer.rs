//! From a reply that is not a success to what it means.
//!
//! Connect's errors are `{"error_code":409,"message":"..."}`, but not all that answers is Connect:
//! Jetty's own pages, proxies, login pages, and texts under a JSON content type come too.

use serde::Deserialize;

use super::error::{Conflict, ErrorKind};
use super::http::Reply;
use crate::redact::redact;

/// The longest part of a message that is read, in bytes.
const MAX_READ: usize = 16 << 10;
/// The longest message that is kept, in bytes.
const MAX_MESSAGE: usize = 300;

#[derive(Deserialize)]
struct Body {
    message: Option<String>,
}

/// What a reply other than 2xx means.
pub(super) fn error(reply: &Reply) -> ErrorKind {
    let status = reply.status.as_u16();
    let (message, json) = match serde_json::from_slice::<Body>(&reply.body) {
        Ok(body) => (body.message.unwrap_or_default(), true),
        Err(_) => (String::from_utf8_lossy(&reply.body).into_owned(), false),
    };
    if reply.status.is_redirection() {
        return ErrorKind::Redirect(redirect(reply.location.as_deref()));
    }
    let page = reply.html || message.trim_start().starts_with('<');
    match status {
        404 if page => ErrorKind::Starting,
        404 if json && message != "HTTP 404 Not Found" => ErrorKind::NotFound(shorten(&message)),
        404 | 405 => ErrorKind::Unsupported,
        401 | 403 => ErrorKind::Unauthorized { status, message: shorten(&message) },
        409 => conflict(&message),
        500 if !page => wrapped(&message)
            .unwrap_or_else(|| ErrorKind::Status { status, message: shorten(&message) }),
        _ if page => ErrorKind::Status { status, message: "an HTML page".to_owned() },
        _ => ErrorKind::Status { status, message: shorten(&message) },
    }
}

fn conflict(message: &str) -> ErrorKind {
    let which = if message.contains("stale configuration") {
        Conflict::StaleConfiguration
    } else if message.contains("no known leader URL") {
        Conflict::NoLeader
    } else if message.contains("conflicting operation") {
        Conflict::ConflictingOperation
    } else if message.contains("already exists") {
        Conflict::AlreadyExists
    } else {
        Conflict::Other
    };
    ErrorKind::Conflict(which, shorten(message))
}

/// 2.8.1 to 3.3 answer a forwarded 404 or 409 as 500 (KAFKA-13702).
#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is told alike")]
fn wrapped(message: &str) -> Option<ErrorKind> {
    let inner = message.strip_prefix("Error trying to forward REST request: ")?;
    if inner.starts_with("Unknown ") || inner.contains("not found") {
        return Some(ErrorKind::NotFound(shorten(inner)));
    }
    match conflict(inner) {
        ErrorKind::Conflict(Conflict::Other, _) => None,
        told => Some(told),
    }
}

/// Where a redirect points, without credentials or a query.
fn redirect(location: Option<&str>) -> String {
    let Some(location) = location else { return "nowhere".to_owned() };
    match url::Url::parse(location) {
        Ok(url) => url.origin().ascii_serialization() + url.path(),
        Err(_) => shorten(location.split('?').next().unwrap_or_default()),
    }
}

/// One line of bounded length, and without what looks like a secret: what a worker says of an error
/// may hold what it was configured with.
pub(super) fn shorten(text: &str) -> String {
    let text = text.trim();
    let text = redact(&text[..text.floor_char_boundary(MAX_READ)]);
    let cut = &text[..text.floor_char_boundary(MAX_MESSAGE)];
    let mut line: String = cut.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cut.len() < text.len() {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::StatusCode;

    fn told(status: u16, html: bool, body: &str) -> ErrorKind {
        error(&Reply {
            status: StatusCode::from_u16(status).unwrap(),
            html,
            location: Some("http://user:pass@elsewhere/login?token=1".to_owned()),
            body: Bytes::copy_from_slice(body.as_bytes()),
        })
    }

    #[test]
    fn each_404_means_something_else() {
        assert!(matches!(told(404, true, "<html>"), ErrorKind::Starting));
        assert!(matches!(
            told(404, false, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#),
            ErrorKind::Unsupported
        ));
        let unknown = r#"{"error_code":404,"message":"Unknown task: x-9"}"#;
        assert!(
            matches!(told(404, false, unknown), ErrorKind::NotFound(m) if m == "Unknown task: x-9")
        );
    }

    #[test]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is told alike")]
    fn conflicts_are_told_apart() {
        let of = |message: &str| match told(409, false, &format!(r#"{{"message":"{message}"}}"#)) {
            ErrorKind::Conflict(which, _) => which,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            of("Cannot complete request momentarily due to stale configuration (typically)"),
            Conflict::StaleConfiguration
        );
        assert_eq!(
            of("Cannot complete request momentarily due to no known leader URL, likely"),
            Conflict::NoLeader
        );
        assert_eq!(
            of("Cannot complete request because of a conflicting operation (e.g.)"),
            Conflict::ConflictingOperation
        );
        assert_eq!(of("Connector x already exists"), Conflict::AlreadyExists);
        assert_eq!(of("No"), Conflict::Other);
    }

    #[test]
    fn a_wrapped_answer_is_unwrapped() {
        let wrap = |m: &str| {
            told(
                500,
                false,
                &format!(r#"{{"message":"Error trying to forward REST request: {m}"}}"#),
            )
        };
        assert!(matches!(wrap("Unknown task: x-1"), ErrorKind::NotFound(_)));
        assert!(matches!(wrap("no known leader URL"), ErrorKind::Conflict(Conflict::NoLeader, _)));
        assert!(matches!(wrap("Boom"), ErrorKind::Status { status: 500, .. }));
    }

    #[test]
    fn text_and_redirects_are_told_without_secrets() {
        let no = told(401, false, "User cannot access the resource.");
        assert!(
            matches!(no, ErrorKind::Unauthorized { status: 401, message } if message.starts_with("User"))
        );
        assert!(
            matches!(told(302, false, ""), ErrorKind::Redirect(to) if to == "http://elsewhere/login")
        );
        assert!(shorten(&"é".repeat(1000)).len() < 310);
        let secrets = "Failed to start task: a-0 jdbc:postgresql://u:hunter2@db/x?password=hunter3 \
             Authorization: Basic aHVudGVyNA==";
        let body = format!(r#"{{"error_code":500,"message":"{secrets}"}}"#);
        for status in [401, 404, 409, 418, 500, 503] {
            let said = format!("{:?}", told(status, false, &body));
            let hidden = ["hunter", "aHVud"].iter().all(|secret| !said.contains(secret));
            assert!(hidden && said.contains("a-0"), "{said}");
        }
    }
}
