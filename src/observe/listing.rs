//! Reads the answer to `GET /connectors?expand=status&expand=info`.
//!
//! Streams through the text once; of the configurations only the class and `tasks.max` are looked
//! at, so that no secret is ever kept.

use std::borrow::Cow;
use std::fmt;

use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::connect::model::{ConnectorType, State};

use super::build::{Builder, fingerprint, sorted_tasks};
use super::failure::Classifier;
use super::snapshot::{Connector, Others, Snapshot, Task};

/// What the worker answered with.
#[derive(Debug)]
pub(super) enum Listing {
    /// It knows `expand` (2.3 and later, KIP-465).
    Expanded(Snapshot),
    /// It does not: only names.
    Names(Vec<String>),
}

/// Which connectors are wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty: every connector.
    pub include: Vec<Regex>,
    /// Wins over `include`.
    pub exclude: Vec<Regex>,
}

impl Selection {
    /// Whether a connector is wanted.
    pub fn wants(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|p| p.is_match(name)))
            && !self.exclude.iter().any(|p| p.is_match(name))
    }
}

/// Reads the body; an error says what is wrong with it, and where.
pub(super) fn read(
    body: &[u8],
    selection: &Selection,
    classifier: &Classifier,
) -> Result<Listing, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let listing = json
        .deserialize_any(ListingVisitor { selection, classifier })
        .map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok(listing)
}

struct ListingVisitor<'s> {
    selection: &'s Selection,
    classifier: &'s Classifier,
}

impl<'de> Visitor<'de> for ListingVisitor<'_> {
    type Value = Listing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of names or an object of connectors")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listing, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            if self.selection.wants(&name) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(Listing::Names(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listing, A::Error> {
        let mut builder = Builder::new(self.classifier);
        let mut connectors = Vec::new();
        let mut others = Others::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            if self.selection.wants(&name.0) {
                let raw = map.next_value::<RawConnector<'de>>()?;
                connectors.push(raw.build(&name.0, &mut builder).map_err(A::Error::custom)?);
            } else {
                map.next_value::<RawOther<'de>>()?.note(&mut others, &mut builder);
            }
        }
        others.workers.sort_unstable();
        others.workers.dedup();
        connectors.sort_unstable_by(|a: &Connector, b| a.name.cmp(&b.name));
        if let Some(pair) = connectors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(A::Error::custom(format!("connector {:?} stands twice", pair[0].name)));
        }
        Ok(Listing::Expanded(Snapshot { connectors, others, ..Snapshot::default() }))
    }
}

/// A string that is borrowed from the body where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// A connector that is not wanted: only where it is.
#[derive(Deserialize)]
struct RawOther<'a> {
    #[serde(borrow, default)]
    status: Option<RawPlaces<'a>>,
}

#[derive(Deserialize)]
struct RawPlaces<'a> {
    #[serde(borrow, default)]
    connector: Option<RawPlace<'a>>,
    #[serde(borrow, default)]
    tasks: Vec<RawPlace<'a>>,
}

#[derive(Deserialize)]
struct RawPlace<'a> {
    state: State,
    #[serde(borrow, default)]
    worker_id: Option<Text<'a>>,
}

impl RawOther<'_> {
    fn note(&self, others: &mut Others, builder: &mut Builder<'_>) {
        let Some(status) = &self.status else { return };
        for place in status.connector.iter().chain(&status.tasks) {
            others.unassigned |= place.state == State::Unassigned;
            let worker = builder.share(text(place.worker_id.as_ref()));
            if others.workers.last() != Some(&worker) {
                others.workers.push(worker);
            }
        }
    }
}

#[derive(Deserialize)]
struct RawConnector<'a> {
    #[serde(borrow)]
    status: RawStatus<'a>,
    #[serde(borrow, default)]
    info: Option<RawInfo<'a>>,
}

#[derive(Deserialize)]
struct RawStatus<'a> {
    #[serde(borrow)]
    connector: RawInstance<'a>,
    #[serde(borrow)]
    tasks: Vec<RawTask<'a>>,
    #[serde(default, rename = "type")]
    kind: ConnectorType,
}

#[derive(Deserialize)]
struct RawInstance<'a> {
    state: State,
    #[serde(borrow, default)]
    worker_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    trace: Option<Text<'a>>,
    #[serde(borrow, default)]
    version: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawTask<'a> {
    id: u32,
    state: State,
    #[serde(borrow, default)]
    worker_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    trace: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawInfo<'a> {
    #[serde(borrow)]
    config: RawConfig<'a>,
    tasks: Vec<IgnoredAny>,
}

/// The two keys that matter; the rest goes into the fingerprint without being copied.
struct RawConfig<'a> {
    class: Option<Text<'a>>,
    tasks_max: Option<Text<'a>>,
    fingerprint: u64,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawConfig<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConfigVisitor;
        impl<'de> Visitor<'de> for ConfigVisitor {
            type Value = RawConfig<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a configuration")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut config = RawConfig { class: None, tasks_max: None, fingerprint: 0 };
                while let Some((key, value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
                    let entry = (&*key.0, text(value.as_ref()));
                    config.fingerprint =
                        config.fingerprint.wrapping_add(fingerprint(std::iter::once(entry)));
                    match &*key.0 {
                        "connector.class" => config.class = value,
                        "tasks.max" => config.tasks_max = value,
                        _ => {}
                    }
                }
                Ok(config)
            }
        }
        deserializer.deserialize_map(ConfigVisitor)
    }
}

