//! What a fleet is and what fails in it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::config::FailureClass;

/// A fleet and its troubles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For the output.
    pub name: String,
    /// How long it is watched.
    #[serde(with = "humantime_text")]
    pub duration: Duration,
    /// Units that nothing happens to.
    #[serde(default)]
    pub healthy: usize,
    /// What fails.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// When workers leave or come: every unit is UNASSIGNED for a while.
    #[serde(default)]
    pub rebalances: Vec<Rebalance>,
}

/// A dependency that goes away, with the units that need it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// How its failures look.
    pub class: FailureClass,
    /// How many units need it.
    pub units: usize,
    /// When it goes.
    #[serde(default, with = "humantime_text")]
    pub down_at: Duration,
    /// For how long, at random from the first to the second; left out: for ever.
    #[serde(default, with = "humantime_range")]
    pub down_for: Option<(Duration, Duration)>,
    /// The units fail at random within this after it went.
    #[serde(default, with = "humantime_text")]
    pub fails_within: Duration,
    /// A unit that is started while it is gone fails after this.
    #[serde(with = "humantime_text")]
    pub fails_after_start: Duration,
}

/// Every unit is UNASSIGNED for a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebalance {
    /// When it begins.
    #[serde(with = "humantime_text")]
    pub at: Duration,
    /// How long it takes.
    #[serde(rename = "for", with = "humantime_text")]
    pub lasts: Duration,
}

/// The scenarios that are built in.
const BUILT_IN: [(&str, &str); 13] = [
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
    ("rebalance-storm", include_str!("scenarios/rebalance-storm.yaml")),
];

impl Scenario {
    /// One that is built in, or one from a YAML file.
    pub fn named(name: &str) -> std::result::Result<Self, String> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(Path::new(name)).map_err(|error| {
                let known = BUILT_IN.map(|(name, _)| name).join(", ");
                format!("{name}: is no scenario ({known}) and cannot be read as a file: {error}")
            })?,
        };
        let scenario: Self = serde_saphyr::from_str(&text).map_err(|error| {
            let message = error.without_snippet().to_string();
            format!("{name}: {}", message.lines().next().unwrap_or_default())
        })?;
        let units =
            scenario.healthy + scenario.causes.iter().map(|cause| cause.units).sum::<usize>();
        if units == 0 || units > 100_000 {
            return Err(format!("{name}: has {units} units; give 1 to 100000"));
        }
        if scenario.duration > Duration::from_secs(366 * 86_400) {
            return Err(format!("{name}: duration: is over a year"));
        }
        if let Some(cause) =
            scenario.causes.iter().find(|cause| cause.down_for.is_some_and(|(a, b)| a > b))
        {
            return Err(format!("{name}: down_for: {:?} is not from less to more", cause.down_for));
        }
        Ok(scenario)
    }
}

mod humantime_text {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_duration(&text).map_err(|error| {
            D::Error::custom(format!("{text:?} is not a duration such as 15s: {error}"))
        })
    }
}

mod humantime_range {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<(Duration, Duration)>, D::Error> {
        let [least, most] = <[String; 2]>::deserialize(from)?;
        let read = |text: &str| humantime::parse_duration(text).map_err(D::Error::custom);
        Ok(Some((read(&least)?, read(&most)?)))
    }
}
