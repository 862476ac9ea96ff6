//! The policy against a model of a fleet that fails, and beside it the rules of others.
//!
//! A unit is one connector with one task; time goes in steps of 5 s; a restart takes effect in the
//! step in which it is decided. [`Scenario`] says what fails, `fleet` lets it happen, `peers` are the
//! others' rules as they are published, `run` counts.

mod fleet;
mod peers;
mod run;
mod scenario;
mod warden;

pub use run::{Counted, PolicyName, Result, simulate};
pub use scenario::{Cause, Scenario};
