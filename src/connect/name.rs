//! Connector names in paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but RFC 3986's unreserved characters; a space becomes `%20`, never `+`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name as one path segment.
pub fn encode(name: &str) -> String {
    utf8_percent_encode(name, RESERVED).to_string()
}

/// Whether a worker of this major version accepts a path with the name in it. Jetty 12 (Connect
/// 4.0 and later, KIP-1032) answers 400 to `%2F`, `%25`, `%5C` and encoded control characters.
pub fn addressable(name: &str, major_version: u32) -> bool {
    let refused = |c: char| matches!(c, '/' | '%' | '\\') || c.is_control();
    !matches!(name, "" | "." | "..") && (major_version < 4 || !name.contains(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_byte_is_encoded() {
        assert_eq!(encode("a b"), "a%20b");
        assert_eq!(encode("x/y"), "x%2Fy");
        assert_eq!(encode("p%q"), "p%25q");
        assert_eq!(encode("é;{x}#\"q\""), "%C3%A9%3B%7Bx%7D%23%22q%22");
        assert_eq!(encode("a-b._~0"), "a-b._~0");
    }

    #[test]
    fn newer_workers_refuse_some() {
        for name in ["x/y", "p%q", "a\\b"] {
            assert!(addressable(name, 3) && !addressable(name, 4), "{name}");
        }
        assert!(addressable("a b?;é", 4) && !addressable("..", 3));
    }
}