fn text<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &text.0)
}

impl RawConnector<'_> {
    fn build(&self, name: &str, builder: &mut Builder<'_>) -> Result<Connector, String> {
        let tasks = self.status.tasks.iter().map(|task| Task {
            id: task.id,
            instance: builder.instance(
                task.state,
                text(task.worker_id.as_ref()),
                task.trace.as_ref().map(|trace| &*trace.0),
            ),
        });
        let tasks = sorted_tasks(name, tasks.collect())?;
        let own = &self.status.connector;
        let config = self.info.as_ref().map(|info| &info.config);
        Ok(Connector {
            name: name.into(),
            kind: self.status.kind,
            class: builder.share(text(config.and_then(|config| config.class.as_ref()))),
            version: builder.share(text(own.version.as_ref())),
            config: config.map(|config| config.fingerprint),
            instance: builder.instance(
                own.state,
                text(own.worker_id.as_ref()),
                own.trace.as_ref().map(|trace| &*trace.0),
            ),
            tasks_expected: self
                .info
                .as_ref()
                .map(|info| u32::try_from(info.tasks.len()).unwrap_or(u32::MAX)),
            tasks_max: config
                .and_then(|config| config.tasks_max.as_ref())
                .and_then(|max| max.0.trim().parse().ok()),
            tasks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_not_wanted_only_its_places_are_read() {
        let body = r#"{"no":{"status":{"connector":{"state":"RUNNING","worker_id":"b:1"},"tasks":[
            {"id":0,"state":"UNASSIGNED","worker_id":"a:1"},{"id":0,"state":"ODD"}]},"info":null},
            "none":{"info":{}},"yes":{"status":{"connector":{"state":"RUNNING"},"tasks":[]}}}"#;
        let exclude = vec![Regex::new("^no").unwrap()];
        let selection = Selection { exclude, ..Selection::default() };
        let read = read(body.as_bytes(), &selection, &Classifier::default()).unwrap();
        let Listing::Expanded(snapshot) = read else { panic!("{read:?}") };
        assert_eq!(snapshot.connectors.len(), 1);
        let workers: Vec<_> = snapshot.others.workers.iter().map(|worker| &**worker).collect();
        assert_eq!((snapshot.others.unassigned, &workers[..]), (true, &["", "a:1", "b:1"][..]));
    }

    fn snapshot(body: &str) -> Snapshot {
        match read(body.as_bytes(), &Selection::default(), &Classifier::default()).unwrap() {
            Listing::Expanded(snapshot) => snapshot,
            Listing::Names(names) => panic!("names: {names:?}"),
        }
    }

    #[test]
    fn an_old_workers_array_is_names() {
        let listing = read(br#"["b","a"]"#, &Selection::default(), &Classifier::default()).unwrap();
        assert!(matches!(listing, Listing::Names(names) if names == ["a", "b"]));
    }

    #[test]
    fn status_and_info_become_a_connector() {
        let found = snapshot(
            r#"{"x/y":{"status":{"name":"x/y","connector":{"state":"RUNNING","worker_id":"h:1","version":null},
            "tasks":[{"id":1,"state":"FAILED","worker_id":"h:1","trace":"a.B: x\nCaused by: java.net.ConnectException: Connection refused"},
            {"id":0,"state":"DANCING","worker_id":"h:2","version":"1"}],"type":"sink"},
            "info":{"name":"x/y","config":{"password":"s3cret","connector.class":"C","tasks.max":"3"},"tasks":[{"connector":"x/y","task":0}],"type":"sink"}}}"#,
        );
        let connector = &found.connectors[0];
        assert_eq!((&*connector.name, &*connector.class), ("x/y", "C"));
        assert_eq!((connector.tasks_expected, connector.tasks_max), (Some(1), Some(3)));
        assert_eq!(connector.tasks[0].instance.state, State::Unknown);
        let failure = connector.tasks[1].instance.failure.as_ref().unwrap();
        assert_eq!(
            (failure.class, &*failure.exception),
            (crate::config::FailureClass::Transient, "java.net.ConnectException")
        );
        assert!(!format!("{found:?}").contains("s3cret"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let status = |tasks: &str| {
            format!(r#"{{"a":{{"status":{{"connector":{{"state":"RUNNING"}},"tasks":{tasks}}}}}}}"#)
        };
        let same = r#"{"id":0,"state":"RUNNING"}"#;
        for bad in [
            status(&format!("[{same},{same}]")),
            status(r#"[{"id":-1,"state":"RUNNING"}]"#),
            status(r#"[{"id":0,"state":7}]"#),
            r#"{"a":{}}"#.to_owned(),
            r#""hello""#.to_owned(),
            "<html>".to_owned(),
            format!("{} trailing", status("[]")),
            String::new(),
        ] {
            assert!(
                read(bad.as_bytes(), &Selection::default(), &Classifier::default()).is_err(),
                "{bad}"
            );
        }
        assert!(read(b"[\"\xff\"]", &Selection::default(), &Classifier::default()).is_err());
    }

    #[test]
    fn selection_is_heeded() {
        let selection = Selection {
            include: vec![Regex::new("^(?:a.*)$").unwrap()],
            exclude: vec![Regex::new("^(?:ab)$").unwrap()],
        };
        let names = read(br#"["a","ab","b"]"#, &selection, &Classifier::default()).unwrap();
        assert!(matches!(names, Listing::Names(names) if names == ["a"]));
    }
}
