//! JSON with a tag of its content, so that who has it already is told only that.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use hyper::{HeaderMap, Response};
use serde::Serialize;

use crate::metrics::Exposition;
use crate::metrics::negotiate::accepts_gzip;

use super::super::content::Content;
use super::super::routes::{Answer, reply};

/// Shorter ones are not worth packing.
const PACKED_FROM: usize = 1 << 10;
/// So many bytes of a digest tell one body from every other.
const TAG: usize = 16;

/// What of a request decides how an answer is sent.
#[derive(Debug, Default)]
pub(super) struct Wish {
    gzip: bool,
    known: String,
}

impl Wish {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = |name| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.collect::<Vec<_>>().join(",")
        };
        Self { gzip: accepts_gzip(&header(ACCEPT_ENCODING)), known: header(IF_NONE_MATCH) }
    }

    fn knows(&self, tag: &str) -> bool {
        let same = |known: &str| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag;
        self.known.split(',').any(|known| same(known.trim()))
    }

    /// Work for a thread that may be kept busy.
    pub(super) fn answer(&self, value: &impl Serialize) -> Answer {
        let Ok(mut body) = serde_json::to_vec(value) else {
            return super::super::routes::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "cannot be written as JSON\n",
            );
        };
        body.push(b'\n');
        self.send(body.into())
    }

    /// The same for what is JSON already.
    pub(super) fn send(&self, body: Bytes) -> Answer {
        let packed = self.gzip && body.len() >= PACKED_FROM;
        let tag = tag(&body, packed);
        let mut answer = if self.knows(&tag) {
            let mut answer = Response::new(Content::from(""));
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        } else {
            let body = Exposition::from(body);
            let body = if packed { body.compressed() } else { body };
            reply(StatusCode::OK, "application/json", body)
        };
        let headers = answer.headers_mut();
        if packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        answer
    }
}

/// Strong: other bytes, another tag; so it tells the encodings apart too.
fn tag(body: &[u8], packed: bool) -> String {
    let mut tag = String::from("\"");
    for byte in &ring::digest::digest(&ring::digest::SHA256, body).as_ref()[..TAG] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag + if packed { "-gzip\"" } else { "\"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Wish::of(&headers).send(body.to_owned().into())
    }

    #[test]
    fn who_has_it_already_is_told_only_that() {
        let long = "x".repeat(PACKED_FROM);
        let first = asked(&[], &long);
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(first.status(), StatusCode::OK);
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
            (tag.trim_matches('"').to_owned(), StatusCode::OK),
        ] {
            let again = asked(&[("if-none-match", &known)], &long);
            assert_eq!(again.status(), status, "{known}");
            assert_eq!(again.headers()[ETAG], *tag);
        }
        let packed = asked(&[("accept-encoding", "gzip"), ("if-none-match", &tag)], &long);
        assert_eq!(packed.status(), StatusCode::OK, "other bytes, another tag");
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        let short = asked(&[("accept-encoding", "gzip")], "{}");
        assert!(!short.headers().contains_key(CONTENT_ENCODING));
    }
}
