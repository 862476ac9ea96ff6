//! File, environment and flags in; one validated [`Settings`] out, before anything is bound.

mod build;
mod example;
mod failure;
mod file;
mod flags;
mod secret;
mod settings;

pub use build::{ConfigError, build, failure_rules};
pub use example::EXAMPLE;
pub use failure::{FailureClass, FailureRule};
pub use flags::Flags;
pub use secret::Secret;
pub use settings::*;
