//! What a fleet is and what fails in it.

use std::path::Path;
use std::time::Duration;

use crate::config::FailureClass;

use super::read;

/// A fleet and its troubles.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// For the output.
    pub name: String,
    /// How long it is watched; at most a year.
    pub duration: Duration,
    /// Units that nothing happens to.
    pub healthy: usize,
    /// What fails.
    pub causes: Vec<Cause>,
    /// When workers leave or come; they do not overlap.
    pub rebalances: Vec<Rebalance>,
    /// When no worker answers; these do not overlap either.
    pub blind: Vec<Window>,
}

/// A dependency that goes away, with the units that need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// How its failures look.
    pub class: FailureClass,
    /// How many units need it; at least one.
    pub units: usize,
    /// What their names begin with, for rules that select by name.
    pub connectors: String,
    /// Their `connector.class`.
    pub connector_class: String,
    /// When it goes.
    pub down_at: Duration,
    /// For how long, at random from the first to the second; `None`: for ever.
    pub down_for: Option<(Duration, Duration)>,
    /// The units fail at random within this after it went.
    pub fails_within: Duration,
    /// A unit that is started while it is gone fails after this.
    pub fails_after_start: Duration,
    /// Its address, `host:port`, as it stands in its failures; it may be probed.
    pub host: Option<String>,
    /// Whether something takes connections there though it is down, such as a load balancer.
    pub accepts_while_down: bool,
}

/// Units are UNASSIGNED for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebalance {
    /// When.
    pub window: Window,
    /// How many units; `None`: all.
    pub units: Option<usize>,
}

/// A piece of the scenario's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// When it begins.
    pub at: Duration,
    /// How long it takes.
    pub lasts: Duration,
}

impl Window {
    /// Whether this moment is in it.
    pub fn is_open(&self, now: Duration) -> bool {
        (self.at..self.at + self.lasts).contains(&now)
    }
}

/// The scenarios that are built in.
const BUILT_IN: [(&str, &str); 14] = [
    ("poison", include_str!("scenarios/poison.yaml")),
    ("flap", include_str!("scenarios/flap.yaml")),
    ("outage", include_str!("scenarios/outage.yaml")),
    ("outage-5", include_str!("scenarios/outage-5.yaml")),
    ("outage-50", include_str!("scenarios/outage-50.yaml")),
    ("outage-1000", include_str!("scenarios/outage-1000.yaml")),
    ("outage-short", include_str!("scenarios/outage-short.yaml")),
    ("outage-long", include_str!("scenarios/outage-long.yaml")),
    ("trickle", include_str!("scenarios/trickle.yaml")),
    ("two-dependencies", include_str!("scenarios/two-dependencies.yaml")),
    ("mixed", include_str!("scenarios/mixed.yaml")),
    ("rolling-restart", include_str!("scenarios/rolling-restart.yaml")),
    ("worker-crash", include_str!("scenarios/worker-crash.yaml")),
    ("rebalance-storm", include_str!("scenarios/rebalance-storm.yaml")),
];

impl Scenario {
    /// One that is built in, or one from a YAML file. An error says which file, line and why.
    pub fn named(name: &str) -> std::result::Result<Self, String> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(Path::new(name)).map_err(|error| {
                let known = BUILT_IN.map(|(name, _)| name).join(", ");
                format!("{name}: is no scenario ({known}) and cannot be read as a file: {error}")
            })?,
        };
        read::scenario(&text).map_err(|problem| format!("{name}: {problem}"))
    }

    /// How many units there are.
    pub fn units(&self) -> usize {
        self.healthy + self.causes.iter().map(|cause| cause.units).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_can_be_read_and_has_its_own_name() {
        for (name, _) in BUILT_IN {
            assert_eq!(Scenario::named(name).unwrap().name, name);
        }
    }
}
