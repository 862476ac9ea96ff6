//! Style sheet, script and icons: compiled in, served under a name with their hash, so that a
//! browser keeps them for good and never has those of another version.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, VARY};

use super::super::facts::Severity;
use super::super::routes::{Answer, reply, text};
use super::cache::compressed;

struct Asset {
    path: String,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: Bytes,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("page", "css", "text/css; charset=utf-8", include_bytes!("../assets/page.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("page", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/page.js"))
});
static FINE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("fine", "svg", SVG, include_bytes!("../assets/fine.svg")));
static WARNING: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("warning", "svg", SVG, include_bytes!("../assets/warning.svg")));
static CRITICAL: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("critical", "svg", SVG, include_bytes!("../assets/critical.svg")));
const SVG: &str = "image/svg+xml";

impl Asset {
    fn new(name: &str, end: &str, content_type: &'static str, plain: &'static [u8]) -> Self {
        let path = format!("/assets/{name}-{:08x}.{end}", crc32fast::hash(plain));
        Self { path, content_type, plain, gzip: compressed(plain) }
    }
}

/// The style sheet's path.
pub(super) fn style() -> &'static str {
    &STYLE.path
}

/// The script's path.
pub(super) fn script() -> &'static str {
    &SCRIPT.path
}

/// The path of the icon that shows how bad it is.
pub(super) fn icon(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => &FINE.path,
        Severity::Warning => &WARNING.path,
        Severity::Critical => &CRITICAL.path,
    }
}

/// A file under `/assets/`.
pub(super) fn answer(file: &str, gzip: bool) -> Answer {
    let all = [&*STYLE, &*SCRIPT, &*FINE, &*WARNING, &*CRITICAL];
    let Some(asset) = all.into_iter().find(|asset| asset.path["/assets/".len()..] == *file) else {
        return text(StatusCode::NOT_FOUND, "no such file; reload the page that names it\n");
    };
    let body = if gzip { asset.gzip.clone() } else { Bytes::from_static(asset.plain) };
    let mut answer = reply(StatusCode::OK, asset.content_type, body);
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small() {
        assert!(SCRIPT.plain.len() < 15 << 10, "{}", SCRIPT.plain.len());
    }

    #[test]
    fn only_what_is_there_is_served_and_for_good() {
        let file = style().strip_prefix("/assets/").unwrap();
        let answer_to = answer(file, true);
        assert_eq!(answer_to.status(), StatusCode::OK);
        assert!(answer_to.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(answer("page-00000000.css", true).status(), StatusCode::NOT_FOUND);
    }
}
