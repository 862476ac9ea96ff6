//! The name and the password of a request (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::config::Secret;

/// What `Authorization: Basic` says; `None` where there is nothing of the kind.
pub(super) fn credentials(headers: &HeaderMap) -> Option<(String, Secret)> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn only_what_is_basic_is_read() {
        for (text, wanted) in [
            ("Basic YWxpY2U6c2VjcmV0", Some(("alice", "secret"))),
            ("bAsIc YWxpY2U6c2VjcmV0", Some(("alice", "secret"))),
            // alice:a:b
            ("Basic YWxpY2U6YTpi", Some(("alice", "a:b"))),
            ("Basic Og==", Some(("", ""))),
            ("Basic YWxpY2U=", None),
            ("Basic !", None),
            ("Basic", None),
            ("Bearer YWxpY2U6c2VjcmV0", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(text));
            let found = credentials(&headers);
            let found = found.as_ref().map(|(name, word)| (name.as_str(), word.expose()));
            assert_eq!(found, wanted, "{text}");
        }
    }
}
