//! The metrics: names, help, labels, rendering. Nothing else knows a metric's name.
//!
//! A [`ClusterView`](crate::observe::view::ClusterView) goes in; it is rendered once, by itself
//! (`cluster`), and its connectors only when they changed. What a scrape gets is put together from
//! those parts at most once for each change and format ([`Exporter`]), in the format that the scrape
//! asks for ([`negotiate`]).

mod chunk;
mod cluster;
mod exporter;
mod exposition;
mod family;
mod misfits;
pub mod negotiate;
mod office;
mod process;
mod states;
mod watchdog;

pub use exporter::{Change, Exporter};
pub use exposition::Exposition;
pub use negotiate::Format;
