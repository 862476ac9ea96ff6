//! Why somebody is not let through, as an answer.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::super::routes::{Answer, reply};

/// What is said in place of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::web) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    /// Whether a name and a password are asked for.
    pub(super) challenge: bool,
    pub(super) retry_after: Option<Duration>,
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    pub(in crate::web) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail, challenge: false, retry_after: None, allow: None }
    }

    pub(super) fn later(detail: &str, wait: Duration) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Self { retry_after: Some(wait), ..refusal }
    }

    pub(in crate::web) fn method(allow: &'static str) -> Self {
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("only {allow}"));
        Self { allow: Some(allow), ..refusal }
    }

    pub(super) fn login(detail: &str) -> Self {
        Self { challenge: true, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// RFC 9457 for the API, a line of text for everything else.
    pub(in crate::web) fn answer(self, path: &str) -> Answer {
        let mut answer = if path.starts_with("/api/") {
            let body = json!({
                "type": "about:blank",
                "title": self.status.canonical_reason(),
                "status": self.status.as_u16(),
                "detail": self.detail,
            });
            reply(self.status, "application/problem+json", format!("{body:#}\n"))
        } else {
            reply(self.status, "text/plain; charset=utf-8", format!("{}\n", self.detail))
        };
        let headers = answer.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.challenge {
            let challenge =
                HeaderValue::from_static("Basic realm=\"connect-warden\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        answer
    }
}
