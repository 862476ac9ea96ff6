//! Who looks at a page, as far as the page cares.

use hyper::Uri;
use tokio::time::Instant;

use super::super::access::{Role, Visitor};
use super::super::routes::App;

/// Who looks; by default somebody who may change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Viewer {
    /// Empty: not known by name.
    pub(super) name: String,
    /// Whether they may change things.
    pub(super) is_administrator: bool,
    /// Goes into the form that changes something; such a form works once.
    pub(super) token: Option<String>,
    /// Where to become known, and come back from; `None`: they are, or cannot.
    pub(super) login: Option<String>,
}

impl Viewer {
    /// Of a visitor who asks for this; `acts`: the page has a form that changes something.
    pub(super) fn of(app: &App, visitor: &Visitor, uri: &Uri, acts: bool) -> Self {
        let is_administrator = visitor.role == Role::Administrator;
        let token = || app.access().tokens().issue(visitor, Instant::now()).to_string();
        let is_known = visitor.role != Role::Anonymous;
        let here = uri.path_and_query().map_or("/", |all| all.as_str());
        let here = app.paths.to(here);
        let back: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        Self {
            name: if is_known { visitor.name.to_string() } else { String::new() },
            is_administrator,
            token: (is_administrator && acts).then(token),
            login: (!is_known && app.access().can_log_in())
                .then(|| app.paths.to(&format!("/login?to={back}"))),
        }
    }
}
