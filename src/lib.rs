//! connect-warden watches Kafka Connect clusters over their REST API.
//!
//! Data flows one way: a poll of a cluster gives an immutable snapshot; history, metrics and the
//! answers over HTTP are made from it, and nothing reaches back. `ARCHITECTURE.md` has the map.

pub mod check;
pub mod classify;
pub mod cli;
pub mod config;
pub mod connect;
pub mod ctl;
pub mod logging;
pub mod metrics;
pub mod observe;
pub mod order;
pub mod replay;
pub mod run;
mod serve;
pub mod sim;
pub mod simulate;
pub mod tasks;
pub mod watchdog;
pub mod web;
