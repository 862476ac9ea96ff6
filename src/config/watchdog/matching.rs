//! `match:` of a rule or of a silence: which units it is for.

use regex::Regex;

use crate::config::FailureClass;
use crate::connect::model::ConnectorType;
use crate::watchdog::policy::Selector;

use super::super::pattern::{self, is_everything};
use super::node::{Problem, problem};
use super::section::{Section, Text};

/// The types of connectors, as they are written.
pub(super) const TYPES: [(&str, ConnectorType); 3] = [
    ("source", ConnectorType::Source),
    ("sink", ConnectorType::Sink),
    ("unknown", ConnectorType::Unknown),
];

/// The classes of failures, as they are written.
pub(super) const CLASSES: [(&str, FailureClass); 7] = [
    ("TRANSIENT", FailureClass::Transient),
    ("UNKNOWN", FailureClass::Unknown),
    ("RESOURCE", FailureClass::Resource),
    ("AUTH", FailureClass::Auth),
    ("DATA", FailureClass::Data),
    ("OFFSET_LOST", FailureClass::OffsetLost),
    ("INSTALL", FailureClass::Install),
];

/// Some units of some clusters. An empty list is no restriction.
#[derive(Clone, Debug, Default)]
pub struct MatchSettings {
    /// Each matches a cluster's whole name.
    pub clusters: Vec<Regex>,
    /// Which units of them.
    pub selector: Selector,
}

impl MatchSettings {
    /// Whether it is for units of this cluster.
    pub fn fits_cluster(&self, cluster: &str) -> bool {
        self.clusters.is_empty() || self.clusters.iter().any(|pattern| pattern.is_match(cluster))
    }

    /// Whether it is for everything.
    pub fn is_everything(&self) -> bool {
        let Selector { connectors, connector_classes, types, failure_classes } = &self.selector;
        self.clusters.is_empty()
            && connectors.is_empty()
            && connector_classes.is_empty()
            && types.is_empty()
            && failure_classes.is_empty()
    }

    /// Whether, within this cluster, it is for all units that `other` is for and that are of this
    /// type and class.
    pub(super) fn covers(
        &self,
        other: &Self,
        cluster: &str,
        kind: ConnectorType,
        class: FailureClass,
    ) -> bool {
        let (mine, others) = (&self.selector, &other.selector);
        self.fits_cluster(cluster)
            && has(&mine.types, kind)
            && has(&mine.failure_classes, class)
            && patterns_cover(&mine.connectors, &others.connectors)
            && patterns_cover(&mine.connector_classes, &others.connector_classes)
    }

    /// The types and classes that it is for.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (ConnectorType, FailureClass)> {
        let all =
            TYPES.iter().flat_map(|(_, kind)| CLASSES.iter().map(|(_, class)| (*kind, *class)));
        all.filter(|(kind, class)| {
            has(&self.selector.types, *kind) && has(&self.selector.failure_classes, *class)
        })
    }
}

fn has<T: PartialEq>(list: &[T], one: T) -> bool {
    list.is_empty() || list.contains(&one)
}

/// Whether all that `narrow` matches is surely matched by `wide`.
fn patterns_cover(wide: &[Regex], narrow: &[Regex]) -> bool {
    let covered = |one: &Regex| {
        let name = pattern::exact(one);
        wide.iter().any(|other| {
            other.as_str() == one.as_str() || name.is_some_and(|name| other.is_match(name))
        })
    };
    wide.is_empty()
        || wide.iter().any(is_everything)
        || (!narrow.is_empty() && narrow.iter().all(covered))
}

/// Reads a `match:`.
pub(super) fn read(
    mut section: Section<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<MatchSettings, Problem> {
    let mut patterns = |section: &mut Section<'_>, key| -> Result<Vec<Regex>, Problem> {
        let path = format!("{}.{key}", section.path);
        let texts = section.texts(key)?;
        texts.iter().map(|text| pattern(&path, text, warnings)).collect()
    };
    let clusters = patterns(&mut section, "clusters")?;
    let connectors = patterns(&mut section, "connectors")?;
    let connector_classes = patterns(&mut section, "connector_classes")?;
    let types = section.words("types", &TYPES)?;
    let failure_classes = section.words("failure_classes", &CLASSES)?;
    section.finish()?;
    let selector = Selector { connectors, connector_classes, types, failure_classes };
    Ok(MatchSettings { clusters, selector })
}

fn pattern(
    path: &str,
    Text { text, line }: &Text,
    warnings: &mut Vec<Problem>,
) -> Result<Regex, Problem> {
    if let Some(oddity) = pattern::oddity(text) {
        warnings.push(Problem { line: *line, text: format!("{path}: {oddity}") });
    }
    pattern::compile(text).or_else(|wrong| problem(*line, format!("{path}: {wrong}")))
}
