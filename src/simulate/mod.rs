//! The policy against a model of a fleet that fails, and beside it the rules of others.
//!
//! A unit is one connector with one task; a restart takes effect at the moment in which it is
//! decided. [`Scenario`] says what fails, `fleet` lets it happen, `peers` are the others' rules as
//! they are published, `warden` is this program's, `run` counts. The published model goes in steps
//! of 10 s: here time jumps from look to look, and the others look at multiples of 10 s, which comes
//! to the same; this program polls as often as it does in real life.

pub mod command;
mod fleet;
mod peers;
mod read;
mod run;
mod scenario;
pub mod settings;
mod warden;

pub use run::{Counted, PolicyName, Result, simulate};
pub use scenario::{Cause, Rebalance, Scenario, Window};
