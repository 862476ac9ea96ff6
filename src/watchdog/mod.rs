//! The watchdog: what is stuck in FAILED, and what is done about it.
//!
//! [`policy`] decides and is pure; [`journal`] makes what is meant durable; the executor does it;
//! [`engine`] has them in turn, after each poll of a cluster.

pub mod audit;
mod clock;
pub mod engine;
mod executor;
pub mod explain;
mod holding;
pub mod journal;
mod keeper;
mod known;
mod log;
mod look;
pub mod office;
pub mod orders;
pub mod policy;
pub mod probe;
pub mod said;
mod tell;
pub mod view;
