//! `ctl` on simulated clusters, through the binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod acts;
mod bad;
mod completes;
mod contexts;
mod documented;
mod files;
mod lists;
mod shell;
mod waits;
