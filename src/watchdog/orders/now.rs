//! What is ordered at one moment, ready to be heeded.

use std::path::Path;
use std::sync::Arc;

use regex::Regex;

use super::file::{ACKNOWLEDGED_FOR, ALL_SIZES, Acknowledgement, Given, Silenced, sized_pattern};
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
    silences: Vec<OfClusters>,
}

/// A silence, and where it is for.
#[derive(Clone, Debug)]
struct OfClusters {
    cluster: Option<Regex>,
    silence: Arc<Silence>,
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
    pub fn silences_of(&self, cluster: &str, now: Time) -> Vec<Arc<Silence>> {
        let is_of = |of: &&OfClusters| {
            of.silence.until > now
                && of.cluster.as_ref().is_none_or(|pattern| pattern.is_match(cluster))
        };
        self.silences.iter().filter(is_of).map(|of| Arc::clone(&of.silence)).collect()
    }

    /// Those of a cluster that were given within the last ten minutes, with whose they are and when
    /// they were given: no two have the same time, by which who asks again knows them.
    pub fn acknowledged_of(&self, cluster: &str, now: Time) -> Vec<(Acknowledged, String, Time)> {
        let counts = |order: &&Acknowledgement| {
            order.cluster == cluster && order.at <= now && now - order.at <= ACKNOWLEDGED_FOR
        };
        let told = |order: &Acknowledgement| {
            let whom =
                Acknowledged { connector: order.connector.as_str().into(), task: order.task };
            (whom, clean(&order.by), order.at)
        };
        self.given.acknowledged.iter().filter(counts).map(told).collect()
    }
}

fn parse(bytes: &[u8]) -> Result<(Given, Vec<OfClusters>), String> {
    let given: Given = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    given.check()?;
    let mut size = 0;
    let mut pattern = |key, text: &str| {
        let (pattern, takes) = sized_pattern(key, text)?;
        size += takes;
        if size > ALL_SIZES {
            return Err("the patterns of all silences together take too much memory".to_owned());
        }
        Ok(pattern)
    };
    let compile = |silence: &Silenced| {
        let cluster =
            silence.cluster.as_deref().map(|text| pattern("cluster", text)).transpose()?;
        let connectors = vec![pattern("connector", &silence.connector)?];
        let selector = Selector { connectors, ..Selector::default() };
        let silence = Silence { selector, from: silence.from, until: silence.until };
        Ok(OfClusters { cluster, silence: Arc::new(silence) })
    };
    let silences = given.silences.iter().map(compile).collect::<Result<_, String>>()?;
    Ok((given, silences))
}
