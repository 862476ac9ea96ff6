//! By what a history was recorded.

use std::io::BufRead;

use clap::ValueEnum;
use serde::Serialize;

/// The forms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// What the watchdog keeps (--watchdog.journal)
    Journal,
    /// What the watchdog did, as JSON lines (--watchdog.audit)
    Audit,
    /// An answer of Prometheus to /api/v1/query_range
    Prometheus,
}

/// The keys of an answer of Prometheus.
const OF_AN_ANSWER: [&str; 8] =
    ["status", "data", "error", "errorType", "warnings", "infos", "resultType", "result"];

/// Told by how it begins; `None`: by none of them.
pub(super) fn detect(file: &mut dyn BufRead) -> std::io::Result<Option<Format>> {
    let start = file.fill_buf()?.trim_ascii_start();
    let key = || {
        let mut words = start.get(1..)?.trim_ascii_start().split(|byte| *byte == b'"');
        let (before, key) = (words.next()?, words.next()?);
        before.is_empty().then_some(key)
    };
    Ok(match start.first() {
        Some(b'[') => Some(Format::Prometheus),
        Some(b'{') => key().map(|key| {
            // Of /api/v1/audit it is "lines": an audit log all the same.
            let answer = OF_AN_ANSWER.iter().any(|known| known.as_bytes() == key);
            if answer { Format::Prometheus } else { Format::Audit }
        }),
        Some(_) => {
            let journal =
                start.len() > 8 && start[..8].iter().all(u8::is_ascii_hexdigit) && start[8] == b' ';
            journal.then_some(Format::Journal)
        }
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        for (text, format) in [
            ("{\"status\":\"success\"}", Some(Format::Prometheus)),
            (" [ {\"metric\": {}}]", Some(Format::Prometheus)),
            ("{\n  \"data\": 1}", Some(Format::Prometheus)),
            ("{\"at\":\"2026\"}\n", Some(Format::Audit)),
            ("{\"event\":\"failed\"}\n", Some(Format::Audit)),
            ("{\n  \"lines\": []}", Some(Format::Audit)),
            ("0a1b2c3d 5 []\n", Some(Format::Journal)),
            ("{}", None),
            ("hello", None),
            ("", None),
            ("{\"at", Some(Format::Audit)),
        ] {
            assert_eq!(detect(&mut text.as_bytes()).unwrap(), format, "{text}");
        }
    }
}
