//! From polls to what is known: the poll loop, [`snapshot`]s, [`history`], workers.

pub mod history;
pub mod snapshot;
pub mod view;
