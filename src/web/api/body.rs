//! What stands in the body of a write.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::problem::Problem;

/// A longer body is not read.
const MAX_BODY: usize = 1 << 20;

/// How a connector is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RestartBody {
    /// Its tasks too (3.1.1 and later); without it only the connector's own instance.
    #[schema(required = false)]
    pub include_tasks: bool,
    /// Only what is FAILED (3.1.1 and later).
    #[schema(required = false)]
    pub only_failed: bool,
}

/// Nothing is to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EmptyBody {}

/// Who is left alone, how long and why. Either `duration` or `until` is needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilenceBody {
    /// A regular expression of whole names of clusters; left out: every cluster.
    #[serde(default)]
    pub cluster: Option<String>,
    /// A regular expression of whole names of connectors.
    pub connector: String,
    /// Such as `2h` or `90m`; at most `24h`.
    #[serde(default)]
    pub duration: Option<String>,
    /// A time in RFC 3339 and UTC; at most 24 h from now.
    #[serde(default)]
    pub until: Option<String>,
    /// Why, for who comes after.
    pub reason: String,
}

/// Whether anything is restarted at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KillSwitchBody {
    /// `true`: the watchdog restarts nothing, in no cluster.
    pub on: bool,
    /// Why.
    #[serde(default)]
    #[schema(required = false)]
    pub reason: String,
}

/// Reads a body; an empty one is `{}`.
pub(super) fn read<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Problem> {
    let body = request.body();
    if body.len() > MAX_BODY {
        let said = format!("the body has {} bytes; at most {MAX_BODY} are read", body.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, said));
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if !body.is_empty() && !is_json {
        let said = format!(
            "a body must be JSON, with the header Content-Type: application/json; this one has {}",
            kind.map_or_else(|| "none".to_owned(), |kind| format!("{kind:?}"))
        );
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, said));
    }
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    // To serde a list is an object without its keys.
    if text.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::field("", "the body: a list, where an object is wanted"));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        said(&path, &error.into_inner())
    })?;
    reader.end().map_err(|error| said("", &error))?;
    Ok(value)
}

/// serde names fields that are missing, unknown or there twice only in its message.
fn said(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let quoted = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start)?.split('`').next());
    let path = if matches!(path, "." | "?") { "" } else { path };
    let field = quoted.unwrap_or(path);
    if field.is_empty() {
        return Problem::field("", format!("the body: {text}"));
    }
    Problem::field(field, format!("{field}: {text}"))
}

impl SilenceBody {
    /// How long from now on.
    pub(super) fn time(&self) -> Result<Duration, Problem> {
        match (&self.duration, &self.until) {
            (Some(text), None) => humantime::parse_duration(text).map_err(|error| {
                let said = format!("duration: {text:?} is not such as 2h or 90m: {error}");
                Problem::field("duration", said)
            }),
            (None, Some(text)) => {
                let until = humantime::parse_rfc3339(text).map_err(|error| {
                    let said =
                        format!("until: {text:?} is not such as 2026-11-25T09:00:00Z: {error}");
                    Problem::field("until", said)
                })?;
                until.duration_since(SystemTime::now()).map_err(|_| {
                    Problem::field("until", format!("until: {text:?} is not in the future"))
                })
            }
            (None, None) => {
                let said = "duration: say how long, such as 2h, or until when with `until`";
                Err(Problem::field("duration", said))
            }
            (Some(_), Some(_)) => {
                Err(Problem::field("until", "until: give either `duration` or `until`, not both"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(body: &str) -> Result<SilenceBody, Problem> {
        let request = Request::builder().header(CONTENT_TYPE, "application/json; charset=utf-8");
        read(&request.body(body.to_owned().into()).unwrap())
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, field, detail) in [
            ("", "connector", "missing field"),
            ("{", "", "EOF while parsing"),
            ("{\"connector\":", "connector", "EOF while parsing"),
            ("{\"connector\":1}", "connector", "invalid type: integer `1`, expected a string"),
            ("{\"connector\":\"a\",\"conector\":1}", "conector", "unknown field"),
            ("{\"connector\":\"a\",\"connector\":\"a\"}", "connector", "duplicate field"),
            ("{\"connector\":\"a\"}", "reason", "missing field"),
            ("{\"connector\":\"a\",\"reason\":\"b\"} x", "", "trailing characters"),
            ("\"\\ud800\"", "", "the body: "),
            (" [\"a\"]", "", "a list, where an object is wanted"),
        ] {
            let problem = silence(body).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{body}: {problem:?}");
            assert!(problem.detail.contains(detail), "{body}: {}", problem.detail);
            assert_eq!(problem.status, 400);
        }
    }

    #[test]
    fn long_bodies_and_those_of_forms_are_refused() {
        let status = |request: Request<Bytes>| read::<EmptyBody>(&request).unwrap_err().status;
        let long = " ".repeat(MAX_BODY + 1);
        assert_eq!(status(Request::new(long.into())), 413);
        assert_eq!(status(Request::new("a=b".into())), 415);
        let form = Request::builder().header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert_eq!(status(form.body("{}".into()).unwrap()), 415);
        assert_eq!(read::<EmptyBody>(&Request::new(Bytes::new())).unwrap(), EmptyBody {});
    }

    #[test]
    fn a_silence_has_one_end() {
        let time = |ends: &str| {
            silence(&format!("{{\"connector\":\"a\",\"reason\":\"b\"{ends}}}")).unwrap().time()
        };
        assert_eq!(time(",\"duration\":\"90m\"").unwrap(), Duration::from_secs(5400));
        assert!(time(",\"until\":\"2999-01-01T00:00:00Z\"").unwrap() > Duration::from_secs(3600));
        for (ends, field) in [
            ("", "duration"),
            (",\"duration\":\"soon\"", "duration"),
            (",\"until\":\"soon\"", "until"),
            (",\"until\":\"1999-01-01T00:00:00Z\"", "until"),
            (",\"duration\":\"1h\",\"until\":\"2999-01-01T00:00:00Z\"", "until"),
        ] {
            assert_eq!(time(ends).unwrap_err().field.as_deref(), Some(field), "{ends}");
        }
    }
}
