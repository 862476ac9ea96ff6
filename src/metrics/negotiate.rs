//! Which format a scrape wants, from its `Accept` and `Accept-Encoding`.

use mediatype::names::Q;
use mediatype::{MediaTypeList, ReadParams as _};

/// A format of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`; Prometheus 3 refuses a scrape without one.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that `Accept` prefers; text where it does not say.
    pub fn for_accept(accept: &str) -> Self {
        let mut best = (Self::Text, 0.0);
        for wanted in MediaTypeList::new(accept).flatten() {
            let quality = wanted.get_param(Q).map_or(Some(1.0), |q| q.as_str().parse().ok());
            let version = wanted
                .params
                .iter()
                .find(|(name, _)| *name == "version")
                .map(|(_, value)| value.unquoted_str().into_owned());
            let format = match (wanted.ty.as_str(), wanted.subty.as_str(), version.as_deref()) {
                ("application", "openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
                    Self::OpenMetrics
                }
                ("text", "plain", None | Some("0.0.4")) | ("text" | "*", "*", _) => Self::Text,
                _ => continue,
            };
            if let Some(quality) = quality.filter(|quality: &f32| *quality > best.1) {
                best = (format, quality);
            }
        }
        best.0
    }
}

/// Whether `Accept-Encoding` allows gzip.
pub fn accepts_gzip(accept_encoding: &str) -> bool {
    let quality = |wanted: &str| {
        accept_encoding.split(',').find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            if !name.trim().eq_ignore_ascii_case(wanted) {
                return None;
            }
            let q = parameters.trim().strip_prefix("q=").map(str::trim);
            Some(q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
        })
    };
    quality("gzip").or_else(|| quality("*")).is_some_and(|q: f32| q > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_heeded_with_its_q_values() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (prometheus_3, Format::OpenMetrics),
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.9", Format::Text),
            ("application/openmetrics-text;q=0,text/plain", Format::Text),
            ("application/openmetrics-text;version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("garbage;;;,,/", Format::Text),
        ] {
            assert_eq!(Format::for_accept(accept), format, "{accept}");
        }
    }

    #[test]
    fn gzip_is_only_sent_to_those_who_take_it() {
        for (header, yes) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("*", true),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(header), yes, "{header}");
        }
    }
}
