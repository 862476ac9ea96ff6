//! File, environment and flags in; one validated [`Settings`] out, before anything is bound.

mod build;
mod example;
mod failure;
mod file;
mod flags;
mod nearest;
mod pattern;
mod secret;
mod settings;
mod watchdog;

pub use build::{ConfigError, build, cluster_names, failure_rules, journal};
pub use example::EXAMPLE;
pub use failure::{FailureClass, FailureRule};
pub(crate) use file::told;
pub use flags::Flags;
pub(crate) use nearest::{did_you_mean, near};
pub(crate) use pattern::{as_written, compile as pattern_of_whole};
pub use secret::Secret;
pub use settings::*;
pub(crate) use watchdog::differing;
pub use watchdog::{
    AuditSettings, AuditTarget, MatchSettings, ProbeSettings, ProbeTarget, RuleSettings, Schedule,
    SilenceSettings, WatchdogMode, WatchdogSettings, Window, is_open, next_change,
};
