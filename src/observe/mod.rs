//! From polls to what is known: in, a cluster's settings and a client; out, a
//! [`view::ClusterView`] after each change.
//!
//! [`watch`] runs the loops, [`poll`] makes a [`snapshot`] of one round of requests, [`workers`]
//! asks for liveness and freshness, [`history`] keeps since when, [`failure`] reads traces, [`progress`] reads offsets.

mod board;
mod build;
pub mod failure;
pub mod history;
mod listing;
mod news;
pub mod poll;
pub mod progress;
pub mod snapshot;
pub mod view;
pub mod watch;
pub mod workers;

pub use failure::{Classifier, Diagnosis};
pub use listing::Selection;
