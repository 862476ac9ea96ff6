//! What is wrong, as RFC 9457 has it.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::near;

use super::super::actions::Outcome;
use super::super::routes::{Answer, reply};

/// So many near names are told.
const NEAR: usize = 3;
/// More choices than these would not be read.
const CHOICES: usize = 100;

/// Why a request was not done (`application/problem+json`, RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what it is.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    /// The parameter of the query that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// The field of the body that is wrong; empty: the body itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// What can be given in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub choices: Vec<String>,
    /// Names that are near to one that is not there, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub near: Vec<String>,
    /// What was sent to Kafka Connect and what came of it, where anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outcome: Option<Box<Outcome>>,
}

impl Problem {
    /// With a status that is no success.
    pub(in super::super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            field: None,
            choices: Vec::new(),
            near: Vec::new(),
            outcome: None,
        }
    }

    /// About a parameter of the query.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let parameter = Some(name.to_owned());
        Self { parameter, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// About a field of the body.
    pub(in super::super) fn field(field: &str, detail: impl Into<String>) -> Self {
        let field = Some(field.to_owned());
        Self { field, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// With what can be given in its place.
    pub(in super::super) fn choices<C: Into<String>>(
        self,
        choices: impl IntoIterator<Item = C>,
    ) -> Self {
        Self { choices: choices.into_iter().take(CHOICES).map(Into::into).collect(), ..self }
    }

    /// There is none of this name; `all` are those that there are.
    pub(in super::super) fn unknown<'n>(
        what: &str,
        name: &str,
        all: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let near: Vec<_> = near(name, all, NEAR).into_iter().map(str::to_owned).collect();
        let hint = match &near[..] {
            [] => Cow::Borrowed(""),
            [nearest, ..] => format!("; did you mean {nearest:?}?").into(),
        };
        Self { near, ..Self::new(StatusCode::NOT_FOUND, format!("no {what} {name:?}{hint}")) }
    }

    /// This path has other methods.
    pub(super) fn method(allowed: &str) -> Answer {
        let detail = format!("this path has {allowed}");
        let mut answer = Self::new(StatusCode::METHOD_NOT_ALLOWED, detail).answer();
        if let Ok(allowed) = HeaderValue::from_str(allowed) {
            answer.headers_mut().insert(ALLOW, allowed);
        }
        answer
    }

    /// As it is sent.
    pub(in super::super) fn answer(&self) -> Answer {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        let mut answer = reply(status, "application/problem+json", body);
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}
