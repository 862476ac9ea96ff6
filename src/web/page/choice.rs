//! What somebody wants to see: read from the query, and refused in words where it makes no sense.

use std::fmt::Write as _;

use url::form_urlencoded;

use crate::config::FailureClass;
use crate::connect::model::{ConnectorType, State};
use crate::observe::snapshot::{Connector, Instance};

use super::super::facts::Known;

/// In which order connectors are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// What is wrong first, then by name.
    #[default]
    Worst,
    Name,
    Cluster,
    State,
    Tasks,
    Worker,
    /// What changed last first.
    Since,
}

impl Sort {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Worst, "worst"),
        (Self::Name, "name"),
        (Self::Cluster, "cluster"),
        (Self::State, "state"),
        (Self::Tasks, "tasks"),
        (Self::Worker, "worker"),
        (Self::Since, "since"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(sort, _)| *sort == self).map_or("", |(_, word)| word)
    }
}

/// A filter, an order, a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// Part of a name, without regard to case.
    pub(super) name: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) state: Option<State>,
    pub(super) class: Option<FailureClass>,
    pub(super) worker: Option<String>,
    pub(super) kind: Option<ConnectorType>,
    pub(super) signature: Option<String>,
    pub(super) sort: Sort,
    pub(super) is_reversed: bool,
    /// From 1.
    pub(super) page: usize,
    /// The page of what is wrong, from 1.
    pub(super) wrong: usize,
}

/// A part of the query that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) says: String,
    pub(super) choices: Vec<String>,
}

pub(super) const STATES: [State; 7] = State::OF_CONNECTORS;
pub(super) const CLASSES: [FailureClass; 7] = [
    FailureClass::Transient,
    FailureClass::Unknown,
    FailureClass::Resource,
    FailureClass::Auth,
    FailureClass::Data,
    FailureClass::OffsetLost,
    FailureClass::Install,
];
pub(super) const TYPES: [ConnectorType; 3] =
    [ConnectorType::Source, ConnectorType::Sink, ConnectorType::Unknown];
const NAMES: [&str; 10] =
    ["q", "cluster", "state", "class", "worker", "type", "signature", "sort", "page", "wrong"];

impl Choice {
    /// Reads a query; what is empty, as forms send it, is not there.
    pub(super) fn read(query: &str, known: &[Known]) -> Result<Self, Refused> {
        let mut choice = Self { page: 1, wrong: 1, ..Self::default() };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !NAMES.contains(&&*name) {
                return Err(refused(format!("There is no filter {name:?}."), NAMES));
            }
            if value.is_empty() {
                continue;
            }
            if seen.contains(&name) {
                return Err(refused(format!("The filter {name:?} is given twice."), [""; 0]));
            }
            choice.set(&name, &value, known)?;
            seen.push(name);
        }
        Ok(choice)
    }

    fn set(&mut self, name: &str, value: &str, known: &[Known]) -> Result<(), Refused> {
        match name {
            "q" => self.name = Some(value.trim().to_lowercase()).filter(|name| !name.is_empty()),
            "signature" => self.signature = Some(value.to_owned()),
            "cluster" => {
                let all = known.iter().map(|known| known.view.cluster.to_string());
                self.cluster = Some(one_of(name, value, all)?);
            }
            "worker" => {
                let all = known.iter().flat_map(|known| known.view.workers.iter());
                self.worker = Some(one_of(name, value, all.map(|worker| worker.id.to_string()))?);
            }
            "state" => self.state = Some(word(name, value, STATES, State::as_str)?),
            "class" => self.class = Some(word(name, value, CLASSES, FailureClass::as_str)?),
            "type" => self.kind = Some(word(name, value, TYPES, ConnectorType::as_str)?),
            "sort" => {
                let plain = value.strip_prefix('-').unwrap_or(value);
                let all = Sort::ALL.map(|(sort, _)| sort);
                self.sort = word(name, plain, all, Sort::as_str)?;
                self.is_reversed = plain != value;
            }
            "page" => self.page = number(name, value)?,
            _ => self.wrong = number(name, value)?,
        }
        Ok(())
    }

    /// Whether anything is left out.
    pub(super) fn is_filter(&self) -> bool {
        self.name.is_some()
            || self.cluster.is_some()
            || self.state.is_some()
            || self.class.is_some()
            || self.worker.is_some()
            || self.kind.is_some()
            || self.signature.is_some()
    }

    /// Whether any instance of a connector fits.
    pub(super) fn fits(&self, cluster: &str, connector: &Connector) -> bool {
        self.fits_connector(cluster, connector)
            && (self.state.is_none()
                && self.class.is_none()
                && self.worker.is_none()
                && self.signature.is_none()
                || self.fits_instance(&connector.instance)
                || connector.tasks.iter().any(|task| self.fits_instance(&task.instance)))
    }

    /// The part that is about the connector as a whole.
    pub(super) fn fits_connector(&self, cluster: &str, connector: &Connector) -> bool {
        self.cluster.as_deref().is_none_or(|wanted| wanted == cluster)
            && self.kind.is_none_or(|kind| kind == connector.kind)
            && self.name.as_deref().is_none_or(|part| contains(&connector.name, part))
    }

    /// The part that is about one instance.
    pub(super) fn fits_instance(&self, instance: &Instance) -> bool {
        let failure = instance.failure.as_ref();
        self.state.is_none_or(|state| state == instance.state)
            && self.worker.as_deref().is_none_or(|worker| worker == &*instance.worker_id)
            && self.class.is_none_or(|class| failure.is_some_and(|it| it.class == class))
            && self
                .signature
                .as_deref()
                .is_none_or(|wanted| failure.is_some_and(|it| &*it.signature == wanted))
    }

    /// The query that says this; empty where it says nothing, with a `?` before it otherwise.
    pub(super) fn to_query(&self) -> String {
        let mut query = String::new();
        let sign = if self.is_reversed { "-" } else { "" };
        let sort = (self.sort != Sort::Worst || self.is_reversed)
            .then(|| format!("{sign}{}", self.sort.as_str()));
        let number = |n: usize| (n > 1).then(|| n.to_string());
        for (name, value) in [
            ("q", self.name.clone()),
            ("cluster", self.cluster.clone()),
            ("state", self.state.map(|state| state.as_str().to_owned())),
            ("class", self.class.map(|class| class.as_str().to_owned())),
            ("worker", self.worker.clone()),
            ("type", self.kind.map(|kind| kind.as_str().to_owned())),
            ("signature", self.signature.clone()),
            ("sort", sort),
            ("wrong", number(self.wrong)),
            ("page", number(self.page)),
        ] {
            let Some(value) = value else { continue };
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let _ = write!(query, "{}{name}={value}", if query.is_empty() { '?' } else { '&' });
        }
        query
    }
}

