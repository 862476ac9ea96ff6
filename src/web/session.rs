//! `/login` and `/api/v1/session`: to become known, and to see as whom.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use serde::Serialize;
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use utoipa::ToSchema;

use super::access::{Access, Role, Visitor};
use super::routes::{Answer, reply};

/// Back to where the visitor came from, or to `home`; only those who are known get here.
pub(super) fn login(query: Option<&str>, home: &str) -> Answer {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let to = parameters.find(|(name, _)| name == "to").map(|(_, value)| local(&value));
    let to = to.flatten().and_then(|to| HeaderValue::from_str(&to).ok());
    let mut answer = reply(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "logged in\n");
    let headers = answer.headers_mut();
    let home = || HeaderValue::from_str(home).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(LOCATION, to.unwrap_or_else(home));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A path of this server, as a browser would understand it: `//evil`, `/\evil` and a tab between the
/// slashes lead elsewhere.
fn local(to: &str) -> Option<String> {
    let here = Url::parse("http://here.invalid").ok()?;
    let url = here.join(to).ok()?;
    let is_local = to.starts_with('/') && url.origin() == here.origin();
    // A path that begins with two slashes after its dots are gone were a host again.
    let path = url.path();
    if !is_local || path.starts_with("//") {
        return None;
    }
    Some(url[url::Position::BeforePath..].to_owned())
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionFacts {
    /// A user's name, `cn=NAME` or `san=NAME` of a certificate, or `anonymous`.
    pub(super) name: Arc<str>,
    /// `anonymous`, `reader` or `administrator`.
    pub(super) role: &'static str,
    /// Whether there are users with passwords, so that `/login` is of use.
    pub(super) can_log_in: bool,
    /// For one form of an administrator's page; nobody else has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) form_token: Option<String>,
}

/// Who asks; an administrator gets a token for one form, too.
pub(super) fn session(access: &Access, visitor: &Visitor) -> Answer {
    let issue = || access.tokens().issue(visitor, Instant::now()).to_string();
    let facts = SessionFacts {
        name: Arc::clone(&visitor.name),
        role: visitor.role.as_str(),
        can_log_in: access.can_log_in(),
        form_token: (visitor.role == Role::Administrator).then(issue),
    };
    let body = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
    let mut answer = reply(StatusCode::OK, "application/json", body);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_leads_to_this_server_only() {
        for (query, wanted) in [
            (None, "/"),
            (Some(""), "/"),
            (Some("to="), "/"),
            (Some("to=/watchdog"), "/watchdog"),
            (Some("to=%2Fc%2Fa%2520b%3Fstate%3Dfailed%23x"), "/c/a%20b?state=failed#x"),
            (Some("to=/a/../b"), "/b"),
            (Some("to=//evil"), "/"),
            (Some("to=/%5Cevil"), "/"),
            (Some("to=%5C%5Cevil"), "/"),
            (Some("to=/%09/evil"), "/"),
            (Some("to=/%0A/evil"), "/"),
            (Some("to=%09//evil"), "/"),
            (Some("to=/.//evil"), "/"),
            (Some("to=/x/..//evil"), "/"),
            (Some("to=http://evil/"), "/"),
            (Some("to=http:evil"), "/"),
            (Some("to=javascript:alert(1)"), "/"),
            (Some("to=evil"), "/"),
            (Some("to=/a%0D%0ASet-Cookie:x"), "/aSet-Cookie:x"),
        ] {
            let answer = login(query, "/");
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            assert_eq!(answer.headers()[LOCATION], wanted, "{query:?}");
        }
    }
}
