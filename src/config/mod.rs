//! File, environment and flags in; one validated [`Settings`] out, before anything is bound.

mod build;
mod contexts;
mod example;
mod failure;
mod file;
mod flags;
mod nearest;
mod pattern;
mod secret;
mod settings;
mod watchdog;
pub(crate) mod yaml;

pub use build::{
    ConfigError, at_urls, build, cluster_names, failure_rules, journal, one_cluster_of, stop_file,
};
pub use contexts::{Contexts, NewContext};
pub use example::EXAMPLE;
pub use failure::{ErrorCodes, FailureClass, FailureRule, Strength, System};
pub use flags::Flags;
pub(crate) use nearest::{did_you_mean, near};
pub(crate) use pattern::{as_written, compile as pattern_of_whole, oddity};
pub use secret::Secret;
pub use settings::*;
pub(crate) use watchdog::differing;
pub use watchdog::{
    AuditSettings, AuditTarget, MatchSettings, ProbeSettings, ProbeTarget, RuleSettings, Schedule,
    SilenceSettings, WatchdogMode, WatchdogSettings, Window, is_open, next_change,
};
