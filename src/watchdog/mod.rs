//! The watchdog: what is stuck in FAILED, and what is done about it.
//!
//! [`policy`] is one pure function; nothing here acts on a cluster.

pub mod policy;
