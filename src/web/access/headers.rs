//! The headers that may be added to every answer: those that exporter-toolkit allows.

use hyper::header::{HeaderName, HeaderValue};

use super::file::Http;
use super::problem::{Problem, wrong};

/// Which, and which values where not any.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// In the order of the names; one without a value is left out.
pub(super) fn headers(http: &Http) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let mut all = Vec::new();
    for (name, value) in http.headers.iter().flatten() {
        let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| allowed == name) else {
            let known = ALLOWED.map(|(name, _)| name).join(", ");
            return wrong(
                value,
                format!("http_server_config.headers: {name:?} cannot be set, known are {known}"),
            );
        };
        let path = format!("http_server_config.headers.{name}");
        let text = value.value.as_deref().unwrap_or_default();
        if !values.is_empty() && !values.contains(&text) {
            let valid = values.join(", ");
            return wrong(value, format!("{path}: {text:?} is none of {valid}"));
        }
        if text.is_empty() {
            continue;
        }
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text)) {
            (Ok(name), Ok(value)) => all.push((name, value)),
            _ => return wrong(value, format!("{path}: has characters that no header may have")),
        }
    }
    Ok(all)
}