/// `part` is in lower case.
fn contains(name: &str, part: &str) -> bool {
    if name.is_ascii() && part.is_ascii() {
        let (name, part) = (name.as_bytes(), part.as_bytes());
        return name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
    }
    name.to_lowercase().contains(part)
}

fn refused(says: String, choices: impl IntoIterator<Item = impl Into<String>>) -> Refused {
    Refused { says, choices: choices.into_iter().map(Into::into).collect() }
}

/// So many choices are told.
const MOST_TOLD: usize = 50;

fn one_of(name: &str, value: &str, all: impl Iterator<Item = String>) -> Result<String, Refused> {
    let mut all: Vec<String> = all.collect();
    if all.iter().any(|known| known == value) {
        return Ok(value.to_owned());
    }
    all.sort_by_cached_key(|known| std::cmp::Reverse((strsim::jaro(known, value) * 1000.0) as u32));
    all.truncate(MOST_TOLD);
    Err(refused(format!("There is no {name} {value:?}."), all))
}

fn word<T: Copy, const N: usize>(
    name: &str,
    value: &str,
    all: [T; N],
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, Refused> {
    let found = all.into_iter().find(|one| as_str(*one).eq_ignore_ascii_case(value));
    found.ok_or_else(|| {
        refused(format!("{value:?} is not a {name} that there is."), all.map(as_str))
    })
}

fn number(name: &str, value: &str) -> Result<usize, Refused> {
    let number = value.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or_else(|| refused(format!("{name} {value:?} is not a number from 1 on."), [""; 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for query in [
            "",
            "?q=sink&state=failed&class=DATA&type=source&sort=-name&page=3",
            "?signature=a.B%3A+%23+%40db%3A5432&wrong=2",
        ] {
            let choice = Choice::read(query.trim_start_matches('?'), &[]).unwrap();
            assert_eq!(choice.to_query(), query);
        }
        let of_form = Choice::read("q=&state=&class=&sort=worst&page=1", &[]).unwrap();
        assert_eq!(of_form.to_query(), "");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_choices() {
        for (query, says, choice) in [
            ("color=red", "There is no filter \"color\".", "class"),
            ("state=dead", "\"dead\" is not a state that there is.", "unassigned"),
            ("class=bad", "\"bad\" is not a class that there is.", "OFFSET_LOST"),
            ("type=x", "\"x\" is not a type that there is.", "sink"),
            ("sort=size", "\"size\" is not a sort that there is.", "since"),
        ] {
            let refused = Choice::read(query, &[]).unwrap_err();
            assert_eq!(refused.says, says);
            assert!(refused.choices.iter().any(|told| told == choice), "{refused:?}");
        }
        for query in ["page=0", "page=x", "q=a&q=b", "cluster=nowhere", "worker=nowhere"] {
            assert!(Choice::read(query, &[]).is_err(), "{query}");
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert!(contains("Orders-Sink", "s-si") && contains("ÄPFEL", "äpf"));
        assert!(!contains("orders", "x") && !contains("a", "long"));
    }
}
