//! File, environment and flags in; one validated [`Settings`] out, before anything is bound.

mod build;
mod example;
mod file;
mod flags;
mod secret;
mod settings;

pub use build::{ConfigError, build};
pub use example::EXAMPLE;
pub use flags::Flags;
pub use secret::Secret;
pub use settings::*;
