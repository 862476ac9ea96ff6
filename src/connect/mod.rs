//! The Kafka Connect REST API: every endpoint, its types, its versions' quirks, its errors, name
//! encoding, fail-over between worker URLs.
//!
//! [`ClusterClient`] chooses the worker, [`WorkerClient`] has a method for every call, the answers
//! are in [`model`], what can go wrong in [`error`].

mod answer;
mod cluster;
pub mod error;
mod http;
pub mod masking;
pub mod model;
pub mod name;
pub mod version;
mod worker;

pub use cluster::ClusterClient;
pub use error::{Error, ErrorKind};
pub use http::BuildError;
pub use worker::{HealthAnswer, RestartPlan, WorkerClient};
