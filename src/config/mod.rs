//! File, environment and flags in; one validated [`Settings`] out.

mod secret;
mod settings;

pub use secret::Secret;
pub use settings::*;
