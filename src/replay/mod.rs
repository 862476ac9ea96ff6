//! A recorded history run through the policy: what would it have done on our last bad night?
//!
//! In: an answer of Prometheus to a range query, an audit log or a journal ([`Format`]). Each is read
//! into one `Recording` a cluster: who was in which state from when on. `play` shows the policy those
//! states, poll by poll, and notes what it decides; `told` is what is written. A record does not
//! react: what was recorded as FAILED stays FAILED, whatever would have been restarted.

mod audit;
pub mod command;
mod fleet;
mod format;
mod journal;
mod lines;
mod play;
mod prometheus;
mod recording;
mod script;
mod series;
mod spans;
mod table;
mod told;

pub use format::Format;
