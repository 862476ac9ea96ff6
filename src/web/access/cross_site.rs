//! Whether a request that changes something comes from a page of another site, in a browser that
//! sends the reader's credentials along. As `CrossOriginProtection` of Go 1.25 decides.

use hyper::Method;
use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use url::Url;

use super::refusal::Refusal;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// `trusted` are the origins that this server is reached by besides, such as `https://ops.example`.
pub(super) fn same_site(head: &Parts, trusted: &[String]) -> Result<(), Refusal> {
    if matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let origin = one(&head.headers, &ORIGIN);
    let is_trusted = || origin.is_some_and(|origin| trusted.iter().any(|known| known == origin));
    match one(&head.headers, &SEC_FETCH_SITE) {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) if is_trusted() => return Ok(()),
        Some(site) => return refused(&format!("Sec-Fetch-Site is {site:?}")),
        None => {}
    }
    // A browser of before 2023, or no browser at all.
    let Some(origin) = origin else {
        return match head.headers.contains_key(ORIGIN) {
            true => refused("its Origin cannot be read"),
            false => Ok(()),
        };
    };
    let uri_host = head.uri.authority().map(|authority| authority.as_str());
    // No page of another site can set X-Forwarded-Host without being asked for leave first.
    let forwarded = one(&head.headers, &X_FORWARDED_HOST).and_then(|all| all.split(',').next());
    let hosts = [one(&head.headers, &HOST).or(uri_host), forwarded.map(str::trim)];
    let of_origin = host(origin);
    let same = |host: &str| of_origin.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(host));
    if hosts.into_iter().flatten().any(same) || is_trusted() {
        return Ok(());
    }
    refused(&format!("its Origin is {origin:?}"))
}

fn refused(why: &str) -> Result<(), Refusal> {
    let detail = format!("comes from a page of another site ({why}); do it on this server's page");
    Err(Refusal::new(StatusCode::FORBIDDEN, detail))
}

/// The host and the port of an origin, as they stand in `Host`.
fn host(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// Of a request to `warden:9783`, and whether it may change things.
    const CASES: &[(&[(&str, &str)], bool)] = &[
        (&[], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], true),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://warden:9783")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://ops.example")], true),
        (&[("origin", "http://warden:9783")], true),
        (&[("origin", "https://WARDEN:9783")], true),
        (&[("origin", "http://warden")], false),
        (&[("origin", "http://evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "\u{e9}")], false),
        (&[("origin", "https://ops.example")], true),
        (&[("origin", "https://ops.example.evil")], false),
        (&[("origin", "https://front"), ("x-forwarded-host", "front, other")], true),
        (&[("origin", "https://evil"), ("x-forwarded-host", "front")], false),
    ];

    #[test]
    fn only_the_servers_own_pages_may_change_things() {
        let trusted = ["https://ops.example".to_owned()];
        for (headers, allowed) in CASES {
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                let mut request = Request::builder().method(method).header(HOST, "warden:9783");
                for (name, value) in *headers {
                    request = request.header(*name, value.as_bytes());
                }
                let (head, ()) = request.body(()).unwrap().into_parts();
                let found = same_site(&head, &trusted);
                assert_eq!(found.is_ok(), *allowed, "{method} {headers:?}: {found:?}");
            }
            let mut request = Request::builder().header(HOST, "warden:9783");
            for (name, value) in *headers {
                request = request.header(*name, value.as_bytes());
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(same_site(&head, &trusted), Ok(()), "reading is no change");
        }
    }
}
