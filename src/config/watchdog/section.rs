//! A map of the file, read key by key. A key that is asked for is known; what is left is not.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::nearest::did_you_mean;
use super::node::{Entry, Node, Problem, Value, problem};

/// A text with its line.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) line: u64,
}

/// A map and where it is.
pub(super) struct Section<'n> {
    /// Such as `watchdog.breaker`.
    pub(super) path: String,
    /// The line on which it begins.
    pub(super) line: u64,
    entries: &'n [Entry],
    known: Vec<&'static str>,
}

impl<'n> Section<'n> {
    /// Nothing is an empty map.
    pub(super) fn new(path: impl Into<String>, line: u64, node: &'n Node) -> Result<Self, Problem> {
        let path = path.into();
        let entries = match &node.value {
            Value::Nothing => &[][..],
            Value::Map(entries) => entries,
            other @ (Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::List(_)) => {
                return problem(node.line, format!("{path}: {other} is not a map of keys"));
            }
        };
        Ok(Self { path, line, entries, known: Vec::new() })
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == key && !matches!(entry.node.value, Value::Nothing))
    }

    fn take(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.known.push(key);
        self.entry(key)
    }

    /// The line of the first of these keys that is given, else of the map.
    pub(super) fn line_of(&self, keys: &[&str]) -> u64 {
        let given = keys.iter().find_map(|key| self.entry(key));
        given.map_or(self.line, |entry| entry.line)
    }

    /// Whether the key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// A problem with one of the keys.
    pub(super) fn wrong<T>(&self, key: &str, text: impl AsRef<str>) -> Result<T, Problem> {
        problem(self.line_of(&[key]), format!("{}.{key}: {}", self.path, text.as_ref()))
    }

    /// Puts a duration of this range in place of the default.
    pub(super) fn time(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
        into: &mut Duration,
    ) -> Result<(), Problem> {
        let Some(entry) = self.take(key) else { return Ok(()) };
        *into = time_of(&format!("{}.{key}", self.path), &entry.node, &range)?;
        Ok(())
    }

    /// Puts a whole number of this range in place of the default.
    pub(super) fn count<T: TryFrom<u64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        into: &mut T,
    ) -> Result<(), Problem> {
        let Some(entry) = self.take(key) else { return Ok(()) };
        let (least, most) = (range.start(), range.end());
        let value = &entry.node.value;
        let whole = value.number().filter(|number| number.fract() == 0.0 && *number >= 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and not negative; what is too much is out of the range, too"
        )]
        let whole = whole.map(|number| number as u64).filter(|number| range.contains(number));
        match whole.and_then(|number| T::try_from(number).ok()) {
            Some(found) => {
                *into = found;
                Ok(())
            }
            None => {
                self.wrong(key, format!("{value} is not a whole number from {least} to {most}"))
            }
        }
    }

    /// Puts a part of a whole in place of the default.
    pub(super) fn part(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        into: &mut f64,
    ) -> Result<(), Problem> {
        let Some(entry) = self.take(key) else { return Ok(()) };
        let value = &entry.node.value;
        match value.number().filter(|number| range.contains(number)) {
            Some(number) => {
                *into = number;
                Ok(())
            }
            None => {
                let (least, most) = (range.start(), range.end());
                self.wrong(key, format!("{value} is not a number from {least} to {most}"))
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<Text>, Problem> {
        let path = format!("{}.{key}", self.path);
        self.take(key).map(|entry| text_of(&path, &entry.node)).transpose()
    }

    /// A text that has to be there.
    pub(super) fn needed(&mut self, key: &'static str, such_as: &str) -> Result<Text, Problem> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => problem(
                self.line,
                format!("{}: has no `{key}`; give one, such as {such_as}", self.path),
            ),
        }
    }

    /// Yes or no.
    pub(super) fn yes(&mut self, key: &'static str) -> Result<bool, Problem> {
        match self.take(key).map(|entry| &entry.node.value) {
            None => Ok(false),
            Some(Value::Bool(yes)) => Ok(*yes),
            Some(value) => self.wrong(key, format!("{value} is not true or false")),
        }
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        valid: &[(&'static str, T)],
    ) -> Result<Option<T>, Problem> {
        let path = format!("{}.{key}", self.path);
        self.take(key).map(|entry| word_of(&path, &entry.node, valid)).transpose()
    }

    /// Any of these words.
    pub(super) fn words<T: Copy>(
        &mut self,
        key: &'static str,
        valid: &[(&'static str, T)],
    ) -> Result<Vec<T>, Problem> {
        let path = format!("{}.{key}", self.path);
        self.list(key)?.iter().map(|node| word_of(&path, node, valid)).collect()
    }

    /// Texts that are not empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<Text>, Problem> {
        let path = format!("{}.{key}", self.path);
        self.list(key)?.iter().map(|node| text_of(&path, node)).collect()
    }

    /// A list; none where the key is not given.
    pub(super) fn list(&mut self, key: &'static str) -> Result<&'n [Node], Problem> {
        match self.take(key).map(|entry| &entry.node.value) {
            None => Ok(&[]),
            Some(Value::List(list)) => Ok(list),
            Some(value) => self.wrong(key, format!("{value} is not a list, such as [a, b]")),
        }
    }

    /// A map within; an empty one where the key is not given.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Section<'n>, Problem> {
        let path = format!("{}.{key}", self.path);
        match self.take(key) {
            None => Ok(Section { path, line: self.line, entries: &[], known: Vec::new() }),
            Some(entry) => Section::new(path, entry.line, &entry.node),
        }
    }

    /// Refuses what was not asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let unknown =
            self.entries.iter().find(|entry| !self.known.iter().any(|key| *key == entry.key));
        let Some(Entry { key, line, .. }) = unknown else { return Ok(()) };
        let meant = did_you_mean(key, self.known.iter().copied());
        let known = self.known.join(", ");
        problem(*line, format!("{}: unknown key `{key}`, known are {known}{meant}", self.path))
    }
}

/// A duration of this range.
pub(super) fn time_of(
    path: &str,
    node: &Node,
    range: &RangeInclusive<Duration>,
) -> Result<Duration, Problem> {
    let (least, most) = (written(*range.start()), written(*range.end()));
    let zero = node.value.number().filter(|number| *number == 0.0).map(|_| Duration::ZERO);
    let parsed = node.value.text().and_then(|text| humantime::parse_duration(text).ok()).or(zero);
    match (parsed, &node.value) {
        (Some(time), _) if range.contains(&time) => Ok(time),
        (Some(time), _) => {
            problem(node.line, format!("{path}: {} is not from {least} to {most}", written(time)))
        }
        (None, value) => problem(
            node.line,
            format!(
                "{path}: {value} is not a duration such as 15s or 1m 30s, from {least} to {most}"
            ),
        ),
    }
}

/// A duration as people write it: whole days as days, not as months and what is left.
pub(super) fn written(time: Duration) -> String {
    let day = 86_400;
    match time.as_secs() / day {
        days @ 2.. if time == Duration::from_secs(days * day) => format!("{days}days"),
        _ => humantime::format_duration(time).to_string(),
    }
}

fn text_of(path: &str, node: &Node) -> Result<Text, Problem> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => {
            Ok(Text { text: text.clone(), line: node.line })
        }
        Value::Nothing | Value::Text(_) => problem(node.line, format!("{path}: is empty")),
        value @ (Value::Number(_) | Value::Bool(_)) => {
            problem(node.line, format!("{path}: {value} is not a text; write it in quotes"))
        }
        value @ (Value::List(_) | Value::Map(_)) => {
            problem(node.line, format!("{path}: {value} is not a text"))
        }
    }
}

fn word_of<T: Copy>(path: &str, node: &Node, valid: &[(&'static str, T)]) -> Result<T, Problem> {
    let text = node.value.text().map_or_else(|| node.value.to_string(), str::to_owned);
    match valid.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let words = || valid.iter().map(|(word, _)| *word);
            let known = words().collect::<Vec<_>>().join(", ");
            let meant = did_you_mean(&text, words());
            problem(node.line, format!("{path}: unknown word `{text}`, known are {known}{meant}"))
        }
    }
}
