//! An answer of Prometheus to a range query, as JSON: whole, or only its result as `promtool query
//! range` writes it.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::lines::of_json;

#[derive(Deserialize)]
struct Answer {
    status: Option<String>,
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(default)]
    result: Vec<Series>,
}

/// One series.
#[derive(Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) values: Vec<Sample>,
}

/// A number in text, as Prometheus writes it.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    /// In seconds since 1970.
    pub(super) at: f64,
    pub(super) value: f64,
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Sample;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time and a value such as [1795505663.1, \"1\"]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Sample, A::Error> {
                let at = pair.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let Number(value) =
                    pair.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                Ok(Sample { at, value })
            }
        }
        from.deserialize_seq(Pair)
    }
}

struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number as text, such as \"1\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom(format!("{text:?} is no number")))
            }
        }
        from.deserialize_str(Text)
    }
}

/// All series of a file; an error says where.
pub(super) fn read(file: &mut dyn BufRead) -> Result<(Vec<Series>, &'static str), String> {
    let bare = file
        .fill_buf()
        .map_err(|error| format!("cannot be read: {error}"))?
        .trim_ascii_start()
        .starts_with(b"[");
    let wrong = |error: serde_json::Error| format!("line {}, {}", error.line(), of_json(&error));
    if bare {
        return Ok((serde_json::from_reader(file).map_err(wrong)?, "$"));
    }
    let answer: Answer = serde_json::from_reader(file).map_err(wrong)?;
    if answer.status.as_deref() == Some("error") {
        let said = answer.error.unwrap_or_default();
        return Err(format!("$.status: Prometheus answered with an error: {said}"));
    }
    let data = answer.data.ok_or("$.data: is missing")?;
    if data.kind != "matrix" {
        return Err(format!(
            "$.data.resultType: is {:?}; \"matrix\", the answer of /api/v1/query_range, is wanted",
            data.kind
        ));
    }
    Ok((data.result, "$.data.result"))
}
