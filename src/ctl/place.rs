//! Which cluster is meant, and how it is reached.
//!
//! What stands after `ctl` wins over what stands before it and over the environment, and those over
//! the current context.

use std::cell::LazyCell;
use std::time::Duration;

use crate::config::{self, ConnectSettings, Contexts, Flags};
use crate::observe::Classifier;

use super::failure::Failure;
use super::flags::Global;

/// Time for one request where nothing is said: a restart may wait for others.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Made when it is asked for: most verbs read no trace.
pub(super) type LazyClassifier = LazyCell<Classifier, Box<dyn FnOnce() -> Classifier>>;

/// A cluster, before it is connected to.
pub(super) struct Place {
    /// How it is reached.
    pub(super) connect: ConnectSettings,
    /// Its name, where it has one.
    pub(super) context: Option<String>,
    /// With the rules of the configuration that has the cluster.
    pub(super) classifier: LazyClassifier,
}

impl Place {
    fn at(connect: ConnectSettings, context: Option<String>) -> Self {
        Self { connect, context, classifier: LazyCell::new(Box::new(Classifier::default)) }
    }
}

/// Finds it; an error is bad usage.
pub(super) fn find(global: &Global, outer: &Flags) -> Result<Place, Failure> {
    let timeout = global.timeout.unwrap_or(TIMEOUT);
    let said = [
        ("--connect.url", !global.urls.is_empty()),
        ("--context", global.context.is_some()),
        ("--config.file", global.file.is_some()),
    ];
    let said: Vec<&str> = said.iter().filter(|(_, is)| *is).map(|(flag, _)| *flag).collect();
    if said.len() > 1 {
        return Err(Failure::usage(format!(
            "{} each name a cluster; give one",
            said.join(" and ")
        )));
    }
    let file = global
        .file
        .as_ref()
        .or_else(|| outer.file.as_ref().filter(|_| said.is_empty() && outer.urls.is_empty()));
    if global.cluster.is_some() && file.is_none() {
        return Err(Failure::usage(
            "--cluster names a cluster of a --config.file, which is not given",
        ));
    }
    if let Some(file) = file {
        let cluster = global.cluster.as_deref();
        let (name, connect) = config::one_cluster_of(file, cluster, timeout)?;
        let rules = config::failure_rules(file)?;
        let mut place = Place::at(connect, Some(name));
        if !rules.is_empty() {
            let classifier = Classifier::new(&rules);
            let classifier = classifier.map_err(|error| Failure::usage(error.to_string()))?;
            place.classifier = LazyCell::new(Box::new(move || classifier));
        }
        return Ok(place);
    }
    if !global.urls.is_empty() {
        return Ok(Place::at(config::at_urls(&global.urls, timeout)?, None));
    }
    if global.context.is_none() && !outer.urls.is_empty() {
        return Ok(Place::at(config::at_urls(&outer.urls, timeout)?, None));
    }
    let path = Contexts::place();
    let contexts = Contexts::read(&path)?;
    let name = global.context.clone().or_else(|| contexts.current().map(str::to_owned));
    let Some(name) = name else {
        return Err(Failure::usage(format!(
            "no cluster is named: give --connect.url=http://HOST:8083, --context=NAME or --config.file=FILE, \
             or make a context with `ctl config set-context NAME --connect.url=URL` ({} has no current one)",
            path.display()
        )));
    };
    Ok(Place::at(contexts.settings(&name, timeout)?, Some(name)))
}
