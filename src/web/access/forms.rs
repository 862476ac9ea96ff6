//! What an HTML form can send carries a token: all the bodies that a page of another site can have
//! sent without asking first.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use mediatype::MediaType;
use tokio::time::Instant;
use url::form_urlencoded;

use super::refusal::Refusal;
use super::roles::Visitor;
use super::tokens::Tokens;

/// The field of a form, and of the answer of `/api/v1/session`.
pub const FORM_TOKEN: &str = "form_token";
const HEADER: HeaderName = HeaderName::from_static("x-form-token");

/// Takes the token of whatever is not plainly JSON, YAML or the like.
pub(super) fn redeem(
    tokens: &Tokens,
    visitor: &Visitor,
    head: &Parts,
    body: &Bytes,
) -> Result<(), Refusal> {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| MediaType::parse(kind).ok());
    let is = |ty: &str, subty: &str| {
        kind.as_ref().is_some_and(|kind| kind.ty == ty && kind.subty == subty)
    };
    let by_form = is("application", "x-www-form-urlencoded")
        || is("multipart", "form-data")
        || is("text", "plain")
        // A body without a type is one that a page may send, too.
        || (kind.is_none() && !body.is_empty());
    if !by_form {
        return Ok(());
    }
    let header = head.headers.get(HEADER).and_then(|value| value.to_str().ok());
    let field = || {
        let is_form = is("application", "x-www-form-urlencoded");
        let mut fields = form_urlencoded::parse(if is_form { body } else { &[] });
        fields.find(|(name, _)| name == FORM_TOKEN).map(|(_, value)| value.into_owned())
    };
    let token = header.map(str::to_owned).or_else(field).unwrap_or_default();
    tokens
        .redeem(visitor, &token, Instant::now())
        .map_err(|error| Refusal::new(StatusCode::FORBIDDEN, error.to_string()))
}
