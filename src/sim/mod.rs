//! A simulated Kafka Connect cluster: the REST API over real sockets, a state machine behind it,
//! and faults. The demo, the hermetic tests and the benchmarks run on it.
//!
//! [`SimCluster`] starts and steers it, `model` is the state machine, `routes` answers as the
//! chosen version does, `server` has the sockets and [`Fault`]s.

mod admin;
mod cluster;
pub mod demo;
mod expand;
mod fault;
mod model;
mod routes;
mod server;

pub use cluster::{SimCluster, SimConfig};
pub use fault::Fault;
