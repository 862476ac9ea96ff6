//! What is ordered at one moment, ready to be heeded.

use std::path::Path;

use regex::Regex;

use super::file::{ACKNOWLEDGED_FOR, Acknowledgement, Given, Silenced, pattern};
use super::text::clean;
use crate::watchdog::policy::{Acknowledged, Selector, Silence, Time};

/// What is ordered.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// Nothing is restarted: why, by whom and since when, as a sentence.
    pub stop: Option<String>,
    /// Why the file cannot be understood, which is an order to stop.
    pub problem: Option<String>,
    /// Every order as it was given.
    pub given: Given,
    silences: Vec<Patterns>,
}

/// Of the silence at the same place.
#[derive(Clone, Debug)]
struct Patterns {
    cluster: Option<Regex>,
    selector: Selector,
}

impl Now {
    pub(super) fn parsed(path: &Path, bytes: &[u8]) -> Self {
        match parse(bytes) {
            Ok((given, silences)) => {
                let stop = given.stop.as_ref().map(super::Stop::sentence);
                Self { stop, problem: None, given, silences }
            }
            Err(problem) => Self::not_understood(path, &problem),
        }
    }

    pub(super) fn not_understood(path: &Path, problem: &str) -> Self {
        let said = format!(
            "the orders in {} cannot be understood, which counts as an order to stop: {}",
            path.display(),
            clean(problem)
        );
        Self { stop: Some(said.clone()), problem: Some(said), ..Self::default() }
    }

    /// Those of a cluster that have not ended.
    pub fn silences_of(&self, cluster: &str, now: Time) -> Vec<Silence> {
        let is_of = |patterns: &Patterns| {
            patterns.cluster.as_ref().is_none_or(|pattern| pattern.is_match(cluster))
        };
        self.in_force(now)
            .filter(|(_, patterns)| is_of(patterns))
            .map(|(order, patterns)| Silence {
                selector: patterns.selector.clone(),
                from: order.from,
                until: order.until,
            })
            .collect()
    }

    fn in_force(&self, now: Time) -> impl Iterator<Item = (&Silenced, &Patterns)> {
        let all = self.given.silences.iter().zip(&self.silences);
        all.filter(move |(order, _)| order.until > now)
    }

    /// Those of a cluster that were given after `since` and within the last ten minutes, with whose
    /// they are and when they were given.
    ///
    /// `since` is the greatest time that was given back before, and at first when the process
    /// began: so none counts twice, and none is missed that was written while it was looked.
    pub fn acknowledged_of(
        &self,
        cluster: &str,
        since: Time,
        now: Time,
    ) -> Vec<(Acknowledged, String, Time)> {
        let counts = |order: &&Acknowledgement| {
            order.cluster == cluster
                && (since < order.at && order.at <= now)
                && now - order.at <= ACKNOWLEDGED_FOR
        };
        let told = |order: &Acknowledgement| {
            let whom =
                Acknowledged { connector: order.connector.as_str().into(), task: order.task };
            (whom, clean(&order.by), order.at)
        };
        self.given.acknowledged.iter().filter(counts).map(told).collect()
    }
}

fn parse(bytes: &[u8]) -> Result<(Given, Vec<Patterns>), String> {
    let given: Given = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    given.check()?;
    let compile = |silence: &Silenced| {
        let cluster =
            silence.cluster.as_deref().map(|text| pattern("cluster", text)).transpose()?;
        let connectors = vec![pattern("connector", &silence.connector)?];
        Ok(Patterns { cluster, selector: Selector { connectors, ..Selector::default() } })
    };
    let silences = given.silences.iter().map(compile).collect::<Result<_, String>>()?;
    Ok((given, silences))
}
