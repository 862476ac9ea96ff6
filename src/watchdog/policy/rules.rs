//! Whom the policy is for: ordered rules of the user, the first that fits wins. Rules 12 to 14.

use std::sync::Arc;

use regex::Regex;

use crate::config::{FailureClass, WatchdogMode};
use crate::connect::model::ConnectorType;
use crate::observe::snapshot::Connector;

use super::limits::Limits;
use super::memory::Time;

/// What the policy is told by its user, for one cluster.
#[derive(Clone, Debug)]
pub struct Policy {
    /// For units that no rule fits, and for what is about a connector, a cluster or a breaker.
    pub limits: Limits,
    /// For units that no rule fits; a rule's mode cannot be more than this.
    pub mode: WatchdogMode,
    /// In order.
    pub rules: Vec<Rule>,
    /// Dependencies that may be probed, as `host:port`.
    pub probe_targets: Vec<Arc<str>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            mode: WatchdogMode::On,
            rules: Vec::new(),
            probe_targets: Vec::new(),
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// For the report.
    pub name: Arc<str>,
    /// Whom it is for.
    pub selector: Selector,
    /// Whether it acts.
    pub mode: WatchdogMode,
    /// Its numbers; those about a connector, a cluster or a breaker are not looked at.
    pub limits: Limits,
}

/// Some units. An empty list is no restriction.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Each matches a connector's whole name.
    pub connectors: Vec<Regex>,
    /// Each matches a whole `connector.class`.
    pub connector_classes: Vec<Regex>,
    /// Source or sink.
    pub types: Vec<ConnectorType>,
    /// The failure's class.
    pub failure_classes: Vec<FailureClass>,
}

/// Some units are left alone until then. Whether it is in force is a question of the wall clock,
/// which is set now and then: the caller's, and no other time than a person's.
#[derive(Clone, Debug)]
pub struct Silence {
    /// Whom.
    pub selector: Selector,
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

impl Silence {
    /// Whether it is in force at this time since 1970.
    pub fn is_in_force(&self, wall: Time) -> bool {
        (self.from..self.until).contains(&wall)
    }
}

impl Selector {
    /// Whether a unit of this connector that fails so is one of them.
    pub fn fits(&self, connector: &Connector, class: FailureClass) -> bool {
        let matches = |patterns: &[Regex], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_match(text))
        };
        (self.types.is_empty() || self.types.contains(&connector.kind))
            && (self.failure_classes.is_empty() || self.failure_classes.contains(&class))
            && matches(&self.connectors, &connector.name)
            && matches(&self.connector_classes, &connector.class)
    }
}

impl Policy {
    /// The place of the first rule that fits; `None`: none does.
    pub(super) fn rule_of(&self, connector: &Connector, class: FailureClass) -> Option<usize> {
        self.rules.iter().position(|rule| rule.selector.fits(connector, class))
    }

    /// The numbers for a unit.
    pub fn limits_of(&self, rule: Option<usize>) -> &Limits {
        rule.and_then(|at| self.rules.get(at)).map_or(&self.limits, |rule| &rule.limits)
    }

    /// Whether it acts on a unit.
    pub fn mode_of(&self, rule: Option<usize>) -> WatchdogMode {
        let own = rule.and_then(|at| self.rules.get(at)).map_or(self.mode, |rule| rule.mode);
        own.min(self.mode)
    }

    /// The dependency behind a signature, where it may be probed. A signature that names no port
    /// stands for the first target on its host.
    pub(super) fn probe_target(&self, signature: &str) -> Option<&Arc<str>> {
        let (_, host) = signature.rsplit_once(" @")?;
        self.probe_targets.iter().find(|target| {
            ***target == *host || target.rsplit_once(':').is_some_and(|(name, _)| name == host)
        })
    }
}
