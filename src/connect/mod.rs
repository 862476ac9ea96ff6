//! The Kafka Connect REST API: every endpoint, its types, its versions' quirks.

pub mod error;
pub mod model;
